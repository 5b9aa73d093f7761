"""What of a data set can be handed on, and what of one that came can be used as it is.

DVC restores neither the times of files nor what Snakemake knows of how they were made. What came is therefore compared
with what this code, config and data set file would make; Snakemake records what is equal as done, and finds the rest
out of date. Tables of clips and features travel with a record of what made them (shared.json).
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath

from songwise.acquire.attribution import unlicensed, write_attribution
from songwise.datasets.shards import content_digest
from songwise.datasets.track import Track
from songwise.errors import InputError, raise_all
from songwise.features.preset_files import load_preset
from songwise.features.presets import preset_key
from songwise.files import digest, file_digest, read_json, write_json
from songwise.runtime.provenance import code_of

_LONG_AGO = (1, 1)  # times of a file that Snakemake is to make anew, since its input is newer
_RECORDED = ("clips", "features", "tracks", "presets")
Shards = Mapping[int, list[Track]]


def check_whole(words: str, name: str, shards: Shards) -> None:
    """Raise InputError if data/raw/NAME is not all that a run leaves of these tracks.

    Parameters
    ----------
    words : how the data set is named on the command line.
    name : its name.
    shards : its tracks (`sheet.deal`).
    """
    folder = _raw(name)
    run = f"run snakemake --cores all --config dataset={words}"
    if not any(_state(name, shard).is_file() for shard in shards):
        raise InputError(f"{folder}: there is nothing to share yet; {run}")
    files = [path for shard in shards for path, _ in (_good_files(name, shard) or {}).values()]
    if elsewhere := [path for path in files if not _is_below(path, folder)]:
        raise InputError(
            f"{folder}: {len(elsewhere)} of the files of {name} lie elsewhere, such as {elsewhere[0]}, and only this "
            "folder is shared; songwise init FOLDER --copy makes a data set with a copy of the files in there"
        )
    problems = []
    for shard, tracks in shards.items():
        found = list(_misfits(name, shard, tracks)) or list(_changed(name, shard))
        problems += [f"{problem}; {run}" for problem in found]
    for part in sorted(folder.rglob("*.part")):
        problems.append(f"{part.name} is what a download that was cut off has left; {run}, or delete it")
    raise_all(folder, problems)


def write_record(words: str, dataset: Mapping, shards: Shards) -> None:
    """Write beside the tables of features what made them.

    Raises
    ------
    InputError : there are none, or Snakemake would make some of them, or of the clips' tables, anew.
    """
    name = dataset["name"]
    presets = _presets(name, shards)
    run = f"run snakemake --cores all --config dataset={words} first"
    if not presets:
        raise InputError(f"data/features/{name}: holds no features of a preset in config/features; {run}")
    targets = [*_clip_tables(name, shards), *_tables(name, shards, presets)]
    if "Nothing to be done" not in _snakemake("--dry-run", *_plan(words, presets, targets)):
        raise InputError(f"data/features/{name}: is not what the data, the config and the code give now; {run}")
    write_json(_record(name), _made_by(dataset, shards) | {"presets": presets})


def write_credits(dataset: Mapping, shards: Shards, say: Callable[[str], None]) -> None:
    """Write who made the music, so that it travels along, and tell of tracks without a known licence.

    Parameters
    ----------
    dataset : the data set file's content.
    shards : its tracks, all of whose states are there (`check_whole`).
    say : is given a line if there are such tracks.
    """
    name = dataset["name"]
    tracks = [track for of_shard in shards.values() for track in of_shard]
    states = {key: row for shard in shards for key, row in read_json(_state(name, shard))["tracks"].items()}
    write_attribution(tracks, dataset, states, attribution_path(name))
    if unknown := unlicensed(tracks, dataset, states):
        say(
            f"{name}: no licence is known of {len(unknown)} of its tracks, such as {unknown[0].track_id}; keep the "
            f"remote to those who may have them ({attribution_path(name)})"
        )


def attribution_path(name: str) -> Path:
    """Where the page lies that says who made the music."""
    return _raw(name) / "ATTRIBUTION.md"


def settle(
    words: str, dataset: Mapping, shards: Shards, *, features: bool, came: set[Path], say: Callable[[str], None]
) -> None:
    """Have Snakemake record what came as done, and find out of date what would be made otherwise here.

    What did not come keeps its times, so that nothing that follows from it is made anew.

    Parameters
    ----------
    words : how the data set is named on the command line.
    dataset : the data set file's content, with config's `clip` in it.
    shards : its tracks.
    features : whether tables of clips and features are shared too.
    came : the files that are new here.
    say : is given a line for each reason to make something anew, and one for what is at hand.
    """
    name = dataset["name"]
    fit = {shard: tracks for shard, tracks in shards.items() if not _is_unfit(name, shard, tracks, say)}
    clips, tables = _usable(dataset, fit, say) if features else ([], [])
    for path in came - {*clips, *tables}:
        if path.parts[1] != "raw":
            os.utime(path, _LONG_AGO)
    raw = [_raw(name) / "archives.json", *(_state(name, shard) for shard in fit)]
    raw += [attribution_path(name)] if len(fit) == len(shards) else []
    targets = [path for path in (*raw, *clips, *tables) if path in came]
    if targets:
        presets = dict.fromkeys(path.parts[3] for path in tables if path in came)
        _snakemake("--touch", "--force", *_plan(words, presets, targets))
    what = "audio, clips and features" if tables else "audio"
    say(f"{name}: {what} of {sum(map(len, fit.values()))} of {sum(map(len, shards.values()))} tracks at hand")


def _raw(name: str) -> Path:
    return Path("data/raw") / name


def _state(name: str, shard: int) -> Path:
    return _raw(name) / "shards" / f"{shard}.json"


def _record(name: str) -> Path:
    return Path("data/features") / name / "shared.json"


def _good_files(name: str, shard: int) -> dict[str, tuple[str, str]] | None:
    """Path and sha256 of the good tracks of a shard; None where nothing that can be read says so."""
    try:
        rows = read_json(_state(name, shard))["tracks"]
        return {track_id: (str(row["path"]), row["sha256"]) for track_id, row in rows.items() if row["status"] == "ok"}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def _is_below(path: str, folder: Path) -> bool:
    return PurePosixPath(os.path.normpath(path)).is_relative_to(folder.as_posix())


def _misfits(name: str, shard: int, tracks: list[Track]) -> Iterator[str]:
    """In what a shard's state is not one of these tracks with their files below data/raw/NAME."""
    state, files = f"shards/{shard}.json", _good_files(name, shard)
    if files is None:
        yield f"{state} is not there, or cannot be read"
        return
    if read_json(_state(name, shard))["tracks"].keys() != {track.track_id for track in tracks}:
        yield f"{state} is of other tracks than the data set has now"
        return
    stated = {track.track_id: track.sha256 for track in tracks if track.sha256}
    for track_id, (path, sha256) in files.items():
        if not _is_below(path, _raw(name)) or not Path(path).is_file():
            yield f"{track_id}: there is no file {path} below {_raw(name)}"
        elif stated.get(track_id, sha256) != sha256:
            yield f"{track_id}: {state} is of a file with another sha256 than the track sheet says"


def _changed(name: str, shard: int) -> Iterator[str]:
    for track_id, (path, sha256) in (_good_files(name, shard) or {}).items():
        if file_digest(path) != sha256:
            yield f"{track_id}: {path} is not the file that shards/{shard}.json is of"


def _is_unfit(name: str, shard: int, tracks: list[Track], say: Callable[[str], None]) -> bool:
    problem = next(_misfits(name, shard, tracks), None)
    if problem:
        say(f"{name}: {problem}; a run will look at these {len(tracks)} tracks anew")
        # A state follows from the sheet, which is no file that could be newer; the audio stays and is not fetched anew.
        _state(name, shard).unlink(missing_ok=True)
    return problem is not None


def _made_by(dataset: Mapping, shards: Shards) -> dict:
    name = dataset["name"]
    return {
        "clips": {"code": code_of("clips.cut"), "clip": dataset["clip"], "max_seconds": dataset["max_seconds"]},
        "features": {"code": code_of("clips.cut", "features.extract")},
        "tracks": {str(shard): _content(name, shard, tracks) for shard, tracks in shards.items()},
    }


def _content(name: str, shard: int, tracks: list[Track]) -> str:
    files = _good_files(name, shard) or {}
    return digest([content_digest(tracks), sorted((track_id, sha256) for track_id, (_, sha256) in files.items())])


def _usable(dataset: Mapping, shards: Shards, say: Callable[[str], None]) -> tuple[list[Path], list[Path]]:
    """The tables of clips, and those of features, that would be made here alike."""
    name = dataset["name"]
    made, here = _read_record(name), _made_by(dataset, shards)
    if other := [key for key, value in here["clips"].items() if made["clips"].get(key) != value]:
        say(f"{name}: its clips were made with another {' and '.join(other)}; a run will make clips and features anew")
        return [], []
    same = {
        shard: tracks
        for shard, tracks in shards.items()
        if made["tracks"].get(str(shard)) == here["tracks"][str(shard)] and _are_there(_clip_tables(name, [shard]))
    }
    if others := ", ".join(str(shard) for shard in shards if shard not in same):
        say(f"{name}: clips of other rows or files in shard {others}; a run will make clips and features anew")
    clips = _clip_tables(name, same)
    if made["features"] != here["features"]:
        say(f"{name}: its features were made by other code or libraries; a run will make them anew")
        return clips, []
    whole = _presets(name, same)
    presets = {preset: key for preset, key in whole.items() if made["presets"].get(preset) == key}
    if others := sorted(made["presets"].keys() - presets.keys()):
        say(f"{name}: {', '.join(others)} in config/features is not what was shared; a run will make its features anew")
    return clips, _tables(name, same, presets)


def _read_record(name: str) -> dict[str, dict]:
    try:
        record = read_json(_record(name))
        return {key: dict(record[key]) for key in _RECORDED}
    except (OSError, ValueError, TypeError, KeyError):
        return {key: {} for key in _RECORDED}


def _presets(name: str, shards: Iterable[int]) -> dict[str, str]:
    """The presets that have tables of all these shards, and for each the key of what config/features says now."""
    found = {}
    for folder in sorted((Path("data/features") / name).glob("*/")):
        if Path(f"config/features/{folder.name}.yaml").is_file():
            key = preset_key(load_preset(folder.name, Path()))
            if _are_there(_tables(name, shards, {folder.name: key})):
                found[folder.name] = key
    return found


def _are_there(paths: list[Path]) -> bool:
    return all(path.is_file() for path in paths)


def _clip_tables(name: str, shards: Iterable[int]) -> list[Path]:
    suffixes = ("tracks.csv", "clips.csv", "fingerprints.parquet")
    return [Path(f"data/clips/{name}/{shard}.{suffix}") for shard in shards for suffix in suffixes]


def _tables(name: str, shards: Iterable[int], presets: Mapping[str, str]) -> list[Path]:
    tables = []
    for preset, key in presets.items():
        suffixes = ("parquet", "frames.arrow") if "frames" in load_preset(preset, Path()) else ("parquet",)
        folder = Path(f"data/features/{name}/{preset}/{key}")
        tables += [folder / f"{shard}.{suffix}" for shard in shards for suffix in suffixes]
    return tables


def _plan(words: str, presets: Iterable[str], targets: list[Path]) -> list[str]:
    # The floor of all models, on any preset: only so are there rules for the tables of exactly these presets.
    models = ",".join(f"majority@{preset}" for preset in presets) or "majority"
    return [*map(str, targets), "--cores", "1", "--config", f"dataset={words}", f"models=[{models}]"]


def _snakemake(*words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        said = [line for line in done.stdout.splitlines() if line.strip()]
        ours = [line.partition("songwise: ")[2] for line in said if "songwise: " in line]
        raise InputError(f"snakemake {words[0]}: {(ours or said[-1:] or ['it failed without a word'])[0]}")
    return done.stdout
