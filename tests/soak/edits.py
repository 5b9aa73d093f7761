"""Random edits: what users do to their music, their configuration and what songwise wrote, and what happens to runs.

An edit is a function of a project and a source of random numbers. It returns what it did in words, or None if it
cannot be done now. It may run the workflow itself, to disturb the run. The soak then runs the command that a user would
repeat.
"""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import numpy as np
from helpers.sound import RATE, write_wav

from soak.invariants import check_refusal, check_success
from soak.project import (
    FEATURES,
    FEWEST,
    MODELS,
    MUSIC,
    PITCHES,
    TABLE,
    Project,
    read_yaml,
    table_rows,
    write_song,
    write_table,
    write_yaml,
)

Edit = Callable[[Project, Random], str | None]
BROKEN = "broken"  # in the names of files that are no music
_DAY = 86_400  # seconds
_PARAMETERS = {
    "majority": [{"strategy": "prior"}, {"strategy": "most_frequent"}],
    "knn": [{"n_neighbors": number} for number in (1, 3, 5)],
    "naive_bayes": [{"var_smoothing": 10.0**number} for number in (-9, -3, -1)],
    "logistic_regression": [{"C": 10.0**number, "max_iter": 1000} for number in (-2, 0, 2)],
}
_FORKED = 0.7  # share of the disturbed runs; the others are processes, as those of users, and take longer
_TABLES = (".csv", ".json", ".parquet")
_FOLDERS = {"bundle", "champion", "usable"}  # of files that are one output together
_STATISTICS = (["mean"], ["mean", "std"], ["std"])


def good_songs(project: Project, label: str | None = None) -> list[Path]:
    return [path for path in project.songs(label) if BROKEN not in path.name]


def _spare(project: Project) -> list[Path]:
    """Songs that a class can lose."""
    songs = [good_songs(project, label) for label in PITCHES]
    return [path for paths in songs if len(paths) > FEWEST for path in paths]


# The music.


def add_song(project: Project, rng: Random) -> str:
    label = rng.choice(list(PITCHES))
    path = project.music / label / f"new {rng.randrange(10**6)}.wav"
    write_song(path, label, rng)
    return f"add {path.relative_to(project.music)}"


def remove_song(project: Project, rng: Random) -> str | None:
    if not (paths := _spare(project)):
        return None
    path = rng.choice(paths)
    path.unlink()
    return f"remove {path.relative_to(project.music)}"


def relabel_song(project: Project, rng: Random) -> str | None:
    if not (paths := _spare(project)):
        return None
    path = rng.choice(paths)
    label = rng.choice([label for label in PITCHES if label != path.parent.name])
    path.rename(project.music / label / path.name)
    return f"move {path.relative_to(project.music)} to {label}"


def rename_song(project: Project, rng: Random) -> str:
    path = rng.choice(good_songs(project))
    new = path.with_name(f"renamed {rng.randrange(10**6)}.wav")
    path.rename(new)
    return f"rename {path.relative_to(project.music)} to {new.name}"


def replace_audio(project: Project, rng: Random) -> str:
    path = rng.choice(good_songs(project))
    write_song(path, path.parent.name, rng)
    return f"other audio in {path.relative_to(project.music)}"


def replace_by_older(project: Project, rng: Random) -> str:
    path = rng.choice(good_songs(project))
    write_song(path, path.parent.name, rng)
    age = rng.randrange(1, 3000) * _DAY
    os.utime(path, (time.time() - age, time.time() - age))
    return f"other audio in {path.relative_to(project.music)}, dated {age // _DAY} days ago"


def break_song(project: Project, rng: Random) -> str | None:
    if not (paths := _spare(project)):
        return None
    path = rng.choice(paths)
    new = path.with_name(f"{BROKEN} {rng.randrange(10**6)}.wav")
    path.rename(new)
    kind = rng.choice(["garbage", "empty", "truncated", "silent"])
    if kind == "garbage":
        new.write_bytes(rng.randbytes(5000))
    elif kind == "empty":
        new.write_bytes(b"")
    elif kind == "truncated":
        os.truncate(new, new.stat().st_size // 2)
    else:
        write_wav(new, np.zeros(5 * RATE))
    return f"{path.relative_to(project.music)} becomes {new.name}: {kind}"


def mend_song(project: Project, rng: Random) -> str | None:
    broken = [path for path in project.songs() if BROKEN in path.name]
    if not broken:
        return None
    path = rng.choice(broken)
    new = path.with_name(f"mended {rng.randrange(10**6)}.wav")
    path.rename(new)
    write_song(new, new.parent.name, rng)
    return f"mend {path.relative_to(project.music)} as {new.name}"


def duplicate_song(project: Project, rng: Random) -> str:
    path = rng.choice(good_songs(project))
    label = rng.choice([path.parent.name] * 3 + list(PITCHES))
    new = project.music / label / f"copy {rng.randrange(10**6)}.wav"
    shutil.copy(path, new)
    return f"copy {path.relative_to(project.music)} to {new.relative_to(project.music)}"


def edit_table(project: Project, rng: Random) -> str:
    """Another row, song, label or number in the table of features."""
    lines = (project.folder / f"my/{TABLE}.csv").read_text().splitlines()
    names = lines[0].split(",")
    rows = [dict(zip(names, line.split(","), strict=True)) for line in lines[1:]]
    counts = {
        label: len({row["filename"].partition(".")[0] for row in rows if row["label"] == label}) for label in PITCHES
    }
    kind = rng.choice(["add", "remove", "number"])
    spare = [row for row in rows if counts[row["label"]] > FEWEST]
    if kind == "remove" and spare:
        song = rng.choice(spare)["filename"].partition(".")[0]
        rows = [row for row in rows if row["filename"].partition(".")[0] != song]
        detail = f"remove {song}"
    elif kind == "number":
        row = rng.choice(rows)
        name = rng.choice(FEATURES)
        row[name] = round(rng.uniform(4, 8), 4)
        detail = f"{name} of {row['filename']}: {row[name]}"
    else:
        label, number = rng.choice(list(PITCHES)), rng.randrange(100, 10**6)
        rows += table_rows(label, number, rng.randrange(100))
        detail = f"add {label}{number}"
    write_table(project.folder, rows)
    return f"table: {detail}"


# The configuration.


def edit_model(project: Project, rng: Random) -> str:
    model = rng.choice(project.config["models"])
    path = project.folder / f"config/models/{model}.yaml"
    content = read_yaml(path)
    parameters = rng.choice([other for other in _PARAMETERS[model] if other != content.get("parameters")])
    write_yaml(path, content | {"parameters": parameters})
    return f"{model}: {parameters}"


def edit_presets_of_model(project: Project, rng: Random) -> str:
    model = rng.choice(project.config["models"])
    path = project.folder / f"config/models/{model}.yaml"
    content = read_yaml(path)
    presets = rng.choice(
        [other for other in (["small"], ["other"], ["small", "other"]) if other != content["features"]]
    )
    write_yaml(path, content | {"features": presets})
    return f"{model}: features {presets}"


def edit_unlisted_model(project: Project, rng: Random) -> str | None:
    """A model of an earlier run, which is not asked for now, and must not be ranked as it was."""
    others = [model for model in MODELS if model not in project.config["models"]]
    if not others:
        return None
    model = rng.choice(others)
    path = project.folder / f"config/models/{model}.yaml"
    content = read_yaml(path)
    parameters = rng.choice([other for other in _PARAMETERS[model] if other != content.get("parameters")])
    write_yaml(path, content | {"parameters": parameters})
    return f"{model}, which is not listed: {parameters}"


def list_model(project: Project, rng: Random) -> str | None:
    models = project.config["models"]
    others = [model for model in MODELS if model not in models]
    if not others or len(models) == 3:
        return None
    model = rng.choice(others)
    project.change_config(models=[*models, model])
    return f"list {model} too"


def unlist_model(project: Project, rng: Random) -> str | None:
    models = project.config["models"]
    if len(models) < 2:
        return None
    model = rng.choice(models)
    project.change_config(models=[other for other in models if other != model])
    return f"no longer list {model}"


def edit_preset(project: Project, rng: Random) -> str:
    path = project.folder / f"config/features/{rng.choice(['small', 'other'])}.yaml"
    content = read_yaml(path)
    families = content["families"]
    old = families["rms"]["statistics"]
    families["rms"]["statistics"] = rng.choice([other for other in _STATISTICS if other != old])
    write_yaml(path, content)
    return f"{path.name}: rms {families['rms']['statistics']}"


def edit_title(project: Project, rng: Random) -> str:
    path = project.folder / f"my/{project.dataset}.yaml"
    title = f"Title {rng.randrange(100)}"
    write_yaml(path, read_yaml(path) | {"title": title})
    return f"{path.name}: title {title}"


def change_seed(project: Project, rng: Random) -> str:
    seed = rng.choice([seed for seed in range(3) if seed != project.config["seed"]])
    project.change_config(seed=seed)
    return f"seed {seed}"


def change_split(project: Project, rng: Random) -> str:
    path = project.folder / f"my/{project.dataset}.yaml"
    content = read_yaml(path)
    key, values = rng.choice([("folds", (2, 3)), ("repeats", (1, 2))])
    value = next(value for value in values if value != content["split"][key])
    write_yaml(path, content | {"split": content["split"] | {key: value}})
    return f"{path.name}: {key} {value}"


def change_clip(project: Project, rng: Random) -> str:
    path = project.folder / f"my/{MUSIC}.yaml"
    content = read_yaml(path)
    seconds = rng.choice([value for value in (1.5, 2, 2.5) if value != content["clip"]["seconds"]])
    write_yaml(path, content | {"clip": {"seconds": seconds}})
    return f"clips of {seconds} s"


def change_audit(project: Project, rng: Random) -> str:
    audit = [] if project.config["audit"] else ["random-clips"]
    project.change_config(audit=audit)
    return f"audit {audit}"


def change_champion(project: Project, rng: Random) -> str:
    setting = "best" if project.config["champion"] != "best" else "cheapest-tied"
    project.change_config(champion=setting)
    return f"champion: {setting}"


def switch_dataset(project: Project, rng: Random) -> str:
    name = TABLE if project.dataset == MUSIC else MUSIC
    project.change_config(dataset=f"my/{name}.yaml")
    return f"data set {name}"


def nothing(project: Project, rng: Random) -> str:
    return "no edit"


# Mistakes: the run must refuse them in words.


def _refused(project: Project, said: str, undo: Callable[[], object]) -> None:
    done = project.run()
    undo()
    check_refusal(done, said)


def too_few_songs(project: Project, rng: Random) -> str | None:
    if project.dataset != MUSIC:
        return None
    label = rng.choice(list(PITCHES))
    aside = project.work / "aside"
    aside.mkdir()
    paths = project.songs(label)
    for path in paths[1:]:
        shutil.move(path, aside / path.name)

    def undo() -> None:
        for path in paths[1:]:
            shutil.move(aside / path.name, path)
        aside.rmdir()

    _refused(project, label, undo)
    return f"one song of {label} is left for one run"


def misspelled_key(project: Project, rng: Random) -> str:
    name = rng.choice(
        [f"my/{project.dataset}.yaml", "config/config.yaml", f"config/models/{project.config['models'][0]}.yaml"]
    )
    path = project.folder / name
    content, status = path.read_bytes(), path.stat()
    path.write_bytes(content + b"\nsedd: 1\n")

    def undo() -> None:
        path.write_bytes(content)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))

    _refused(project, "sedd", undo)
    return f"a misspelled key in {name} for one run"


def unreadable_yaml(project: Project, rng: Random) -> str:
    path = project.folder / f"my/{project.dataset}.yaml"
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2] + b"\n\t: [")
    _refused(project, path.name, lambda: path.write_bytes(content))
    return f"{path.name} is no YAML for one run"


# Accidents while a run goes on. Each is preceded by an edit, so that there is something to do.


def _edit_before(project: Project, rng: Random) -> str:
    edits = MUSIC_EDITS + CONFIG_EDITS if project.dataset == MUSIC else [edit_table, *CONFIG_EDITS]
    while not (detail := rng.choice(edits)(project, rng)):
        pass
    return detail


def _disturbed(project: Project, rng: Random, what: str, disturb: Callable) -> str:
    detail, share, moment = _edit_before(project, rng), rng.random(), rng.random()
    running = project.start(full=rng.random() < 0.5, forked=project.forked and rng.random() < _FORKED)
    alive = running.wait_for_share(share, moment)
    if alive:
        disturb(running)
    done = running.end()
    assert not project.processes(), f"jobs outlive their run: {project.processes()}"
    assert "Traceback" not in done.output, f"after {what}, a traceback:\n{done.output[-3000:]}"
    if not alive:
        what += " (too late: the run was over)"
    return f"{detail}; {what} at {share:.0%} of its jobs"


def kill_run(project: Project, rng: Random) -> str:
    return _disturbed(project, rng, "kill -9 of the run", lambda running: running.send(signal.SIGKILL, whole=False))


def kill_session(project: Project, rng: Random) -> str:
    return _disturbed(
        project, rng, "kill -9 of all processes", lambda running: running.send(signal.SIGKILL, whole=True)
    )


def terminate(project: Project, rng: Random) -> str:
    return _disturbed(project, rng, "SIGTERM", lambda running: running.send(signal.SIGTERM, whole=False))


def kill_job(project: Project, rng: Random) -> str:
    def disturb(running) -> None:
        if jobs := running.jobs():
            os.kill(rng.choice(jobs), signal.SIGKILL)

    return _disturbed(project, rng, "kill -9 of a job", disturb)


def interrupt(project: Project, rng: Random) -> str:
    detail, share, moment = _edit_before(project, rng), rng.random(), rng.random()
    running = project.start(full=rng.random() < 0.5)
    if running.wait_for_share(share, moment):
        running.send(signal.SIGINT, whole=True)  # as the terminal does
    running.end()  # Python's own traceback cannot be avoided in a job that is just starting
    assert not project.processes(), f"jobs outlive their run: {project.processes()}"
    return f"{detail}; Ctrl-C at {share:.0%} of its jobs"


def fill_disk(project: Project, rng: Random) -> str | None:
    if project.disk is None:
        return None
    filler = project.disk / "filler"

    def disturb(running) -> None:
        with filler.open("wb", buffering=0) as stream:
            try:
                while True:
                    stream.write(bytes(1 << 16))
            except OSError:
                pass

    try:
        return _disturbed(project, rng, "full disk", disturb)
    finally:
        filler.unlink(missing_ok=True)


def read_only_disk(project: Project, rng: Random) -> str | None:
    if project.disk is None:
        return None
    detail = _edit_before(project, rng)
    _remount(project.disk, "ro")
    try:
        done = project.run()
    finally:
        _remount(project.disk, "rw")
    check_refusal(done, "")
    return f"{detail}; the disk is read-only for one run"


def second_run(project: Project, rng: Random) -> str:
    detail = _edit_before(project, rng)
    running = project.start()
    other = Project(project.folder, project.work / "other", forked=False)
    other.work.mkdir(exist_ok=True)
    if running.wait_for_steps(1, 0) and running.jobs():
        done = other.run()
        refused = done.code != 0 and "another run is active" in done.output
        came_after = done.code == 0 and "Nothing to be done" in done.output
        assert refused or came_after, done.output[-2000:]
    running.end()
    return f"{detail}; a second run at the same time"


# What happens to files between runs.


def move_folder(project: Project, rng: Random) -> str:
    new = project.folder.with_name(f"project {rng.randrange(1000)}")
    project.folder.rename(new)
    project.folder = new
    return f"the folder moves to '{new.name}'"


def other_clock(project: Project, rng: Random) -> str | None:
    """A run whose clock is wrong. The times of the files that it writes are right, as on a server's disk, or wrong."""
    if not shutil.which("faketime"):
        return None
    detail, hours, own_times, begin = (
        _edit_before(project, rng),
        rng.choice([-30, -2, 2, 30]),
        rng.random() < 0.5,
        time.time(),
    )
    done = project.start_with_clock(hours, full=rng.random() < 0.5).end()
    check_success(done)
    assert "Error" not in done.output, f"an error, but no failure:\n{done.output[-3000:]}"
    if own_times:
        _shift([path for path in _outputs(project) if path.lstat().st_mtime >= begin], hours * 3600)
    return f"{detail}; a run with a clock at {hours:+} h{', and its files too' if own_times else ''}"


def inputs_of_tomorrow(project: Project, rng: Random) -> str:
    paths = [path for path in (project.folder / "my").rglob("*") if path.is_file() and rng.random() < 0.4]
    _shift(paths, _DAY)
    return f"{len(paths)} files of the data sets are dated a day ahead"


def outputs_of_tomorrow(project: Project, rng: Random) -> str:
    """What a run leaves if the clock was fast, and was corrected after it."""
    _shift(_outputs(project), rng.randrange(1, 48) * 3600)
    return f"the clock was fast until now; {_edit_before(project, rng)}"


def outputs_of_yesterday(project: Project, rng: Random) -> str:
    _shift(_outputs(project), -rng.randrange(1, 48) * 3600)
    return f"the clock was slow until now; {_edit_before(project, rng)}"


def touch_outputs(project: Project, rng: Random) -> str:
    paths = [path for path in _outputs(project) if path.is_file() and rng.random() < 0.2]
    for path in sorted(paths):
        os.utime(path)
    return f"{len(paths)} outputs are touched"


def delete_output(project: Project, rng: Random) -> str | None:
    if not (paths := _tables(project)):
        return None
    path = rng.choice(paths)
    path.unlink()
    done = project.run(full=True)
    check_success(done)
    runs, folder = project.listed_runs(), path.parent
    if project.results in path.parents and (folder == project.results or {folder.name, folder.parent.name} & runs):
        assert path.is_file(), f"{path.relative_to(project.folder)} was deleted and is not made again"
    return f"delete {path.relative_to(project.folder)}"


def truncate_output(project: Project, rng: Random) -> str | None:
    """A damaged output. A run may name it and say what to do, which a user then does, or not read it at all."""
    paths = [path for path in _tables(project) if path.suffix in _TABLES and path.stat().st_size > 2]
    if not paths:
        return None
    path = rng.choice(paths)
    name, content, status = path.relative_to(project.folder), path.read_bytes(), path.stat()
    size = rng.randrange(1, len(content) - 1)
    os.truncate(path, size)
    done = project.run(full=True)
    what = "made again"
    if done.code:
        check_refusal(done, path.name)
        assert "elete" in done.output, f"no remedy for a truncated {name}:\n{done.output[-2000:]}"
        path.unlink(missing_ok=True)
        check_success(project.run(full=True))
        what = "named and deleted"
    elif path.is_file() and path.stat().st_size == size:
        path.write_bytes(content)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
        what = "not read and restored"
    return f"truncate {name} to {size} bytes: {what}"


def delete_results(project: Project, rng: Random) -> str:
    shutil.rmtree(project.results, ignore_errors=True)
    return "delete the results"


def delete_data(project: Project, rng: Random) -> str:
    name = rng.choice(["features", "clips", "raw", "rows", "splits"])
    shutil.rmtree(project.folder / "data" / name / project.dataset, ignore_errors=True)
    return f"delete data/{name}/{project.dataset}"


def delete_records(project: Project, rng: Random) -> str:
    shutil.rmtree(project.folder / ".snakemake", ignore_errors=True)
    return f"delete .snakemake; {_edit_before(project, rng)}"


def delete_store(project: Project, rng: Random) -> str:
    (project.folder / "mlflow.db").unlink(missing_ok=True)
    return "delete mlflow.db"


def delete_artifacts(project: Project, rng: Random) -> str:
    shutil.rmtree(project.folder / "mlruns", ignore_errors=True)
    return "delete mlruns"


def delete_cache(project: Project, rng: Random) -> str:
    name = rng.choice(["parameters", "estimators"])
    shutil.rmtree(project.work / "cache/songwise" / name, ignore_errors=True)
    return f"delete {name} in the user's cache"


def _outputs(project: Project) -> list[Path]:
    names = ("data", "results", "logs", ".snakemake")
    return [path for name in names for path in (project.folder / name).rglob("*")]


def _tables(project: Project) -> list[Path]:
    """Files that rules wrote about the data set, except those within a folder that is one output."""
    folders = [project.results, *(project.folder / "data" / name / project.dataset for name in ("clips", "features"))]
    suffixes = {*_TABLES, ".png", ".html"}
    found = {path for folder in folders for path in folder.rglob("*") if path.suffix in suffixes and path.is_file()}
    return sorted(path for path in found if not _FOLDERS & set(path.parts))


def _shift(paths: list[Path], seconds: float) -> None:
    for path in paths:
        status = path.lstat()
        times = [nanoseconds + round(seconds * 10**9) for nanoseconds in (status.st_atime_ns, status.st_mtime_ns)]
        os.utime(path, ns=tuple(times), follow_symlinks=False)


def _remount(disk: Path, mode: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{mode}", str(disk)], check=True)


MUSIC_EDITS = [
    *(add_song, remove_song, relabel_song, rename_song, replace_audio, replace_by_older),
    *(break_song, mend_song, duplicate_song),
]
CONFIG_EDITS = [
    *(edit_model, edit_presets_of_model, list_model, unlist_model, edit_preset, change_seed, change_split),
    change_audit,
]
OTHER_EDITS = [edit_unlisted_model, edit_title, change_clip, change_champion, switch_dataset, nothing]
MISTAKES = [too_few_songs, misspelled_key, unreadable_yaml]
ACCIDENTS = [kill_run, kill_session, kill_job, terminate, interrupt, fill_disk, read_only_disk, second_run]
FILES = [
    *(move_folder, other_clock, inputs_of_tomorrow, outputs_of_tomorrow, outputs_of_yesterday, touch_outputs),
    *(delete_output, truncate_output, delete_results, delete_data, delete_records),
    *(delete_store, delete_artifacts, delete_cache),
]
GROUPS = [(MUSIC_EDITS, 8), (CONFIG_EDITS, 7), (OTHER_EDITS, 4), (MISTAKES, 1), (ACCIDENTS, 7), (FILES, 8)]


def draw(project: Project, rng: Random) -> tuple[Edit, str]:
    """Make a random edit that can be made now, and return it with what it did."""
    while True:
        (group,) = rng.choices([group for group, _ in GROUPS], [weight for _, weight in GROUPS])
        edit = rng.choice(group)
        if project.dataset == TABLE and group is MUSIC_EDITS:
            edit = edit_table
        try:
            detail = edit(project, rng)
        except Exception as error:
            raise AssertionError(f"{edit.__name__}: {error}") from error
        if detail:
            return edit, detail
