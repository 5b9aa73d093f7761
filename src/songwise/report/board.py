"""The rows of the page about models: the leaderboard, leakage and the weights of fusions."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from songwise.files import read_rows
from songwise.paths import protocol_folder, run_of
from songwise.report.summary import Share, share_of

_SMALLEST_P = 0.01  # what the number of bootstrap draws can show


@dataclass(frozen=True)
class Ranked:
    """A row of the leaderboard.

    Attributes
    ----------
    place : int
        From 1.
    run : str
        MODEL@PRESET.
    title : str
        The titles of model and preset; empty if they have none.
    song, clip : Share
        Accuracies.
    mark : str
        How it compares with the best model: "best", "tied", or empty.
    p : str
        Of the comparison with the best model; empty for itself.
    this_run : bool
        False for a model of an earlier run.
    fitted : Share
        Share of the training clips that its fits used.
    row : mapping
        The row of leaderboard.csv.
    """

    place: int
    run: str
    title: str
    song: Share
    clip: Share
    mark: str
    p: str
    this_run: bool
    fitted: Share
    row: Mapping[str, str]


@dataclass(frozen=True)
class Compared:
    """What one model would claim under other protocols.

    Attributes
    ----------
    run : str
        MODEL@PRESET.
    song, clip : Share
        Accuracies under the leaderboard's protocol.
    audited : list of dict
        For each other protocol the Shares `song` and `clip`, and as `points` how much higher the accuracy of clips is.
    """

    run: str
    song: Share
    clip: Share
    audited: list[dict[str, Share]]


def ranked(leaderboard: Sequence[Mapping[str, str]], titles: Mapping[str, Sequence[str]]) -> list[Ranked]:
    """Return the rows of the leaderboard.

    Parameters
    ----------
    leaderboard : sequence of mapping
        Rows of leaderboard.csv.
    titles : mapping of str to sequence of str
        For each MODEL@PRESET the title of its model and of its preset, which may be empty.
    """
    return [
        Ranked(
            place,
            str(run_of(row)),
            title_of(titles.get(str(run_of(row)), ())),
            share_of(row, "song_accuracy"),
            share_of(row, "clip_accuracy"),
            mark="best" if place == 1 else "tied" if row["tied"] == "true" else "",
            p="" if place == 1 else _p(float(row["p_best"])),
            this_run=row["this_run"] == "true",
            fitted=Share(float(row["fit_share"])),
            row=row,
        )
        for place, row in enumerate(leaderboard, start=1)
    ]


def marks_of(row: Mapping[str, str], place: int) -> list[str]:
    """Return what a reader needs to know of a row beside its figures, in a few words each.

    Parameters
    ----------
    row : mapping
        A row of leaderboard.csv.
    place : int
        From 1.
    """
    marks = ["tied"] if place > 1 and row["tied"] == "true" else []
    marks += fitting_of(row)
    marks += ["from an earlier run"] if row["this_run"] != "true" else []
    return marks


def fitting_of(row: Mapping[str, str]) -> list[str]:
    """Return a mark that says which share of the training clips a model was fitted to; none if to all of them.

    Parameters
    ----------
    row : mapping
        A row of leaderboard.csv.
    """
    share = Share(float(row["fit_share"]))
    return [f"fitted to {share.percent} of the training clips"] if share.value < 1 else []


def title_of(titles: Sequence[str]) -> str:
    """Return the titles of a model and of its preset in one line; empty if there are none.

    Parameters
    ----------
    titles : sequence of str
        Either may be empty.
    """
    return " · ".join(filter(None, titles))


def compared(leakage: Sequence[Mapping[str, str]], protocols: Sequence[str]) -> list[Compared]:
    """Return for each model what it would claim under each other protocol.

    Parameters
    ----------
    leakage : sequence of mapping
        Rows of leakage.csv.
    protocols : sequence of str
        The leaderboard's first.
    """
    by_run: dict[str, dict] = {}
    for row in leakage:
        by_run.setdefault(str(run_of(row)), {})[row["protocol"]] = row
    return [
        Compared(
            run,
            share_of(rows[protocols[0]], "song_accuracy"),
            share_of(rows[protocols[0]], "clip_accuracy"),
            [
                {
                    "song": share_of(rows[protocol], "song_accuracy"),
                    "clip": share_of(rows[protocol], "clip_accuracy"),
                    "points": share_of(rows[protocol], "inflation"),
                }
                for protocol in protocols[1:]
            ],
        )
        for run, rows in by_run.items()
    ]


def fusions(results: Path, runs: Sequence[str], protocol: str) -> Iterator[dict]:
    """Yield, for each fusion, its members and their weights: the mean over folds, the smallest and the largest.

    Parameters
    ----------
    results : Path
        Folder results/DATASET.
    runs : sequence of str
        Models, each as MODEL@PRESET.
    protocol : str
        The leaderboard's.

    Yields
    ------
    dict
        `run` and `members`, the member with the largest weight first.
    """
    for run in runs:
        path = protocol_folder(results, run, protocol) / "weights.csv"
        if not path.is_file():
            continue
        weights: dict[str, list[float]] = {}
        for row in read_rows(path):
            weights.setdefault(row["member"], []).append(float(row["weight"]))
        members = [
            {"name": name, "mean": fmean(values), "low": min(values), "high": max(values)}
            for name, values in weights.items()
        ]
        yield {"run": run, "members": sorted(members, key=lambda member: -member["mean"])}


def _p(value: float) -> str:
    return f"below {_SMALLEST_P}" if value < _SMALLEST_P else f"{value:.2f}"
