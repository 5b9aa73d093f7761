"""The JSON Schemas of workflow/schemas and the tables of keys in config/README.md, generated from the models.

Run it by `make schemas` after an edit of a model.
"""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from songwise.files import write_text
from songwise.schemas import dataset, network, preset
from songwise.schemas.config import Config
from songwise.schemas.model import Model
from songwise.schemas.recipe import Published, Recipe
from songwise.schemas.tracks import TrackRow

_README = Path("config/README.md")
_SCHEMAS = {
    "config": (Config, "config/config.yaml"),
    "dataset": (dataset.Dataset, "config/datasets/NAME.yaml"),
    "model": (Model, "config/models/NAME.yaml"),
    "network": (network.Network, "config/networks/NAME.yaml"),
    "preset": (preset.Preset, "config/features/NAME.yaml"),
    "tracks": (TrackRow, "NAME.tracks.csv"),
}
_LINK = re.compile(r"\[([^]]+)\]\([^)]+\)")
_NOTE = "# Generated from src/songwise/schemas by `make schemas`; edit the models there.\n"


def generate(root: Path) -> dict[Path, str]:
    """Return every generated file.

    Parameters
    ----------
    root : Path
        The folder of the project, which contains config/README.md.

    Returns
    -------
    dict of Path to str
        The content of each file, by its path relative to `root`.
    """
    schemas = {
        Path(f"workflow/schemas/{name}.schema.yaml"): _NOTE + _schema(model, title)
        for name, (model, title) in _SCHEMAS.items()
    }
    return schemas | {_README: _with_tables((root / _README).read_text(encoding="utf-8"))}


def _schema(model: type[BaseModel], title: str) -> str:
    content = _tidy(model.model_json_schema())
    content = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title} | content
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=120)


def _tidy(schema: Any) -> Any:
    """Return a schema without titles, links, and the default null of keys that may be absent but not null."""
    if isinstance(schema, str):
        return _LINK.sub(r"\1", schema)
    if isinstance(schema, list):
        return [_tidy(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    tidy = {key: _tidy(value) for key, value in schema.items() if key != "title" or isinstance(value, dict)}
    if tidy.get("default", "") is None and {"type": "null"} not in tidy.get("anyOf", []):
        del tidy["default"]
    if "patternProperties" in tidy:
        tidy["additionalProperties"] = False
    return tidy


def _with_tables(page: str) -> str:
    """Return a page with a new table between each pair of markers."""
    for name, rows in _tables().items():
        begin, end = f"<!-- begin keys: {name} -->", f"<!-- end keys: {name} -->"
        table = "\n".join([_line(rows[0]), "|---" * len(rows[0]) + "|", *map(_line, rows[1:])])
        page, count = re.subn(
            f"{re.escape(begin)}.*?{re.escape(end)}",
            lambda _, new=f"{begin}\n\n{table}\n\n{end}": new,
            page,
            flags=re.S,
        )
        if count != 1:
            raise ValueError(f"{_README}: the markers of the table '{name}' are there {count} times; they must be once")
    return page


def _line(row: tuple[str, ...]) -> str:
    return "".join(f"| {cell} " if cell else "| " for cell in row) + "|"


def _tables() -> dict[str, list[tuple[str, ...]]]:
    """Return the rows of each table by the name in its markers."""
    return {
        "config": _key_table(Config),
        "dataset": _key_table(dataset.Dataset, expanded=("clip", "split")),
        "sources": _source_table(),
        "source archive": _key_table(dataset.Archive),
        "source fma": _key_table(dataset.Fma),
        "source youtube": _key_table(dataset.Youtube),
        "source table": _key_table(dataset.Table),
        "tracks": _column_table(),
        "model": _key_table(Model),
        "preset": _key_table(preset.Preset),
        "preset family": _key_table(preset.Family),
        "preset audio": [*_key_table(preset.Audio), *_key_rows(preset.Standardise, "standardise.")],
        "preset frames": _key_table(preset.Frames, expanded=("families",), prefix="frames."),
        "network": _key_table(network.Network),
        "network weights": _key_table(network.Weights, prefix="weights."),
        "network patch": _key_table(network.Patch, prefix="patch."),
        "network mel": _key_table(network.Mel, prefix="front_end."),
        "network waveform": _key_table(network.Waveform, prefix="front_end."),
        "network picture": _more_keys(network.Picture, network.Mel, "front_end."),
        "recipe": [*_key_table(Recipe, prefix="recipe."), *_key_rows(Published, "recipe.published.NAME.")],
    }


def _key_table(model: type[BaseModel], *, expanded: Iterable[str] = (), prefix: str = "") -> list[tuple[str, ...]]:
    return [("key", "default", "meaning"), *_key_rows(model, prefix, expanded)]


def _more_keys(model: type[BaseModel], base: type[BaseModel], prefix: str) -> list[tuple[str, ...]]:
    """Return the table of a model's keys that a similar model does not have."""
    rows = _key_rows(model, prefix)
    return [*_key_table(base)[:1], *(row for row in rows if row not in _key_rows(base, prefix))]


def _key_rows(model: type[BaseModel], prefix: str, expanded: Iterable[str] = ()) -> list[tuple[str, ...]]:
    rows = []
    for key, field in model.model_fields.items():
        if key in expanded:
            rows += _key_rows(field.annotation, f"{prefix}{key}.")
        elif key != "type":
            rows.append((f"`{prefix}{key}`", _default(field), _cell(field)))
    return rows


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    if field.default is None or field.default is PydanticUndefined:
        return ""
    return f"`{field.default if isinstance(field.default, str) else json.dumps(field.default)}`"


def _source_table() -> list[tuple[str, ...]]:
    rows = []
    for source in get_args(dataset.Source):
        field = source.model_fields["type"]
        keys = [f"`{key}`" for key in source.model_fields if key != "type"]
        rows.append((f"`{get_args(field.annotation)[0]}`", ", ".join(keys), _cell(field)))
    return [("type", "keys", "use it for"), *rows]


def _column_table() -> list[tuple[str, ...]]:
    rows = [(f"`{name}`", _cell(field)) for name, field in TrackRow.model_fields.items()]
    return [("column", "meaning"), *rows]


def _cell(field: FieldInfo) -> str:
    return field.description.replace("|", "\\|")


def main() -> None:
    """Write every generated file that differs from what is there."""
    for path, content in generate(Path()).items():
        if not path.is_file() or path.read_text(encoding="utf-8") != content:
            write_text(path, content)
            print(f"wrote {path}")


if __name__ == "__main__":
    main()
