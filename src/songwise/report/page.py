"""Stage 8, report: one self-contained page from the tables of results/DATASET."""

import base64
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from songwise.files import read_json, read_rows, write_text
from songwise.paths import confusion_picture, protocol_folder, run_of
from songwise.report.headline import expectation
from songwise.report.summary import read_summary


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
    """Fill the page's templates; the page needs no other file and no network.

    Each section is a template that page.html includes. It reads results/DATASET by `rows("NAME.csv")`,
    `facts("NAME.json")` and `picture("NAME.png")`, which are empty if the file is missing.

    Parameters
    ----------
    templates : Path
        Folder of page.html and its sections, Jinja2 templates for HTML. Every value is escaped.
    folder : Path
        Folder results/DATASET.
    protocols : list of str
        The honest one first.
    title : str
        Title of the data set.
    label : str
        What its classes are.
    recipe : dict or None
        Key `recipe` of config.
    portraits : Path or None
        Folder that `draw_tracks` wrote; None shows no portraits.
    output : Path
        Page to write.
    """
    tracks = read_rows(folder / "tracks.csv")
    leaderboard = read_rows(folder / "leaderboard.csv")
    facts = read_json(folder / "headline.json")
    text = (
        _environment(templates, folder)
        .get_template("page.html")
        .render(
            title=title,
            label=label,
            recipe=recipe,
            dataset=folder.name,
            headline=facts,
            expectation=expectation(read_summary(folder)),
            leaderboard=leaderboard,
            leakage=_pairs(read_rows(folder / "leakage.csv"), protocols),
            audited=protocols[1:],
            honest=protocols[0],
            songs=_per_class(tracks),
            good=sum(row["status"] == "ok" for row in tracks),
            tracks=len(tracks),
            left_out=[row for row in tracks if row["status"] != "ok"],
            duplicates=read_rows(folder / "duplicates.csv"),
            confusions=[_confusions(folder, str(run_of(row))) for row in leaderboard],
            bars=_bars(leaderboard),
            fusions=list(_fusions(folder, leaderboard, protocols[0])),
            portraits=_portraits(portraits),
        )
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
    environment.filters["figure"] = lambda value: f"{float(value):.2f}"
    environment.filters["points"] = lambda value: f"{100 * float(value):+.0f}"
    environment.globals["rows"] = lambda name: read_rows(folder / name) if (folder / name).is_file() else []
    environment.globals["facts"] = lambda name: read_json(folder / name) if (folder / name).is_file() else {}
    environment.globals["picture"] = lambda name: _picture(folder / name) if (folder / name).is_file() else ""
    return environment


def _pairs(rows: list[dict], protocols: list[str]) -> list[dict]:
    by_run: dict[tuple, dict] = {}
    for row in rows:
        by_run.setdefault((row["model"], row["features"]), {})[row["protocol"]] = row
    return [
        {
            "model": model,
            "features": features,
            "honest": by_protocol[protocols[0]],
            "audited": [by_protocol[protocol] for protocol in protocols[1:]],
        }
        for (model, features), by_protocol in by_run.items()
    ]


def _fusions(folder: Path, leaderboard: list[dict], protocol: str) -> Iterator[dict]:
    """Yield, for each fusion, its members and their weights: the mean over folds, the smallest and the largest."""
    for run in map(run_of, leaderboard):
        path = protocol_folder(folder, run, protocol) / "weights.csv"
        if not path.is_file():
            continue
        weights: dict[str, list[float]] = {}
        for row in read_rows(path):
            weights.setdefault(row["member"], []).append(float(row["weight"]))
        members = [
            {"name": name, "mean": fmean(values), "low": min(values), "high": max(values)}
            for name, values in weights.items()
        ]
        yield {"run": str(run), "members": sorted(members, key=lambda member: -member["mean"])}


def _per_class(tracks: list[dict]) -> list[tuple[str, int]]:
    songs = {(row["label"], row["song"]) for row in tracks if row["status"] == "ok"}
    return sorted(Counter(label for label, _ in songs).items())


def _confusions(folder: Path, run: str) -> dict[str, str]:
    pictures = {level: _picture(confusion_picture(folder, run, level)) for level in ("clip", "song")}
    return pictures | {"run": run}


def _portraits(folder: Path | None) -> list[dict]:
    if folder is None:
        return []
    return [row | {"picture": _picture(folder / row["file"])} for row in read_json(folder / "index.json")]


def _picture(path: Path) -> str:
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode()


def _bars(leaderboard: list[dict]) -> list[dict]:
    """Return each model's song accuracy and interval in per cent of the plot's width, and whether it ties the best."""
    return [
        {
            "name": str(run_of(row)),
            "at": 100 * float(row["song_accuracy"]),
            "low": 100 * float(row["song_accuracy_low"]),
            "high": 100 * float(row["song_accuracy_high"]),
            "tied": row["tied"] == "true",
        }
        for row in leaderboard
    ]
