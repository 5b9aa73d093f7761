"""Turn a folder of your own music into a data set: the steps of `songwise init`."""

import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from songwise.datasets.folder import AUDIO_SUFFIXES
from songwise.datasets.patterns import Pattern
from songwise.errors import InputError, suggestion
from songwise.library.checks import check_classes, check_files, check_lengths
from songwise.library.classes import LABELS, Classes, choose_classes, drop_small_classes, set_labels
from songwise.library.dataset_files import (
    DEFAULTS,
    Target,
    choose_name,
    copy_audio,
    dataset_yaml,
    load_own,
    read_old_rows,
    sheet_rows,
    write_dataset,
)
from songwise.library.scan import MusicFile, drop_copies, keep_audio, scan_folder
from songwise.library.songs import drop_conflicting_songs, name_artists, name_songs, name_tracks
from songwise.library.summary import describe_changes, describe_classes, describe_files
from songwise.library.tags import read_tags
from songwise.library.wording import escape
from songwise.runtime.progress import Progress
from songwise.schemas.config import Config
from songwise.schemas.read import read_yaml, validate


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
    """Write NAME.yaml and NAME.tracks.csv for a folder of music, and report what is in it and what to check.

    Parameters
    ----------
    folder : Path
        Folder of music.
    name : str, optional
        Name of the data set. By default, it is derived from the folder's name.
    label : str, optional
        What names a class, one of LABELS. By default, it is chosen by the folder's structure and tags.
    song : str, optional
        Regular expression. Its first group, or the whole match, is the song's name in a file's path below the folder.
        By default, artist and title name the song.
    out : Path, default=config/datasets
        Folder to write to.
    copy : bool, default=False
        Whether to copy the audio to data/raw/NAME/audio, as hard links where possible.
    force : bool, default=False
        Whether to replace a data set of this name. Its YAML file is kept if its classes are of the same kind.
    root : Path, optional
        Folder of the project, with workflow/schemas and config.
    say : callable, default=print
        Receives each line of the report.

    Raises
    ------
    InputError
        If the folder cannot become a data set, or if a data set of this name exists.
    """
    folder, target = _check_request(folder, name, label, out, root, force=force)
    pattern = Pattern(song, key="--song", where="init") if song else None
    own = load_own(target) if force else None
    min_songs = _min_songs(own, root)

    found, notes = _read_folder(folder)
    files, classes, grouping_notes = _group_songs(found, label, pattern, min_songs)
    notes += grouping_notes
    kept = own if own and own["label"] == classes.kind else None
    limits = kept or DEFAULTS
    files, size_notes = drop_small_classes(files, classes.kind, min_songs, limits, notes)
    notes += size_notes + check_files(files) + check_classes(files, classes.kind)
    notes += check_lengths(files, limits["clip"], limits["max_seconds"])
    name_tracks(files)

    old_rows = read_old_rows(target.sheet)
    audio = copy_audio(files, root / "data" / "raw" / target.name / "audio") if copy else [file.path for file in files]
    rows = sheet_rows(files, audio, target)
    write_dataset(target, rows, None if kept else dataset_yaml(target.name, classes.kind, folder, len(files)))

    say(f"{escape(str(folder))} contains {describe_files(found)}")
    lines = [classes.reason, *describe_classes(files)]
    lines += ["please check:", *(f"- {note}" for note in notes)] if notes else []
    lines += [describe_changes(old_rows, rows)] if old_rows else []
    for line in lines + _next_steps(target, is_kept=bool(kept)):
        say(f"  {line}")


def _check_request(
    folder: Path, name: str | None, label: str | None, out: Path, root: Path, *, force: bool
) -> tuple[Path, Target]:
    if not folder.is_dir():
        raise InputError(f"init: there is no folder {escape(str(folder))}")
    if label and label not in LABELS:
        raise InputError(f"init: --label '{escape(label)}' is unknown{suggestion(label, list(LABELS))}")
    folder = folder.resolve()
    target = Target(choose_name(name, folder), out, root)
    existing = [path for path in (target.yaml, target.sheet) if path.exists()]
    if existing and not force:
        raise InputError(f"init: {existing[0]} exists already; choose another --name, or replace it with --force")
    return folder, target


def _min_songs(own: Mapping | None, root: Path) -> int:
    settings = validate(read_yaml(root / "config" / "config.yaml"), Config, where="config/config.yaml")
    return max(settings.min_songs, (own or DEFAULTS)["split"]["folds"])


def _read_folder(folder: Path) -> tuple[list[MusicFile], list[str]]:
    files, notes = scan_folder(folder)
    if not files:
        raise InputError(
            f"{escape(str(folder))}: contains no music that songwise can read ({', '.join(sorted(AUDIO_SUFFIXES))})"
            + "".join(f"\n  {line}" for line in notes)
        )
    progress = Progress("init", len(files), "files")
    for file, tags in zip(files, read_tags([file.path for file in files], step=progress.step), strict=True):
        file.tags = tags
    return files, notes


def _group_songs(
    files: Sequence[MusicFile], label: str | None, pattern: Pattern | None, min_songs: int
) -> tuple[list[MusicFile], Classes, list[str]]:
    """Set label, song, artist and album of the audio files; leave out what is in two classes."""
    files, no_audio = keep_audio(files)
    classes = choose_classes(files, label, min_songs)
    files, unlabelled = set_labels(files, classes.source)
    files, copies = drop_copies(files)
    name_songs(files, pattern)
    files, conflicts = drop_conflicting_songs(files)
    name_artists(files)
    return files, classes, no_audio + unlabelled + copies + conflicts


def _next_steps(target: Target, *, is_kept: bool) -> list[str]:
    reference = target.name if target.is_in_project else shlex.quote(str(target.yaml))
    written = f"{target.sheet}; kept {target.yaml} as it was" if is_kept else f"{target.yaml} and {target.sheet}"
    return [
        f"wrote {written}",
        "next: check the sheet, then run",
        f"  snakemake --config dataset={reference}",
    ]
