"""What the user asks for: config, data set, models and presets, read and checked before any work.

Everything here is light (no numpy, no scikit-learn): it runs at every start of Snakemake.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import jsonschema
import yaml

from songwise.errors import InputError, suggestion
from songwise.feature_table import PRESET, TABLE
from songwise.presets import places_of, resolve, standardised_pairs

# The parameter that counts an estimator's rounds, for those that can stop early.
ROUNDS = {
    "sklearn.ensemble.HistGradientBoostingClassifier": "max_iter",
    "sklearn.neural_network.MLPClassifier": "max_iter",
    "xgboost.XGBClassifier": "n_estimators",
}
_VOTING = "sklearn.ensemble.VotingClassifier"
_STACKING = "sklearn.ensemble.StackingClassifier"
_BY_ROWS = "would hold out clips at random, so that clips of one song stand on both sides; "
# Parameters that a model file must leave alone, and what to say instead.
_NOT_YOURS = {
    "early_stopping": _BY_ROWS + "use the key early_stopping of the file",
    "early_stopping_rounds": "use the key early_stopping of the file",
    "validation_fraction": _BY_ROWS + "use the key early_stopping of the file",
    "oob_score": _BY_ROWS + "leave it out",
    "probability": _BY_ROWS + "use calibrate: true",
    "n_jobs": "songwise gives each fit one thread; leave it out",
    "nthread": "songwise gives each fit one thread; leave it out",
    "random_state": "songwise sets it from the seed of config.yaml; leave it out",
}


@dataclass(frozen=True)
class Run:
    """One row of the leaderboard: a model on a feature preset."""

    model: str
    preset: str

    def __str__(self) -> str:
        return f"{self.model}@{self.preset}"


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


def load_dataset(name_or_path: str, root: Path, clip: Mapping | None = None) -> tuple[dict, Path]:
    """A data set by its name in config/datasets or by its file's path, checked, with defaults filled in.

    Parameters
    ----------
    clip : config's own clip keys, which go before the file's; with `seconds`, the file's hop and min_seconds go too.
    """
    if name_or_path.endswith((".yaml", ".yml")):
        path = Path(name_or_path)
        if not path.is_file():
            raise InputError(f"dataset: there is no file {path}")
        dataset = check(read_yaml(path), "dataset", root, where=str(path))
    else:
        folder = root / "config" / "datasets"
        dataset = _load_named("dataset", name_or_path, folder, root)
        path = folder / f"{name_or_path}.yaml"
    if dataset["source"]["type"] == "table":
        return dataset | {"shards": 1, "clip": None}, path  # nothing to deal out or to cut
    if clip:
        kept = dataset["clip"].keys() - ({"hop", "min_seconds"} if "seconds" in clip else set())
        dataset["clip"] = {key: dataset["clip"][key] for key in kept} | clip
    clip = dataset["clip"]
    clip.setdefault("hop", clip["seconds"])
    clip.setdefault("min_seconds", clip["seconds"] / 2)
    if clip["min_seconds"] > clip["seconds"]:
        raise InputError(
            f"{path}: clip.min_seconds ({clip['min_seconds']}) is longer than clip.seconds ({clip['seconds']})"
        )
    if clip["stop"] is not None and clip["stop"] - clip["start"] < clip["min_seconds"]:
        raise InputError(f"{path}: between clip.start and clip.stop there is no room for a clip")
    return dataset, path


def load_model(name: str, root: Path) -> dict:
    """A model by its name in config/models, checked, with an ensemble's members by name and content."""
    where = f"config/models/{name}.yaml"
    model = _load_named("model", name, root / "config" / "models", root)
    _check_model(model, where)
    members = {member: member.partition("@")[::2] for member in model["members"]}
    model["members"] = {
        member: _load_part(part, root, f"{where}: members") | ({"preset": preset} if preset else {})
        for member, (part, preset) in members.items()
    }
    if model["final"]:
        model["final"] = _load_part(model["final"], root, f"{where}: final")
    return model


def _load_part(name: str, root: Path, where: str) -> dict:
    content = load_model(name, root)
    if content["members"]:
        raise InputError(f"{where}: {name} is an ensemble itself; name its members instead")
    return {key: value for key, value in content.items() if key != "features"}


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


def _check_model(model: dict, where: str) -> None:
    """What the schema cannot say of a model file in words."""
    estimator, name = model["estimator"], model["estimator"].rpartition(".")[2]
    is_ensemble = estimator in (_VOTING, _STACKING)
    for parameter in [*model["parameters"], *model["search"]]:
        if parameter in _NOT_YOURS:
            raise InputError(f"{where}: {name}'s parameter '{parameter}': {_NOT_YOURS[parameter]}")
    if "n_iter_no_change" in model["parameters"] and estimator == "sklearn.ensemble.GradientBoostingClassifier":
        raise InputError(f"{where}: {name}'s parameter 'n_iter_no_change': {_NOT_YOURS['validation_fraction']}")
    if model["early_stopping"] and estimator not in ROUNDS:
        known = ", ".join(sorted(path.rpartition(".")[2] for path in ROUNDS))
        raise InputError(f"{where}: early_stopping: {name} does not learn in rounds; those that do: {known}")
    if is_ensemble != bool(model["members"]):
        raise InputError(f"{where}: members: VotingClassifier and StackingClassifier need it, no other estimator may")
    if (estimator == _STACKING) != bool(model["final"]):
        raise InputError(f"{where}: final: StackingClassifier needs the model that joins its members, no other may")
    if not is_ensemble:
        return
    for key in ("search", "reduce", "early_stopping", "calibrate"):
        if model[key]:
            raise InputError(f"{where}: {key}: is a matter of the members, each in its own file")
    for key in ("scale", "weights"):
        if model[key] != "none":
            raise InputError(f"{where}: {key}: is a matter of the members, each in its own file")
    unknown = set(model["parameters"]) - ({"weights"} if estimator == _VOTING else set())
    if unknown:
        raise InputError(
            f"{where}: parameters: '{sorted(unknown)[0]}' cannot be set; songwise joins the members itself"
        )


def load_preset(name: str, root: Path) -> dict:
    """A feature preset by its name in config/features, checked and with every option said (`presets.resolve`)."""
    folder = root / "config" / "features"
    preset = _load_named("preset", name, folder, root)
    union = [] if "families" in preset else preset.get("union", [])
    members = {member: _load_named("preset", member, folder, root) for member in union}
    where = f"config/features/{name}.yaml"
    for member, content in members.items():
        if "union" in content:
            raise InputError(f"{where}: union: {member} is a union itself; name its members instead")
    return resolve(preset, members, where)


def read_yaml(path: Path) -> dict:
    """The mapping that a YAML file holds.

    Raises
    ------
    InputError : the file is missing, is not YAML, or holds no mapping.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise InputError(f"{path}{line}: is not valid YAML ({getattr(error, 'problem', error)})") from error
    if not isinstance(content, dict):
        raise InputError(f"{path}: holds no keys")
    return content


def check(content: dict, schema: str, root: Path, where: str) -> dict:
    """`content` with the defaults of workflow/schemas/SCHEMA.schema.yaml filled in, or an InputError."""
    schema_content = read_yaml(root / "workflow" / "schemas" / f"{schema}.schema.yaml")
    filled = _with_defaults(content, schema_content)
    validator = jsonschema.Draft202012Validator(schema_content)
    errors = sorted(validator.iter_errors(filled), key=lambda error: (len(error.path), str(error.path)))
    if errors:
        raise InputError("\n".join(f"{where}: {_in_words(error)}" for error in errors))
    return filled


def _with_defaults(content, schema: Mapping):
    if content is True and schema.get("type") == ["boolean", "object"]:
        content = {}  # true asks for every default
    if not isinstance(content, dict):
        return content
    filled = dict(content)
    properties = dict(schema.get("properties", {}))
    for branch in schema.get("allOf", []):
        wanted = branch["if"]["properties"]["type"]
        if content.get("type") in wanted.get("enum", [wanted.get("const")]):
            properties |= {key: value for key, value in branch["then"]["properties"].items() if value}
    for key, value in properties.items():
        if key not in filled and "default" in value:
            filled[key] = value["default"]
        if key in filled:
            filled[key] = _with_defaults(filled[key], value)
    return filled


def _in_words(error: jsonschema.ValidationError) -> str:
    key = ".".join(str(part) for part in error.absolute_path)
    at = f"{key}: " if key else ""
    if error.validator == "additionalProperties":
        known = list(error.schema.get("properties", {}))
        unknown = [name for name in error.instance if name not in known]
        return "; ".join(f"{at}unknown key '{name}'{suggestion(name, known)}" for name in unknown)
    if error.validator == "required":
        missing = [name for name in error.validator_value if name not in error.instance]
        return f"{at}key '{missing[0]}' is missing"
    if error.validator == "enum":
        allowed = [str(value) for value in error.validator_value]
        return f"{at}'{error.instance}' is not one of {', '.join(allowed)}{suggestion(str(error.instance), allowed)}"
    if error.validator == "anyOf":
        return f"{at}{error.instance!r} is not {error.schema.get('description', 'of a known form')}"
    if error.validator == "pattern":
        return f"{at}'{error.instance}' has characters that are not allowed here ({error.validator_value})"
    return f"{at}{error.message}"


def _load_named(kind: str, name: str, folder: Path, root: Path) -> dict:
    path = folder / f"{name}.yaml"
    if Path(name).name != name or not path.is_file():
        known = sorted(file.stem for file in folder.glob("*.yaml"))
        hint = suggestion(name, known)
        raise InputError(f"{kind} '{name}': there is no file {_shown(path, root)}{hint}")
    content = check(read_yaml(path), kind, root, where=_shown(path, root))
    if content["name"] != name:
        raise InputError(f"{_shown(path, root)}: name is '{content['name']}', but the file is called '{name}'")
    return content


def _shown(path: Path, root: Path) -> str:
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)


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
