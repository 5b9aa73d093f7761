"""The page says where it comes from, and the command that it shows makes the same results."""

import os
import shlex

import pytest
import yaml
from helpers.project import ROOT
from helpers.report import make_results

from songwise.plan.plan import load_plan
from songwise.report.provenance import provenance, reproducing_command


def settings(**changes) -> dict:
    defaults = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    return load_plan(defaults | changes, ROOT).settings


def test_the_command_has_only_what_differs_from_the_defaults():
    command = reproducing_command(settings(dataset="open-music", mirror="/my/private/folder", keep_clips=True), ROOT)
    assert command == "snakemake --config dataset=open-music"


def test_the_settings_of_the_command_give_the_same_plan():
    chosen = settings(models=["knn", "voting@all"], seed=3, clip={"seconds": 5}, champion="best", audit=[])
    words = shlex.split(reproducing_command(chosen, ROOT))
    given = [word.split("=", 1) for word in words[words.index("--config") + 1 :]]
    assert settings(**{key: yaml.safe_load(value) for key, value in given}) == chosen


def test_a_recipe_is_named_by_its_file():
    recipe = yaml.safe_load((ROOT / "config/recipes/kpop.yaml").read_text())
    command = reproducing_command(settings(**recipe | {"dataset": "open-music"}), ROOT)
    assert command == "snakemake --configfile config/recipes/kpop.yaml --config dataset=open-music"


def test_data_seed_date_and_versions(tmp_path):
    results = make_results(tmp_path)
    os.utime(results / "headline.json", (1_700_000_000, 1_700_000_000))
    found = provenance(results, "best@a")
    assert found["date"] == "14 November 2023, 22:13 UTC" and found["commit"] == "abc123-dirty"
    assert found["params"]["data_key"] == "0123456789abcdef"
    assert {"Python", "songwise", "scikit-learn", "xgboost"} <= found["versions"].keys()
    (results / "champion/card.json").unlink()
    assert provenance(results, "best@a")["commit"] is None


@pytest.mark.parametrize("recipe", [None, {"name": "my own"}])
def test_a_recipe_without_a_file_is_left_out(recipe):
    assert "--configfile" not in reproducing_command(settings() | {"recipe": recipe}, ROOT)
