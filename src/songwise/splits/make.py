"""Stage 4, splits: who is tested when, with no song on both sides."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from songwise.errors import InputError
from songwise.files import read_rows, replacing
from songwise.splits.groups import join
from songwise.splits.protocols import K_FOLD, KEPT_WHOLE, RANDOM_CLIPS, group_name, least_groups
from songwise.splits.table import SPLIT_COLUMNS, split_rounds


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

    Parameters
    ----------
    sheet : track_id to its row of the track sheet, for artist, album, fold and role.
    tracks_csv, clips_csv, duplicates_csv : what `census.gather` wrote.
    output : with SPLIT_COLUMNS. In k-fold every clip is tested once a repeat and has the role "test".
    protocols : the honest one first. "by-song", "by-artist" and "by-album" are scikit-learn's StratifiedGroupKFold;
        "predefined-folds" and "train-valid-test" follow the sheet; "hold-out" tests some groups of each class, drawn
        at random. "random-clips" (the field's habit, for the audit only) has the shape of the honest one, every clip
        its own group: StratifiedKFold, or the honest folds and roles dealt anew to the clips of each label.
    split : of the data set file: folds, repeats, held_out.
    seed : repeat r draws with a seed of (seed, r), the same for all protocols.

    Raises
    ------
    InputError : naming a class of which too little has survived for a protocol.
    """
    tracks = [sheet[row["track_id"]] | row for row in read_rows(tracks_csv)]
    duplicates = read_rows(duplicates_csv)
    good = sorted((row for row in read_rows(clips_csv) if row["status"] == "ok"), key=lambda row: row["clip_id"])
    row_of = {row["track_id"]: row for row in tracks}
    clips = pd.DataFrame([row_of[row["track_id"]] | {"clip_id": row["clip_id"]} for row in good])
    honest, tables = [], []
    for protocol in protocols:
        if protocol == RANDOM_CLIPS:
            group = clips["clip_id"]
            folds = split["folds"] if protocols[0] in K_FOLD else None
            sides = _random_sides(clips["label"].to_numpy(), honest, folds, seed)
        else:
            group = clips["track_id"].map(join(tracks, duplicates, by=KEPT_WHOLE[protocol]))
            sides = _sides(protocol, clips, group.to_numpy(), split, seed)
        table = clips[["clip_id", "track_id", "label"]].assign(protocol=protocol, group=group)
        splits = pd.concat([table.assign(repeat=index, fold=f, role=r) for index, (f, r) in enumerate(sides)])
        if protocol != RANDOM_CLIPS:
            # An audit does not stop for a class that is in fewer test folds than others.
            _check_classes(splits, protocol, 1 if honest else least_groups(protocol, split), tracks_csv)
        honest = honest or sides
        tables.append(splits)
    with replacing(output) as temporary:
        pd.concat(tables)[list(SPLIT_COLUMNS)].to_csv(temporary, index=False, lineterminator="\n")


def _check_classes(splits: pd.DataFrame, protocol: str, least: int, tracks_csv: Path) -> None:
    kind = group_name(protocol)
    counts = splits.groupby("label")["group"].nunique()
    short = [f"{label} ({count})" for label, count in counts.items() if count < least]
    if short:
        raise InputError(
            f"{protocol}: too few {kind}s are left in: {', '.join(short)}; {least} a class are needed, "
            f"where {kind}s with copies of one recording count as one. {tracks_csv} and duplicates.csv beside it say "
            "what is left; add music, lower split.folds (split.held_out) or drop the label"
        )
    rounds = split_rounds(splits)
    if not rounds:
        raise InputError(f"{protocol}: no track that is to be tested is left; {tracks_csv} has a reason for each")
    for this in rounds:
        missing = sorted(set(counts.index) - set(this.train["label"]))
        if missing:
            raise InputError(
                f"{protocol}, repeat {this.repeat}, fold {this.fold}: nothing of label '{missing[0]}' is left to train "
                f"on, since all of its {kind}s are tested together; add music, lower split.folds, drop the label, or "
                f"leave {protocol} out (protocol, audit)"
            )


def _sides(protocol: str, clips: pd.DataFrame, group: np.ndarray, split: dict, seed: int) -> list[tuple]:
    """The fold and the role of every clip, both of shape (clips,), for each repeat."""
    y = clips["label"].to_numpy()
    always = np.full(len(clips), "test")
    if protocol == "predefined-folds":
        return [(clips["fold"].astype(int).to_numpy(), always)]
    if protocol == "train-valid-test":
        role = clips["role"].to_numpy()
        return [(np.where(role == "test", 0, -1), role)]
    seeds = _seeds(seed, split["repeats"])
    if protocol == "hold-out":
        tested = [np.isin(group, _drawn(y, group, split["held_out"], number)) for number in seeds]
        return [(np.where(this, 0, -1), np.where(this, "test", "train")) for this in tested]
    found = []
    for number in seeds:
        parts = StratifiedGroupKFold(split["folds"], shuffle=True, random_state=number)
        found.append((_fold_of(parts.split(np.zeros(len(y)), y, group), len(y)), always))
    return found


def _random_sides(y: np.ndarray, honest: list[tuple], folds: int | None, seed: int) -> list[tuple]:
    found = []
    for number, (fold, role) in zip(_seeds(seed, len(honest)), honest, strict=True):
        if folds:
            parts = StratifiedKFold(folds, shuffle=True, random_state=number)
            found.append((_fold_of(parts.split(np.zeros(len(y)), y), len(y)), role))
            continue
        rng = np.random.default_rng(number)
        source = np.arange(len(y))
        for label in np.unique(y):
            source[y == label] = rng.permutation(source[y == label])
        found.append((fold[source], role[source]))
    return found


def _seeds(seed: int, repeats: int) -> list[int]:
    return [int(np.random.SeedSequence([seed, repeat]).generate_state(1)[0]) for repeat in range(repeats)]


def _fold_of(parts: Iterable[tuple[np.ndarray, np.ndarray]], n_clips: int) -> np.ndarray:
    fold = np.full(n_clips, -1)
    for index, (_, test) in enumerate(parts):
        fold[test] = index
    return fold


def _drawn(y: np.ndarray, group: np.ndarray, held_out: int, seed: int) -> list[str]:
    """Groups to test: `held_out` of each class, of which one that holds two classes counts for both."""
    rng = np.random.default_rng(seed)
    drawn: set[str] = set()
    for label in np.unique(y):
        groups = set(group[y == label])
        wanted = held_out - len(groups & drawn)
        left = sorted(groups - drawn)
        drawn.update(rng.permutation(left)[: max(wanted, 0)])
    return sorted(drawn)
