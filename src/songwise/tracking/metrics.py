"""The metrics of a run in MLflow: their names, in the order in which they should be read, and their figures.

MLflow sorts metrics by name, and shows those with a slash before all others. So no name has a slash, song accuracy is
first in every list and among the charts, and the other groups follow it in the alphabet:

- song_*: of songs, which is the result;
- test_*: how many songs and clips were tested; test_fold_*: the figures of each fold, as a curve;
- training_*: time, and the curves of networks;
- versus_*: what song accuracy must be compared with;
- votes_*: of single clips, whose votes are a song's verdict.
"""

from collections.abc import Mapping, Sequence

from songwise.report.summary import Summary
from songwise.splits.protocols import RANDOM_CLIPS
from songwise.tracking.result import Entry

GUESSING, FILE_FACTS, RANDOM, INFLATION = (
    f"versus_{name}" for name in ("guessing", "file_facts", "random_clips", "inflation")
)
SONG_ACCURACY = "song_accuracy"
SONG_ACCURACIES = (SONG_ACCURACY, f"{SONG_ACCURACY}_low", f"{SONG_ACCURACY}_high")
CLIP_ACCURACY = "votes_clip_accuracy"
_DIGITS = 4
_GROUPS = {"clip_": "votes", "n_": "test", "fit_": "training"}  # prefixes of names in metrics.json
_KEYS_OF_FOLD = ("repeat", "fold")


def own_metrics(metrics: Mapping) -> dict[str, float]:
    """Return the figures of a model by their names in MLflow.

    Parameters
    ----------
    metrics : mapping
        metrics.json. What is not a number is left out.

    Returns
    -------
    dict of str to float
        Rounded to four decimals.
    """
    return {_name(key): round(value, _DIGITS) for key, value in _numbers(metrics).items()}


def compared_metrics(entry: Entry, summary: Summary) -> dict[str, float]:
    """Return what a model's song accuracy must be compared with.

    Unlike its own figures, they can change while the model stays the same: another protocol or audit was run.

    Parameters
    ----------
    entry : Entry
        The model.
    summary : Summary
        The result of its data set.

    Returns
    -------
    dict of str to float
        Guessing; the file facts alone if they were measured; the model's song accuracy under every other protocol, and
        by how much random clips inflate it.
    """
    figures = {GUESSING: summary.guessing.value}
    if summary.file_facts:
        figures[FILE_FACTS] = summary.file_facts.value
    for row in entry.leakage:
        if row["protocol"] == summary.protocol:
            continue
        figures[f"versus_{row['protocol'].replace('-', '_')}"] = float(row["song_accuracy"])
        if row["protocol"] == RANDOM_CLIPS:
            figures |= {f"{INFLATION}{end}": float(row[f"inflation{end}"]) for end in ("", "_low", "_high")}
    return {name: round(value, _DIGITS) for name, value in figures.items()}


def fold_table(metrics: Mapping) -> dict[str, list]:
    """Return the figures of each fold as a table.

    Parameters
    ----------
    metrics : mapping
        metrics.json.

    Returns
    -------
    dict of str to list
        MLflow's form of a table: `columns`, repeat and fold first, and `data`, one row per fold.
    """
    folds = metrics["folds"]
    columns = [*_KEYS_OF_FOLD, *_numbers(folds[0])]
    return {"columns": columns, "data": [[_rounded(fold[name]) for name in columns] for fold in folds]}


def leakage_table(leakage: Sequence[Mapping[str, str]]) -> dict[str, list]:
    """Return the figures of each protocol as a table.

    Parameters
    ----------
    leakage : sequence of mapping
        A model's rows of leakage.csv.

    Returns
    -------
    dict of str to list
        MLflow's form of a table: `columns`, protocol first, and `data`, one row per protocol.
    """
    columns = ["protocol", *(name for name in leakage[0] if name not in ("protocol", "model", "features"))]
    return {
        "columns": columns,
        "data": [[row["protocol"], *(float(row[name]) for name in columns[1:])] for row in leakage],
    }


def fold_metrics(metrics: Mapping) -> list[tuple[str, float, int]]:
    """Return the figures of each fold as points of curves.

    Parameters
    ----------
    metrics : mapping
        metrics.json.

    Returns
    -------
    list of tuple
        Name, figure and step. Steps count the folds of the first repeat, then those of the second, and so on.
    """
    folds = metrics["folds"]
    n_folds = 1 + max(fold["fold"] for fold in folds)
    return [
        (f"test_fold_{key}", _rounded(value), fold["repeat"] * n_folds + fold["fold"])
        for fold in folds
        for key, value in _numbers(fold).items()
    ]


def _name(key: str) -> str:
    group = next((group for prefix, group in _GROUPS.items() if key.startswith(prefix)), None)
    return f"{group}_{key}" if group else key


def _numbers(values: Mapping) -> dict[str, float]:
    return {key: value for key, value in values.items() if isinstance(value, int | float) and key not in _KEYS_OF_FOLD}


def _rounded(value: float) -> float:
    return round(value, _DIGITS)
