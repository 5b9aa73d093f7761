"""What to doubt in a folder of music that is to become a data set: lines for the person who wants to classify it.

Files here are what `scan` found: each has name, label, song, artist, album and tags.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

from songwise.library.tags import Tags, normal_name, shown

_EXAMPLES = 3
_LONGEST_EXAMPLE = 120  # characters
_UNEQUAL = 10  # songs of the largest class for one of the smallest
_TELLS = 0.1  # of the tracks, by which a fact beats guessing
_BIT_RATES = (48, 80, 112, 144, 176, 224, 288, 352)  # kbit/s, between those that encoders are asked for
_KINDS = {"oga": ("ogg",), "opus": ("ogg",), "aac": ("aac", "m4a", "mp3")}  # where a suffix is not its container's name


def counted(number: int, noun: str) -> str:
    """'1 file', '1,234 files', '2 classes'."""
    return f"{number:,} {noun}{'' if number == 1 else 'es' if noun.endswith('s') else 's'}"


def named(names: Iterable[str]) -> str:
    """The first few of these names, each safe to print, and how many more there are."""
    names = list(names)
    first = [shown(name if len(name) <= _LONGEST_EXAMPLE else f"{name[:_LONGEST_EXAMPLE]}...") for name in names]
    more = f" and {len(names) - _EXAMPLES:,} more" if len(names) > _EXAMPLES else ""
    return ", ".join(first[:_EXAMPLES]) + more


def doubts_of_files(files: Sequence) -> list[str]:
    """What is odd about files that are taken all the same."""
    lying = [
        f"{file.name} ({file.tags.kind})"
        for file in files
        if file.tags.kind and file.tags.kind not in _kinds(file.name.rpartition(".")[2].lower())
    ]
    unread = [file.name for file in files if file.tags.problem]
    videos = [file.name for file in files if file.tags.video]
    lines = {
        "whose suffix says another format than its content; the content counts": lying,
        "with tags that cannot be read; taken as without tags": unread,
        "with moving pictures; only the sound is used": videos,
    }
    return [f"{counted(len(names), 'file')} {text}: {named(names)}" for text, names in lines.items() if names]


def _kinds(suffix: str) -> tuple[str, ...]:
    return _KINDS.get(suffix, (suffix,))


def doubts_of_lengths(files: Sequence, clip: Mapping, max_seconds: float) -> list[str]:
    """Tracks that a run will leave out, or cut one short clip of, if their headers do not lie.

    Parameters
    ----------
    clip, max_seconds : of the data set.
    """
    least, whole = clip["min_seconds"], clip["seconds"]
    of_length = [(file, file.tags.seconds) for file in files if file.tags.seconds is not None]
    lines = {
        f"shorter than {least:g} s, which a run leaves out": [one for one, long in of_length if long < least],
        f"shorter than a clip of {whole:g} s": [one for one, long in of_length if least <= long < whole],
        f"longer than {max_seconds:g} s (max_seconds), which a run leaves out": [
            one for one, long in of_length if long > max_seconds
        ],
    }
    return [
        f"{counted(len(found), 'track')} {text}: {named(file.name for file in found)}"
        for text, found in lines.items()
        if found
    ]


def doubts_of_classes(files: Sequence, kind: str) -> list[str]:
    """What makes the figures of a run on these files hard to believe.

    Parameters
    ----------
    kind : what the classes are, such as genre.
    """
    return [
        *_near_names(files),
        *_imbalance(files),
        *([] if kind == "artist" else _single("artist", files)),
        *([] if kind == "album" else _single("album", files)),
        *_encoders(files),
    ]


def _near_names(files: Sequence) -> list[str]:
    spellings = defaultdict(set)
    for file in files:
        spellings[normal_name(file.label).replace(" ", "") or file.label].add(file.label)
    near = [" / ".join(sorted(found)) for found in spellings.values() if len(found) > 1]
    if not near:
        return []
    return [f"classes whose names differ by spelling alone; if they are one, make them one: {named(near)}"]


def _imbalance(files: Sequence) -> list[str]:
    counts = Counter(label for label, _ in {(file.label, file.song) for file in files})
    (largest, most), (smallest, fewest) = counts.most_common(1)[0], counts.most_common()[-1]
    if most <= _UNEQUAL * fewest:
        return []
    return [
        f"classes of very different size: {shown(largest)} has {counted(most, 'song')}, {shown(smallest)} {fewest:,}; "
        "look at macro-F1 rather than accuracy"
    ]


def _single(column: str, files: Sequence) -> list[str]:
    values = defaultdict(set)
    for file in files:
        values[file.label].add(getattr(file, column))
    alone = [label for label, found in sorted(values.items()) if len(found) == 1 and "" not in found]
    if not alone:
        return []
    return [
        f"{counted(len(alone), 'class')} of a single {column}, so that by-{column} is impossible and a model may learn "
        f"the {column}: {named(alone)}"
    ]


def _encoders(files: Sequence) -> list[str]:
    facts: dict[str, Callable[[Tags], object]] = {
        "format": lambda tags: tags.kind,
        "bit rate": lambda tags: tags.bit_rate and sum(tags.bit_rate > 1000 * limit for limit in _BIT_RATES),
        "sample rate": lambda tags: tags.sample_rate,
    }
    guess = Counter(file.label for file in files).most_common(1)[0][1] / len(files)
    telling = []
    for name, fact in facts.items():
        labels = defaultdict(Counter)
        for file in files:
            labels[fact(file.tags)][file.label] += 1
        share = sum(max(found.values()) for found in labels.values()) / len(files)
        if share >= guess + _TELLS:
            telling.append(f"{name} {share:.2f}")
    if not telling:
        return []
    return [
        f"the files differ from class to class without the music; guessing by one fact alone gets right: "
        f"{', '.join(telling)} of the tracks ({guess:.2f} without any). See docs/evaluation.md, Shortcuts"
    ]
