"""What the user asks for: config, data set, models and presets, read and checked before any work.

Everything here is light (no numpy, no scikit-learn): it runs at every start of Snakemake.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from songwise.datasets.dataset import load_dataset
from songwise.errors import InputError, suggestion
from songwise.features.joined import joined_pairs, member_places, table_presets, without_titles
from songwise.features.preset_files import load_preset
from songwise.features.presets import PRESET, TABLE
from songwise.models.deep.available import check_preset, require
from songwise.models.ensembles import FUSION
from songwise.models.files import load_model, trained_model
from songwise.models.parameters import check_parameters
from songwise.models.trained_networks import is_network
from songwise.paths import Run
from songwise.schemas.config import Config
from songwise.schemas.read import read_yaml, validate
from songwise.text import format_names


class Member(NamedTuple):
    """A member of an ensemble.

    Attributes
    ----------
    run : Run
        The run that would be the same model on the same columns, alone.
    columns : list of int or None
        Its columns among those of the ensemble's preset; None for all.
    """

    run: Run
    columns: list[int] | None


_SHOWN = 6  # runs in a message
_DEFAULT = "default"  # the group of config/model_groups.yaml that a data set's file may replace


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
        The resolved presets of the runs, by name.
    runs : list of Run
        The rows of the leaderboard.
    is_list : bool
        Whether the models are asked for by name. Otherwise they are a group or a recipe, whose rows can be left out.
    members : dict of str to dict
        For each MODEL@PRESET, what the members of its ensemble take of its preset, by the member's name.
    protocols : list of str
        The leaderboard's protocol first, then the audited ones. Empty until the sheet is read (`protocols.choose`).
    left_out : list of str
        Which rows are left out, why, and what to do: one message per reason.
    """

    settings: dict
    dataset: dict
    dataset_path: Path
    models: dict[str, dict]
    presets: dict[str, dict]
    runs: list[Run]
    is_list: bool
    members: dict[str, dict[str, "Member"]]
    protocols: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    @property
    def standardised(self) -> list[tuple[str, str]]:
        """Return the runs of one model on a preset without, and with, standardised audio."""
        pairs = joined_pairs(self.presets)
        both = [(Run(model, raw), Run(model, other)) for model in self.models for raw, other in pairs]
        return [(str(raw), str(other)) for raw, other in both if {raw, other} <= set(self.runs)]

    @cached_property
    def tables(self) -> dict[str, dict]:
        """Return the resolved presets that have tables of their own, and whose tables the runs need, by name."""
        presets = {}
        for preset in self.presets.values():
            presets |= table_presets(preset)
        return presets

    @cached_property
    def parts(self) -> dict[str, list[str]]:
        """Return, for each preset of a run, the names of the presets that have its tables."""
        named = {name: list(table_presets(preset)) for name, preset in self.presets.items()}
        return {name: [name] for name in self.tables} | named

    @cached_property
    def fused(self) -> dict[str, list[Run]]:
        """Return, for each run that fuses the predictions of other runs, those runs."""
        return {
            str(run): [member.run for member in self.members[str(run)].values()]
            for run in self.runs
            if self.models[run.model]["estimator"] == FUSION
        }

    @property
    def trained_networks(self) -> list[str]:
        """Return the runs that are networks trained on frames."""
        return [str(run) for run in self.runs if is_network(self.models[run.model])]

    @property
    def fitted(self) -> list[Run]:
        """Return the runs that are fitted: the rows of the leaderboard, then members of a fusion that are not rows."""
        return list(dict.fromkeys([*self.runs, *(run for runs in self.fused.values() for run in runs)]))

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
        if run not in self.members:
            return trained_model(self._member_model(run))
        model, places = trained_model(self.models[Run.parse(run).model]), self.members[run]
        members = {
            name: member | ({} if places[name].columns is None else {"columns": places[name].columns})
            for name, member in model["members"].items()
        }
        return model | {"members": members}

    def _member_model(self, run: str) -> dict:
        """Return the content of a model that is fitted only because a fusion needs it."""
        for ensemble, members in self.members.items():
            for name, member in members.items():
                if str(member.run) == run:
                    content = self.models[Run.parse(ensemble).model]["members"][name]
                    return {key: value for key, value in content.items() if key != "preset"}
        raise KeyError(run)

    def without(self, unusable: Collection[Run], reason: str) -> "Plan":
        """Return the plan without runs that this machine or data set cannot make.

        Parameters
        ----------
        unusable : collection of Run
            Some of the runs.
        reason : str
            Why they cannot be made, and what to do.

        Returns
        -------
        Plan
            With the remaining runs, and what they need.

        Raises
        ------
        InputError
            If models are asked for by name, or if no run is left.
        """
        if not unusable:
            return self
        names, runs = format_names(list(unusable), _SHOWN), [run for run in self.runs if run not in unusable]
        if self.is_list or not runs:
            raise InputError(f"config: models: {names}: {reason}")
        models = {name: self.models[name] for name in dict.fromkeys(run.model for run in runs)}
        kept = {name: self.presets[name] for name in dict.fromkeys(run.preset for run in runs)}
        members = {str(run): self.members[str(run)] for run in runs}
        left_out = [*self.left_out, f"left out: {names}. {reason}"]
        return replace(self, runs=runs, models=models, presets=kept, members=members, left_out=left_out)

    def extracted_preset(self, name: str) -> dict:
        """Return a preset without its title, which neither features nor models depend on."""
        return without_titles((self.presets | self.tables)[name])


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
    is_group, listed = _list_models(_wanted(settings, dataset), root)
    requests = [Run.parse(entry) for entry in listed]
    models = {request.model: load_model(request.model, root) for request in requests}
    for model in models.values():
        if not _missing_packages(model):
            check_parameters(model)
    runs = [
        Run(request.model, preset)
        for request in requests
        for preset in ([request.preset] if request.preset else models[request.model]["features"])
    ]
    runs = list(dict.fromkeys(runs))
    presets = {name: load_preset(name, root) for name in dict.fromkeys(run.preset for run in runs)}
    for run in runs:
        check_preset(models[run.model], presets[run.preset])
    members = {str(run): _members(run, models[run.model], presets[run.preset], root) for run in runs}
    is_list = not (is_group or settings.recipe)
    plan = Plan(settings.model_dump(), dataset, dataset_path, models, presets, runs, is_list, members)
    if dataset["source"]["type"] == "table":
        return _on_table(_without_audio(plan))
    return _without_torch(plan)


def _load_chosen(settings: Config, root: Path) -> tuple[dict, Path]:
    try:
        return load_dataset(settings.dataset, root, settings.clip and settings.clip.model_dump())
    except InputError as error:
        if settings.recipe:
            remedy = "a recipe runs on any data set: --config dataset=NAME (docs/recipes.md)"
            raise InputError(f"{error}\n{remedy}") from error
        raise


def _without_torch(plan: Plan) -> Plan:
    """Return the plan without networks if the packages that train them are not installed."""
    reasons = {run: _missing_packages(plan.models[run.model]) for run in plan.runs}
    unusable = [run for run in plan.runs if reasons[run]]
    return plan.without(unusable, reasons[unusable[0]]) if unusable else plan


def _missing_packages(model: dict) -> str:
    """Return what to install for a model, or "" if everything is there."""
    try:
        require(model)
    except InputError as error:
        return str(error)
    return ""


def _without_audio(plan: Plan) -> Plan:
    """Return the plan without what only audio can be used for: networks, trained here or pretrained."""
    unusable = [
        run
        for run in plan.runs
        if str(run) in plan.trained_networks or any("network" in plan.tables[part] for part in plan.parts[run.preset])
    ]
    reason = f"data set '{plan.dataset['name']}' is a table of features, and networks need audio"
    return plan.without(unusable, reason)


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
        members={
            str(run): {
                name: Member(Run(Run.parse(name).model, TABLE), None) for name in plan.models[run.model]["members"]
            }
            for run in runs
        },
    )


def _members(run: Run, model: dict, whole: dict, root: Path) -> dict[str, Member]:
    """Return what the members of an ensemble take of its preset."""
    members = {}
    for name, member in model["members"].items():
        if "preset" not in member:
            members[name] = Member(Run(name, run.preset), None)
            continue
        found = member_places(load_preset(member["preset"], root), whole)
        if found is None:
            raise InputError(
                f"config/models/{run.model}.yaml: members: {name}: the ensemble runs on the preset {run.preset}, which "
                f"lacks columns of {member['preset']}; run it on a preset whose union or join contains both"
            )
        part, columns = found
        if model["estimator"] == FUSION and len(columns) != table_presets(whole)[part]["columns"]:
            raise InputError(
                f"config/models/{run.model}.yaml: members: {name}: a fusion shares the fits of its members with the "
                f"runs that stand alone, so its preset must join {member['preset']} itself, and not {part}, which has "
                "more columns"
            )
        members[name] = Member(Run(member["name"], part), columns)
    return members


def _wanted(settings: Config, dataset: dict) -> str | list[str]:
    """Return what to train: for `default`, what the data set's file names, if it does."""
    return dataset.get("models", _DEFAULT) if settings.models == _DEFAULT else settings.models


def _list_models(models: str | list[str], root: Path) -> tuple[bool, list[str]]:
    """Return whether a group is asked for, and the models: MODEL, or MODEL@PRESET."""
    groups = read_yaml(root / "config" / "model_groups.yaml")
    if isinstance(models, list):
        for name in models:
            if name in groups:
                raise InputError(
                    f"config: models: '{name}' is a group, and a list contains only models; list its models, which are "
                    "in config/model_groups.yaml"
                )
        return False, models
    if models in groups:
        return True, groups[models]
    if not (root / "config" / "models" / f"{Run.parse(models).model}.yaml").is_file():
        known = sorted(groups) + sorted(file.stem for file in (root / "config" / "models").glob("*.yaml"))
        raise InputError(f"config: models '{models}' is neither a group nor a model{suggestion(models, known)}")
    return False, [models]
