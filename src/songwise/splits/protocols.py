"""Protocols: the ways to split a data set, what each keeps whole, and which of them a track sheet supports.

To add a protocol, add it to PROTOCOLS. The code of another k-fold split needs nothing else, except that the column must
be in the track sheet (`datasets.track.Track`). CONTRIBUTING.md lists what describes it.

Light (no numpy): this module is imported at every start of Snakemake.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from songwise.datasets.track import Track
from songwise.errors import raise_all
from songwise.text import format_names

RANDOM_CLIPS = "random-clips"  # common practice, which leaks: for the audit only
_NAMED = 4  # names per problem


class Kind(Enum):
    """How a protocol chooses the clips to test."""

    K_FOLD = "stratified folds over groups, drawn in each repeat"
    SHEET_FOLDS = "the folds in the track sheet"
    SHEET_ROLES = "the roles in the track sheet"
    HOLD_OUT = "some groups per class, drawn in each repeat"


@dataclass(frozen=True)
class Protocol:
    """One way to split a data set; every protocol keeps songs whole.

    Attributes
    ----------
    kind : Kind
        How the clips to test are chosen.
    column : str or None
        Column of the track sheet that the protocol needs besides song: for k-fold the groups that it keeps whole, such
        as artist; otherwise the sheet's own folds or roles.
    """

    kind: Kind
    column: str | None = None

    @property
    def keeps_whole(self) -> tuple[str, ...]:
        """Return the columns of the sheet whose equal values never cross a split."""
        return ("song", self.column) if self.kind is Kind.K_FOLD and self.column else ("song",)

    @property
    def group(self) -> str:
        """Return the name of a group: song, artist or album."""
        return self.keeps_whole[-1]

    def least_groups(self, split: Mapping) -> int:
        """Return how many groups every class needs.

        Parameters
        ----------
        split : mapping
            The data set file's split: folds and held_out.

        Returns
        -------
        int
            One per fold, or one more than are held out.
        """
        if self.kind is Kind.K_FOLD:
            return split["folds"]
        return split["held_out"] + 1 if self.kind is Kind.HOLD_OUT else 1


PROTOCOLS = {
    "by-song": Protocol(Kind.K_FOLD),
    "by-artist": Protocol(Kind.K_FOLD, "artist"),
    "by-album": Protocol(Kind.K_FOLD, "album"),
    "predefined-folds": Protocol(Kind.SHEET_FOLDS, "fold"),
    "train-valid-test": Protocol(Kind.SHEET_ROLES, "role"),
    "hold-out": Protocol(Kind.HOLD_OUT),
}


def choose(settings: Mapping, split: Mapping, tracks: Sequence[Track], where: Path) -> list[str]:
    """Return the protocols to run, the leaderboard's first.

    Parameters
    ----------
    settings : mapping
        The config. Its `protocol` overrides the data set's. Its `audit` is a list, or "auto" for random-clips and the
        k-fold protocols that the sheet supports and that do not split it as by-song does.
    split : mapping
        The data set file's split.
    tracks : sequence of Track
        The track sheet.
    where : Path
        The data set file, for messages.

    Returns
    -------
    list of str
        Names from PROTOCOLS, and RANDOM_CLIPS.

    Raises
    ------
    InputError
        If the sheet does not support a protocol of the config or the data set file.
    """
    honest = settings["protocol"] or split["protocol"]
    automatic = settings["audit"] == "auto"
    audited = [] if automatic else [name for name in settings["audit"] if name != honest]
    for name in [honest, *audited]:
        raise_all(f"{where}: {name}", obstacles(name, split, tracks))
    if not automatic:
        return [honest, *audited]
    others = [
        name
        for name, protocol in PROTOCOLS.items()
        if protocol.kind is Kind.K_FOLD
        and name != honest
        and not obstacles(name, split, tracks)
        and _joins_songs(protocol, tracks)
    ]
    return [honest, RANDOM_CLIPS, *others]


def sheet_columns(protocols: Sequence[str]) -> list[str]:
    """Return the columns of the sheet, besides song, that some protocols need.

    Parameters
    ----------
    protocols : sequence of str
        Names of protocols.

    Returns
    -------
    list of str
        In alphabetical order.
    """
    columns = {PROTOCOLS[name].column for name in protocols if name != RANDOM_CLIPS}
    return sorted(columns - {None})


def least_groups(protocol: str, split: Mapping) -> int:
    """Return how many groups every class needs under a protocol (`Protocol.least_groups`)."""
    return PROTOCOLS[protocol].least_groups(split)


def obstacles(protocol: str, split: Mapping, tracks: Sequence[Track]) -> list[str]:
    """Return the reasons why a sheet does not support a protocol.

    Parameters
    ----------
    protocol : str
        Name of a protocol.
    split : mapping
        The data set file's split.
    tracks : sequence of Track
        The track sheet.

    Returns
    -------
    list of str
        One text per reason; empty if the sheet supports the protocol.
    """
    if protocol == RANDOM_CLIPS:
        return []
    chosen = PROTOCOLS[protocol]
    if chosen.column:
        empty = [track.track_id for track in tracks if not getattr(track, chosen.column)]
        if len(empty) == len(tracks):
            return [f"needs the column {chosen.column}, which is missing in the track sheet or empty"]
        if empty:
            have = "tracks have" if len(empty) > 1 else "track has"
            return [f"{len(empty)} {have} no {chosen.column}: {format_names(empty, _NAMED)}"]
    return _OBSTACLES[chosen.kind](chosen, split, tracks)


def _group_obstacles(protocol: Protocol, split: Mapping, tracks: Sequence[Track]) -> list[str]:
    kind, folds = protocol.group, split["folds"]
    short = [f"{label} ({count})" for label, count in _count_values(tracks, kind).items() if count < folds]
    if not short:
        return []
    other = "" if kind == "song" else ", choose by-song"
    return [
        f"label {format_names(short, _NAMED)}: fewer {kind}s than the {folds} folds; add {kind}s, lower "
        f"split.folds{other} or leave out the label"
    ]


def _fold_obstacles(protocol: Protocol, split: Mapping, tracks: Sequence[Track]) -> list[str]:
    numbers = {int(track.fold) for track in tracks}
    first = 0 if 0 in numbers else 1
    missing = next((number for number in range(first, max(numbers)) if number not in numbers), None)
    if missing is not None:
        return [f"fold {missing} is missing in the column fold; number the folds from 0 or 1, without a gap"]
    if len(numbers) < 2:
        return [f"all tracks have the fold {first}; at least two folds are needed"]
    folds = _count_values(tracks, "fold")
    return _divided_songs("fold", tracks) + [
        f"label '{label}' is in one fold only, so it has no training clips when that fold is tested; spread its songs "
        "over two folds or more"
        for label, count in folds.items()
        if count < 2
    ]


def _role_obstacles(protocol: Protocol, split: Mapping, tracks: Sequence[Track]) -> list[str]:
    roles = {track.role for track in tracks}
    missing = [f"no track has the role {role}; at least one must" for role in ("train", "test") if role not in roles]
    if missing:
        return missing
    trained = {track.label for track in tracks if track.role == "train"}
    return _divided_songs("role", tracks) + [
        f"label '{label}' has no track with the role train"
        for label in sorted({track.label for track in tracks} - trained)
    ]


def _hold_out_obstacles(protocol: Protocol, split: Mapping, tracks: Sequence[Track]) -> list[str]:
    held_out = split["held_out"]
    if held_out is None:
        return ["split.held_out is missing; set it to the number of songs to test per class"]
    short = [f"{label} ({count})" for label, count in _count_values(tracks, "song").items() if count <= held_out]
    if not short:
        return []
    return [
        f"label {format_names(short, _NAMED)}: with split.held_out {held_out} no song is left for training; add songs, "
        "lower split.held_out or leave out the label"
    ]


_OBSTACLES: dict[Kind, Callable[[Protocol, Mapping, Sequence[Track]], list[str]]] = {
    Kind.K_FOLD: _group_obstacles,
    Kind.SHEET_FOLDS: _fold_obstacles,
    Kind.SHEET_ROLES: _role_obstacles,
    Kind.HOLD_OUT: _hold_out_obstacles,
}


def _divided_songs(column: str, tracks: Sequence[Track]) -> list[str]:
    first: dict[str, Track] = {}
    return [
        f"song '{track.song}' has two {column}s: {getattr(other, column)} ({other.track_id}) and "
        f"{getattr(track, column)} ({track.track_id}); give all its tracks the same {column}"
        for track in tracks
        if getattr(other := first.setdefault(track.song, track), column) != getattr(track, column)
    ]


def _count_values(tracks: Sequence[Track], column: str) -> dict[str, int]:
    """Return the number of different values of a column per label."""
    values = defaultdict(set)
    for track in tracks:
        values[track.label].add(getattr(track, column))
    return {label: len(different) for label, different in sorted(values.items())}


def _joins_songs(protocol: Protocol, tracks: Sequence[Track]) -> bool:
    """Return whether some group has more than one song; otherwise the protocol splits as by-song does."""
    pairs = {(getattr(track, protocol.group), track.song) for track in tracks}
    return protocol.group == "song" or len(pairs) > len({value for value, _ in pairs})
