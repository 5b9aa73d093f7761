"""The result of a run in four numbers of one unit, the songs, for every place that shows it.

The terminal, the report, MLflow's note and `songwise show` all read this summary, so that they agree.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from songwise.files import read_json, read_rows
from songwise.paths import champion_folder, run_of
from songwise.splits.protocols import RANDOM_CLIPS
from songwise.text import FACT_WORDS

NEXT_COMMAND = "snakemake --config dataset={dataset} models=standardised"


@dataclass(frozen=True)
class Share:
    """A share of songs.

    Attributes
    ----------
    value : float
        From 0 to 1.
    low, high : float or None
        Its 95 % interval; None if it has none.
    """

    value: float
    low: float | None = None
    high: float | None = None

    @property
    def percent(self) -> str:
        """Such as "87 %"."""
        return f"{100 * self.value:.0f} %"

    @property
    def interval(self) -> str:
        """Such as "[81, 92]", in per cent; empty if there is none."""
        return "" if self.low is None else f"[{100 * self.low:.0f}, {100 * self.high:.0f}]"

    def __str__(self):
        return f"{self.percent} {self.interval}".rstrip()


@dataclass(frozen=True)
class Standardised:
    """What a model loses on standardised audio, where most facts about the files cannot be heard.

    Attributes
    ----------
    run, standardised_run : str
        The model on raw and on standardised audio, as MODEL@PRESET.
    raw, standardised : float
        Song accuracies.
    points : Share
        Standardised minus raw, with its paired interval: a difference of shares.
    """

    run: str
    standardised_run: str
    raw: float
    standardised: float
    points: Share


@dataclass(frozen=True)
class Summary:
    """The result of a run.

    Attributes
    ----------
    dataset, title, label : str
        Name and title of the data set, and what its classes are, such as "genre".
    protocol : str
        The leaderboard's.
    n_songs, n_clips, n_models : int
        How many were tested and ranked.
    best : str
        The best model, as MODEL@PRESET.
    accuracy : Share
        Song accuracy of the best model.
    corrected : Share or None
        The same, corrected for the choice among the models; None if there was no choice.
    guessing : Share
        Share of the most common class.
    file_facts : Share or None
        Song accuracy of a model that has only facts about the files; None if there are no files.
    random_clips : Share or None
        Song accuracy that the best model would have claimed if clips of a song were on both sides of the split; None
        if that protocol was not run.
    tied : list of str
        Models that are statistically tied with the best one, most accurate first.
    standardised : Standardised or None
        Of the best model that ran on both raw and standardised audio.
    finding : str
        The audit of the file facts, in sentences; empty if they do not beat guessing.
    telling : list of str
        The facts that tell the classes best, the best one first; empty if they do not beat guessing.
    stale : dict of str to str
        Models of earlier runs that are not ranked, each with the reason.
    champion : str or None
        The model for new files, as MODEL@PRESET; None if no model can listen to files.
    """

    dataset: str
    title: str
    label: str
    protocol: str
    n_songs: int
    n_clips: int
    n_models: int
    best: str
    accuracy: Share
    corrected: Share | None
    guessing: Share
    file_facts: Share | None
    random_clips: Share | None
    tied: list[str]
    standardised: Standardised | None
    finding: str
    telling: list[str]
    stale: dict[str, str]
    champion: str | None

    @property
    def is_doubtful(self) -> bool:
        """Whether the file facts alone reach the interval of the best model."""
        return self.file_facts is not None and bool(self.finding) and self.file_facts.value >= self.accuracy.low

    @property
    def next_command(self) -> str:
        """The command that shows whether the result is due to the file facts; empty if that is known."""
        if not self.is_doubtful or self.standardised:
            return ""
        return NEXT_COMMAND.format(dataset=self.dataset)

    def stale_command(self) -> str:
        """Return the command that ranks the stale models again; empty without any."""
        return f"snakemake --config dataset={self.dataset} models={','.join(self.stale)}" if self.stale else ""


def share_of(row: Mapping, name: str, low: str | None = None, high: str | None = None) -> Share:
    """Return a share and its interval from the columns NAME, NAME_low and NAME_high of a row.

    Parameters
    ----------
    row : mapping
        Of a CSV, or of a JSON file.
    name : str
        Column of the share.
    low, high : str, optional
        Columns of its interval, if they are called otherwise.
    """
    return Share(*(float(row[key]) for key in (name, low or f"{name}_low", high or f"{name}_high")))


def read_summary(results: Path) -> Summary | None:
    """Read the result of a run.

    Parameters
    ----------
    results : Path
        Folder results/DATASET.

    Returns
    -------
    Summary or None
        None if the models of this data set were not evaluated, or by an earlier version of songwise.
    """
    if not (results / "headline.json").is_file():
        return None
    facts = read_json(results / "headline.json")
    if "n_models" not in facts:
        return None
    shortcuts = _read(results / "shortcuts.json")
    card = _read(champion_folder(results) / "card.json")
    return Summary(
        dataset=results.name,
        **{name: facts[name] for name in ("title", "label", "protocol", "n_songs", "n_clips", "n_models", "best")},
        accuracy=share_of(facts, "song_accuracy"),
        corrected=share_of(facts, "corrected_song_accuracy") if facts["n_models"] > 1 else None,
        guessing=Share(facts["guessing"]),
        file_facts=Share(shortcuts["accuracy"], shortcuts["low"], shortcuts["high"]) if shortcuts else None,
        random_clips=_random_clips(results, facts["best"]),
        tied=facts["within_noise"],
        standardised=_standardised(results),
        finding=shortcuts["finding"] if shortcuts.get("beats_chance") else "",
        telling=[FACT_WORDS.get(row["name"], row["name"]) for row in shortcuts.get("features", []) if row["tells"]],
        stale=facts["stale"],
        champion=card["model"] if card and card["clip"] else None,
    )


def _read(path: Path) -> dict:
    return read_json(path) if path.is_file() else {}


def _random_clips(results: Path, best: str) -> Share | None:
    rows = read_rows(results / "leakage.csv")
    found = [row for row in rows if str(run_of(row)) == best and row["protocol"] == RANDOM_CLIPS]
    return share_of(found[0], "song_accuracy") if found else None


def _standardised(results: Path) -> Standardised | None:
    path = results / "standardised.csv"
    rows = read_rows(path) if path.is_file() else []
    if not rows:
        return None
    row = rows[0]  # the most accurate on raw audio
    return Standardised(
        run=f"{row['model']}@{row['features']}",
        standardised_run=f"{row['model']}@{row['standardised_features']}",
        raw=float(row["raw"]),
        standardised=float(row["standardised"]),
        points=share_of(row, "difference", "low", "high"),
    )
