"""The model that the options --dataset and --model name."""

import argparse
from pathlib import Path

from songwise.commands.project import require_folder
from songwise.commands.say import say
from songwise.paths import RESULTS, champion_folder
from songwise.predict.finished import choose_dataset
from songwise.predict.load import find_folder
from songwise.predict.registered import REGISTRY, fetch_registered


def chosen_model(arguments: argparse.Namespace) -> Path:
    """Return the folder of the model to use on new files.

    Parameters
    ----------
    arguments : argparse.Namespace
        Of the command line: dataset, model.

    Returns
    -------
    Path
        A folder with a model card.

    Raises
    ------
    InputError
        If there is no such model.
    """
    model = arguments.model
    if model and model.startswith(REGISTRY):
        return fetch_registered(model)
    if model and Path(model).is_dir():
        return find_folder(Path(model))
    require_folder(RESULTS)
    results, others = choose_dataset(arguments.dataset)
    if others and not arguments.dataset:
        say(f"by the last run, {results.name}; for another one: --dataset {' or '.join(others)}")
    if not model:
        return champion_folder(results)
    from songwise.studies.usable import usable_model  # imports what fits models, which a champion does not need

    return usable_model(results, model, say=say)
