"""What the user asks for: config, data set, models and presets, read and checked before any work.

Everything here is light (no numpy, no scikit-learn): it runs at every start of Snakemake.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from songwise.datasets.dataset import load_dataset
from songwise.datasets.track import Track
from songwise.errors import InputError, suggestion
from songwise.features.preset_files import load_preset
from songwise.features.presets import PRESET, TABLE, places_of, standardised_pairs
from songwise.models.files import load_model
from songwise.paths import Run
from songwise.schemas import check, read_yaml


@dataclass(frozen=True)
class Plan:
    """A checked configuration.

    Attributes
    ----------
    settings : the keys of config/config.yaml with defaults filled in.
    dataset : the data set file's content with defaults filled in.
    dataset_path : that file.
    models : model name to its file's content, that of an ensemble's members in place of their names.
    presets : preset name to its file's content, for the presets that the models need.
    runs : the rows of the leaderboard.
    columns : for each MODEL@PRESET, the columns that members of an ensemble take of it, where not all.
    protocols : the leaderboard's first, then the audited ones; none before the sheet is read (`protocols.choose`).
    """

    settings: dict
    dataset: dict
    dataset_path: Path
    models: dict[str, dict]
    presets: dict[str, dict]
    runs: list[Run]
    columns: dict[str, dict[str, list[int]]]
    protocols: list[str] = field(default_factory=list)

    @property
    def standardised(self) -> list[tuple[str, str]]:
        """Runs of one model on a preset without, and with, standardised audio."""
        pairs = standardised_pairs(self.presets)
        both = [(Run(model, raw), Run(model, other)) for model in self.models for raw, other in pairs]
        return [(str(raw), str(other)) for raw, other in both if {raw, other} <= set(self.runs)]

    def model_of(self, run: str) -> dict:
        """What MODEL@PRESET is fitted by: the model's content without its list of presets, of which one more is no
        reason to train on the others again."""
        model = self.models[run.partition("@")[0]]
        places = self.columns[run]
        members = {
            name: member | ({"columns": places[name]} if name in places else {})
            for name, member in model["members"].items()
        }
        return {key: value for key, value in model.items() if key != "features"} | {"members": members}


def load_plan(config: Mapping, root: Path) -> Plan:
    """Read and check everything that `config` names.

    Parameters
    ----------
    config : the keys of config/config.yaml, with what --config changed.
    root : the folder that holds config/ and workflow/schemas/.

    Raises
    ------
    InputError : naming the file and key that cannot be used.
    """
    settings = check(dict(config), "config", root, where="config (config/config.yaml or --config)")
    dataset, dataset_path = _load_chosen(settings, root)
    asked = [entry.partition("@")[::2] for entry in _model_list(settings["models"], root)]
    models = {name: load_model(name, root) for name, _ in asked}
    runs = [Run(name, one) for name, preset in asked for one in ([preset] if preset else models[name]["features"])]
    runs = list(dict.fromkeys(runs))
    presets = {name: load_preset(name, root) for name in dict.fromkeys(run.preset for run in runs)}
    columns = {str(run): _member_columns(run, models[run.model], presets[run.preset], root) for run in runs}
    plan = Plan(settings, dataset, dataset_path, models, presets, runs, columns)
    return _on_table(plan) if dataset["source"]["type"] == "table" else plan


def _load_chosen(settings: dict, root: Path) -> tuple[dict, Path]:
    try:
        return load_dataset(settings["dataset"], root, settings["clip"])
    except InputError as error:
        if settings["recipe"]:
            remedy = "a recipe runs on any data set: --config dataset=NAME (docs/recipes.md)"
            raise InputError(f"{error}\n{remedy}") from error
        raise


def _on_table(plan: Plan) -> Plan:
    """The plan for features that are there already: each model runs once, on the table's own columns."""
    for key, value in (("keep_clips", False), ("show_tracks", "per-class")):
        if plan.settings[key] not in (value, "none"):
            raise InputError(f"config: {key}: data set '{plan.dataset['name']}' is a table of features, without audio")
    runs = list(dict.fromkeys(Run(run.model, TABLE) for run in plan.runs))
    return replace(
        plan,
        settings=plan.settings | {"show_tracks": "none"},
        presets={TABLE: PRESET},
        runs=runs,
        columns={str(run): {} for run in runs},
    )


def _member_columns(run: Run, model: dict, whole: dict, root: Path) -> dict[str, list[int]]:
    """For an ensemble's members of another preset, the places of its columns among those of the run's."""
    found = {}
    for name, member in model["members"].items():
        if "preset" not in member:
            continue
        found[name] = places_of(load_preset(member["preset"], root), whole)
        if found[name] is None:
            raise InputError(
                f"config/models/{run.model}.yaml: members: {name}: the preset {run.preset}, on which it all runs, "
                f"lacks columns of {member['preset']}; run it on a preset whose union holds both"
            )
    return found


def _model_list(models: str | list[str], root: Path) -> list[str]:
    """Models, each MODEL (on all presets of its file) or MODEL@PRESET."""
    if isinstance(models, list):
        return models
    groups = read_yaml(root / "config" / "model_groups.yaml")
    if models in groups:
        return groups[models]
    if not (root / "config" / "models" / f"{models.partition('@')[0]}.yaml").is_file():
        known = sorted(groups) + sorted(file.stem for file in (root / "config" / "models").glob("*.yaml"))
        raise InputError(f"config: models '{models}' is neither a group nor a model{suggestion(models, known)}")
    return [models]
