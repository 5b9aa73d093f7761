"""What the user asks for: config, data set, models and presets, read and checked before any work.

Everything here is light (no numpy, no scikit-learn): it runs at every start of Snakemake.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from songwise.datasets.dataset import load_dataset
from songwise.errors import InputError, suggestion
from songwise.features.preset_files import load_preset
from songwise.features.presets import PRESET, TABLE, places_of, standardised_pairs
from songwise.models.files import load_model, trained_model
from songwise.models.parameters import check_parameters
from songwise.paths import Run
from songwise.schemas.config import Config
from songwise.schemas.read import read_yaml, validate


@dataclass(frozen=True)
class Plan:
    """A checked configuration.

    Attributes
    ----------
    settings : dict
        The keys of `songwise.schemas.config.Config`, with defaults filled in.
    dataset : dict
        The keys of `songwise.schemas.dataset.Dataset`, with defaults filled in.
    dataset_path : Path
        The data set's file.
    models : dict of str to dict
        The content of each model's file by name, with the content of its members in place of their names.
    presets : dict of str to dict
        The resolved presets that the runs need, by name.
    runs : list of Run
        The rows of the leaderboard.
    columns : dict of str to dict
        For each MODEL@PRESET, the columns that members of an ensemble take of it, if they do not take all.
    protocols : list of str
        The leaderboard's protocol first, then the audited ones. Empty until the sheet is read (`protocols.choose`).
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
        """Return the runs of one model on a preset without, and with, standardised audio."""
        pairs = standardised_pairs(self.presets)
        both = [(Run(model, raw), Run(model, other)) for model in self.models for raw, other in pairs]
        return [(str(raw), str(other)) for raw, other in both if {raw, other} <= set(self.runs)]

    def model_of(self, run: str) -> dict:
        """Return everything about a run's model that its training depends on.

        Parameters
        ----------
        run : str
            MODEL@PRESET.

        Returns
        -------
        dict
            The model without its title and its list of presets (`trained_model`). Members of an ensemble with a preset
            of their own have the key `columns`: the places of its columns among those of the run's preset.
        """
        model = trained_model(self.models[Run.parse(run).model])
        places = self.columns[run]
        members = {
            name: member | ({"columns": places[name]} if name in places else {})
            for name, member in model["members"].items()
        }
        return model | {"members": members}

    def extracted_preset(self, name: str) -> dict:
        """Return a preset without its title, which neither features nor models depend on."""
        return {key: value for key, value in self.presets[name].items() if key != "title"}


def load_plan(config: Mapping, root: Path) -> Plan:
    """Read and check everything that a configuration names.

    Parameters
    ----------
    config : mapping
        The keys of config/config.yaml, with the changes of --config.
    root : Path
        The folder that contains config/.

    Returns
    -------
    Plan
        The checked configuration, without protocols.

    Raises
    ------
    InputError
        If anything in it cannot be used. The message names the file and the key.
    """
    settings = validate(config, Config, where="config (config/config.yaml or --config)")
    dataset, dataset_path = _load_chosen(settings, root)
    requests = [Run.parse(entry) for entry in _list_models(settings.models, root)]
    models = {request.model: load_model(request.model, root) for request in requests}
    for model in models.values():
        check_parameters(model)
    runs = [
        Run(request.model, preset)
        for request in requests
        for preset in ([request.preset] if request.preset else models[request.model]["features"])
    ]
    runs = list(dict.fromkeys(runs))
    presets = {name: load_preset(name, root) for name in dict.fromkeys(run.preset for run in runs)}
    columns = {str(run): _member_columns(run, models[run.model], presets[run.preset], root) for run in runs}
    plan = Plan(settings.model_dump(), dataset, dataset_path, models, presets, runs, columns)
    return _on_table(plan) if dataset["source"]["type"] == "table" else plan


def _load_chosen(settings: Config, root: Path) -> tuple[dict, Path]:
    try:
        return load_dataset(settings.dataset, root, settings.clip and settings.clip.model_dump())
    except InputError as error:
        if settings.recipe:
            remedy = "a recipe runs on any data set: --config dataset=NAME (docs/recipes.md)"
            raise InputError(f"{error}\n{remedy}") from error
        raise


def _on_table(plan: Plan) -> Plan:
    """Return the plan for features that exist already: each model runs once, on the table's own columns."""
    for key, value in (("keep_clips", False), ("show_tracks", "per-class")):
        if plan.settings[key] not in (value, "none"):
            raise InputError(
                f"config: {key}: data set '{plan.dataset['name']}' is a table of features, without audio; "
                "remove the key"
            )
    runs = list(dict.fromkeys(Run(run.model, TABLE) for run in plan.runs))
    return replace(
        plan,
        settings=plan.settings | {"show_tracks": "none"},
        presets={TABLE: PRESET},
        runs=runs,
        columns={str(run): {} for run in runs},
    )


def _member_columns(run: Run, model: dict, whole: dict, root: Path) -> dict[str, list[int]]:
    """Return, for an ensemble's members of another preset, the places of its columns among those of the run's."""
    columns = {}
    for name, member in model["members"].items():
        if "preset" not in member:
            continue
        columns[name] = places_of(load_preset(member["preset"], root), whole)
        if columns[name] is None:
            raise InputError(
                f"config/models/{run.model}.yaml: members: {name}: the ensemble runs on the preset {run.preset}, which "
                f"lacks columns of {member['preset']}; run it on a preset whose union contains both"
            )
    return columns


def _list_models(models: str | list[str], root: Path) -> list[str]:
    """Return the models that are asked for, each MODEL (on all presets of its file) or MODEL@PRESET."""
    groups = read_yaml(root / "config" / "model_groups.yaml")
    if isinstance(models, list):
        for name in models:
            if name in groups:
                raise InputError(
                    f"config: models: '{name}' is a group, and a list contains only models; list its models, which are "
                    "in config/model_groups.yaml"
                )
        return models
    if models in groups:
        return groups[models]
    if not (root / "config" / "models" / f"{Run.parse(models).model}.yaml").is_file():
        known = sorted(groups) + sorted(file.stem for file in (root / "config" / "models").glob("*.yaml"))
        raise InputError(f"config: models '{models}' is neither a group nor a model{suggestion(models, known)}")
    return [models]
