"""Models of earlier runs, which the leaderboard ranks beside those of this run if nothing about them has changed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from songwise.errors import InputError
from songwise.features.presets import TABLE
from songwise.files import read_json
from songwise.paths import Run, model_folder, protocol_folder, results_folder
from songwise.plan.plan import Plan, load_plan
from songwise.predict.layout import BUNDLE

_REASONS = {
    "seed": "trained with another seed",
    "protocol": "tested under another protocol",
    "split": "tested on other folds",
    "split_columns": "the columns that songs are grouped by have changed",
    "label": "the data set's label has changed",
    "clip": "trained on other clips",
    "positions": "trained on other clips",
    "code_version": "songwise or a library has changed",
    "preset": "the preset has changed",
}
_OTHER = "the model's settings have changed"
_OF_THE_DATA = ("data_key", "run_key")  # which are known only when the data is


@dataclass(frozen=True)
class Kept:
    """The models of earlier runs of a data set.

    Attributes
    ----------
    params : dict of str to dict
        MODEL@PRESET to the content of params.json without the data's keys, for those that are up to date as far as the
        settings and the code decide it.
    stale : dict of str to str
        MODEL@PRESET to the reason why a model is not up to date.
    ranked : Plan
        The plan of this run with the models of `params` as further runs: all rows of the leaderboard.
    """

    params: dict[str, dict]
    stale: dict[str, str]
    ranked: Plan


def find_kept(
    plan: Plan,
    params_of: Callable[[Plan], Mapping[str, dict]],
    missing: Callable[[Plan], list[str]],
    outdated: Callable[[Plan], list[str]],
) -> Kept:
    """Find the models of earlier runs in results/DATASET/models.

    Parameters
    ----------
    plan : Plan
        That of this run, with its protocols.
    params_of : callable
        Returns for a plan what `run_params` does.
    missing, outdated : callable
        Return for a plan the presets of which a table is not there, or is older than its clips.

    Returns
    -------
    Kept
        Without the models of this run.
    """
    results = results_folder(plan.dataset["name"])
    own = {str(run) for run in plan.runs}
    params, stale = {}, {}
    for file in sorted((results / "models").glob("*@*/params.json")):
        run = file.parent.name
        if run in own:
            continue
        try:
            reason, expected = _check(run, results, plan, params_of, missing, outdated)
        except InputError as error:
            reason, expected = str(error).partition("\n")[0], {}
        if reason:
            stale[run] = reason
        else:
            params[run] = expected
    return Kept(params, stale, _joined(plan, _plan_of(list(params), plan)) if params else plan)


def _check(
    run: str, results: Path, plan: Plan, params_of: Callable, missing: Callable, outdated: Callable
) -> tuple[str, dict]:
    """Return why a model is not up to date, or "", and what its params.json should contain."""
    try:
        recorded = read_json(model_folder(results, run) / "params.json")
    except (OSError, ValueError):
        return "its params.json cannot be read", {}
    own = _plan_of([run], plan)
    expected = params_of(own)[run]
    data = recorded.get("data_key")
    recorded = {key: value for key, value in recorded.items() if key not in _OF_THE_DATA}
    for key in dict.fromkeys([*_REASONS, *expected, *recorded]):
        if recorded.get(key) != expected.get(key):
            return _REASONS.get(key, _OTHER), {}
    folders = {protocol: protocol_folder(results, run, protocol) for protocol in plan.protocols}
    untested = [protocol for protocol, folder in folders.items() if not (folder / "predictions.csv").is_file()]
    if untested:
        return f"not tested under {' and '.join(untested)}", {}
    if not (model_folder(results, run) / BUNDLE).is_dir():
        return "its bundle is missing", {}
    if presets := missing(own):
        return f"the features of {' and '.join(presets)} are missing", {}
    # If the data is other, the rule says so. It did when the clips were made, and would run once more for this reason.
    if (presets := outdated(own)) and data == _data_of_now(results):
        return f"the features of {' and '.join(presets)} are older than the clips", {}
    return "", expected


def _data_of_now(results: Path) -> str:
    from songwise.evaluation.leaderboard import data_key

    try:
        return data_key(results / "tracks.csv")
    except (OSError, ValueError, KeyError):  # it is missing or damaged: it will be made again, or a job will say so
        return ""


def _plan_of(runs: list[str], plan: Plan) -> Plan:
    models = [Run.parse(run).model if Run.parse(run).preset == TABLE else run for run in runs]
    found = load_plan(plan.settings | {"models": models, "recipe": None}, Path())
    return replace(found, protocols=plan.protocols)


def _joined(plan: Plan, kept: Plan) -> Plan:
    return replace(
        plan,
        models=kept.models | plan.models,
        presets=kept.presets | plan.presets,
        runs=[*plan.runs, *kept.runs],
        members=kept.members | plan.members,
    )
