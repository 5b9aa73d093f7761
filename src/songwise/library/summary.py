"""What `songwise init` prints about a data set: the music in the folder, the classes, and what has changed."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from songwise.library.scan import MusicFile
from songwise.library.wording import escape, format_count, format_examples

_MOST_CLASSES = 30  # to print


def describe_files(files: Sequence[MusicFile]) -> str:
    """Return the number of files, their formats and their total length: '12 music files (12 mp3), 0.7 hours'."""
    formats = Counter(PurePosixPath(file.name).suffix.lower()[1:] for file in files).most_common()
    hours = sum(file.tags.seconds or 0 for file in files) / 3600
    listed = ", ".join(f"{count:,} {suffix}" for suffix, count in formats)
    return f"{format_count(len(files), 'music file')} ({listed}), {hours:.1f} hours"


def describe_classes(files: Sequence[MusicFile]) -> list[str]:
    """Return a heading and one line per class, the largest first.

    Parameters
    ----------
    files : sequence of MusicFile
        With labels, songs, artists and albums.

    Returns
    -------
    list of str
        The class, and its numbers of tracks, songs, artists and albums.
    """
    classes = defaultdict(list)
    for file in files:
        classes[file.label].append(file)
    order = sorted(classes, key=lambda label: (-len(classes[label]), label))
    width = max(len(escape(label)) for label in order[:_MOST_CLASSES])
    songs = len({file.song for file in files})
    counts = (format_count(len(order), "class"), format_count(len(files), "track"), format_count(songs, "song"))
    lines = [f"{', '.join(counts)}:"]
    lines += [f"  {escape(label):<{width}}  {_describe_class(classes[label])}" for label in order[:_MOST_CLASSES]]
    if len(order) > _MOST_CLASSES:
        lines.append(f"  and {format_count(len(order) - _MOST_CLASSES, 'class')} more")
    return lines


def _describe_class(files: Sequence[MusicFile]) -> str:
    counts = [format_count(len(files), "track"), format_count(len({file.song for file in files}), "song")]
    for column in ("artist", "album"):
        number = len({getattr(file, column) for file in files} - {""})
        counts += [format_count(number, column)] if number else []
    return ", ".join(counts)


def describe_changes(old_rows: Sequence[Mapping], new_rows: Sequence[Mapping]) -> str:
    """Return how a sheet differs from the one that it replaces.

    Parameters
    ----------
    old_rows, new_rows : sequence of mapping
        Rows with track_id, label and song.

    Returns
    -------
    str
        New, removed and changed tracks.
    """
    old, new = ({row["track_id"]: (row["label"], row["song"]) for row in rows} for rows in (old_rows, new_rows))
    changes = {
        "new": sorted(new.keys() - old.keys()),
        "removed": sorted(old.keys() - new.keys()),
        "with another label or song": sorted(name for name in old.keys() & new.keys() if old[name] != new[name]),
    }
    parts = [
        f"{format_count(len(names), 'track')} {text} ({format_examples(names)})"
        for text, names in changes.items()
        if names
    ]
    return f"compared with the previous sheet: {'; '.join(parts) or 'no changes'}"
