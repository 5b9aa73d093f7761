"""What a paper says about a run: figures of its result files, read once and checked."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from songwise.commands.tables import leaderboard, record, summary, table
from songwise.features.joined import table_presets
from songwise.features.presets import TABLE
from songwise.features.resolved import described_preset
from songwise.paths import model_folder, run_of
from songwise.report.summary import Summary

_CARD = ("dataset", "title", "citation", "homepage", "licenses", "versions", "clip", "classes", "model")
_BUNDLE = Path("bundle/bundle.json")


@dataclass(frozen=True)
class Facts:
    """A finished run.

    Attributes
    ----------
    results : Path
        Folder results/DATASET.
    result : Summary
        Its figures.
    card : dict
        The champion's card.
    params : dict of str to dict
        MODEL@PRESET of every row of the leaderboard to its params.json.
    tracks : list of dict
        Rows of tracks.csv.
    n_pairs : int
        Pairs of tracks that are the same recording.
    """

    results: Path
    result: Summary
    card: dict
    params: dict[str, dict]
    tracks: list[dict[str, str]]
    n_pairs: int

    @property
    def best(self) -> dict:
        """The content of params.json of the best model."""
        return self.params[self.result.best]

    @property
    def good(self) -> list[dict[str, str]]:
        """Rows of the tracks that were used."""
        return [row for row in self.tracks if row["status"] == "ok"]

    @property
    def estimators(self) -> list[str]:
        """Import paths of the estimators of all models, those of ensembles' members left out."""
        return sorted({params["estimator"] for params in self.params.values()})

    @cached_property
    def best_preset(self) -> dict:
        """The resolved preset of the best model."""
        path = model_folder(self.results, self.result.best) / _BUNDLE
        description = record(path, ("preset", "columns"))
        if description["preset"]["name"] == TABLE:  # which no preset file can define
            return description["preset"] | {"columns": len(description["columns"])}
        return described_preset(description, str(path))

    @property
    def best_parts(self) -> list[dict]:
        """The presets with tables of their own that the best model's preset consists of."""
        return list(table_presets(self.best_preset).values())


def read_facts(results: Path) -> Facts:
    """Read what `songwise methods` describes.

    Parameters
    ----------
    results : Path
        Folder results/DATASET.

    Returns
    -------
    Facts
        The finished run.

    Raises
    ------
    InputError
        If a file is missing or damaged.
    """
    runs = [str(run_of(row)) for row in leaderboard(results)]
    needed = ("estimator", "split", "protocol", "seed", "search", "preset")
    return Facts(
        results=results,
        result=summary(results),
        card=record(results / "champion" / "card.json", _CARD),
        params={run: record(model_folder(results, run) / "params.json", needed) for run in runs},
        tracks=table(results / "tracks.csv", ("track_id", "song", "label", "status", "seconds")),
        n_pairs=len(table(results / "duplicates.csv", ("track_id", "other_track_id"))),
    )
