"""Other models than the champion, made ready for new files when someone asks for them."""

from collections.abc import Callable
from pathlib import Path

from songwise.errors import InputError
from songwise.features.joined import table_presets
from songwise.features.presets import preset_key
from songwise.features.resolved import described_preset
from songwise.files import read_json, read_rows
from songwise.paths import FEATURES, Run, champion_folder, model_folder, usable_folder
from songwise.predict.card import read_card
from songwise.predict.finished import choose_run
from songwise.predict.layout import BUNDLE, CARD
from songwise.studies.champion import prepare_model
from songwise.studies.choice import Choice
from songwise.studies.cost import measure_cost

_REASON = "It was asked for by name."
_OF_CARD = ("title", "label", "licenses", "citation", "homepage", "clip", "max_seconds", "git_commit", "protocol")


def usable_model(results: Path, name: str, *, say: Callable[[str], None]) -> Path:
    """Return the folder of any model of a finished run, and make it ready if it is not.

    Parameters
    ----------
    results : Path
        Folder results/DATASET, with a champion.
    name : str
        MODEL@PRESET, or MODEL if the leaderboard has it on one preset only.
    say : callable
        Receives a line if the model must be made ready.

    Returns
    -------
    Path
        A model's folder.

    Raises
    ------
    InputError
        If the leaderboard has no such model, or the features that it was trained on are not on this machine.
    """
    run = _find_run(results, name)
    champion = read_card(champion_folder(results))
    if champion["model"] == str(run):
        return champion_folder(results)
    if champion["clip"] is None:
        return champion_folder(results)  # of a table of features: whoever reads it is told that it cannot listen
    folder, params = usable_folder(results, run), read_json(model_folder(results, run) / "params.json")
    if (folder / CARD).is_file() and read_card(folder)["run_key"] == params["run_key"]:
        return folder
    bundle = model_folder(results, run) / BUNDLE
    description = read_json(bundle / "bundle.json")
    preset = described_preset(description, str(bundle / "bundle.json"))
    tables = _tables(results.name, preset)
    say(f"{run} is made ready for new files, which takes some seconds the first time")
    prepare_model(
        results,
        Choice(str(run), _REASON, {str(run): measure_cost(bundle, champion["clip"]["seconds"])}),
        folder=folder,
        setting=str(run),
        about={name: champion[name] for name in _OF_CARD} | {"seed": params["seed"]},
        feature_tables=tables,
        frames=[path for table in tables if (path := table.with_suffix(".frames.arrow")).is_file()],
        models={str(run): description["model"]},
        parts={run.preset: list(table_presets(preset))},
        **{f"{table}_csv": results / f"{table}.csv" for table in ("splits", "tracks", "duplicates")},
    )
    return folder


def _find_run(results: Path, name: str) -> Run:
    try:
        rows = read_rows(results / "leaderboard.csv")
    except OSError:
        raise InputError(f"{results}: has no leaderboard.csv; run snakemake first") from None
    try:
        return choose_run(name, rows, results)
    except InputError as error:
        raise InputError(f"--model: {error}") from None


def _tables(dataset: str, preset: dict) -> list[Path]:
    tables = []
    for name, part in table_presets(preset).items():
        found = sorted((FEATURES / dataset / name / preset_key(part)).glob("*.parquet"))
        if not found:
            raise InputError(
                f"the features of {dataset} on the preset {name} are not on this machine, and making a model ready "
                "needs them; run snakemake again"
            )
        tables += found
    return tables
