"""Source `folder`: one subfolder per class, read as a track sheet."""

from collections.abc import Iterator
from pathlib import Path

from songwise.datasets.patterns import Pattern
from songwise.datasets.track import Track
from songwise.errors import InputError, raise_all

AUDIO_SUFFIXES = frozenset({".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".m4a", ".aac", ".webm"})


def scan_folder(folder: Path, song_pattern: str | None, dataset_path: Path) -> list[Track]:
    """Read the tracks of a folder that has one subfolder per class.

    Parameters
    ----------
    folder : Path
        The folder. Hidden files and hidden classes are skipped.
    song_pattern : str or None
        Regular expression that finds the song in a file's path below its class. If None, every file is a song.
    dataset_path : Path
        The data set file, for messages.

    Returns
    -------
    list of Track
        One track per audio file, in alphabetical order.

    Raises
    ------
    InputError
        If the folder does not exist or has no audio files, or if a file name does not match the expression.
    """
    if not folder.is_dir():
        raise InputError(f"{dataset_path}: source.folder: there is no folder {folder}")
    song = Pattern(song_pattern, key="source.song", where=dataset_path) if song_pattern else None
    tracks, problems = [], []
    for class_name, path in _list_audio(folder):
        name = path.relative_to(folder / class_name).as_posix()
        title = song.find(name) if song else str(Path(name).with_suffix(""))
        if not title:
            problems.append(f"'{name}' of class '{class_name}' does not match source.song '{song.text}'")
            continue
        track_id = f"{class_name}/{name}".replace("@", "%40")
        tracks.append(Track(track_id, class_name, f"{class_name}/{title}", path=str(path)))
    raise_all(folder, problems)
    if not tracks:
        raise InputError(
            f"{folder}: contains no audio files; put them in one subfolder per class, in one of these formats: "
            f"{', '.join('*' + suffix for suffix in sorted(AUDIO_SUFFIXES))}"
        )
    return tracks


def _list_audio(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield the class and the path of every audio file."""
    for class_folder in sorted(path for path in folder.iterdir() if path.is_dir() and path.name[0] != "."):
        for path in sorted(class_folder.rglob("*")):
            if path.suffix.lower() in AUDIO_SUFFIXES and not path.name.startswith("."):
                yield class_folder.name, path
