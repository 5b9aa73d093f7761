"""YAML files of config/, read and checked against workflow/schemas, with mistakes told in words.

Light: it runs at every start of Snakemake.
"""

from collections.abc import Mapping
from pathlib import Path

import jsonschema
import yaml

from songwise.errors import InputError, suggestion


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


def load_named(kind: str, name: str, folder: Path, root: Path) -> dict:
    """The file of this name in a folder of config/, checked: one kind of file a schema.

    Raises
    ------
    InputError : there is no such file, or it cannot be used.
    """
    path = folder / f"{name}.yaml"
    if Path(name).name != name or not path.is_file():
        known = sorted(file.stem for file in folder.glob("*.yaml"))
        hint = suggestion(name, known)
        raise InputError(f"{kind} '{name}': there is no file {_shown(path, root)}{hint}")
    content = check(read_yaml(path), kind, root, where=_shown(path, root))
    if content["name"] != name:
        raise InputError(f"{_shown(path, root)}: name is '{content['name']}', but the file is called '{name}'")
    return content


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


def _shown(path: Path, root: Path) -> str:
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)
