"""YAML files of config/, read and checked against the models of this package.

Light: it runs at every start of Snakemake.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import ValidationError

from songwise.errors import InputError, suggestion
from songwise.schemas.messages import describe_errors
from songwise.schemas.section import Section

S = TypeVar("S", bound=Section)
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's parser is eight times faster


def read_yaml(path: Path) -> dict:
    """Return the mapping in a YAML file.

    Parameters
    ----------
    path : Path
        The file, in UTF-8.

    Returns
    -------
    dict
        Its keys and values.

    Raises
    ------
    InputError
        If the file is missing, is not valid YAML, or has no keys.
    """
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), _LOADER)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise InputError(f"{path}{line}: is not valid YAML ({getattr(error, 'problem', error)})") from error
    if not isinstance(content, dict):
        raise InputError(f"{path}: has no keys")
    return content


def validate(content: Mapping, model: type[S], where: str) -> S:
    """Return the content of a file as a model, with defaults filled in.

    Parameters
    ----------
    content : mapping
        The keys of the file.
    model : type of Section
        The model of such files.
    where : str
        The file, for messages.

    Returns
    -------
    Section
        The checked content. `model_dump()` gives it as a dict.

    Raises
    ------
    InputError
        With one line per mistake: the file, the key, what is wrong, and the nearest valid name.
    """
    try:
        return model.model_validate(dict(content))
    except ValidationError as error:
        lines = describe_errors(error, model, content)
        raise InputError("\n".join(f"{where}: {line}" for line in lines)) from None


def load_named(model: type[S], name: str, folder: Path, root: Path) -> S:
    """Return the file NAME.yaml of a folder of config/ as a model.

    Parameters
    ----------
    model : type of Section
        The model of the files in this folder. Its name says in messages what they are.
    name : str
        Name of the file, without its suffix.
    folder : Path
        The folder.
    root : Path
        The folder that contains config/. Messages give paths relative to it.

    Returns
    -------
    Section
        The checked content.

    Raises
    ------
    InputError
        If there is no such file, or if it is invalid.
    """
    path = folder / f"{name}.yaml"
    if Path(name).name != name or not path.is_file():
        known = sorted(file.stem for file in folder.glob("*.yaml"))
        kind = model.__name__.lower()
        raise InputError(f"{kind} '{name}': there is no file {shown(path, root)}{suggestion(name, known)}")
    content = validate(read_yaml(path), model, where=shown(path, root))
    if content.name != name:
        raise InputError(f"{shown(path, root)}: name is '{content.name}', but the file is called '{name}'")
    return content


def shown(path: Path, root: Path) -> str:
    """Return a path as messages show it: relative to the project if it is inside."""
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)
