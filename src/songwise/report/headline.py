"""The result of a run in a few lines, for the terminal."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from songwise.files import read_json, read_rows
from songwise.paths import champion_folder, run_of
from songwise.text import format_names

_LEADERBOARD_VIEW = "?workflowType=machine_learning&viewStateShareKey=leaderboard"


def headline(results: Path, *, models: int, recipe: Mapping | None, has_audio: bool) -> str:
    """Return the result of a run: the best model, what to expect of it, and where to see more.

    Parameters
    ----------
    results : Path
        Folder results/DATASET.
    models : int
        Number of models among which the best one was chosen.
    recipe : mapping or None
        Key `recipe` of config.
    has_audio : bool
        Whether the data set has audio files, whose shortcuts are audited.

    Returns
    -------
    str
        Several lines, or nothing if the run's goal was only a part of the results.
    """
    names = ["headline", "tracking", *(["shortcuts"] if has_audio else [])]
    if not all((results / f"{name}.json").is_file() for name in names):
        return ""
    facts = read_json(results / "headline.json")
    experiment = read_json(results / "tracking.json")["experiments"][results.name]["experiment_id"]
    lines = [
        "",
        f"Best on songs never heard: {facts['best']}, song accuracy {facts['song_accuracy']:.2f} "
        f"[{facts['song_accuracy_low']:.2f}, {facts['song_accuracy_high']:.2f}].",
        *filter(None, [expectation(facts, models)]),
        *_ties(facts["within_noise"], models),
        *recipe_lines(recipe, results),
        *_champion(results),
        f"The report: {results}/report.html",
        f"The runs:   mlflow ui, then http://127.0.0.1:5000/#/experiments/{experiment}/runs{_LEADERBOARD_VIEW}",
    ]
    if has_audio and (shortcuts := read_json(results / "shortcuts.json"))["beats_chance"]:
        lines = ["", f"Warning: {shortcuts['finding']}", *lines]
    return "\n".join(lines)


def expectation(facts: Mapping, models: int) -> str:
    """Return what to expect of the best model on new songs, given that it was chosen among several.

    Parameters
    ----------
    facts : mapping
        Content of headline.json.
    models : int
        Number of models among which the best one was chosen.

    Returns
    -------
    str
        A sentence; empty if there was no choice.
    """
    if models == 1:
        return ""
    corrected = f"{facts['corrected_song_accuracy']:.2f}"
    if float(corrected) < float(f"{facts['song_accuracy']:.2f}"):
        return f"It is the best of {models}, so expect slightly less on new songs: {corrected} after correction."
    return f"It is the best of {models} by so much that the correction for the choice changes nothing: {corrected}."


def _ties(tied: Sequence[str], models: int) -> list[str]:
    if models == 1:
        return []
    if not tied:
        return ["No other model is statistically tied with it."]
    return [f"Statistically tied with it: {format_names(tied)}."]


def _champion(results: Path) -> list[str]:
    """Return which model new files are classified by, and how to do that."""
    path = champion_folder(results) / "card.json"
    if not path.is_file():
        return []
    card = read_json(path)
    if card["clip"] is None:  # of a table of features, it cannot listen to files
        return []
    chosen = "" if card["model"] == card["best"] else f" ({card['model']}, {_chosen_by(card)})"
    return [f"For new files: songwise classify song.mp3, or songwise serve{chosen}"]


def _chosen_by(card: Mapping) -> str:
    return "tied with the best and cheaper" if card["setting"] == "cheapest-tied" else "named in the configuration"


def recipe_lines(recipe: Mapping | None, results: Path) -> list[str]:
    """Return a sentence on the best of the published figures whose model was run.

    Parameters
    ----------
    recipe : mapping or None
        Key `recipe` of config.
    results : Path
        Folder results/DATASET, with recipe.csv.

    Returns
    -------
    list of str
        One line; none without a recipe.
    """
    path = results / "recipe.csv"
    if recipe is None or not path.is_file():
        return []
    compared = [row for row in read_rows(path) if row["published"] and row["published_here"] and row["by_song"]]
    if not compared:
        return [f"The recipe {recipe['name']}: none of its published models was run. See {path}"]
    best = max(compared, key=lambda row: float(row["published"]))
    published, here, by_song = (f"{float(best[name]):.2f}" for name in ("published", "published_here", "by_song"))
    own = "" if recipe["protocol"] == "by-song" else f"{here} here under its own protocol ({recipe['protocol']}), "
    return [
        f"The recipe {recipe['name']}, {run_of(best)}, {best['level']} accuracy: "
        f"{published} published, {own}{by_song} here by song. See {path}"
    ]
