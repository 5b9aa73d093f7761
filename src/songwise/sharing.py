"""Data sets to and from a team's remote: DVC moves the bytes, what comes is checked, Snakemake told that it is there.

DVC believes a remote, and restores neither the times of files nor what Snakemake knows of how they were made. So a pull
compares every file with the pointer before it reaches data/, and then has Snakemake record what was pulled as done:
but for what other code, or another data set file, would make otherwise, which is left to be made anew.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path, PurePosixPath

from songwise.config import load_dataset, load_preset
from songwise.dvc_commands import ADD_REMOTE, dvc
from songwise.errors import InputError, raise_all
from songwise.files import file_digest, read_json, write_json
from songwise.pointers import (
    NAME,
    Pointer,
    cache_folder,
    object_path,
    pointer_path,
    read_listing,
    read_pointer,
)
from songwise.prepare import missing
from songwise.presets import preset_key
from songwise.provenance import code_of
from songwise.runs import claim
from songwise.schemas import check, read_yaml
from songwise.sheet import Track, content_digest, deal, read_tracks

_ROOT = Path()  # Snakemake and DVC are run in the current folder
_STAGES = ("raw", "clips", "features")
_LONG_AGO = (1, 1)  # times of a file that Snakemake is to make anew, since its input is newer
Shards = Mapping[int, list[Track]]


def push(name_or_path: str, *, features: bool, remote: str | None, say: Callable[[str], None]) -> None:
    """Send a data set's files to the remote, and write the pointer by which others get them.

    Parameters
    ----------
    name_or_path : of the data set.
    features : its tables of clips and features too.
    remote : the name of one of DVC's remotes, or None for the default one.
    say : is given a line on what is to be committed.

    Raises
    ------
    InputError : a run is live, the data set is not whole, lies elsewhere, or the remote does not take it.
    """
    dataset, path = _load(name_or_path)
    name = dataset["name"]
    stages = _STAGES if features else _STAGES[:1]
    with closing(claim(_ROOT)):
        shards = _deal(dataset, path)
        _check_whole(name_or_path, name, shards)
        if features:
            _record(name_or_path, dataset, shards)
        folders = [str(pointer_path(stage, name).with_suffix("")) for stage in stages]
        dvc("add", *folders)
    pointers = [read_pointer(pointer_path(stage, name)) for stage in stages]
    dvc("push", *_to(remote), *(str(pointer.path) for pointer in pointers))
    sizes = [len(read_listing(pointer, cache_folder(_ROOT))) for pointer in pointers]
    say(f"{name}: {sum(sizes)} files are on the remote")
    ignores = [pointer.path.with_name(".gitignore") for pointer in pointers]
    commit = [str(file) for file in (*(pointer.path for pointer in pointers), *ignores) if file.is_file()]
    say(f"others get them once you commit: git add {' '.join(commit)} && git commit -m 'Share {name}'")


def pull(name_or_path: str | None, *, features: bool, remote: str | None, say: Callable[[str], None]) -> None:
    """Fetch what others shared, check it, and have Snakemake know that it is there.

    Parameters
    ----------
    name_or_path : of the data set; None: all that data/raw has pointers to.
    features : tables of clips and features too; without a name, where they are shared.
    remote : the name of one of DVC's remotes, or None for the default one.
    say : is given a line on each data set, and on what will be made anew.

    Raises
    ------
    InputError : a run is live, a file here or on the remote is not what the pointer says, or the remote fails.
    """
    names = [name_or_path] if name_or_path else _shared_names()
    pointers = {words: _pointers(_name(words), features, every=name_or_path is not None) for words in names}
    with closing(claim(_ROOT)):
        _bring([pointer for found in pointers.values() for pointer in found], remote)
    for words, found in pointers.items():
        _settle(words, found, say)


def _load(name_or_path: str) -> tuple[dict, Path]:
    settings = check(read_yaml(Path("config/config.yaml")), "config", _ROOT, where="config/config.yaml")
    try:
        return load_dataset(name_or_path, _ROOT, settings["clip"])
    except InputError as error:
        if name_or_path.endswith((".yaml", ".yml")):
            raise
        raise InputError(f"{error}; a data set of your own goes by its file's path: my/music.yaml") from error


def _deal(dataset: dict, path: Path) -> dict[int, list[Track]]:
    if dataset["source"]["type"] == "table":
        raise InputError(f"{path}: a table of features has no audio to share; commit the table, or `dvc add` it")
    if lacking := missing(dataset, _ROOT):
        raise InputError(f"{path}: which tracks there are is not known yet: {'; '.join(lacking)}")
    return deal(read_tracks(dataset, path, _ROOT), dataset["shards"])


def _to(remote: str | None) -> list[str]:
    return [f"--remote={remote}"] if remote else []


# What is there, before it is pushed.


def _check_whole(words: str, name: str, shards: Shards) -> None:
    folder = pointer_path("raw", name).with_suffix("")
    run = f"snakemake --cores all --config dataset={words}"
    states = {shard: _state_path(name, shard) for shard in shards}
    if not any(state.is_file() for state in states.values()):
        raise InputError(f"{folder}: there is nothing to share yet; run {run}")
    problems = [
        f"{problem}; run {run}" for shard, tracks in shards.items() for problem in _misfits(name, states[shard], tracks)
    ]
    problems += [
        f"{part.name} is what a download that was cut off has left; run {run}, or delete it"
        for part in sorted(folder.rglob("*.part"))
    ]
    raise_all(folder, problems)


def _state_path(name: str, shard: int) -> Path:
    return pointer_path("raw", name).with_suffix("") / "shards" / f"{shard}.json"


def _misfits(name: str, state: Path, tracks: list[Track]) -> Iterator[str]:
    """In what a shard's state is not one of these tracks, all of them with their files below data/raw/NAME."""
    folder = pointer_path("raw", name).with_suffix("")
    try:
        rows = read_json(state)["tracks"]
        files = {track_id: (row["path"], row["sha256"]) for track_id, row in rows.items() if row["status"] == "ok"}
    except FileNotFoundError:
        yield f"shards/{state.name} is not there yet"
        return
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        yield f"shards/{state.name} cannot be read"
        return
    if rows.keys() != {track.track_id for track in tracks}:
        yield f"shards/{state.name} is of other tracks than the data set has now"
    stated = {track.track_id: track.sha256 for track in tracks if track.sha256}
    for track_id, (path, sha256) in files.items():
        if not PurePosixPath(os.path.normpath(path)).is_relative_to(folder.as_posix()):
            yield (
                f"{track_id}: its file {path} lies elsewhere, and only {folder} is shared; "
                "songwise init FOLDER --copy makes a data set with a copy of the files in there"
            )
        elif not Path(path).is_file():
            yield f"{track_id}: its file {path} is gone"
        elif stated.get(track_id, sha256) != sha256:
            yield f"{track_id}: shards/{state.name} is of a file with another sha256 than the track sheet says"


def _record(words: str, dataset: dict, shards: Shards) -> None:
    """Write beside the features what made them, if Snakemake would make nothing of it anew."""
    name = dataset["name"]
    presets = {preset: key for preset, key in _presets(name).items() if all(_tables(name, shards, {preset: key}))}
    run = f"run snakemake --cores all --config dataset={words} first"
    if not presets:
        raise InputError(f"data/features/{name}: holds no features of a preset in config/features; {run}")
    targets = [*_clip_tables(name, shards), *_tables(name, shards, presets)]
    said = _snakemake("--dry-run", *_plan(words, presets, targets))
    if "Nothing to be done" not in said:
        raise InputError(f"data/features/{name}: is not what the data, the config and the code give now; {run}")
    write_json(_record_path(name), _made_by(dataset, shards) | {"presets": presets})


def _record_path(name: str) -> Path:
    return Path("data/features") / name / "shared.json"


def _made_by(dataset: dict, shards: Shards) -> dict:
    return {
        "clips": {"code": code_of("clips"), "clip": dataset["clip"], "max_seconds": dataset["max_seconds"]},
        "features": {"code": code_of("clips", "features")},
        "rows": {str(shard): content_digest(tracks) for shard, tracks in shards.items()},
    }


def _presets(name: str) -> dict[str, str]:
    """The key, as config/features has it now, of every preset that has tables of this data set."""
    folders = sorted(path for path in (Path("data/features") / name).glob("*") if path.is_dir())
    known = [path.name for path in folders if Path(f"config/features/{path.name}.yaml").is_file()]
    return {preset: preset_key(load_preset(preset, _ROOT)) for preset in known}


def _clip_tables(name: str, shards: Shards) -> list[Path]:
    suffixes = ("tracks.csv", "clips.csv", "fingerprints.parquet")
    return [Path(f"data/clips/{name}/{shard}.{suffix}") for shard in shards for suffix in suffixes]


def _tables(name: str, shards: Shards, presets: Mapping[str, str]) -> list[Path]:
    suffixes = {
        preset: ["parquet", *(["frames.arrow"] if "frames" in load_preset(preset, _ROOT) else [])] for preset in presets
    }
    return [
        Path(f"data/features/{name}/{preset}/{key}/{shard}.{suffix}")
        for preset, key in presets.items()
        for shard in shards
        for suffix in suffixes[preset]
    ]


# What comes, before it is let in.


def _shared_names() -> list[str]:
    names = sorted(path.stem for path in Path("data/raw").glob("*.dvc"))
    if not names:
        raise InputError("data/raw: holds no pointer (NAME.dvc), so nothing is shared yet; songwise push NAME shares")
    return names


def _name(words: str) -> str:
    if words.endswith((".yaml", ".yml")):
        return _load(words)[0]["name"]
    if not NAME.fullmatch(words):
        raise InputError(f"'{words}' is no name of a data set, and no path of a data set file (.yaml)")
    return words


def _pointers(name: str, features: bool, every: bool) -> list[Pointer]:
    paths = [pointer_path(stage, name) for stage in (_STAGES if features else _STAGES[:1])]
    lacking = [path for path in paths if not path.is_file()]
    if lacking and (every or pointer_path("raw", name) in lacking):
        known = sorted(path.stem for path in Path("data/raw").glob("*.dvc"))
        raise InputError(
            f"{lacking[0]}: is not there, so nobody has shared it, or it is not in this clone yet (git pull); "
            f"shared are: {', '.join(known) or 'none'}"
        )
    return [read_pointer(path) for path in paths if path not in lacking]


def _bring(pointers: list[Pointer], remote: str | None) -> None:
    cache = cache_folder(_ROOT)
    fetched = [pointer for pointer in pointers if not object_path(cache, pointer.version).is_file()]
    _fetch(fetched, remote, cache)
    wanted = {pointer: _wanted(pointer, read_listing(pointer, cache), cache) for pointer in pointers}
    lacking = [pointer for pointer, files in wanted.items() if pointer not in fetched and _faults(files, cache)]
    _fetch(lacking, remote, cache)
    for pointer, files in wanted.items():
        raise_all(
            pointer.folder,
            [
                f"{file}: the remote {'gave other bytes than' if bad else 'does not give what'} {pointer.path} says; "
                "nothing was changed here, and it will be fetched anew (who shared it can push it again)"
                for file, bad in _faults(files, cache).items()
            ],
        )
    changed = [str(pointer.path) for pointer, files in wanted.items() if files or _has_others(pointer, cache)]
    if changed:
        dvc("checkout", *changed)


def _fetch(pointers: list[Pointer], remote: str | None, cache: Path) -> None:
    if not pointers:
        return
    said = dvc("fetch", *_to(remote), *(str(pointer.path) for pointer in pointers))
    if "No remote provided" in said:
        raise InputError(ADD_REMOTE)
    for pointer in pointers:
        if not object_path(cache, pointer.version).is_file():
            raise InputError(f"{pointer.path}: the remote does not have it, or does not answer (dvc remote list)")


def _wanted(pointer: Pointer, listing: Mapping[str, str], cache: Path) -> dict[str, str]:
    """The files of a listing that are not here yet, if nothing that is here only would be lost by having them."""
    wanted, problems = dict(listing), []
    for name in _files(pointer.folder):
        md5 = file_digest(pointer.folder / name, "md5")
        if listing.get(name) == md5:
            del wanted[name]
        elif not object_path(cache, md5).is_file():
            lost = "has other bytes than" if name in listing else "is not among what"
            end = "overwritten" if name in listing else "removed"
            problems.append(f"{name}: {lost} {pointer.path} says, and would be {end}; move it away, or push yours")
    raise_all(pointer.folder, problems)
    return wanted


def _has_others(pointer: Pointer, cache: Path) -> bool:
    return not read_listing(pointer, cache).keys() >= set(_files(pointer.folder))


def _files(folder: Path) -> Iterator[str]:
    """The files below a folder that DVC sees: .dvcignore says the same."""
    for path in folder.rglob("*"):
        parts = path.relative_to(folder).parts
        unseen = any(part.startswith(".") for part in parts) or path.suffix == ".part"
        unseen |= folder.parent.name == "raw" and parts[0] == "archives"
        unseen |= folder.parent.name == "clips" and len(parts) > 1
        if not unseen and path.is_file():
            yield "/".join(parts)


def _faults(files: Mapping[str, str], cache: Path) -> dict[str, bool]:
    """The files that the cache does not have right: whether it had other bytes, which are removed, or none."""
    found = {}
    for name, md5 in files.items():
        path = object_path(cache, md5)
        if not path.is_file():
            found[name] = False
        elif file_digest(path, "md5") != md5:
            path.unlink()
            found[name] = True
    return found


# What came, for Snakemake.


def _settle(words: str, pointers: list[Pointer], say: Callable[[str], None]) -> None:
    name = pointers[0].folder.name
    if words == name and not Path(f"config/datasets/{name}.yaml").is_file():
        say(f"{name} is here, but config/datasets has no {name}.yaml; with its file at hand: songwise pull PATH.yaml")
        return
    dataset, path = _load(words)
    shards = _deal(dataset, path)
    fit = {shard: tracks for shard, tracks in shards.items() if not _unfit(name, shard, tracks, say)}
    clips, tables, presets = [], [], {}
    if len(pointers) > 1:
        clips, tables, presets = _trusted(dataset, fit, say)
        kept = {*clips, *tables}
        for file in [*Path("data/clips", name).glob("*.*"), *Path("data/features", name).rglob("*.*")]:
            if file.is_file() and file not in kept:
                os.utime(file, _LONG_AGO)
    targets = [*(_state_path(name, shard) for shard in fit), *clips, *tables]
    if fit:
        _snakemake("--touch", "--forceall", *_plan(words, presets, targets))
    what = "audio, clips and features" if tables else "audio"
    say(f"{name}: {what} of {sum(map(len, fit.values()))} of {sum(map(len, shards.values()))} tracks at hand")


def _unfit(name: str, shard: int, tracks: list[Track], say: Callable[[str], None]) -> bool:
    state = _state_path(name, shard)
    if problem := next(_misfits(name, state, tracks), None):
        say(f"{name}: {problem}; a run will look at these {len(tracks)} tracks anew")
        state.unlink(missing_ok=True)  # the sheet is no file that Snakemake would find newer
    return problem is not None


def _trusted(dataset: dict, fit: Shards, say: Callable[[str], None]) -> tuple[list[Path], list[Path], dict[str, str]]:
    """The tables of clips and of features, and the presets, that this code would make of this data set alike."""
    name = dataset["name"]
    made, here = _read_record(name), _made_by(dataset, fit)
    same = {shard: tracks for shard, tracks in fit.items() if made["rows"].get(str(shard)) == here["rows"][str(shard)]}
    if made["clips"] != here["clips"]:
        names = [key for key in here["clips"] if made["clips"].get(key) != here["clips"][key]]
        say(f"{name}: its clips were made with another {' and '.join(names)}; a run will make them, and features, anew")
        return [], [], {}
    if len(same) < len(fit):
        say(f"{name}: other rows in the track sheet; a run will make {len(fit) - len(same)} shards' clips anew")
    clips = _clip_tables(name, same)
    if made["features"] != here["features"]:
        say(f"{name}: its features were made by other code, or other libraries; a run will make them anew")
        return clips, [], {}
    known = _presets(name)
    presets = {preset: key for preset, key in known.items() if made["presets"].get(preset) == key}
    if others := sorted(made["presets"].keys() - presets.keys()):
        say(f"{name}: config/features has another {', '.join(others)}; a run will make its features anew")
    tables = [path for path in _tables(name, same, presets) if path.is_file()]
    return [path for path in clips if path.is_file()], tables, presets


def _read_record(name: str) -> dict:
    path = _record_path(name)
    try:
        record = read_json(path)
        return {key: dict(record[key]) for key in ("clips", "features", "rows", "presets")}
    except (OSError, ValueError, TypeError, KeyError):
        return {key: {} for key in ("clips", "features", "rows", "presets")}


def _plan(words: str, presets: Mapping[str, str], targets: list[Path]) -> list[str]:
    models = ",".join(f"majority@{preset}" for preset in presets) or "majority"
    chosen = [f"dataset={words}", f"models=[{models}]"]
    return [*map(str, targets), "--cores", "1", "--config", *chosen]


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
        raise InputError(f"snakemake {words[0]}: {(ours or said[-1:] or ['it failed'])[0]}")
    return done.stdout
