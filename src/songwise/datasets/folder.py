"""Source `folder`: one sub-folder per class, read as a track sheet."""

from pathlib import Path

from songwise.datasets.patterns import Pattern
from songwise.datasets.track import Track
from songwise.errors import InputError, raise_all

AUDIO_SUFFIXES = frozenset({".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".m4a", ".aac", ".webm"})


def scan_folder(folder: Path, song_pattern: str | None, dataset_path: Path) -> list[Track]:
    if not folder.is_dir():
        raise InputError(f"{dataset_path}: source.folder: there is no folder {folder}")
    song = Pattern(song_pattern, key="source.song", where=dataset_path) if song_pattern else None
    tracks, problems = [], []
    for class_folder in sorted(path for path in folder.iterdir() if path.is_dir() and path.name[0] != "."):
        for path in sorted(class_folder.rglob("*")):
            if path.suffix.lower() not in AUDIO_SUFFIXES or path.name.startswith("."):
                continue
            name = path.relative_to(class_folder).as_posix()
            title = song.find(name) if song else str(Path(name).with_suffix(""))
            if not title:
                problems.append(f"'{name}' of class '{class_folder.name}' does not match source.song '{song.text}'")
                continue
            track_id = f"{class_folder.name}/{name}".replace("@", "%40")
            tracks.append(Track(track_id, class_folder.name, f"{class_folder.name}/{title}", path=str(path)))
    raise_all(folder, problems)
    if not tracks:
        raise InputError(
            f"{folder}: holds no audio; one folder a class with files named "
            f"{', '.join('*' + suffix for suffix in sorted(AUDIO_SUFFIXES))} is expected"
        )
    return tracks
