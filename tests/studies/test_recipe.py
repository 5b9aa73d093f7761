"""A recipe shows the published figure beside the same model here, and only figures of models that were run."""

import re

import pytest
import yaml
from helpers.deep import needs_torch
from helpers.project import ROOT

from songwise.datasets.dataset import load_dataset
from songwise.errors import InputError
from songwise.evaluation.columns import LEAKAGE_COLUMNS
from songwise.files import read_rows, write_rows
from songwise.plan.plan import load_plan
from songwise.studies.recipe import RECIPE_COLUMNS, compare_recipe

RECIPES = sorted((ROOT / "config" / "recipes").glob("*.yaml"))
RECIPE = {
    "name": "mine",
    "source": "somewhere",
    "protocol": "random-clips",
    "published": {
        "knn@jlaoo26": {"value": 0.9, "what": "test accuracy"},
        "mlp@jlaoo26": {"value": 0.95, "what": "test accuracy", "level": "song"},
        "a network of theirs": {"value": 0.99, "what": "test accuracy"},
    },
}


def leakage(path, *runs: str, protocols: dict[str, float]) -> None:
    rows = []
    for run in runs:
        model, _, features = run.partition("@")
        for protocol, accuracy in protocols.items():
            row = {"model": model, "features": features, "protocol": protocol}
            for level, bonus in (("clip", 0.0), ("song", 0.05)):
                for end, difference in (("", 0.0), ("_low", -0.1), ("_high", 0.1)):
                    row[f"{level}_accuracy{end}"] = round(accuracy + bonus + difference, 4)
            rows.append(row)
    write_rows(path, LEAKAGE_COLUMNS, rows)


def compared(tmp_path, *runs: str, protocols: dict[str, float]) -> dict[str, dict]:
    leakage(tmp_path / "leakage.csv", *runs, protocols=protocols)
    compare_recipe(RECIPE, leakage_csv=tmp_path / "leakage.csv", output=tmp_path / "recipe.csv")
    rows = read_rows(tmp_path / "recipe.csv")
    assert list(rows[0]) == list(RECIPE_COLUMNS)
    return {row["model"]: row for row in rows}


def test_published_and_measured_figures_are_side_by_side(tmp_path):
    protocols = {"by-song": 0.5, "random-clips": 0.8, "by-artist": 0.4}
    rows = compared(tmp_path, "majority@jlaoo26", "knn@jlaoo26", "mlp@jlaoo26", protocols=protocols)
    names = ("published", "published_here", "by_song", "by_song_low", "by_artist")
    assert [rows["knn"][name] for name in names] == ["0.9", "0.8", "0.5", "0.4", "0.4"]
    assert [rows["mlp"][name] for name in names] == ["0.95", "0.85", "0.55", "0.45", "0.45"]  # of songs
    assert rows["majority"]["published"] == "" and rows["majority"]["note"] == "nothing published"
    theirs = rows["a network of theirs"]
    assert theirs["published"] == "0.99" and theirs["published_here"] == theirs["by_song"] == ""
    assert theirs["note"] == "not in songwise"


def test_what_was_not_run_has_no_figure_and_a_note(tmp_path):
    rows = compared(tmp_path, "knn@jlaoo26", protocols={"by-song": 0.5})
    assert (rows["knn"]["published_here"], rows["knn"]["by_artist"]) == ("", "")
    assert rows["knn"]["note"] == "random-clips was not run"
    assert rows["mlp"]["note"] == "not among this run's models" and rows["mlp"]["by_song"] == ""


def test_a_tables_own_columns_replace_the_preset(tmp_path):
    rows = compared(tmp_path, "knn@table", protocols={"by-song": 0.5, "random-clips": 0.8})
    assert (rows["knn"]["features"], rows["knn"]["published"], rows["knn"]["by_song"]) == ("table", "0.9", "0.5")


@needs_torch
@pytest.mark.parametrize("path", RECIPES, ids=[path.stem for path in RECIPES])
def test_every_recipe_runs_on_any_data_set_and_has_published_figures(path):
    config = yaml.safe_load(path.read_text())
    plan = load_plan(config | {"dataset": "demo"}, ROOT)
    assert plan.settings["recipe"]["name"] == path.stem
    assert plan.dataset["clip"]["seconds"] == config["clip"]["seconds"]
    published = {run for run in plan.settings["recipe"]["published"] if "@" in run}
    assert published and published <= {str(run) for run in plan.runs}


def test_clip_keys_of_the_config_override_those_of_the_data_set():
    plan = load_plan({"dataset": "demo", "models": "knn", "clip": {"seconds": 3}}, ROOT)
    assert plan.dataset["clip"] == {"seconds": 3, "hop": 3, "start": 0, "stop": None, "min_seconds": 1.5}
    plan = load_plan({"dataset": "demo", "models": "knn", "clip": {"stop": 20}}, ROOT)
    assert plan.dataset["clip"] == {"seconds": 10, "hop": 10, "start": 0, "stop": 20, "min_seconds": 5}
    assert load_dataset("demo", ROOT)[0]["clip"]["stop"] is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"clip": {"second": 3}}, "clip: unknown key 'second'; did you mean 'seconds'?"),
        (
            {"clip": {"min_seconds": 11}},
            "demo.yaml, with the clip keys of the config: clip: min_seconds (11) is longer than seconds (10)",
        ),
        ({"recipe": {"name": "x"}}, "recipe: key 'source' is missing"),
        ({"recipe": RECIPE, "dataset": "kpop-of-mine"}, "a recipe runs on any data set: --config dataset=NAME"),
    ],
)
def test_a_mistake_in_a_recipe_is_named(change, message):
    with pytest.raises(InputError, match=re.escape(message)):
        load_plan({"dataset": "demo", "models": "knn"} | change, ROOT)
