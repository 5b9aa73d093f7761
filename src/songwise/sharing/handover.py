"""Checks before a data set is shared, and after one arrives.

DVC restores neither the timestamps of files nor Snakemake's records of how they were made. So what arrived is compared
with what this code, config and data set file would make. Snakemake records equal files as done, and finds the rest out
of date. Tables of clips and features travel with a record of what made them (shared.json).
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath

from songwise.acquire.attribution import unlicensed, write_attribution
from songwise.datasets.shards import content_digest
from songwise.datasets.track import Track
from songwise.errors import InputError, raise_all
from songwise.features.preset_files import load_preset
from songwise.features.presets import preset_key
from songwise.files import digest, file_digest, read_json, write_json
from songwise.paths import (
    archives_record,
    attribution_page,
    clip_tables,
    feature_table,
    features_folder,
    frame_table,
    preset_of,
    raw_folder,
    shard_record,
    shared_features,
)
from songwise.runtime.provenance import code_of
from songwise.sharing.snakemake import is_up_to_date, touch
from songwise.text import format_names

_LONG_AGO = (1, 1)  # timestamps of a file that Snakemake must make again because its input is newer
_RECORDED = ("clips", "features", "embeddings", "tracks", "presets")
Shards = Mapping[int, list[Track]]


def check_whole(name_or_path: str, name: str, shards: Shards) -> None:
    """Check that data/raw/NAME is complete: all that a run leaves of these tracks, and nothing unfinished.

    Parameters
    ----------
    name_or_path : str
        The data set as named on the command line.
    name : str
        Its name.
    shards : mapping of int to list of Track
        Its tracks (`datasets.shards.deal`).

    Raises
    ------
    InputError
        If something is missing, changed, unfinished or in another folder.
    """
    folder = raw_folder(name)
    run = f"run snakemake --config dataset={name_or_path}"
    if not any(shard_record(name, shard).is_file() for shard in shards):
        raise InputError(f"{folder}: there is nothing to share yet; {run}")
    files = [path for shard in shards for path, _ in (_good_files(name, shard) or {}).values()]
    if elsewhere := [path for path in files if not _is_below(path, folder)]:
        raise InputError(
            f"{folder}: {len(elsewhere)} files of {name} are in other folders, for example {elsewhere[0]}, but only "
            "this folder is shared. songwise init FOLDER --copy makes a data set with copies of the files in it"
        )
    problems = []
    for shard, tracks in shards.items():
        misfits = list(_misfits(name, shard, tracks)) or list(_changed_files(name, shard))
        problems += [f"{problem}; {run}" for problem in misfits]
    for part in sorted(folder.rglob("*.part")):
        problems.append(f"{part.name} is an unfinished download; {run}, or delete it")
    raise_all(folder, problems)


def write_record(name_or_path: str, dataset: Mapping, shards: Shards) -> None:
    """Write the record of what made the tables of features, beside them.

    Parameters
    ----------
    name_or_path : str
        The data set as named on the command line.
    dataset : mapping
        Content of the data set file, with the `clip` of the config.
    shards : mapping of int to list of Track
        Its tracks.

    Raises
    ------
    InputError
        If there are no features, or Snakemake would make some of them, or of the clips' tables, again.
    """
    name = dataset["name"]
    presets = _presets(name, shards)
    run = f"run snakemake --config dataset={name_or_path} first"
    if not presets:
        raise InputError(f"{features_folder(name)}: contains no features of a preset in config/features; {run}")
    targets = [*_clip_tables(name, shards), *_feature_tables(name, shards, presets)]
    if not is_up_to_date(name_or_path, presets, targets):
        raise InputError(f"{features_folder(name)}: does not match the current data, config and code; {run}")
    write_json(shared_features(name), _made_by(dataset, shards) | {"presets": presets})


def write_credits(dataset: Mapping, shards: Shards, say: Callable[[str], None]) -> None:
    """Write the page of authors and licences, which is shared too, and warn about tracks without a known licence.

    Parameters
    ----------
    dataset : mapping
        Content of the data set file.
    shards : mapping of int to list of Track
        Its tracks, all of which have a record (`check_whole`).
    say : callable
        Receives the warning.
    """
    name = dataset["name"]
    tracks = [track for shard_tracks in shards.values() for track in shard_tracks]
    states = {key: row for shard in shards for key, row in read_json(shard_record(name, shard))["tracks"].items()}
    write_attribution(tracks, dataset, states, attribution_page(name))
    if unknown := unlicensed(tracks, dataset, states):
        say(
            f"{name}: the licence of {len(unknown)} tracks is not known, for example of {unknown[0].track_id}. Give "
            f"access to the remote only to people who may have them ({attribution_page(name)})"
        )


def settle(
    name_or_path: str,
    dataset: Mapping,
    shards: Shards,
    *,
    features: bool,
    arrived: set[Path],
    say: Callable[[str], None],
) -> None:
    """Have Snakemake record usable files that arrived as done, and find the others out of date.

    Files that did not arrive now keep their timestamps, so that nothing that depends on them is made again.

    Parameters
    ----------
    name_or_path : str
        The data set as named on the command line.
    dataset : mapping
        Content of the data set file, with the `clip` of the config.
    shards : mapping of int to list of Track
        Its tracks.
    features : bool
        Whether tables of clips and features are shared too.
    arrived : set of Path
        The files that are new here.
    say : callable
        Receives one line per reason to make something again, and one about what is here.
    """
    name = dataset["name"]
    fit = {shard: tracks for shard, tracks in shards.items() if not _is_unfit(name, shard, tracks, say)}
    clips, tables = _usable(dataset, fit, say) if features else ([], [])
    for path in arrived - {*clips, *tables}:
        if not path.is_relative_to(raw_folder(name)):
            os.utime(path, _LONG_AGO)
    raw = [archives_record(name), *(shard_record(name, shard) for shard in fit)]
    raw += [attribution_page(name)] if len(fit) == len(shards) else []
    targets = [path for path in (*raw, *clips, *tables) if path in arrived]
    if targets:
        presets = dict.fromkeys(preset_of(path) for path in tables if path in arrived)
        touch(name_or_path, presets, targets)
    content = "audio, clips and features" if tables else "audio"
    say(f"{name}: {content} of {sum(map(len, fit.values()))} of {sum(map(len, shards.values()))} tracks are here")


def _good_files(name: str, shard: int) -> dict[str, tuple[str, str]] | None:
    """Return path and sha256 of the good tracks of a shard, or None if its record is missing or invalid."""
    try:
        rows = read_json(shard_record(name, shard))["tracks"]
        return {track_id: (str(row["path"]), row["sha256"]) for track_id, row in rows.items() if row["status"] == "ok"}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def _is_below(path: str, folder: Path) -> bool:
    return PurePosixPath(os.path.normpath(path)).is_relative_to(folder.as_posix())


def _misfits(name: str, shard: int, tracks: list[Track]) -> Iterator[str]:
    """Yield how a shard's record differs from these tracks with their files below data/raw/NAME."""
    record, files = f"shards/{shard}.json", _good_files(name, shard)
    if files is None:
        yield f"{record} is missing or cannot be read"
        return
    if read_json(shard_record(name, shard))["tracks"].keys() != {track.track_id for track in tracks}:
        yield f"{record} lists other tracks than the data set has now"
        return
    stated = {track.track_id: track.sha256 for track in tracks if track.sha256}
    for track_id, (path, sha256) in files.items():
        if not _is_below(path, raw_folder(name)) or not Path(path).is_file():
            yield f"{track_id}: there is no file {path} below {raw_folder(name)}"
        elif stated.get(track_id, sha256) != sha256:
            yield f"{track_id}: the sha256 in {record} differs from the one in the track sheet"


def _changed_files(name: str, shard: int) -> Iterator[str]:
    for track_id, (path, sha256) in (_good_files(name, shard) or {}).items():
        if file_digest(path) != sha256:
            yield f"{track_id}: {path} has changed since shards/{shard}.json was written"


def _is_unfit(name: str, shard: int, tracks: list[Track], say: Callable[[str], None]) -> bool:
    problem = next(_misfits(name, shard, tracks), None)
    if problem:
        say(f"{name}: {problem}; the next run will check these {len(tracks)} tracks again")
        # A record depends on the sheet, which is not a file that could be newer. The audio stays and is not downloaded
        # again.
        shard_record(name, shard).unlink(missing_ok=True)
    return problem is not None


def _made_by(dataset: Mapping, shards: Shards) -> dict:
    name = dataset["name"]
    return {
        "clips": {"code": code_of("clips.cut"), "clip": dataset["clip"], "max_seconds": dataset["max_seconds"]},
        "features": {"code": code_of("clips.cut", "features.extract")},
        "embeddings": {"code": code_of("clips.cut", "features.embedding")},
        "tracks": {str(shard): _content(name, shard, tracks) for shard, tracks in shards.items()},
    }


def _content(name: str, shard: int, tracks: list[Track]) -> str:
    files = _good_files(name, shard) or {}
    return digest([content_digest(tracks), sorted((track_id, sha256) for track_id, (_, sha256) in files.items())])


def _usable(dataset: Mapping, shards: Shards, say: Callable[[str], None]) -> tuple[list[Path], list[Path]]:
    """Return the tables of clips, and those of features, that this machine would make the same."""
    name = dataset["name"]
    made, here = _read_record(name), _made_by(dataset, shards)
    if different := [key for key, value in here["clips"].items() if made["clips"].get(key) != value]:
        say(
            f"{name}: the shared clips were made with a different {' and '.join(different)}; the next run will make "
            "clips and features again"
        )
        return [], []
    same = {
        shard: tracks
        for shard, tracks in shards.items()
        if made["tracks"].get(str(shard)) == here["tracks"][str(shard)] and _are_there(clip_tables(name, shard))
    }
    if others := [shard for shard in shards if shard not in same]:
        say(
            f"{name}: the shared clips were made from other rows or files in shard {format_names(others)}; the next "
            "run will make their clips and features again"
        )
    clips, complete = _clip_tables(name, same), _presets(name, same)
    for kind in ("features", "embeddings"):
        concerned = [preset for preset in made["presets"] if _kind(preset) == kind]
        if concerned and made[kind] != here[kind]:
            say(f"{name}: the shared {kind} were made with other code or libraries; the next run will make them again")
            made["presets"] = {preset: key for preset, key in made["presets"].items() if preset not in concerned}
    presets = {preset: key for preset, key in complete.items() if made["presets"].get(preset) == key}
    if others := sorted(made["presets"].keys() - presets.keys()):
        say(
            f"{name}: the shared features of {format_names(others)} do not match config/features; the next run will "
            "make them again"
        )
    return clips, _feature_tables(name, same, presets)


def _kind(preset: str) -> str:
    """Return which code makes a preset's tables: "embeddings" for one of a pretrained network."""
    is_known = Path(f"config/features/{preset}.yaml").is_file()
    return "embeddings" if is_known and "network" in load_preset(preset, Path()) else "features"


def _read_record(name: str) -> dict[str, dict]:
    try:
        record = read_json(shared_features(name))
        return {key: dict(record.get(key, {})) for key in _RECORDED}
    except (OSError, ValueError, TypeError, AttributeError):
        return {key: {} for key in _RECORDED}


def _presets(name: str, shards: Iterable[int]) -> dict[str, str]:
    """Return the presets with columns and tables of all these shards, each with its key in config/features."""
    presets = {}
    for folder in sorted(features_folder(name).glob("*/")):
        if Path(f"config/features/{folder.name}.yaml").is_file():
            preset = load_preset(folder.name, Path())
            if not preset["columns"]:  # frames alone: only a network has rules for them, which needs torch
                continue
            key = preset_key(preset)
            if _are_there(_feature_tables(name, shards, {folder.name: key})):
                presets[folder.name] = key
    return presets


def _are_there(paths: list[Path]) -> bool:
    return all(path.is_file() for path in paths)


def _clip_tables(name: str, shards: Iterable[int]) -> list[Path]:
    return [path for shard in shards for path in clip_tables(name, shard)]


def _feature_tables(name: str, shards: Iterable[int], presets: Mapping[str, str]) -> list[Path]:
    tables = []
    for preset, key in presets.items():
        kinds = (feature_table, frame_table) if "frames" in load_preset(preset, Path()) else (feature_table,)
        tables += [kind(name, preset, key, shard) for shard in shards for kind in kinds]
    return tables
