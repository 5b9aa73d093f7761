"""A run is recognised by what its figures depend on, and by nothing else."""

from dataclasses import replace

import pytest
from helpers.project import ROOT

from songwise.datasets.track import Track
from songwise.files import digest
from songwise.plan.plan import load_plan
from songwise.plan.run_params import run_params

RUN = "knn@mfcccov"
TRACKS = [Track("t", "a", "s")]
CODE = {"knn@jlaoo26": "c1", RUN: "c1"}


def a_plan(**config):
    plan = load_plan({"dataset": "demo", "models": ["knn"]} | config, ROOT)
    return replace(plan, protocols=["by-song", "random-clips"])


def key(plan, tracks=TRACKS, code=CODE) -> str:
    return digest(run_params(plan, tracks, code)[RUN])


def edited(plan, **models):
    return replace(plan, models={"knn": plan.models["knn"] | models})


def test_each_run_has_its_own_parameters():
    params = run_params(a_plan(), [], CODE)
    assert set(params) == set(CODE)
    assert params[RUN]["model"] == "knn" and params[RUN]["features"] == "mfcccov" and params[RUN]["dataset"] == "demo"
    assert params[RUN]["preset"]["columns"] == 270 and params[RUN]["code_version"] == "c1"


@pytest.mark.parametrize(
    "change",
    [
        lambda: {"plan": edited(a_plan(), parameters={"n_neighbors": 3})},
        lambda: {"plan": edited(a_plan(), scale="none")},
        lambda: {"plan": a_plan(seed=1)},
        lambda: {"plan": a_plan(clip={"seconds": 5})},
        lambda: {"plan": replace(a_plan(), protocols=["by-artist"])},
        lambda: {"plan": a_plan(), "code": CODE | {RUN: "c2"}},
        lambda: {"plan": a_plan(), "tracks": [Track("t", "a", "s", start="10")]},
    ],
    ids=["parameter", "scaler", "seed", "clip", "protocol", "code or library", "the seconds to use"],
)
def test_a_change_that_figures_depend_on_makes_another_run(change):
    assert key(**change()) != key(a_plan())


@pytest.mark.parametrize(
    "change",
    [
        lambda: {"plan": edited(a_plan(), title="Another title")},
        lambda: {"plan": edited(a_plan(), features=["mfcccov"])},
        lambda: {"plan": a_plan(min_songs=4)},
        lambda: {"plan": replace(a_plan(), protocols=["by-song"])},
        lambda: {"plan": a_plan(), "tracks": [Track("t", "a", "s", album="x")]},
    ],
    ids=["title", "other presets", "min_songs", "audits", "a column that by-song ignores"],
)
def test_a_change_that_no_figure_depends_on_is_the_same_run(change):
    assert key(**change()) == key(a_plan())
