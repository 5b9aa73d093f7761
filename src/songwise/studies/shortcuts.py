"""The audit of shortcuts: whether facts about the files identify the classes, without the music.

A model that has only the facts about how the files were encoded and mastered is tested by song, on the folds of the
honest protocol. Every model that hears the files can use these facts as well.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestClassifier

from songwise.clips.columns import FACTS
from songwise.evaluation.bootstrap import mean_with_interval
from songwise.evaluation.votes import by_vote, read_units, vote_draws
from songwise.files import write_json, write_rows
from songwise.splits.table import Round, read_rounds
from songwise.studies.importance import swapped
from songwise.text import FACT_WORDS

FEATURES = (*FACTS, "seconds")
HEARD = ("loudness", "peak", "cutoff")  # can be measured in the samples of a clip, unlike the other features
SHORTCUT_COLUMNS = ("name", "fall", "fall_low", "fall_high", "alone", "alone_low", "alone_high", "tells")

_TREES = 50
_SHUFFLES = 10  # of a feature in a fold
_NAMED = 4  # features in the finding
_DECIMALS = 4


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
    """Test a random forest (50 trees, scikit-learn's defaults) that has FEATURES only, and find which ones it needs.

    Every interval (95 %) is from the leaderboard's bootstrap over groups, with the same draws, and differences are
    paired on the same songs. Chance is the accuracy of guessing the most common class.

    Parameters
    ----------
    tracks_csv, duplicates_csv, splits_csv : Path
        Tables of `gather` and `make_splits`.
    protocol : str
        The honest one.
    label : str
        What the classes are, such as "genre", for the finding.
    seed : int
        Seed of the forests, the shuffles and the bootstrap.
    table : Path
        CSV to write, with SHORTCUT_COLUMNS and one row per feature that differs between files, the greatest fall first.
        fall: loss of song accuracy when the feature is shuffled among the tested songs; alone: song accuracy of a
        forest that has no other feature; tells: whether the interval of fall is above 0, or that of alone above chance.
    output : Path
        JSON to write: n_songs, accuracy, low, high, chance, difference, difference_low, difference_high,
        beats_chance (whether the difference's interval is above 0), heard, heard_low, heard_high (song accuracy by
        HEARD alone), features (the table) and finding (sentences for people).

    Returns
    -------
    dict
        Content of `output`.
    """
    tracks = pd.read_csv(tracks_csv, dtype=str, keep_default_na=False).set_index("track_id")
    design = _design(tracks[tracks["status"] == "ok"])
    hits = pd.concat(_test(one, tracks, design, seed) for one in read_rounds(splits_csv, protocol))
    hits = hits.groupby(level=0).mean()  # over repeats
    units = read_units(tracks_csv=tracks_csv, duplicates_csv=duplicates_csv, splits_csv=splits_csv, protocol=protocol)
    labels = tracks.drop_duplicates("song").set_index("song")["label"].loc[hits.index]
    draws = vote_draws(hits.index, units, seed)
    hits = by_vote(hits, units)
    hits["chance"] = _guess(by_vote(pd.get_dummies(labels, dtype=float), units))
    features = [_feature(name, hits, draws) for name in _varying(design)]
    features.sort(key=lambda row: (-row["fall"], -row["alone"], row["name"]))
    result = {
        "n_songs": len(hits),
        **mean_with_interval("accuracy", hits["all"], draws, bounds=("low", "high")),
        "chance": round(float(hits["chance"].mean()), _DECIMALS),
        **mean_with_interval("difference", hits["all"] - hits["chance"], draws),
        **mean_with_interval("heard", hits["heard"], draws),
        "features": features,
    }
    result["beats_chance"] = result["difference_low"] > 0
    result["finding"] = describe(result, label)
    write_rows(table, SHORTCUT_COLUMNS, [row | {"tells": str(row["tells"]).lower()} for row in features])
    write_json(output, result)
    return result


def describe(result: dict, label: str) -> str:
    """Return the finding of an audit in plain English.

    Parameters
    ----------
    result : dict
        Content of the audit's JSON file, without the finding.
    label : str
        What the classes are.

    Returns
    -------
    str
        One sentence, or a warning of several sentences if the facts beat chance.
    """
    facts = f"{_listed(FEATURES).capitalize()} alone"
    right = _percent(result["accuracy"], result["low"], result["high"])
    guessed = f"{100 * result['chance']:.0f} % by guessing"
    if not result["beats_chance"]:
        return f"{facts} do not identify the {label} better than guessing: {right} of these songs, {guessed}."
    named = [row["name"] for row in result["features"] if row["tells"]][:_NAMED]
    heard = _percent(result["heard"], result["heard_low"], result["heard_high"])
    sentences = [
        f"{facts} identify the {label} of {right} of these songs ({guessed}).",
        *([f"The most informative: {_listed(named)}."] if named else []),
        f"{_listed(HEARD).capitalize()}, which a model can hear in a clip, identify {heard}.",
        "Part of what models learn may be encoding and mastering, not music.",
        "Compare presets of standardised audio (docs/evaluation.md, Shortcuts).",
    ]
    return " ".join(sentences)


def _percent(share: float, low: float, high: float) -> str:
    return f"{100 * share:.0f} % [{100 * low:.0f}, {100 * high:.0f}]"


def _listed(names: Sequence[str]) -> str:
    *others, last = (FACT_WORDS.get(name, name) for name in names)
    return f"{', '.join(others)} and {last}" if others else last


def _design(tracks: pd.DataFrame) -> pd.DataFrame:
    """Return numbers by track and (feature, column): one column per codec and per other feature, NaN if unknown."""
    columns = {name: pd.to_numeric(tracks[name], errors="coerce").to_frame() for name in FEATURES if name != "codec"}
    return pd.concat({"codec": pd.get_dummies(tracks["codec"]), **columns}, axis=1).astype(np.float32)


def _varying(design: pd.DataFrame) -> list[str]:
    varying = design.columns[design.nunique(dropna=False) > 1].get_level_values(0)
    return [name for name in FEATURES if name in varying]


def _test(fold: Round, tracks: pd.DataFrame, design: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Return 1 for each tested song that is identified and 0 for the others, by what the forest has.

    The columns are "all", "heard", ("alone", NAME), and ("without", NAME), the mean over shuffles of that feature.
    """
    rng = np.random.default_rng([seed, fold.repeat, fold.fold])
    forest_seed = int(rng.integers(2**31))
    train, test = (side.drop_duplicates("track_id") for side in (fold.train, fold.test))
    X, tested = (design.loc[side["track_id"]].to_numpy(copy=True) for side in (train, test))
    songs, first, song = np.unique(tracks.loc[test["track_id"], "song"], return_index=True, return_inverse=True)
    truth = test["label"].to_numpy()[first]
    feature = design.columns.get_level_values(0)

    def fitted(seen: np.ndarray) -> RandomForestClassifier:
        forest = RandomForestClassifier(_TREES, random_state=forest_seed, n_jobs=1)
        return forest.fit(X[:, seen], train["label"].to_numpy())

    def hits(forest: RandomForestClassifier, *copies: np.ndarray) -> np.ndarray:
        # A song's tracks vote by their mean probability. Copies share one call, because each call is slow to start.
        probabilities = forest.predict_proba(np.concatenate(copies)).reshape(len(copies), len(test), -1)
        votes = np.zeros((len(copies), len(songs), len(forest.classes_)))
        np.add.at(votes, (slice(None), song), probabilities)
        return (forest.classes_[votes.argmax(axis=2)] == truth).mean(axis=0)

    heard = feature.isin(HEARD)
    everything = fitted(np.full(len(feature), True))
    columns = {"all": hits(everything, tested), "heard": hits(fitted(heard), tested[:, heard])}
    for name in _varying(design):
        seen = feature == name
        columns["alone", name] = hits(fitted(seen), tested[:, seen])
        copies = [tested.copy() for _ in range(_SHUFFLES)]
        for copy in copies:
            copy[:, seen] = tested[swapped(test["group"].to_numpy(), rng)][:, seen]
        columns["without", name] = hits(everything, *copies)
    return pd.DataFrame(columns.values(), index=list(columns), columns=songs).T


def _guess(labels: pd.DataFrame) -> pd.Series:
    """Return each vote's chance to be right by guessing the most common class, or one of them if several tie.

    `labels` has the shape (votes, classes) and shares of 1.
    """
    share = labels.mean()
    return labels.loc[:, np.isclose(share, share.max())].mean(axis=1)


def _feature(name: str, hits: pd.DataFrame, draws: np.ndarray) -> dict:
    row = {"name": name}
    row |= mean_with_interval("fall", hits["all"] - hits[("without", name)], draws)
    row |= mean_with_interval("alone", hits[("alone", name)], draws)
    above = mean_with_interval("above", hits[("alone", name)] - hits["chance"], draws)
    return row | {"tells": row["fall_low"] > 0 or above["above_low"] > 0}
