"""What identifies a run in MLflow: the parameters that its figures depend on."""

from songwise.datasets.shards import columns_digest
from songwise.datasets.track import Track
from songwise.features.joined import tables_key
from songwise.files import digest
from songwise.paths import Run
from songwise.plan.plan import Plan
from songwise.splits.protocols import sheet_columns

_OF_PRESET = ("audio", "frame", "columns")
_NOT_PARAMETERS = ("name", "title", "features", "members", "final")


def run_params(plan: Plan, tracks: list[Track], code: dict[str, str]) -> dict[str, dict]:
    """Return what MLflow shows as the parameters of each run and, hashed, recognises it by.

    Parameters
    ----------
    plan : Plan
        With its protocols chosen.
    tracks : list of Track
        The track sheet.
    code : dict of str to str
        For each MODEL@PRESET the hash of the code and libraries that its figures depend on.

    Returns
    -------
    dict of str to dict
        MODEL@PRESET to its parameters. Titles are not among them.
    """
    honest = plan.protocols[0]
    shared = {
        "dataset": plan.dataset["name"],
        "label": plan.dataset["label"],
        "clip": plan.dataset["clip"],
        "positions": _positions(tracks),
        "split": {key: plan.dataset["split"][key] for key in ("folds", "repeats", "held_out")},
        "protocol": honest,
        "split_columns": columns_digest(tracks, sheet_columns([honest])),
        "seed": plan.settings["seed"],
    }
    return {str(run): shared | {"code_version": code[str(run)]} | _own_params(plan, run) for run in plan.runs}


def _positions(tracks: list[Track]) -> str:
    """Return a hash of the seconds that the track sheet says to use, "" if it does not."""
    placed = [track for track in tracks if track.start or track.stop]
    return columns_digest(placed, ("start", "stop")) if placed else ""


def _own_params(plan: Plan, run: Run) -> dict:
    model, preset = plan.models[run.model], plan.presets[run.preset]
    return {
        "model": run.model,
        "features": run.preset,
        **{key: value for key, value in model.items() if key not in _NOT_PARAMETERS},
        "members": list(model["members"]),
        "members_key": digest([model["members"], model["final"]]),
        "preset": {key: preset[key] for key in _OF_PRESET if key in preset} | {"key": tables_key(preset)},
    }
