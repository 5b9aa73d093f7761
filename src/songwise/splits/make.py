"""Stage 4, splits: the fold in which each clip is tested, with no song in both the training and the test set."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from songwise.errors import InputError
from songwise.files import read_rows, replacing
from songwise.splits.groups import join
from songwise.splits.protocols import PROTOCOLS, RANDOM_CLIPS, Kind, Protocol
from songwise.splits.table import NEVER_TESTED, SPLIT_COLUMNS, divide_rounds
from songwise.text import format_names

_SHOWN = 5  # classes per message


class _Assignment(NamedTuple):
    """One repeat of a protocol: the fold and the role of every clip, both of shape (clips,)."""

    fold: np.ndarray
    role: np.ndarray


def make_splits(
    *,
    sheet: dict[str, dict],
    tracks_csv: Path,
    clips_csv: Path,
    duplicates_csv: Path,
    output: Path,
    protocols: list[str],
    split: dict,
    seed: int,
) -> None:
    """Write splits.csv: for every protocol and repeat, the fold in which each good clip is tested.

    by-song, by-artist and by-album use scikit-learn's StratifiedGroupKFold. predefined-folds and train-valid-test
    follow the sheet. hold-out tests some groups per class, drawn at random. random-clips, which is common practice and
    for the audit only, has the shape of the honest protocol, but every clip is its own group: it uses StratifiedKFold,
    or deals the honest folds and roles to the clips of each label again.

    Parameters
    ----------
    sheet : dict of str to dict
        Per track_id its row of the track sheet, for artist, album, fold and role.
    tracks_csv : Path
        Table of tracks that `census.gather` wrote.
    clips_csv : Path
        Table of clips that `census.gather` wrote.
    duplicates_csv : Path
        Table of duplicates that `census.gather` wrote.
    output : Path
        The CSV to write, with SPLIT_COLUMNS. In k-fold every clip is tested once per repeat and has the role "test".
    protocols : list of str
        Names from PROTOCOLS, the honest one first, and RANDOM_CLIPS.
    split : dict
        The data set file's split: folds, repeats, held_out.
    seed : int
        Repeat r draws with a seed of (seed, r), the same for all protocols.

    Raises
    ------
    InputError
        If a class has too few groups left for the honest protocol, or no training clips in some fold.
    """
    tracks = [sheet[row["track_id"]] | row for row in read_rows(tracks_csv)]
    duplicates = read_rows(duplicates_csv)
    clips = _good_clips(tracks, clips_csv)
    honest = PROTOCOLS[protocols[0]]
    honest_repeats: list[_Assignment] = []
    tables = []
    for name in protocols:
        if name == RANDOM_CLIPS:
            groups = clips["clip_id"]
            folds = split["folds"] if honest.kind is Kind.K_FOLD else None
            repeats = _assign_random_clips(clips["label"].to_numpy(), honest_repeats, folds, seed)
            splits = _splits_table(name, clips, groups, repeats)
        else:
            groups = clips["track_id"].map(join(tracks, duplicates, by=PROTOCOLS[name].keeps_whole))
            repeats = _assign(PROTOCOLS[name], clips, groups.to_numpy(), split, seed)
            splits = _splits_table(name, clips, groups, repeats)
            # An audit continues if a class is in fewer test folds than others.
            least = 1 if honest_repeats else honest.least_groups(split)
            _check_classes(splits, name, least, tracks_csv)
        honest_repeats = honest_repeats or repeats
        tables.append(splits)
    with replacing(output) as temporary:
        pd.concat(tables)[list(SPLIT_COLUMNS)].to_csv(temporary, index=False, lineterminator="\n")


def _good_clips(tracks: list[dict], clips_csv: Path) -> pd.DataFrame:
    """Return one row per good clip: the row of its track, and its clip_id."""
    row_of = {row["track_id"]: row for row in tracks}
    good = sorted((row for row in read_rows(clips_csv) if row["status"] == "ok"), key=lambda row: row["clip_id"])
    return pd.DataFrame([row_of[row["track_id"]] | {"clip_id": row["clip_id"]} for row in good])


def _splits_table(name: str, clips: pd.DataFrame, groups: pd.Series, repeats: list[_Assignment]) -> pd.DataFrame:
    table = clips[["clip_id", "track_id", "label"]].assign(protocol=name, group=groups)
    return pd.concat([table.assign(repeat=number, fold=fold, role=role) for number, (fold, role) in enumerate(repeats)])


def _check_classes(splits: pd.DataFrame, name: str, least: int, tracks_csv: Path) -> None:
    kind = PROTOCOLS[name].group
    counts = splits.groupby("label")["group"].nunique()
    short = [f"class {label} has only {count} usable {kind}s" for label, count in counts.items() if count < least]
    if short:
        raise InputError(
            f"{name}: {format_names(short, _SHOWN)}; at least {least} per class are needed. {kind.capitalize()}s with "
            f"copies of the same recording count as one. {tracks_csv} and duplicates.csv beside it have the details. "
            "Add music, lower split.folds (split.held_out) or leave out the class"
        )
    rounds = divide_rounds(splits)
    if not rounds:
        raise InputError(f"{name}: no usable track is left to test; {tracks_csv} has a reason for each")
    for each in rounds:
        missing = sorted(set(counts.index) - set(each.train["label"]))
        if missing:
            raise InputError(
                f"{name}, repeat {each.repeat}, fold {each.fold}: class {missing[0]} has no training clips, because "
                f"all of its {kind}s are tested together. Add music, lower split.folds, leave out the class, or remove "
                f"{name} from protocol and audit in config.yaml"
            )


def _assign(protocol: Protocol, clips: pd.DataFrame, groups: np.ndarray, split: dict, seed: int) -> list[_Assignment]:
    """Return the fold and the role of every clip for each repeat."""
    y = clips["label"].to_numpy()
    if protocol.kind is Kind.SHEET_FOLDS:
        return [_tested_in(clips["fold"].astype(int).to_numpy())]
    if protocol.kind is Kind.SHEET_ROLES:
        role = clips["role"].to_numpy()
        return [_Assignment(np.where(role == "test", 0, NEVER_TESTED), role)]
    seeds = _seeds(seed, split["repeats"])
    if protocol.kind is Kind.HOLD_OUT:
        drawn = [_draw_groups(y, groups, split["held_out"], number) for number in seeds]
        return [_hold_out(pd.Index(groups).isin(each)) for each in drawn]
    splitters = [StratifiedGroupKFold(split["folds"], shuffle=True, random_state=number) for number in seeds]
    return [_tested_in(_fold_of(each.split(np.zeros(len(y)), y, groups), len(y))) for each in splitters]


def _tested_in(fold: np.ndarray) -> _Assignment:
    return _Assignment(fold, np.full(len(fold), "test"))


def _hold_out(tested: np.ndarray) -> _Assignment:
    return _Assignment(np.where(tested, 0, NEVER_TESTED), np.where(tested, "test", "train"))


def _assign_random_clips(
    y: np.ndarray, honest_repeats: list[_Assignment], folds: int | None, seed: int
) -> list[_Assignment]:
    repeats = []
    for number, (fold, role) in zip(_seeds(seed, len(honest_repeats)), honest_repeats, strict=True):
        if folds:
            splitter = StratifiedKFold(folds, shuffle=True, random_state=number)
            repeats.append(_Assignment(_fold_of(splitter.split(np.zeros(len(y)), y), len(y)), role))
            continue
        rng = np.random.default_rng(number)
        source = np.arange(len(y))
        for label in np.unique(y):
            source[y == label] = rng.permutation(source[y == label])
        repeats.append(_Assignment(fold[source], role[source]))
    return repeats


def _seeds(seed: int, repeats: int) -> list[int]:
    return [int(np.random.SeedSequence([seed, repeat]).generate_state(1)[0]) for repeat in range(repeats)]


def _fold_of(sides: Iterable[tuple[np.ndarray, np.ndarray]], n_clips: int) -> np.ndarray:
    fold = np.full(n_clips, NEVER_TESTED)
    for number, (_, test) in enumerate(sides):
        fold[test] = number
    return fold


def _draw_groups(y: np.ndarray, groups: np.ndarray, held_out: int, seed: int) -> list[str]:
    """Draw the groups to test: `held_out` per class. A group with clips of two classes counts for both."""
    rng = np.random.default_rng(seed)
    drawn: set[str] = set()
    for label in np.unique(y):
        own = set(groups[y == label])
        missing = held_out - len(own & drawn)
        drawn.update(rng.permutation(sorted(own - drawn))[: max(missing, 0)])
    return sorted(drawn)
