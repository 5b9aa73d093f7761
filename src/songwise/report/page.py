"""Stage 8, report: one self-contained page from the tables of results/DATASET."""

import base64
import hashlib
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from songwise.files import read_json, read_rows, write_text
from songwise.report import charts
from songwise.report.board import compared, fusions, ranked, title_of
from songwise.report.headline import doubt, expectation, four_numbers
from songwise.report.matrices import LARGEST_TABLE, embedded, read_classes, read_matrix
from songwise.report.provenance import provenance
from songwise.report.songs import Song, read_mistakes, songs_by_id, songs_per_class
from songwise.report.summary import read_summary, share_of

_MOST_ROWS = 100  # rows of a table about tracks; the CSV has all
_MOST_MISTAKES = 50


def render_report(
    *,
    templates: Path,
    folder: Path,
    protocols: list[str],
    recipe: dict | None,
    titles: Mapping[str, Sequence[str]],
    command: str,
    portraits: Path | None,
    output: Path,
) -> None:
    """Fill the page's templates; the page needs no other file and no network.

    Each section is a template that page.html includes. It reads results/DATASET by `rows("NAME.csv")` and
    `facts("NAME.json")`, which are empty if the file is missing.

    Parameters
    ----------
    templates : Path
        Folder of page.html and its sections, Jinja2 templates for HTML, and of the page's style sheet and scripts.
        Every value is escaped.
    folder : Path
        Folder results/DATASET.
    protocols : list of str
        The honest one first.
    recipe : dict or None
        Key `recipe` of config.
    titles : mapping of str to sequence of str
        For each MODEL@PRESET the title of its model and of its preset, which may be empty.
    command : str
        What makes the results again.
    portraits : Path or None
        Folder that `draw_tracks` wrote; None shows no portraits.
    output : Path
        Page to write.
    """
    summary = read_summary(folder)
    tracks, duplicates = read_rows(folder / "tracks.csv"), read_rows(folder / "duplicates.csv")
    models = ranked(read_rows(folder / "leaderboard.csv"), titles)
    runs, names = [model.run for model in models], songs_by_id(tracks)
    words = {
        model.run: {"title": model.title, "place": model.place, "song_accuracy": str(model.song)}
        | {"clip_accuracy": str(model.clip)}
        for model in models
    }
    environment = _environment(templates, folder)
    scripts = [path.read_text(encoding="utf-8") for path in sorted(templates.glob("*.js"))]
    text = environment.get_template("page.html").render(
        summary=summary,
        numbers=four_numbers(summary),
        expectation=expectation(summary),
        doubt=doubt(summary),
        headline=read_json(folder / "headline.json"),
        recipe=recipe,
        dataset=folder.name,
        label=summary.label,
        best=summary.best,
        models=models,
        titles={run: title_of(both) for run, both in titles.items()},
        leakage=compared(read_rows(folder / "leakage.csv"), protocols),
        audited=protocols[1:],
        honest=protocols[0],
        matrix=read_matrix(folder, summary.best, "song"),
        largest_table=LARGEST_TABLE,
        classes=read_classes(folder, summary.best)["song"],
        matrices=embedded(folder, runs, protocols[0], label=summary.label, names=names, words=words),
        mistakes=read_mistakes(folder, summary.best, protocols[0]),
        most_mistakes=_MOST_MISTAKES,
        names=names,
        unnamed=Song("", ""),
        songs=songs_per_class(tracks, duplicates),
        tracks=len(tracks),
        left_out=[row for row in tracks if row["status"] != "ok"],
        duplicates=duplicates,
        most_rows=_MOST_ROWS,
        fusions=list(fusions(folder, runs, protocols[0])),
        portraits=_portraits(portraits),
        provenance=provenance(folder, summary.best),
        command=command,
        style=Markup((templates / "page.css").read_text(encoding="utf-8")),
        scripts=[Markup(script) for script in scripts],
        script_hashes=[_content_hash(script) for script in scripts],
    )
    write_text(output, text)


def _environment(templates: Path, folder: Path) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(templates),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {"separators": (",", ":"), "ensure_ascii": False}
    environment.filters["figure"] = lambda value: f"{float(value):.2f}"
    environment.filters["percent"] = lambda value: f"{100 * float(value):.0f} %"
    environment.filters["points"] = lambda value: f"{round(100 * float(value)):+d}"
    environment.filters["breakable"] = _breakable
    environment.filters["count"] = lambda number: f"{number:,}"
    environment.globals["share"] = share_of
    environment.globals["charts"] = charts
    environment.globals["exists"] = lambda name: (folder / name).exists()
    environment.globals["rows"] = lambda name: read_rows(folder / name) if (folder / name).is_file() else []
    environment.globals["facts"] = lambda name: read_json(folder / name) if (folder / name).is_file() else {}
    return environment


def _breakable(run: str) -> Markup:
    """Return MODEL@PRESET with places at which a line may end."""
    return escape(run).replace("@", Markup("@<wbr>")).replace("_", Markup("_<wbr>"))


def _content_hash(script: str) -> str:
    """Return what the page's content security policy calls a script that it may run."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _portraits(folder: Path | None) -> list[dict]:
    if folder is None:
        return []
    return [row | _picture(folder / row["file"]) for row in read_json(folder / "index.json")]


def _picture(path: Path) -> dict:
    content = path.read_bytes()
    width, height = struct.unpack(">II", content[16:24])  # of a PNG's first chunk
    return {
        "picture": "data:image/png;base64," + base64.b64encode(content).decode(),
        "width": width,
        "height": height,
    }
