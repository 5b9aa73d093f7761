"""Stage 8, report: one self-contained page from the tables of results/DATASET."""

import base64
from collections import Counter
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from songwise.files import read_json, read_rows, write_text


def render_report(
    *,
    templates: Path,
    folder: Path,
    protocols: list[str],
    title: str,
    label: str,
    recipe: dict | None,
    portraits: Path | None,
    output: Path,
) -> None:
    """Fill the page's templates; what it shows needs no other file and no network.

    A section is a template of its own, included by page.html, and takes what it shows from results/DATASET by
    `rows("NAME.csv")`, `facts("NAME.json")` and `picture("NAME.png")`; a table that is not there is empty.

    Parameters
    ----------
    templates : folder of page.html and its sections, Jinja2 HTML; every value is escaped.
    folder : results/DATASET.
    protocols : the honest one first.
    title, label : of the data set, and what its classes are.
    recipe : config's, or None if this run is no published system's.
    portraits : the folder that `draw_tracks` wrote, or None to show none.
    output : the page to write.
    """
    tracks = read_rows(folder / "tracks.csv")
    leaderboard = read_rows(folder / "leaderboard.csv")
    ranked = [f"{row['model']}@{row['features']}" for row in leaderboard]
    page = Environment(
        loader=FileSystemLoader(templates),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page.filters["figure"] = lambda value: f"{float(value):.2f}"
    page.filters["points"] = lambda value: f"{100 * float(value):+.0f}"
    page.globals["rows"] = lambda name: read_rows(folder / name) if (folder / name).is_file() else []
    page.globals["facts"] = lambda name: read_json(folder / name) if (folder / name).is_file() else {}
    page.globals["picture"] = lambda name: _picture(folder / name) if (folder / name).is_file() else ""
    text = page.get_template("page.html").render(
        title=title,
        label=label,
        recipe=recipe,
        dataset=folder.name,
        headline=read_json(folder / "headline.json"),
        leaderboard=leaderboard,
        leakage=_pairs(read_rows(folder / "leakage.csv"), protocols),
        audited=protocols[1:],
        honest=protocols[0],
        songs=_per_class(tracks),
        good=sum(row["status"] == "ok" for row in tracks),
        tracks=len(tracks),
        left_out=[row for row in tracks if row["status"] != "ok"],
        duplicates=read_rows(folder / "duplicates.csv"),
        confusions=[
            {level: _picture(folder / "models" / run / f"confusion_{level}.png") for level in ("clip", "song")}
            | {"run": run}
            for run in ranked
        ],
        bars=_bars(leaderboard),
        portraits=_portraits(portraits),
    )
    write_text(output, text)


def _pairs(rows: list[dict], protocols: list[str]) -> list[dict]:
    by_run: dict[tuple, dict] = {}
    for row in rows:
        by_run.setdefault((row["model"], row["features"]), {})[row["protocol"]] = row
    return [
        {
            "model": model,
            "features": features,
            "honest": found[protocols[0]],
            "audited": [found[p] for p in protocols[1:]],
        }
        for (model, features), found in by_run.items()
    ]


def _per_class(tracks: list[dict]) -> list[tuple[str, int]]:
    songs = {(row["label"], row["song"]) for row in tracks if row["status"] == "ok"}
    return sorted(Counter(label for label, _ in songs).items())


def _portraits(folder: Path | None) -> list[dict]:
    if folder is None:
        return []
    return [row | {"picture": _picture(folder / row["file"])} for row in read_json(folder / "index.json")]


def _picture(path: Path) -> str:
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode()


def _bars(leaderboard: list[dict]) -> list[dict]:
    """Positions, in per cent of the plot's width, of each model's song accuracy and its interval, and
    whether it is within noise of the best."""
    return [
        {
            "name": f"{row['model']}@{row['features']}",
            "at": 100 * float(row["song_accuracy"]),
            "low": 100 * float(row["song_accuracy_low"]),
            "high": 100 * float(row["song_accuracy_high"]),
            "tied": row["tied"] == "true",
        }
        for row in leaderboard
    ]
