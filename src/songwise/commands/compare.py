"""`songwise compare`: two models on the same songs."""

import argparse
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from songwise.commands.columns import format_table
from songwise.commands.errors import read_verdicts
from songwise.commands.latex import tex
from songwise.commands.project import finished_run
from songwise.commands.tables import leaderboard, record, summary, table
from songwise.errors import InputError
from songwise.evaluation.bootstrap import SIGNIFICANT, compare, mean_with_interval
from songwise.evaluation.predictions import song_hits
from songwise.evaluation.votes import Units, by_vote, read_units, vote_draws
from songwise.paths import Run, verdicts_table
from songwise.predict.finished import choose_run
from songwise.report.summary import Share

_HALF = 0.5  # of the repeats


@dataclass(frozen=True)
class Comparison:
    """Two models on the same songs.

    Attributes
    ----------
    dataset, title, label, protocol : str
        Of the run.
    first, second : str
        The models, as MODEL@PRESET.
    n_songs : int
        Songs that both were tested on; songs with the same recording count once.
    first_accuracy, second_accuracy : Share
        Their song accuracies.
    difference : Share
        First minus second, with the paired interval.
    p : float
        Of the null hypothesis that both are equally good; not corrected for further comparisons.
    both, only_first, only_second, neither : int
        Songs by who is right, in most repeats.
    """

    dataset: str
    title: str
    label: str
    protocol: str
    first: str
    second: str
    n_songs: int
    first_accuracy: Share
    second_accuracy: Share
    difference: Share
    p: float
    both: int
    only_first: int
    only_second: int
    neither: int

    @property
    def points(self) -> str:
        """Such as "+8.3 points [+3.1, +14.0]"."""
        low, high = (f"{100 * bound:+.1f}" for bound in (self.difference.low, self.difference.high))
        return f"{100 * self.difference.value:+.1f} points [{low}, {high}]"

    @property
    def verdict(self) -> str:
        """What the figures mean, in words."""
        if self.p >= SIGNIFICANT:
            return (
                f"These {self.n_songs} songs do not show which of the two is better: a difference as large as this is "
                f"within chance ({_p(self.p)})."
            )
        better, worse = (self.first, self.second) if self.difference.value > 0 else (self.second, self.first)
        return f"{better} is better than {worse} on such songs: the difference is larger than chance ({_p(self.p)})."


def run(arguments: argparse.Namespace) -> None:
    """Print two models side by side.

    Parameters
    ----------
    arguments : argparse.Namespace
        Of the command line: first, second, dataset, latex, json.
    """
    results = finished_run(arguments.dataset, f"compare {arguments.first} {arguments.second} --dataset")
    rows = leaderboard(results)
    runs = [choose_run(name, rows, results) for name in (arguments.first, arguments.second)]
    if runs[0] == runs[1]:
        raise InputError(f"{runs[0]} is compared with itself; name another model of the leaderboard")
    found = compare_runs(*runs, results)
    if arguments.json:
        print(json.dumps(asdict(found), ensure_ascii=False))
    else:
        print("\n".join(_latex(found) if arguments.latex else _lines(found)))


def compare_runs(first: Run, second: Run, results: Path) -> Comparison:
    """Compare two models on the songs that both were tested on.

    Parameters
    ----------
    first, second : Run
        Rows of the leaderboard.
    results : Path
        Folder results/DATASET.

    Returns
    -------
    Comparison
        By the same votes and draws as the leaderboard.

    Raises
    ------
    InputError
        If a table is missing or damaged, or the models were tested on different songs.
    """
    about = summary(results)
    seed = record(results / "headline.json")["seed"]
    units = _units(results, about.protocol)
    hits = []
    for model in (first, second):
        read_verdicts(results, model, about.protocol)  # checks the table
        hits.append(song_hits(verdicts_table(results, model, about.protocol)))
    if not hits[0].index.equals(hits[1].index):
        raise InputError(f"{first} and {second} were tested on different songs. Run snakemake again, then compare them")
    if not set(hits[0].index) <= units.vote_of.keys():
        raise InputError(f"{results / 'tracks.csv'} lacks songs that {first} was tested on. Run snakemake again")
    right = [by_vote(of_song, units) for of_song in hits]
    draws = vote_draws(hits[0].index, units, seed)
    accuracies = [Share(*mean_with_interval("", values, draws).values()) for values in right]
    often = [values > _HALF for values in right]
    return Comparison(
        **{name: getattr(about, name) for name in ("dataset", "title", "label", "protocol")},
        first=str(first),
        second=str(second),
        n_songs=len(right[0]),
        first_accuracy=accuracies[0],
        second_accuracy=accuracies[1],
        difference=Share(*mean_with_interval("", right[0] - right[1], draws).values()),
        p=round(_p_value(right, hits[0].index, units, seed), 4),
        both=int((often[0] & often[1]).sum()),
        only_first=int((often[0] & ~often[1]).sum()),
        only_second=int((often[1] & ~often[0]).sum()),
        neither=int((~often[0] & ~often[1]).sum()),
    )


def _units(results: Path, protocol: str) -> Units:
    paths = {f"{name}_csv": results / f"{name}.csv" for name in ("tracks", "duplicates", "splits")}
    table(paths["tracks_csv"], ("track_id", "song", "label", "status"))
    table(paths["duplicates_csv"], ("track_id", "other_track_id"))
    table(paths["splits_csv"], ("protocol", "track_id", "group"))
    return read_units(**paths, protocol=protocol)


def _p_value(right: list[pd.Series], songs: pd.Index, units: Units, seed: int) -> float:
    group = pd.Series(units.group_of)[songs].groupby(pd.Series(units.vote_of)).first().to_numpy()
    place = np.searchsorted(units.groups, group)
    hits = np.array([np.bincount(place, values, minlength=len(units.groups)) for values in right])
    votes = np.bincount(place, minlength=len(units.groups))
    return float(compare(hits, votes, 0, seed)[1])


def _lines(found: Comparison) -> list[str]:
    rows = [
        [found.first, found.first_accuracy.percent, found.first_accuracy.interval],
        [found.second, found.second_accuracy.percent, found.second_accuracy.interval],
    ]
    return [
        f"{found.title}: {found.n_songs} songs, share with the right {found.label} ({found.protocol})",
        *(f"  {line}" for line in format_table(["", "songs", "95 %"], rows, align="<><")),
        f"  difference: {found.points} (paired on the same songs), {_p(found.p)}",
        "",
        "Right in most repeats:",
        *(
            f"  {name:{max(map(len, (found.first, found.second))) + 5}}  {count:>4}"
            for name, count in (
                ("both", found.both),
                (f"only {found.first}", found.only_first),
                (f"only {found.second}", found.only_second),
                ("neither", found.neither),
            )
        ),
        "",
        found.verdict,
        "p is for this one pair: if you chose it after seeing the leaderboard, p is too small. The leaderboard's own "
        f"p, against the best model, are corrected for that (songwise show {found.dataset} --all).",
    ]


def _latex(found: Comparison) -> list[str]:
    rows = [(found.first, found.first_accuracy), (found.second, found.second_accuracy)]
    difference = found.difference
    low, high = (f"{100 * bound:+.1f}" for bound in (difference.low, difference.high))
    return [
        f"% {found.title}: {found.n_songs} songs, protocol {found.protocol}. \\usepackage{{booktabs}}",
        "\\begin{tabular}{lrl}",
        "\\toprule",
        "Model & Songs right (\\%) & 95\\,\\% interval \\\\",
        "\\midrule",
        *(
            f"{tex(name)} & {100 * share.value:.1f} & [{100 * share.low:.1f}, {100 * share.high:.1f}] \\\\"
            for name, share in rows
        ),
        "\\midrule",
        f"Difference (points, paired) & ${100 * difference.value:+.1f}$ & [${low}$, ${high}$], ${_p(found.p)}$ \\\\",
        "\\bottomrule",
        "\\end{tabular}",
    ]


def _p(p: float) -> str:
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
