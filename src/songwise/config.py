"""What the user asks for: config, data set, models and presets, read and checked before any work.

Everything here is light (no numpy, no scikit-learn): it runs at every start of Snakemake.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import jsonschema
import yaml

from songwise.errors import InputError, suggestion
from songwise.presets import resolve, standardised_pairs


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
    models : model name to its file's content.
    presets : preset name to its file's content, for the presets that the models need.
    runs : the rows of the leaderboard.
    protocols : the leaderboard's first, then the audited ones; none before the sheet is read (`protocols.choose`).
    """

    settings: dict
    dataset: dict
    dataset_path: Path
    models: dict[str, dict]
    presets: dict[str, dict]
    runs: list[Run]
    protocols: list[str] = field(default_factory=list)

    @property
    def standardised(self) -> list[tuple[str, str]]:
        """Runs of one model on a preset without, and with, standardised audio."""
        return [
            (f"{model}@{raw}", f"{model}@{standardised}")
            for raw, standardised in standardised_pairs(self.presets)
            for model, content in self.models.items()
            if {raw, standardised} <= set(content["features"])
        ]


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
    dataset, dataset_path = load_dataset(settings["dataset"], root)
    names = _model_names(settings["models"], root)
    models = {name: _load_named("model", name, root / "config" / "models", root) for name in names}
    wanted = dict.fromkeys(preset for model in models.values() for preset in model["features"])
    presets = {name: load_preset(name, root) for name in wanted}
    runs = [Run(model, preset) for model, content in models.items() for preset in content["features"]]
    return Plan(settings, dataset, dataset_path, models, presets, runs)


def load_dataset(name_or_path: str, root: Path) -> tuple[dict, Path]:
    """A data set by its name in config/datasets or by its file's path, checked, with defaults filled in."""
    if name_or_path.endswith((".yaml", ".yml")):
        path = Path(name_or_path)
        if not path.is_file():
            raise InputError(f"dataset: there is no file {path}")
        dataset = check(read_yaml(path), "dataset", root, where=str(path))
    else:
        folder = root / "config" / "datasets"
        dataset = _load_named("dataset", name_or_path, folder, root)
        path = folder / f"{name_or_path}.yaml"
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


def _model_names(models: str | list[str], root: Path) -> list[str]:
    if isinstance(models, list):
        return models
    groups = read_yaml(root / "config" / "model_groups.yaml")
    if models in groups:
        return groups[models]
    if not (root / "config" / "models" / f"{models}.yaml").is_file():
        known = sorted(groups) + sorted(file.stem for file in (root / "config" / "models").glob("*.yaml"))
        raise InputError(f"config: models '{models}' is neither a group nor a model{suggestion(models, known)}")
    return [models]
