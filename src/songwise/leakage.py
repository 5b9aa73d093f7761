"""The gate: no song and no recording on both sides of a split.

Songs come from the sheet and recordings from the decoded samples, never from the splitter's own group column,
so a mistake of the splitter cannot hide itself.
"""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from songwise.errors import InputError
from songwise.files import read_rows, write_json
from songwise.sheet import Track

EXEMPT = "random-clips"  # the one protocol that may leak, since showing how much is what it is for
_SHOWN = 5


def check_splits(tracks: list[Track], *, tracks_csv: Path, splits_csv: Path, output: Path) -> None:
    """Fail if a song or a recording stands in training and in test of any fold; else write what was checked.

    Parameters
    ----------
    tracks : the sheet.
    tracks_csv : for the hash of each track's decoded samples.
    splits_csv : what `make_splits` wrote.
    output : JSON to write: protocol to the number of folds checked.

    Raises
    ------
    InputError : naming protocol, repeat, fold and what leaks.
    """
    identities = _identities(tracks, tracks_csv)
    splits = pd.read_csv(splits_csv, dtype=str, keep_default_na=False)
    checked = {}
    for (protocol, repeat), rows in splits.groupby(["protocol", "repeat"]):
        if protocol == EXEMPT:
            continue
        folds = sorted(set(rows["fold"]) - {"-1"})
        for fold in folds:
            tested = rows["fold"] == fold
            where = f"{splits_csv}: {protocol}, repeat {repeat}, fold {fold}"
            _check_sides(rows.loc[~tested, "track_id"], rows.loc[tested, "track_id"], identities, where)
        checked[protocol] = checked.get(protocol, 0) + len(folds)
    write_json(output, checked)


def check_fits(tracks: list[Track], *, tracks_csv: Path, fits: list[Path], output: Path) -> None:
    """The same of the clips that each model recorded while it was fitted and tested.

    Parameters
    ----------
    fits : fits.parquet of each model: repeat, fold, role ("train" or "test"), clip_id.

    Raises
    ------
    InputError : naming the model's file, repeat, fold and what leaks.
    """
    identities = _identities(tracks, tracks_csv)
    checked = {}
    for path in fits:
        record = pd.read_parquet(path)
        record["track_id"] = record["clip_id"].str.rsplit("@", n=1).str[0]
        folds = record.groupby(["repeat", "fold"])
        for (repeat, fold), rows in folds:
            trained = rows["role"] == "train"
            where = f"{path}: repeat {repeat}, fold {fold}"
            _check_sides(rows.loc[trained, "track_id"], rows.loc[~trained, "track_id"], identities, where)
        checked[str(path)] = len(folds)
    write_json(output, checked)


def _identities(tracks: list[Track], tracks_csv: Path) -> dict[str, tuple[str, str]]:
    recordings = {row["track_id"]: row["audio_sha256"] for row in read_rows(tracks_csv)}
    return {track.track_id: (f"song '{track.song}'", recordings[track.track_id]) for track in tracks}


def _check_sides(train: Iterable[str], test: Iterable[str], identities: dict, where: str) -> None:
    seen = defaultdict(set)
    for track_id in set(train):
        for identity in identities[track_id]:
            seen[identity].add(track_id)
    leaks = [
        f"{identity if identity.startswith('song ') else 'the same audio'} ({track_id} and {sorted(seen[identity])[0]})"
        for track_id in sorted(set(test))
        for identity in identities[track_id]
        if identity in seen
    ]
    if leaks:
        more = f" and {len(leaks) - _SHOWN} more" if len(leaks) > _SHOWN else ""
        raise InputError(
            f"{where}: in training and in test stand {'; '.join(leaks[:_SHOWN])}{more}. "
            "Figures from such a split are worth nothing, so the run stops."
        )
