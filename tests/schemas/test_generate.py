"""The JSON Schemas and the tables of keys follow from the models, and every key is described."""

import re
from typing import get_args

import jsonschema
import pytest
import yaml
from helpers.project import ROOT
from pydantic import BaseModel

from songwise.datasets.track import SHEET_COLUMNS
from songwise.features.presets import FAMILIES
from songwise.schemas import config, dataset, model, network, preset, recipe
from songwise.schemas.generate import generate
from songwise.schemas.preset import Family
from songwise.schemas.section import Section
from songwise.schemas.tracks import TrackRow

FILES = {
    "config": ["config/config.yaml", "config/recipes/*.yaml"],
    "dataset": ["config/datasets/*.yaml"],
    "model": ["config/models/*.yaml"],
    "network": ["config/networks/*.yaml"],
    "preset": ["config/features/*.yaml"],
}
SECTIONS = [
    value
    for module in (config, dataset, model, network, preset, recipe)
    for value in vars(module).values()
    if isinstance(value, type) and issubclass(value, BaseModel) and value is not Section
]


@pytest.mark.parametrize("path", generate(ROOT), ids=str)
def test_what_is_generated_is_up_to_date(path):
    assert (ROOT / path).read_text(encoding="utf-8") == generate(ROOT)[path], "run `make schemas` and commit its result"


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.__name__)
def test_a_section_is_frozen_closed_and_described(section):
    assert section.model_config["frozen"] and section.model_config["extra"] == "forbid"
    for key, field in section.model_fields.items():
        assert field.description, f"{section.__name__}.{key} has no description"


@pytest.mark.parametrize("kind", FILES)
def test_every_shipped_file_fits_its_json_schema(kind):
    schema = yaml.safe_load((ROOT / f"workflow/schemas/{kind}.schema.yaml").read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(schema)
    for pattern in FILES[kind]:
        for path in ROOT.glob(pattern):
            assert not list(validator.iter_errors(yaml.safe_load(path.read_text(encoding="utf-8")))), path


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("config", {"dataset": "demo", "models": "knn", "modles": "knn"}),
        ("config", {"dataset": "demo", "models": "knn", "protocol": "random-clips"}),
        ("dataset", {"name": "x", "source": {"type": "manifest", "tracks": "x.csv"}, "clip": {"seconds": 0}}),
        ("dataset", {"name": "x", "source": {"type": "archive", "tracks": "x.csv", "archives": [{"url": "http://x"}]}}),
        ("model", {"name": "x", "estimator": "os.system", "features": ["all"]}),
        ("preset", {"name": "x", "families": {"1rms": {"statistics": ["mean"]}}}),
        ("preset", {"name": "x", "network": "y", "outputs": {"tags": ["mena"]}}),
        ("network", {"name": "x", "weights": {"format": "pickle"}}),
    ],
)
def test_an_editor_with_the_json_schema_finds_a_mistake(kind, content):
    schema = yaml.safe_load((ROOT / f"workflow/schemas/{kind}.schema.yaml").read_text(encoding="utf-8"))
    assert not jsonschema.Draft202012Validator(schema).is_valid(content)


def test_the_sheet_has_the_columns_of_a_track():
    assert list(TrackRow.model_fields) == SHEET_COLUMNS


def test_every_option_of_a_family_is_a_key():
    assert {option for family in FAMILIES.values() for option in family.options} <= set(Family.model_fields)


def test_every_source_is_in_the_manual():
    page = (ROOT / "config/README.md").read_text(encoding="utf-8")
    for source in get_args(dataset.Source):
        name = get_args(source.model_fields["type"].annotation)[0]
        assert re.search(rf"^\| `{name}` \| .*`{list(source.model_fields)[1]}`", page, re.M), name
