"""Checks of a folder of music that becomes a data set: what the user should check before the first run."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence

from songwise.library.scan import MusicFile
from songwise.library.tag_reader import Tags
from songwise.library.titles import normal_name
from songwise.library.wording import escape, format_count, format_examples

_MAX_RATIO = 10  # songs of the largest class per song of the smallest
_MIN_GAIN = 0.1  # share of the tracks by which one property must beat guessing the largest class
_BIT_RATES = (48, 80, 112, 144, 176, 224, 288, 352)  # kbit/s, between the usual settings of encoders
_KINDS = {"oga": ("ogg",), "opus": ("ogg",), "aac": ("aac", "m4a", "mp3")}  # suffixes that differ from the container's


def check_files(files: Sequence[MusicFile]) -> list[str]:
    """Return what is unusual about files that are used all the same.

    Parameters
    ----------
    files : sequence of MusicFile
        With tags.

    Returns
    -------
    list of str
        One line per finding.
    """
    misnamed = [
        f"{file.name} ({file.tags.kind})"
        for file in files
        if file.tags.kind and file.tags.kind not in _kinds(file.name.rpartition(".")[2].lower())
    ]
    untagged = [file.name for file in files if file.tags.problem]
    videos = [file.name for file in files if file.tags.video]
    findings = {
        "with the suffix of another format; the content decides": misnamed,
        "with unreadable tags, treated as having none": untagged,
        "with moving pictures, of which only the sound is used": videos,
    }
    return _lines("file", findings)


def _kinds(suffix: str) -> tuple[str, ...]:
    return _KINDS.get(suffix, (suffix,))


def check_lengths(files: Sequence[MusicFile], clip: Mapping, max_seconds: float) -> list[str]:
    """Return which tracks a run will leave out or cut into a single short clip, if their headers are right.

    Parameters
    ----------
    files : sequence of MusicFile
        With tags.
    clip : mapping
        The data set's clip keys.
    max_seconds : float
        Length of the longest track that a run takes.

    Returns
    -------
    list of str
        One line per finding.
    """
    shortest, whole = clip["min_seconds"], clip["seconds"]
    lengths = [(file.name, file.tags.seconds) for file in files if file.tags.seconds is not None]
    findings = {
        f"shorter than {shortest:g} s; a run leaves them out": [
            name for name, seconds in lengths if seconds < shortest
        ],
        f"shorter than a clip of {whole:g} s": [name for name, seconds in lengths if shortest <= seconds < whole],
        f"longer than {max_seconds:g} s (max_seconds); a run leaves them out": [
            name for name, seconds in lengths if seconds > max_seconds
        ],
    }
    return _lines("track", findings)


def _lines(noun: str, findings: Mapping[str, Sequence[str]]) -> list[str]:
    return [
        f"{format_count(len(names), noun)} {text}: {format_examples(names)}"
        for text, names in findings.items()
        if names
    ]


def check_classes(files: Sequence[MusicFile], kind: str) -> list[str]:
    """Return what makes the results of a run on these files hard to believe.

    Parameters
    ----------
    files : sequence of MusicFile
        With labels, songs, artists and albums.
    kind : str
        What a class is, such as genre.

    Returns
    -------
    list of str
        One line per finding.
    """
    return [
        *_similar_names(files),
        *_imbalance(files),
        *([] if kind == "artist" else _single("artist", files)),
        *([] if kind == "album" else _single("album", files)),
        *_file_properties(files),
    ]


def _similar_names(files: Sequence[MusicFile]) -> list[str]:
    spellings = defaultdict(set)
    for file in files:
        spellings[normal_name(file.label).replace(" ", "") or file.label].add(file.label)
    similar = [" / ".join(sorted(labels)) for labels in spellings.values() if len(labels) > 1]
    if not similar:
        return []
    return [
        f"class names that differ only in spelling; if they mean one class, rename them: {format_examples(similar)}"
    ]


def _imbalance(files: Sequence[MusicFile]) -> list[str]:
    counts = Counter(label for label, _ in {(file.label, file.song) for file in files})
    (largest, most), (smallest, fewest) = counts.most_common(1)[0], counts.most_common()[-1]
    if most <= _MAX_RATIO * fewest:
        return []
    return [
        f"classes of very different size: {escape(largest)} has {format_count(most, 'song')}, {escape(smallest)} has "
        f"{fewest:,}; compare models by macro-F1 rather than accuracy"
    ]


def _single(column: str, files: Sequence[MusicFile]) -> list[str]:
    values = defaultdict(set)
    for file in files:
        values[file.label].add(getattr(file, column))
    single = [label for label, own in sorted(values.items()) if len(own) == 1 and "" not in own]
    if not single:
        return []
    return [
        f"{format_count(len(single), 'class')} with a single {column}, so the protocol by-{column} is impossible and a "
        f"model may learn the {column} instead: {format_examples(single)}"
    ]


def _file_properties(files: Sequence[MusicFile]) -> list[str]:
    properties: dict[str, Callable[[Tags], object]] = {
        "format": lambda tags: tags.kind,
        "bit rate": lambda tags: tags.bit_rate and sum(tags.bit_rate > 1000 * limit for limit in _BIT_RATES),
        "sample rate": lambda tags: tags.sample_rate,
    }
    baseline = Counter(file.label for file in files).most_common(1)[0][1] / len(files)
    shares = []
    for name, value_of in properties.items():
        labels = defaultdict(Counter)
        for file in files:
            labels[value_of(file.tags)][file.label] += 1
        share = sum(max(counts.values()) for counts in labels.values()) / len(files)
        if share >= baseline + _MIN_GAIN:
            shares.append(f"{name} {100 * share:.0f} %")
    if not shares:
        return []
    return [
        "one property of the files, without the music, is enough to guess the class of many tracks: "
        f"{', '.join(shares)} (always guessing the largest class: {100 * baseline:.0f} %). "
        "See docs/evaluation.md, Shortcuts"
    ]
