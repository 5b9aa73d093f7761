"""A folder of one's own music as a data set: one step after the other, what is written, and what is said of it."""

import json
import os
import re
import shlex
import shutil
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath

from songwise.datasets.dataset import load_dataset
from songwise.datasets.folder import AUDIO_SUFFIXES
from songwise.datasets.patterns import Pattern
from songwise.datasets.sheet import read_tracks
from songwise.errors import InputError, suggestion
from songwise.files import read_csv, replacing, write_rows
from songwise.library.classes import LABELS, choose, labelled, large_enough
from songwise.library.doubts import counted, doubts_of_classes, doubts_of_files, doubts_of_lengths, named
from songwise.library.scan import MusicFile, readable, scan, told_apart
from songwise.library.songs import name_artists, name_songs, name_tracks, of_one_class
from songwise.library.tags import FORMULA, clean, read_tags, shown
from songwise.runtime.progress import Progress
from songwise.schemas.config import Config
from songwise.schemas.read import read_yaml, validate

_COLUMNS = ("track_id", "label", "song", "artist", "album", "path")
_LONGEST_NAME = 100  # characters of a data set's name that is made of the folder's
_MOST_SHOWN = 30  # classes
_TRACKS_A_SHARD = 100
_LEAST_SHARDS = 8
_DEFAULTS = {"clip": {"seconds": 10, "hop": 10, "min_seconds": 5}, "max_seconds": 1800, "split": {"folds": 5}}


def init_library(
    folder: Path,
    *,
    name: str | None = None,
    label: str | None = None,
    song: str | None = None,
    out: Path = Path("config/datasets"),
    copy: bool = False,
    force: bool = False,
    root: Path = Path(),
    say: Callable[[str], None] = print,
) -> None:
    """Write NAME.yaml and NAME.tracks.csv for the music in `folder`, and say what was found and what is doubted.

    Parameters
    ----------
    name : of the data set; without it, the folder's.
    label : what names a class, one of LABELS; without it, what suits the folder.
    song : regular expression; what its first group (or the whole match) finds in a file's path below the folder names
        its song. Without it, artist and title do.
    out : folder to write to.
    copy : whether the files go to data/raw/NAME/audio, as hard links where that is possible.
    force : whether a data set of this name is replaced. Its file stays as it was edited, if the classes are of the
        same kind; its sheet does not.
    root : the folder that holds workflow/schemas/ and config/.
    say : is given the lines that a person should read.

    Raises
    ------
    InputError : the folder cannot be made a data set, or there is one of this name.
    """
    if not folder.is_dir():
        raise InputError(f"init: there is no folder {shown(str(folder))}")
    if label and label not in LABELS:
        raise InputError(
            f"init: --label '{shown(label)}' is nothing that names a class{suggestion(label, list(LABELS))}"
        )
    folder = folder.resolve()
    name = _checked_name(name, folder)
    file, sheet = out / f"{name}.yaml", out / f"{name}.tracks.csv"
    if not force and (there := [path for path in (file, sheet) if path.exists()]):
        raise InputError(f"init: {there[0]} is there already; choose another --name, or replace it by --force")
    pattern = Pattern(song, key="--song", where="init") if song else None
    kept = _kept(file, sheet, root) if force else None
    least = _least_songs(kept, root)

    doubts: list[str] = []
    files = list(scan(folder, doubts))
    if not files:
        raise InputError(
            f"{shown(str(folder))}: holds no music that songwise reads ({', '.join(sorted(AUDIO_SUFFIXES))})"
            + "".join(f"\n  {line}" for line in doubts)
        )
    progress = Progress("init", len(files), "files")
    for one, tags in zip(files, read_tags([one.path for one in files], told=progress.step), strict=True):
        one.tags = tags
    said = [f"{shown(str(folder))} holds {_described(files)}"]
    files = readable(files, doubts)
    source, kind, why = choose(files, label, least)
    files = labelled(files, source, doubts)
    files = told_apart(files, doubts)
    name_songs(files, pattern)
    files = of_one_class(files, doubts)
    name_artists(files)
    dataset = kept if kept and kept["label"] == kind else None
    limits = dataset or _DEFAULTS
    files = large_enough(files, kind, least, limits, doubts)
    doubts += doubts_of_files(files) + doubts_of_classes(files, kind)
    doubts += doubts_of_lengths(files, limits["clip"], limits["max_seconds"])

    name_tracks(files)
    audio = _copied(files, root / "data" / "raw" / name / "audio") if copy else [one.path for one in files]
    before = _old_rows(sheet)
    rows = [_row(one, path, out.resolve(), root.resolve()) for one, path in zip(files, audio, strict=True)]
    _write(file, sheet, rows, None if dataset else _yaml(name, kind, folder, len(files)), root)

    said += [f"  {line}" for line in [why, *_table(files)]]
    if doubts:
        said += ["  to doubt:", *(f"  - {line}" for line in doubts)]
    if before:
        said += [f"  {line}" for line in _changes(before, rows)]
    said += [
        f"  written: {file}{' (kept as it was)' if dataset else ''}, {sheet}",
        "  ready; have a look at the sheet, then:",
        f"    snakemake --cores all --config dataset={_reference(name, file, out, root)}",
    ]
    for line in said:
        say(line)


def _checked_name(name: str | None, folder: Path) -> str:
    if name is None:
        plain = unicodedata.normalize("NFKD", folder.name).encode("ascii", "ignore").decode()
        name = re.sub(r"[^A-Za-z0-9]+", "-", plain).strip("-").lower()[:_LONGEST_NAME]
        if not name:
            raise InputError(f"init: {shown(folder.name)} has no letters for a data set's name; give one by --name")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", name):
        raise InputError(f"init: --name '{shown(name)}' may hold letters, digits, - and _ only")
    return name


def _kept(file: Path, sheet: Path, root: Path) -> dict | None:
    """The data set file that is there, if it is one for this sheet."""
    if not file.is_file():
        return None
    try:
        dataset, _ = load_dataset(str(file), root)
    except InputError:
        return None
    own = (dataset["source"].get("type"), dataset["source"].get("tracks")) == ("manifest", sheet.name)
    return dataset if own and dataset["name"] == file.stem else None


def _least_songs(kept: Mapping | None, root: Path) -> int:
    settings = validate(read_yaml(root / "config" / "config.yaml"), Config, where="config/config.yaml")
    return max(settings.min_songs, (kept or _DEFAULTS)["split"]["folds"])


def _described(files: Sequence[MusicFile]) -> str:
    formats = Counter(PurePosixPath(one.name).suffix.lower()[1:] for one in files).most_common()
    hours = sum(one.tags.seconds or 0 for one in files) / 3600
    return (
        f"{counted(len(files), 'file')} of music ({', '.join(f'{n:,} {kind}' for kind, n in formats)}), {hours:.1f} h"
    )


def _copied(files: Sequence[MusicFile], folder: Path) -> list[Path]:
    """The files below `folder`, as hard links where the file system allows it."""
    progress = Progress("copy", len(files), "files")
    targets = [folder / one.name for one in files]
    for one, target in zip(files, targets, strict=True):
        try:
            if not (target.exists() and target.samefile(one.path)):
                with replacing(target) as temporary:
                    _link_or_copy(one.path.resolve(), temporary)
        except OSError as error:
            raise InputError(f"init: {shown(one.name)} cannot be copied to {folder} ({error.strerror})") from error
        progress.step()
    return targets


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another device, or a file system without links
        shutil.copyfile(source, target)


def _row(one: MusicFile, path: Path, out: Path, root: Path) -> dict[str, str]:
    path = Path.cwd() / path
    near = path.is_relative_to(root) and out.is_relative_to(root)
    text = os.path.relpath(path, out) if near or path.is_relative_to(out) else str(path)
    if text.startswith(tuple(FORMULA)):
        text = f"./{text}"
    return {name: getattr(one, name) for name in _COLUMNS if name != "path"} | {"path": text}


def _yaml(name: str, kind: str, folder: Path, tracks: int) -> str:
    shards = max(_LEAST_SHARDS, -(-tracks // _TRACKS_A_SHARD))
    return (
        "# Made by `songwise init` of a folder of music, and yours to edit: config/README.md explains every key.\n"
        f"name: {name}\n"
        f"title: {json.dumps(clean(folder.name) or name, ensure_ascii=False)}\n"
        f"label: {kind}\n"
        f"source: {{type: manifest, tracks: {name}.tracks.csv}}\n"
        f"shards: {shards}\n"
        "clip: {seconds: 10, hop: 10, min_seconds: 5}\n"
        "split: {protocol: by-song, folds: 5, repeats: 3}\n"
    )


def _write(file: Path, sheet: Path, rows: Sequence[Mapping], text: str | None, root: Path) -> None:
    """Both files, or neither: what cannot be loaded replaces nothing."""
    try:
        with replacing(file) as new_file, replacing(sheet) as new_sheet:
            new_file.write_text(file.read_text(encoding="utf-8") if text is None else text, encoding="utf-8")
            write_rows(new_sheet, _COLUMNS, rows)
            dataset, _ = load_dataset(str(new_file), root)
            read_tracks(dataset | {"source": dataset["source"] | {"tracks": new_sheet.name}}, new_file, root)
    except OSError as error:
        raise InputError(f"init: {shown(str(file.parent))} cannot be written to ({error.strerror})") from error


def _table(files: Sequence[MusicFile]) -> list[str]:
    """A line a class, the largest first: tracks, songs, artists and albums."""
    classes = defaultdict(list)
    for one in files:
        classes[one.label].append(one)
    order = sorted(classes, key=lambda label: (-len(classes[label]), label))
    width = max(len(shown(label)) for label in order[:_MOST_SHOWN])
    lines = []
    for label in order[:_MOST_SHOWN]:
        own = classes[label]
        facts = [counted(len(own), "track"), counted(len({one.song for one in own}), "song")]
        for column in ("artist", "album"):
            number = len({getattr(one, column) for one in own} - {""})
            facts += [counted(number, column)] if number else []
        lines.append(f"  {shown(label):<{width}}  {', '.join(facts)}")
    if len(order) > _MOST_SHOWN:
        lines.append(f"  and {counted(len(order) - _MOST_SHOWN, 'class')} more")
    songs = len({one.song for one in files})
    return [f"{counted(len(order), 'class')}, {counted(len(files), 'track')}, {counted(songs, 'song')}:", *lines]


def _old_rows(sheet: Path) -> list[dict[str, str]]:
    with suppress(InputError):
        header, rows = read_csv(sheet)
        if {"track_id", "label", "song"} <= set(header):
            return rows
    return []


def _changes(before: Sequence[Mapping], rows: Sequence[Mapping]) -> list[str]:
    """What is new, gone or otherwise since the sheet that is replaced."""
    old, new = ({row["track_id"]: (row["label"], row["song"]) for row in some} for some in (before, rows))
    lists = {
        "new": sorted(new.keys() - old.keys()),
        "gone": sorted(old.keys() - new.keys()),
        "with another label or song": sorted(name for name in old.keys() & new.keys() if old[name] != new[name]),
    }
    found = [f"{counted(len(names), 'track')} {text} ({named(names)})" for text, names in lists.items() if names]
    return [f"since the former sheet: {'; '.join(found) or 'nothing is new, gone or otherwise'}"]


def _reference(name: str, file: Path, out: Path, root: Path) -> str:
    own = out.resolve() == (root / "config" / "datasets").resolve()
    return name if own else shlex.quote(str(file))
