"""The audit of shortcuts: whether the container tells the classes without the music, and what standardising takes away.

A model that sees only how the files were encoded and mastered is tested by song, on the folds of the honest protocol.
What it gets right is open to every model that hears the files.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestClassifier

from songwise.clips.columns import FACTS
from songwise.evaluation.bootstrap import bootstrap_draws, interval
from songwise.evaluation.votes import Units, read_units
from songwise.files import write_json, write_rows
from songwise.splits.table import Round, read_rounds

FEATURES = (*FACTS, "seconds")
HEARD = ("loudness", "peak", "cutoff")  # which a model hears in a clip; no clip says what the other features are
SHORTCUT_COLUMNS = ("name", "fall", "fall_low", "fall_high", "alone", "alone_low", "alone_high", "tells")
STANDARDISED_COLUMNS = (
    *("model", "features", "standardised_features"),
    *("raw", "standardised", "difference", "low", "high"),
)

_TREES = 50
_SHUFFLES = 10  # of a feature in a fold
_NAMED = 4  # features in the sentence
_DECIMALS = 4
_WORDS = {"bit_rate": "bit rate", "sample_rate": "sample rate", "side": "stereo width", "seconds": "length"}


def audit_shortcuts(
    *,
    tracks_csv: Path,
    duplicates_csv: Path,
    splits_csv: Path,
    protocol: str,
    label: str,
    seed: int,
    table: Path,
    output: Path,
) -> dict:
    """Test a random forest (50 trees, scikit-learn's defaults) that sees FEATURES alone, and say what it goes by.

    Every interval (95 %) is of the bootstrap over groups that the leaderboard has, with the same draws, and
    differences are paired on the same songs. Chance is what guessing the commonest class gets right.

    Parameters
    ----------
    tracks_csv, duplicates_csv, splits_csv : what `census.gather` and `make_splits` wrote.
    protocol : the honest one.
    label : what the classes are, for the sentence.
    seed : of the forests, the shuffles and the bootstrap.
    table : CSV to write with SHORTCUT_COLUMNS: the features in which the files differ, the greatest fall first.
        fall: of song accuracy when the feature is shuffled among the tested songs; alone: song accuracy of a forest
        that sees nothing else; tells: whether the interval of fall lies above 0, or that of alone above chance.
    output : JSON to write: n_songs, accuracy, low, high, chance, difference, difference_low, difference_high,
        beats_chance (whether the difference's interval lies above 0), heard, heard_low, heard_high (song accuracy by
        HEARD alone), features (the table), and finding, a sentence.

    Returns
    -------
    What `output` holds.
    """
    tracks = pd.read_csv(tracks_csv, dtype=str, keep_default_na=False).set_index("track_id")
    design = _design(tracks[tracks["status"] == "ok"])
    hits = pd.concat(_test(this, tracks, design, seed) for this in read_rounds(splits_csv, protocol))
    hits = hits.groupby(level=0).mean()  # over repeats
    units = read_units(tracks_csv=tracks_csv, duplicates_csv=duplicates_csv, splits_csv=splits_csv, protocol=protocol)
    labels = tracks.drop_duplicates("song").set_index("song")["label"].loc[hits.index]
    vote_of = pd.Series(units.vote_of)
    draws = _vote_draws(hits.index, units, seed)
    hits = hits.groupby(vote_of).mean()
    hits["chance"] = _guessed(labels, vote_of)
    features = [_feature(name, hits, draws) for name in _varying(design)]
    features.sort(key=lambda row: (-row["fall"], -row["alone"], row["name"]))
    found = {
        "n_songs": len(hits),
        **_with_interval("accuracy", hits["all"], draws, bounds=("low", "high")),
        "chance": round(float(hits["chance"].mean()), _DECIMALS),
        **_with_interval("difference", hits["all"] - hits["chance"], draws),
        **_with_interval("heard", hits["heard"], draws),
        "features": features,
    }
    found["beats_chance"] = found["difference_low"] > 0
    found["finding"] = _in_words(found, label)
    write_rows(table, SHORTCUT_COLUMNS, [row | {"tells": str(row["tells"]).lower()} for row in features])
    write_json(output, found)
    return found


def _design(tracks: pd.DataFrame) -> pd.DataFrame:
    """Numbers by track and (feature, column): a column a codec, and one for every other feature, NaN if unknown."""
    columns = {name: pd.to_numeric(tracks[name], errors="coerce").to_frame() for name in FEATURES if name != "codec"}
    return pd.concat({"codec": pd.get_dummies(tracks["codec"]), **columns}, axis=1).astype(np.float32)


def _varying(design: pd.DataFrame) -> list[str]:
    varying = design.columns[design.nunique(dropna=False) > 1].get_level_values(0)
    return [name for name in FEATURES if name in varying]


def _test(this: Round, tracks: pd.DataFrame, design: pd.DataFrame, seed: int) -> pd.DataFrame:
    """For each tested song 1 where it is told right, 0 else, by what the forest may see: columns "all",
    "heard", ("alone", NAME), and ("without", NAME), the mean over shuffles of that feature."""
    rng = np.random.default_rng([seed, this.repeat, this.fold])
    fixed = int(rng.integers(2**31))
    train, test = (side.drop_duplicates("track_id") for side in (this.train, this.test))
    X, tested = (design.loc[side["track_id"]].to_numpy(copy=True) for side in (train, test))
    songs, first, song = np.unique(tracks.loc[test["track_id"], "song"], return_index=True, return_inverse=True)
    truth = test["label"].to_numpy()[first]
    feature = design.columns.get_level_values(0)

    def fitted(seen: np.ndarray) -> RandomForestClassifier:
        return RandomForestClassifier(_TREES, random_state=fixed, n_jobs=1).fit(X[:, seen], train["label"].to_numpy())

    def hits(forest: RandomForestClassifier, *copies: np.ndarray) -> np.ndarray:
        # A song's tracks vote by their mean probability; copies share a call, since a forest is slow to begin.
        probabilities = forest.predict_proba(np.concatenate(copies)).reshape(len(copies), len(test), -1)
        votes = np.zeros((len(copies), len(songs), len(forest.classes_)))
        np.add.at(votes, (slice(None), song), probabilities)
        return (forest.classes_[votes.argmax(axis=2)] == truth).mean(axis=0)

    heard = feature.isin(HEARD)
    everything = fitted(np.full(len(feature), True))
    found = {"all": hits(everything, tested), "heard": hits(fitted(heard), tested[:, heard])}
    for name in _varying(design):
        seen = feature == name
        found["alone", name] = hits(fitted(seen), tested[:, seen])
        copies = [tested.copy() for _ in range(_SHUFFLES)]
        for copy in copies:
            copy[:, seen] = tested[_shuffled(test["group"].to_numpy(), rng)][:, seen]
        found["without", name] = hits(everything, *copies)
    return pd.DataFrame(found.values(), index=list(found), columns=songs).T


def _shuffled(groups: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    # Rows to take in place of 0..n-1, shape (n,): a group's from one group, so that its tracks stay alike.
    members = [np.flatnonzero(groups == group) for group in np.unique(groups)]
    taken = np.empty(len(groups), int)
    for rows, donor in zip(members, rng.permutation(len(members)), strict=True):
        taken[rows] = np.resize(members[donor], len(rows))
    return taken


def _guessed(labels: pd.Series, vote_of: pd.Series) -> pd.Series:
    """Each vote's chance to be right if the commonest class is guessed, one of them where several are."""
    of_vote = pd.get_dummies(labels, dtype=float).groupby(vote_of).mean()
    share = of_vote.mean()
    return of_vote.loc[:, np.isclose(share, share.max())].mean(axis=1)


def _vote_draws(songs: pd.Index, units: Units, seed: int) -> np.ndarray:
    """How often each vote of these songs is drawn, with its group; shape (draws, votes), votes in sorted order."""
    group = pd.Series(units.group_of)[songs].groupby(pd.Series(units.vote_of)).first()
    names = units.groups
    return bootstrap_draws(len(names), seed)[:, np.searchsorted(names, group.to_numpy())]


def _with_interval(name: str, values: pd.Series, draws: np.ndarray, bounds: Sequence[str] = ()) -> dict[str, float]:
    # The mean over votes, shape (votes,), as `name`, and its interval as name_low and name_high. A draw may hold
    # nothing that was tested.
    drawn = draws.sum(axis=1)
    low, high = interval(draws[drawn > 0] @ values.to_numpy() / drawn[drawn > 0])
    found = zip((name, *(bounds or (f"{name}_low", f"{name}_high"))), (values.mean(), low, high), strict=True)
    return {key: round(float(value), _DECIMALS) for key, value in found}


def _feature(name: str, hits: pd.DataFrame, draws: np.ndarray) -> dict:
    row = {"name": name}
    row |= _with_interval("fall", hits["all"] - hits[("without", name)], draws)
    row |= _with_interval("alone", hits[("alone", name)], draws)
    above = _with_interval("above", hits[("alone", name)] - hits["chance"], draws)
    return row | {"tells": row["fall_low"] > 0 or above["above_low"] > 0}


def _in_words(found: dict, label: str) -> str:
    figures = f"{found['accuracy']:.2f} [{found['low']:.2f}, {found['high']:.2f}] of songs"
    beginning = f"The container alone ({_listed(FEATURES)})"
    if not found["beats_chance"]:
        return f"{beginning} tells the {label} of {figures}, which is not beyond chance ({found['chance']:.2f})."
    named = [row["name"] for row in found["features"] if row["tells"]][:_NAMED]
    return (
        f"{beginning} tells the {label} of {figures} against {found['chance']:.2f} by chance"
        f"{f', by {_listed(named)}' if named else ''}; what lies in the samples of it ({_listed(HEARD)}) tells "
        f"{found['heard']:.2f} [{found['heard_low']:.2f}, {found['heard_high']:.2f}]. Part of what models find may be "
        "encoding and mastering, not music: compare presets of standardised audio (docs/evaluation.md, Shortcuts)."
    )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(_WORDS.get(name, name) for name in names)


def compare_standardised(
    pairs: Sequence[tuple[str, str]],
    *,
    tracks_csv: Path,
    duplicates_csv: Path,
    splits_csv: Path,
    protocol: str,
    seed: int,
    folder: Path,
    output: Path,
) -> None:
    """Write the song accuracy of models on a preset beside that of the same models on its standardised audio.

    Parameters
    ----------
    pairs : MODEL@PRESET, raw and standardised.
    tracks_csv, duplicates_csv, splits_csv : what `census.gather` and `make_splits` wrote.
    protocol : the honest one.
    seed : of the bootstrap.
    folder : results/DATASET, where models/MODEL@PRESET/PROTOCOL/songs.csv has the verdicts.
    output : CSV to write with STANDARDISED_COLUMNS; low and high bound the difference, standardised less raw, paired.
    """
    units = read_units(tracks_csv=tracks_csv, duplicates_csv=duplicates_csv, splits_csv=splits_csv, protocol=protocol)
    rows = []
    for pair in pairs:
        hits = [_right(folder / "models" / run / protocol / "songs.csv") for run in pair]
        raw, standardised = (of_song.groupby(pd.Series(units.vote_of)).mean() for of_song in hits)
        row = {"raw": round(raw.mean(), _DECIMALS), "standardised": round(standardised.mean(), _DECIMALS)}
        draws = _vote_draws(hits[0].index, units, seed)
        row |= _with_interval("difference", standardised - raw, draws, bounds=("low", "high"))
        (model, _, features), (_, _, other) = (run.partition("@") for run in pair)
        rows.append({"model": model, "features": features, "standardised_features": other, **row})
    rows.sort(key=lambda row: -row["raw"])
    write_rows(output, STANDARDISED_COLUMNS, rows)


def _right(songs_csv: Path) -> pd.Series:
    songs = pd.read_csv(songs_csv, dtype=str, keep_default_na=False)
    return (songs["label"] == songs["predicted"]).groupby(songs["song"]).mean()
