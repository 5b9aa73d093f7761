"""What must be true after every run: checked from the files, without the code of songwise."""

import base64
import csv
import json
import re
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from soak.project import MUSIC, Done, Project, copy_inputs

_BUG = "this is a bug of songwise"
_DIGITS = 4
# What differs between equal runs: times, measured costs, identifiers of MLflow, and what names the commit or the time.
_VARYING_FILES = {"costs.csv", "tracking.json", "fit.json", "card.json", "report.html", "README.md"}
_VARYING_LOGGED = {"training_fit_seconds", "logged_at", "project"}
_EXPERIMENT = re.compile(r"#/experiments/\d+")
_VARYING = {"fit_seconds", "stale", "start", "end", "seconds_of_fit"}


def check_success(done: Done) -> None:
    """A run that should succeed did, and says nothing alarming."""
    assert done.code == 0, f"exit status {done.code}:\n{done.output[-4000:]}"
    _check_words(done)


def check_refusal(done: Done, said: str) -> None:
    """A run that should be refused was, in words that name what is wrong."""
    assert done.code != 0, f"the run should have been refused:\n{done.output[-2000:]}"
    _check_words(done)
    assert "songwise: " in done.output, f"no words of songwise:\n{done.output[-3000:]}"
    assert said in done.output, f"'{said}' is not named:\n{done.output[-3000:]}"


def check_nothing_to_do(done: Done) -> None:
    """The same command again has nothing to do."""
    check_success(done)
    assert "Nothing to be done" in done.output, f"the same command again has something to do:\n{done.output[-3000:]}"


def check_results(project: Project) -> None:
    """The tables are about the music and the models that are there now, and agree with each other."""
    results = project.results
    tracks = {row["track_id"]: row for row in read_csv(results / "tracks.csv")}
    if project.dataset == MUSIC:
        there = {path.relative_to(project.music).as_posix(): path for path in project.songs()}
        assert tracks.keys() == there.keys(), f"tracks.csv: {sorted(tracks.keys() ^ there.keys())}"
        for name, path in there.items():
            assert tracks[name]["label"] == path.parent.name, f"tracks.csv: label of {name}"
            assert (tracks[name]["status"] == "ok") == ("broken" not in name), f"tracks.csv: {tracks[name]}"
    good = {name for name, row in tracks.items() if row["status"] == "ok"}
    for name in ("splits.csv", "clips.csv"):
        named = {row["track_id"] for row in read_csv(results / name) if row.get("status", "ok") == "ok"}
        assert named == good, f"{name}: {sorted(named ^ good)}"
    board = {f"{row['model']}@{row['features']}": row for row in read_csv(results / "leaderboard.csv")}
    own = {run for run, row in board.items() if row["this_run"] == "true"}
    assert own == project.listed_runs(), f"leaderboard.csv: {sorted(own)}, not {sorted(project.listed_runs())}"
    songs = {row["song"] for name, row in tracks.items() if name in good}
    for run, row in board.items():
        folder = results / "models" / run
        metrics = json.loads((folder / "metrics.json").read_text())
        for name in ("song_accuracy", "clip_accuracy", "song_log_loss"):
            assert round(metrics[name], _DIGITS) == float(row[name]), (
                f"{run}: {name} of metrics.json and leaderboard.csv"
            )
        for table in folder.glob("*/predictions.csv"):
            if (folder / table.parent.name / "songs.csv").is_file() and table.parent.name in _protocols(results):
                predicted = read_csv(table)
                assert {line["track_id"] for line in predicted} <= good, f"{table}: songs that are gone"
                assert all(line["label"] == tracks[line["track_id"]]["label"] for line in predicted), f"{table}: labels"
        assert int(row["n_songs"]) <= len(songs), f"{run}: {row['n_songs']} of {len(songs)} songs"


def check_no_remains(project: Project, *, full: bool) -> None:
    """Nothing is left over: unfinished files, locks, processes, and after a full run, records of killed jobs."""
    left = [path for name in ("data", "results") for path in (project.folder / name).rglob(".*.unfinished*")]
    left += (project.folder / "data").rglob(".*.part")
    left += (project.folder / ".snakemake/locks").glob("*")
    if full:
        left += _incomplete(project)
    left += project.folder.glob(".mlflow.db.new*")
    assert not left, f"left over: {[str(path.relative_to(project.folder)) for path in left[:5]]}"
    assert not project.processes(), f"processes: {project.processes()}"


def _incomplete(project: Project) -> list[Path]:
    """Snakemake's records of killed jobs. It keeps those of models that are no longer listed until they are again."""
    records = project.folder.glob(".snakemake/incomplete/*")
    outputs = {project.folder / base64.b64decode(record.name).decode() for record in records}
    models = project.results / "models"
    return [
        path
        for path in outputs
        if models not in path.parents or path.relative_to(models).parts[0] in project.listed_runs()
    ]


def check_store(project: Project) -> None:
    """MLflow has exactly one current run per row of the leaderboard, with its figures, and the champion."""
    results = project.results
    board = [f"{row['model']}@{row['features']}" for row in read_csv(results / "leaderboard.csv")]
    params = {run: json.loads((results / "models" / run / "params.json").read_text()) for run in board}
    key_of = {content["run_key"]: run for run, content in params.items()}
    runs = read_store(project)
    unfinished = [number for number, run in runs.items() if run.status != "FINISHED"]
    assert not unfinished, f"MLflow: unfinished runs {unfinished}"
    current = {number: run for number, run in runs.items() if run.is_current}
    keys = sorted(run.tags["run_key"] for run in current.values())
    assert keys == sorted(key_of), f"MLflow: current runs {[key_of.get(key, key) for key in keys]}, not {board}"
    for run in current.values():
        name = key_of[run.tags["run_key"]]
        metrics = json.loads((results / "models" / name / "metrics.json").read_text())
        for key, of in (("song_accuracy", "song_accuracy"), ("votes_clip_accuracy", "clip_accuracy")):
            assert run.metrics[key] == round(metrics[of], _DIGITS), f"MLflow: {key} of {name}: {run.metrics[key]}"
        assert run.metrics["test_n_songs"] == metrics["n_songs"], f"MLflow: songs of {name}"
    key = json.loads((results / "champion/card.json").read_text())["run_key"]
    assert key in key_of, "the champion is no row"
    if project.dataset == MUSIC:
        registered = [runs[number].tags["run_key"] for number in _champions(project)]
        assert registered == [key], "MLflow: the champion's version"


@dataclass(frozen=True)
class Logged:
    """A run in MLflow."""

    status: str
    params: dict[str, str]
    metrics: dict[str, float]
    tags: dict[str, str]

    @property
    def is_current(self) -> bool:
        """Whether it is about what is there now."""
        return self.tags.get("stale") != "true"


def read_store(project: Project) -> dict[str, Logged]:
    """Read the runs of the data set that are not deleted from MLflow's store."""
    with _store(project) as store:
        runs = store.execute(
            "SELECT run_uuid, status FROM runs JOIN experiments USING (experiment_id)"
            " WHERE experiments.name = ? AND runs.lifecycle_stage = 'active'",
            [project.dataset],
        ).fetchall()
        return {
            number: Logged(
                status,
                *(
                    dict(store.execute(f"SELECT key, value FROM {table} WHERE run_uuid = ?", [number]))
                    for table in ("params", "latest_metrics", "tags")
                ),
            )
            for number, status in runs
        }


def _champions(project: Project) -> list[str]:
    with _store(project) as store:
        rows = store.execute(
            "SELECT run_id FROM model_versions JOIN registered_model_aliases USING (name, version)"
            " WHERE name = ? AND alias = 'champion'",
            [project.dataset],
        )
        return [number for (number,) in rows]


def _store(project: Project) -> closing[sqlite3.Connection]:
    return closing(sqlite3.connect(f"file:{project.folder / 'mlflow.db'}?mode=ro", uri=True))


def compare_with_fresh(project: Project, folder: Path, *, full: bool) -> None:
    """Every figure equals that of a fresh run on what the user has now.

    Rows of models that are no longer listed count too: a first run in the fresh folder trains all rows, a second one
    those that are listed.
    """
    board = [f"{row['model']}@{row['features']}" for row in read_csv(project.results / "leaderboard.csv")]
    fresh = copy_inputs(project, folder)
    if set(board) != project.listed_runs():
        fresh.change_config(models=[run.removesuffix("@table") for run in board])
        _run_fresh(fresh, full=False)
        fresh.change_config(models=project.config["models"])
    _run_fresh(fresh, full=full)
    compare_results(project, fresh)
    if full:
        compare_stores(project, fresh)


def compare_results(project: Project, fresh: Project) -> None:
    """Every table, figure and JSON of a fresh run is in the results, and equal."""
    compared = 0
    for path in sorted(fresh.results.rglob("*")):
        name = path.relative_to(fresh.results).as_posix()
        if path.suffix not in (".csv", ".json", ".png") or path.name in _VARYING_FILES or name.startswith("champion"):
            continue
        if project.config["champion"] != "best" and path.name in ("novelty.csv", "similar.csv"):
            continue  # the choice depends on measured costs
        found = project.results / name
        assert found.is_file(), f"a fresh run has {name} as well"
        assert _content(found) == _content(path), f"{name} differs from that of a fresh run in {fresh.folder}"
        compared += 1
    assert compared > 12, f"only {compared} files were compared"


def compare_stores(project: Project, fresh: Project) -> None:
    """Parameters, metrics and tags of the current runs in MLflow are those of a fresh run."""
    ours, theirs = (
        {run.tags["run_key"]: run for run in read_store(one).values() if run.is_current} for one in (project, fresh)
    )
    assert ours.keys() == theirs.keys(), f"MLflow: runs {sorted(ours.keys() ^ theirs.keys())}"
    for key, run in ours.items():
        for kind in ("params", "metrics", "tags"):
            items = [_EXPERIMENT.sub("", json.dumps(getattr(one, kind))) for one in (run, theirs[key])]
            items = [json.loads(text).items() for text in items]
            differing = {name for name, _ in items[0] ^ items[1]} - _VARYING_LOGGED
            assert not differing, f"MLflow: {kind} {sorted(differing)} of {run.tags['mlflow.runName']}"


def _run_fresh(fresh: Project, *, full: bool) -> None:
    done = fresh.run(full=full)
    assert done.code == 0, f"the fresh run failed:\n{done.output[-3000:]}"


def _content(path: Path) -> object:
    if path.suffix == ".png":
        return path.read_bytes()
    if path.suffix == ".csv":
        return [{key: value for key, value in row.items() if key not in _VARYING} for row in read_csv(path)]
    return _without_varying(json.loads(path.read_text()))


def _without_varying(value: object) -> object:
    if isinstance(value, dict):
        return {key: _without_varying(inner) for key, inner in value.items() if key not in _VARYING}
    return [_without_varying(inner) for inner in value] if isinstance(value, list) else value


def _protocols(results: Path) -> set[str]:
    return {row["protocol"] for row in read_csv(results / "leakage.csv")}


def _check_words(done: Done) -> None:
    for word in ("Traceback", _BUG):
        assert word not in done.output, f"'{word}' in what the run printed:\n{done.output[-4000:]}"


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))
