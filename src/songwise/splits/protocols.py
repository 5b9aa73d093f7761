"""Protocols: what each keeps whole, and which of them a track sheet supports.

Light (no numpy): it runs at every start of Snakemake.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from songwise.errors import InputError

RANDOM_CLIPS = "random-clips"  # the field's habit: for the audit alone
K_FOLD = ("by-song", "by-artist", "by-album")
KEPT_WHOLE = {  # the sheet's columns whose equal values never cross a split
    "by-song": ("song",),
    "by-artist": ("song", "artist"),
    "by-album": ("song", "album"),
    "predefined-folds": ("song",),
    "train-valid-test": ("song",),
    "hold-out": ("song",),
}
_COLUMNS = {"by-artist": "artist", "by-album": "album", "predefined-folds": "fold", "train-valid-test": "role"}
_SHOWN = 10  # problems in one message
_NAMED = 4  # names in one problem


def choose(settings: Mapping, split: Mapping, tracks: Sequence, where: Path) -> list[str]:
    """The protocols to run, the leaderboard's first.

    Parameters
    ----------
    settings : of config; its `protocol` overrides the data set's, and `audit` is a list, or "auto" for random clips
        and whichever of K_FOLD the sheet supports and would not split as by-song does.
    split : of the data set file.
    tracks : the sheet, rows with label, song, artist, album, fold and role.
    where : the data set file, for messages.

    Raises
    ------
    InputError : saying what of the sheet forbids a protocol that was asked for, and what to do.
    """
    honest = settings["protocol"] or split["protocol"]
    asked = [] if settings["audit"] == "auto" else [name for name in settings["audit"] if name != honest]
    for name in [honest, *asked]:
        problems = obstacles(name, split, tracks)
        if problems:
            more = f"\n{where}: and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
            raise InputError("\n".join(f"{where}: {name}: {text}" for text in problems[:_SHOWN]) + more)
    if settings["audit"] != "auto":
        return [honest, *asked]
    others = [name for name in K_FOLD if name != honest and not obstacles(name, split, tracks)]
    return [honest, RANDOM_CLIPS, *(name for name in others if _joins_songs(name, tracks))]


def sheet_columns(protocols: Sequence[str]) -> list[str]:
    """The columns of the sheet, besides song, that these protocols go by."""
    return sorted({_COLUMNS[name] for name in protocols if name in _COLUMNS})


def least_groups(protocol: str, split: Mapping) -> int:
    """How many groups every class needs: one for each fold, or one more than are held out."""
    if protocol in K_FOLD:
        return split["folds"]
    return split["held_out"] + 1 if protocol == "hold-out" else 1


def group_name(protocol: str) -> str:
    """What a group of a protocol mostly is: song, artist or album."""
    return KEPT_WHOLE[protocol][-1]


def obstacles(protocol: str, split: Mapping, tracks: Sequence) -> list[str]:
    """Why a sheet does not support a protocol, a text each; [] if it does."""
    column = _COLUMNS.get(protocol)
    if column:
        empty = [track.track_id for track in tracks if not getattr(track, column)]
        if len(empty) == len(tracks):
            return [f"needs the column {column} in the track sheet, which has none"]
        if empty:
            return [f"{len(empty)} track{'s have' if len(empty) > 1 else ' has'} no {column}: {_named(empty)}"]
    if protocol == "predefined-folds":
        return _fold_obstacles(tracks)
    if protocol == "train-valid-test":
        return _role_obstacles(tracks)
    if protocol == "hold-out":
        return _hold_out_obstacles(split["held_out"], tracks)
    return [] if protocol == RANDOM_CLIPS else _group_obstacles(group_name(protocol), split["folds"], tracks)


def _group_obstacles(kind: str, folds: int, tracks: Sequence) -> list[str]:
    short = [f"{label} ({count})" for label, count in _count(tracks, kind).items() if count < folds]
    if not short:
        return []
    other = "" if kind == "song" else ", choose by-song"
    return [
        f"label {_named(short)}: fewer {kind}s than the {folds} folds; add {kind}s, lower split.folds{other} or drop "
        "the label"
    ]


def _fold_obstacles(tracks: Sequence) -> list[str]:
    numbers = {int(track.fold) for track in tracks}
    first = 0 if 0 in numbers else 1
    missing = next((number for number in range(first, max(numbers)) if number not in numbers), None)
    if missing is not None:
        return [f"there is no fold {missing} in the sheet's column fold, which must count from 0 or 1 without a gap"]
    if len(numbers) < 2:
        return [f"all tracks have the fold {first}; at least two folds are needed"]
    folds = _count(tracks, "fold")
    return _parted_songs("fold", tracks) + [
        f"label '{label}' stands in one fold only, so nothing of it is trained on when it is tested"
        for label, count in folds.items()
        if count < 2
    ]


def _role_obstacles(tracks: Sequence) -> list[str]:
    roles = {track.role for track in tracks}
    missing = [f"no track has the role {role}, which is needed" for role in ("train", "test") if role not in roles]
    if missing:
        return missing
    trained = {track.label for track in tracks if track.role == "train"}
    return _parted_songs("role", tracks) + [
        f"label '{label}' has no track with the role train"
        for label in sorted({track.label for track in tracks} - trained)
    ]


def _hold_out_obstacles(held_out: int | None, tracks: Sequence) -> list[str]:
    if held_out is None:
        return ["split.held_out is missing: how many songs of each class are to be tested"]
    short = [f"{label} ({count})" for label, count in _count(tracks, "song").items() if count <= held_out]
    if not short:
        return []
    return [
        f"label {_named(short)}: with split.held_out {held_out} no song is left to train on; add songs, lower "
        "split.held_out or drop the label"
    ]


def _parted_songs(column: str, tracks: Sequence) -> list[str]:
    first: dict[str, object] = {}
    return [
        f"song '{track.song}' has two {column}s: {getattr(other, column)} ({other.track_id}) and "
        f"{getattr(track, column)} ({track.track_id})"
        for track in tracks
        if getattr(other := first.setdefault(track.song, track), column) != getattr(track, column)
    ]


def _count(tracks: Sequence, column: str) -> dict[str, int]:
    """How many values of a column each label has, by label."""
    values = defaultdict(set)
    for track in tracks:
        values[track.label].add(getattr(track, column))
    return {label: len(found) for label, found in sorted(values.items())}


def _joins_songs(protocol: str, tracks: Sequence) -> bool:
    kind = group_name(protocol)
    pairs = {(getattr(track, kind), track.song) for track in tracks}
    return kind == "song" or len(pairs) > len({value for value, _ in pairs})


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
