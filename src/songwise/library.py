"""A folder of one's own music as a data set: what is in it, which classes and songs it has, and what to doubt."""

import json
import os
import re
import shlex
import shutil
import stat
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path, PurePosixPath

from songwise.config import load_dataset
from songwise.doubts import counted, doubts_of_classes, doubts_of_files, doubts_of_lengths, named
from songwise.errors import InputError, suggestion
from songwise.files import digest, file_digest, read_csv, replacing, write_rows
from songwise.jobs import Progress
from songwise.patterns import Pattern
from songwise.schemas import check, read_yaml
from songwise.sheet import AUDIO_SUFFIXES, read_tracks
from songwise.tags import Tags, clean, normal_name, normal_title, read_tags, shown, title_of_file

LABELS = ("folder", "genre", "artist", "album", "albumartist", "composer", "year")
_COLUMNS = ("track_id", "label", "song", "artist", "album", "path")
_UNREAD = frozenset(
    f".{suffix}"
    for suffix in (
        *(
            "wma",
            "ape",
            "aif",
            "aiff",
            "wv",
            "mpc",
            "mp2",
            "dsf",
            "dff",
            "tta",
            "amr",
            "ra",
            "caf",
            "ac3",
            "dts",
            "spx",
        ),
        *("spx", "au", "m4b", "m4p", "mid", "midi", "mp4", "mkv", "avi", "mov", "wmv", "m4v", "mpg", "mpeg", "flv"),
    )
)
_LONGEST_ID = 200  # characters
_LONGEST_LABEL = 100
_LEAST_CLASSES = 2
_MOST_OF = 0.5  # of the files, for which tags must name a usable class
_MOST_SHOWN = 30  # classes
_FOLDERS_OF_ALBUMS = 2  # artist/album
_TRACKS_A_SHARD = 100
_LEAST_SHARDS = 8
_DEFAULTS = {"clip": {"seconds": 10, "hop": 10, "min_seconds": 5}, "max_seconds": 1800, "split": {"folds": 5}}
_FORMULA = ("=", "+", "-", "@")


@dataclass(slots=True)
class MusicFile:
    """A file of music below the folder; text is empty where nothing is known.

    Attributes
    ----------
    path : the file.
    name : its path below the folder, with slashes.
    """

    path: Path
    name: str
    size: int
    tags: Tags = field(default_factory=Tags)
    label: str = ""
    song: str = ""
    artist: str = ""
    album: str = ""
    track_id: str = ""


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
    files = list(_scan(folder, doubts))
    if not files:
        raise InputError(
            f"{shown(str(folder))}: holds no music that songwise reads ({', '.join(sorted(AUDIO_SUFFIXES))})"
            + "".join(f"\n  {line}" for line in doubts)
        )
    progress = Progress("init", len(files), "files")
    for one, tags in zip(files, read_tags([one.path for one in files], told=progress.step), strict=True):
        one.tags = tags
    said = [f"{shown(str(folder))} holds {_described(files)}"]
    files = _readable(files, doubts)
    source, kind, why = _choose(files, label, least)
    files = _labelled(files, source, doubts)
    files = _told_apart(files, doubts)
    _name_songs(files, pattern)
    files = _of_one_class(files, doubts)
    _name_artists(files)
    dataset = kept if kept and kept["label"] == kind else None
    limits = dataset or _DEFAULTS
    files = _large_enough(files, kind, least, limits, doubts)
    doubts += doubts_of_files(files) + doubts_of_classes(files, kind)
    doubts += doubts_of_lengths(files, limits["clip"], limits["max_seconds"])

    _name_tracks(files)
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
        name = re.sub(r"[^A-Za-z0-9]+", "-", plain).strip("-").lower()[:_LONGEST_LABEL]
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
    settings = check(read_yaml(root / "config" / "config.yaml"), "config", root, where="config/config.yaml")
    return max(settings["min_songs"], (kept or _DEFAULTS)["split"]["folds"])


def _scan(folder: Path, doubts: list[str]) -> Iterator[MusicFile]:
    """The folder's music in an order that no file system changes; the rest is told in `doubts`."""
    left: dict[str, list[str]] = defaultdict(list)
    found = []
    refused = []
    for place, folders, names in os.walk(folder, onerror=lambda error: refused.append(error.filename)):
        below = os.path.relpath(place, folder)
        links = [one for one in folders if Path(place, one).is_symlink()]
        left["links to folders are not followed"] += [_joined(below, one) for one in links]
        hidden = [one for one in folders if one.startswith(".")]
        left["hidden folders are not looked into"] += [_joined(below, one) for one in hidden]
        folders[:] = [one for one in folders if not one.startswith(".")]
        for one in names:
            name, suffix = _joined(below, one), PurePosixPath(one).suffix.lower()
            if suffix in _UNREAD:
                left[f"{suffix} is not read by songwise"].append(name)
            if suffix not in AUDIO_SUFFIXES:
                continue
            reason, size = _refusal(Path(place, one), name, folder)
            if reason:
                left[reason].append(name)
            else:
                found.append(MusicFile(Path(place, one), name, size))
    left["cannot be opened"] += [os.path.relpath(path, folder) for path in refused]
    doubts += [
        f"left out, {reason}: {len(names):,} ({named(sorted(names))})" for reason, names in left.items() if names
    ]
    yield from sorted(found, key=lambda one: one.name)


def _joined(place: str, name: str) -> str:
    return name if place == "." else f"{place}/{name}"


def _refusal(path: Path, name: str, folder: Path) -> tuple[str, int]:
    """Why a file cannot be taken, or an empty text, and its size."""
    if path.name.startswith("."):
        return "hidden", 0
    if any(unicodedata.category(character) == "Cs" for character in name):
        return "names that are not UTF-8; rename them", 0
    if any(unicodedata.category(character) == "Cc" for character in name):
        return "names with control characters; rename them", 0
    if path.is_symlink() and not path.resolve().is_relative_to(folder):
        return "links to what lies outside the folder", 0
    try:
        status = path.stat()
    except OSError:
        return "cannot be opened", 0
    if not stat.S_ISREG(status.st_mode):
        return "no ordinary files", 0
    return ("", status.st_size) if status.st_size else ("empty (0 bytes)", 0)


def _described(files: Sequence[MusicFile]) -> str:
    formats = Counter(PurePosixPath(one.name).suffix.lower()[1:] for one in files).most_common()
    hours = sum(one.tags.seconds or 0 for one in files) / 3600
    return (
        f"{counted(len(files), 'file')} of music ({', '.join(f'{n:,} {kind}' for kind, n in formats)}), {hours:.1f} h"
    )


def _readable(files: Sequence[MusicFile], doubts: list[str]) -> list[MusicFile]:
    """Those that hold a kind of audio; what has none cannot be music."""
    left = defaultdict(list)
    for one in files:
        if not one.tags.kind:
            left[one.tags.problem or "no audio by their content"].append(one.name)
    doubts += [f"left out, {reason}: {counted(len(names), 'file')} ({named(names)})" for reason, names in left.items()]
    return [one for one in files if one.tags.kind]


def _choose(files: Sequence[MusicFile], wanted: str | None, least: int) -> tuple[str, str, str]:
    """What names a class (one of LABELS), what the classes are (such as genre), and why."""
    other = f"--label {'|'.join(LABELS)} chooses otherwise"
    kind = _kind_of_folders(files)
    if wanted:
        return wanted, kind if wanted == "folder" else wanted, f"classes: {wanted}, as asked for"
    base = _base(files)
    if len({_folder_of(one, base) for one in files} - {""}) >= _LEAST_CLASSES:
        deep = sum(len(_below(one, base)) > _FOLDERS_OF_ALBUMS for one in files) > _MOST_OF * len(files)
        if kind != "artist" or not deep:
            return "folder", kind, f"classes: folders ({shown(base or '.')}/*); {other}"
        if _usable(files, "genre", least):
            return "genre", "genre", f"classes: genre tags, since the folders are artists with their albums; {other}"
        return "folder", kind, f"classes: folders, which are artists, since too few files have a genre; {other}"
    for tag in ("genre", "artist"):
        if _usable(files, tag, least):
            return tag, tag, f"classes: {tag} tags, since there is no folder for each class; {other}"
    raise InputError(
        "init: nothing tells classes: no two folders with music lie side by side, and too few files have a genre or "
        f"artist tag for two classes of {least}. Put each class into a folder of its own, tag the files, or say by "
        "--label what names a class"
    )


def _base(files: Sequence[MusicFile]) -> str:
    """The folder, below the one that was given, in which the first folders lie side by side; empty for itself."""
    return os.path.commonpath([f"/{PurePosixPath(one.name).parent}" for one in files]).lstrip("/")


def _below(one: MusicFile, base: str) -> tuple[str, ...]:
    return PurePosixPath(one.name).relative_to(base).parts


def _folder_of(one: MusicFile, base: str) -> str:
    parts = _below(one, base)
    return parts[0] if len(parts) > 1 else ""


def _kind_of_folders(files: Sequence[MusicFile]) -> str:
    """Artist or genre, if most folders are called as most of their files' tag says, else class."""
    base = _base(files)
    for tag in ("artist", "genre"):
        counts = defaultdict(Counter)
        for one in files:
            counts[_folder_of(one, base)][normal_name(_tag(one.tags, tag))] += 1
        same = [folder for folder, found in counts.items() if found.most_common(1)[0][0] == normal_name(folder) != ""]
        if len(same) > _MOST_OF * len(counts):
            return tag
    return "class"


def _tag(tags: Tags, name: str) -> str:
    """A tag as a label: of several genres the first, and nothing that a sheet's label may not hold."""
    text = getattr(tags, name)
    if name == "genre":
        text = re.split(r"[;,/|\0]", text.strip(";,/| \0"))[0]
    return _as_label(text) if normal_name(text) else ""


def _as_label(text: str) -> str:
    return clean(text.replace("/", "-").replace("@", " "))[:_LONGEST_LABEL].strip()


def _usable(files: Sequence[MusicFile], tag: str, least: int) -> bool:
    counts = Counter(_class_key(_tag(one.tags, tag)) for one in files)
    large = [count for key, count in counts.items() if key and count >= least]
    return len(large) >= _LEAST_CLASSES and sum(large) >= _MOST_OF * len(files)


def _class_key(label: str) -> str:
    return normal_name(label).replace(" ", "")


def _labelled(files: Sequence[MusicFile], source: str, doubts: list[str]) -> list[MusicFile]:
    """Those that have a class. Spellings of one tag become the commonest of them; folders stay apart."""
    base = _base(files)
    for one in files:
        one.label = _as_label(_folder_of(one, base)) if source == "folder" else _tag(one.tags, source)
    without = [one.name for one in files if not one.label]
    if without:
        lack = "that lie in no folder of a class" if source == "folder" else f"without a usable {source} tag"
        doubts.append(f"left out, {lack}: {counted(len(without), 'file')} ({named(without)})")
    files = [one for one in files if one.label]
    if source != "folder":
        best, others = _commonest([one.label for one in files], _class_key)
        if others:
            doubts.append(f"tags that differ by spelling alone are one class: {named(others)}")
        for one in files:
            one.label = best[_class_key(one.label)]
    return files


def _commonest(texts: Sequence[str], key: Callable[[str], str]) -> tuple[dict[str, str], list[str]]:
    """For each key its commonest text, and the keys' texts where there are several."""
    counts = defaultdict(Counter)
    for text in texts:
        counts[key(text)][text] += 1
    best = {name: min(found, key=lambda text: (-found[text], text)) for name, found in counts.items()}
    return best, [" / ".join(sorted(found)) for _, found in sorted(counts.items()) if len(found) > 1]


def _told_apart(files: Sequence[MusicFile], doubts: list[str]) -> list[MusicFile]:
    """Each file's bytes once; none of those that two classes have."""
    copies, torn = [], []
    for same in _identical(files):
        names = _equal(same)
        if len({one.label for one in same}) > 1:
            torn.append((names, same))
        else:
            copies.append((names, same[1:]))
    for text, groups in (
        ("left out, the same bytes as another file of the class", copies),
        ("left out, the same bytes in two classes, which cannot both be right", torn),
    ):
        if groups:
            number = counted(sum(len(left) for _, left in groups), "file")
            doubts.append(f"{text}: {number} ({named(names for names, _ in groups)})")
    left = {one.name for _, some in (*copies, *torn) for one in some}
    return [one for one in files if one.name not in left]


def _equal(same: Sequence[MusicFile]) -> str:
    more = f" = {len(same) - 2:,} more" if len(same) > 2 else ""
    return " = ".join(one.name for one in same[:2]) + more


def _identical(files: Sequence[MusicFile]) -> list[list[MusicFile]]:
    found = []
    for _, same_size in groupby(sorted(files, key=lambda one: (one.size, one.name)), key=lambda one: one.size):
        alike = list(same_size)
        if len(alike) > 1:
            by_bytes = defaultdict(list)
            for one in alike:
                with suppress(OSError):  # gone meanwhile, which a run will say
                    by_bytes[file_digest(one.path)].append(one)
            found += [group for group in by_bytes.values() if len(group) > 1]
    return sorted(found, key=lambda group: group[0].name)


def _name_songs(files: Sequence[MusicFile], pattern: Pattern | None) -> None:
    """Say which files are one song: by `pattern`, else by artist and title, whose versions are one."""
    if pattern:
        problems = [one.name for one in files if not pattern.find(one.name)]
        if problems:
            raise InputError(
                f"init: --song '{pattern.text}' does not match {counted(len(problems), 'file')}: {named(problems)}"
            )
        for one in files:
            one.song = _cut(f"{one.label}/{clean(pattern.find(one.name))}", _LONGEST_ID)
        return
    unnamed = []
    for one in files:
        artist = normal_name(one.tags.artist) or normal_name(one.tags.albumartist)
        title = normal_title(one.tags.title)
        of_file = title_of_file(PurePosixPath(one.name).stem)
        if artist and (title or of_file[1]):
            one.song = _cut(f"{artist} - {title or of_file[1]}", _LONGEST_ID)
        else:
            unnamed.append((one, title, of_file))
    known = {one.song for one in files}
    for one, title, (artist, of_file) in unnamed:
        song = f"{artist} - {of_file}"
        if title or of_file:
            # Without an artist a title says little beyond its class, unless a tagged file has the same.
            own = title or (f"{artist} {of_file}" if artist else of_file)
            one.song = song if song in known else _cut(f"{one.label}/{own}", _LONGEST_ID)
        else:
            one.song = _cut(f"{one.label}/{one.name}", _LONGEST_ID)


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 20]}~{digest(text)}"


def _of_one_class(files: Sequence[MusicFile], doubts: list[str]) -> list[MusicFile]:
    """Without the songs of which two classes have versions."""
    songs = defaultdict(list)
    for one in files:
        songs[one.song].append(one)
    torn, several = [], []
    for same in songs.values():
        if len(same) > 1:
            (torn if len({one.label for one in same}) > 1 else several).append(same)
    for text, groups in (
        ("left out, versions of one song in two classes, which cannot both be right", torn),
        ("taken as versions of one song (--song tells otherwise)", several),
    ):
        if groups:
            number = counted(sum(map(len, groups)), "file")
            groups.sort(key=lambda same: (-len(same), same[0].name))
            examples = (_equal(same) for same in groups)
            doubts.append(f"{text}: {number} of {counted(len(groups), 'song')} ({named(examples)})")
    left = {one.name for same in torn for one in same}
    return [one for one in files if one.name not in left]


def _name_artists(files: Sequence[MusicFile]) -> None:
    """Artist and album as the sheet has them: one spelling of each, since equal text keeps tracks together."""
    artists, _ = _commonest([one.tags.artist for one in files] + [one.tags.albumartist for one in files], normal_name)
    albums, _ = _commonest([one.tags.album for one in files], normal_name)
    makers = defaultdict(set)
    for one in files:
        makers[normal_name(one.tags.album)].add(normal_name(one.tags.albumartist))
    for one in files:
        key = normal_name(one.tags.artist) or normal_name(one.tags.albumartist)
        one.artist = clean(artists[key]) if key else ""
        album, maker = normal_name(one.tags.album), normal_name(one.tags.albumartist)
        one.album = clean(albums[album]) if album else ""
        if one.album and maker and len(makers[album]) > 1:
            one.album = f"{one.album} ({clean(artists[maker])})"


def _large_enough(files: Sequence[MusicFile], kind: str, least: int, dataset: Mapping, doubts: list[str]) -> list:
    """Without the classes that have fewer songs than a run demands; InputError if fewer than two have."""
    songs = defaultdict(set)
    for one in files:
        seconds = one.tags.seconds
        songs[one.label] |= (
            {one.song}
            if seconds is None or dataset["clip"]["min_seconds"] <= seconds <= dataset["max_seconds"]
            else set()
        )
    small = {label: len(found) for label, found in sorted(songs.items()) if len(found) < least}
    described = named(f"{label} {count}" for label, count in small.items())
    if len(songs) - len(small) < _LEAST_CLASSES:
        raise InputError(
            f"init: fewer than two classes ({kind}) have the {least} songs that a run demands of each"
            + (f"; too small: {described}" if small else "")
            + (f"; large enough: {named(sorted(set(songs) - set(small)))}" if len(small) < len(songs) else "")
            + f". Add music, or choose by --label {'|'.join(LABELS)} what names a class"
            + "".join(f"\n  - {line}" for line in doubts)
        )
    if small:
        text = f"left out, fewer than the {least} good songs that a run demands of a class"
        doubts.append(f"{text}: {counted(len(small), 'class')} ({described})")
    return [one for one in files if one.label not in small]


def _name_tracks(files: Sequence[MusicFile]) -> None:
    taken = set()
    for one in files:
        track_id = unicodedata.normalize("NFC", one.name).replace("@", "%40")
        if track_id.startswith(_FORMULA):
            track_id = f"%{ord(track_id[0]):02X}{track_id[1:]}"
        track_id = _cut(track_id, _LONGEST_ID)
        if track_id in taken:
            track_id = f"{track_id[: _LONGEST_ID - 20]}~{digest(one.name)}"
        taken.add(track_id)
        one.track_id = track_id


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
    if text.startswith(_FORMULA):
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
