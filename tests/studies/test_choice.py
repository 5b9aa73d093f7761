"""Which model is used on new files: the most accurate, or a tied one that costs less."""

import pytest

from songwise.studies.choice import choose_champion

HEADLINE = {"best": "fusion@fused", "within_noise": ["voting@all", "lr@embedding", "lda@mfcc"]}
COSTS = {"fusion@fused": 20.0, "voting@all": 50.0, "lr@embedding": 4.0, "lda@mfcc": 3.0, "knn@mfcc": 2.0}


def test_of_the_tied_models_the_most_accurate_of_the_cheap_ones_is_chosen():
    choice = choose_champion("cheapest-tied", HEADLINE, COSTS.__getitem__)
    # lda costs least, lr not much more, and lr is the more accurate of the two.
    assert choice.run == "lr@embedding"
    assert "tied with the most accurate model, fusion@fused" in choice.reason and "1/5" in choice.reason
    assert choice.costs == {run: COSTS[run] for run in ("fusion@fused", "voting@all", "lr@embedding", "lda@mfcc")}


def test_a_model_that_is_not_tied_is_never_chosen_however_cheap():
    assert "knn@mfcc" not in choose_champion("cheapest-tied", HEADLINE, COSTS.__getitem__).costs


def test_the_best_is_kept_if_no_tied_model_is_much_cheaper():
    choice = choose_champion("cheapest-tied", HEADLINE, (COSTS | {"fusion@fused": 4.4}).__getitem__)
    assert choice.run == "fusion@fused" and "none that is tied with it is much cheaper" in choice.reason


@pytest.mark.parametrize(("setting", "run"), [("best", "fusion@fused"), ("knn@mfcc", "knn@mfcc")])
def test_the_setting_decides_without_measuring_other_models(setting, run):
    measured = []

    def measure(name):
        measured.append(name)
        return COSTS[name]

    choice = choose_champion(setting, HEADLINE, measure)
    assert choice.run == run and measured == [run]


def test_without_ties_the_best_is_chosen():
    assert choose_champion("cheapest-tied", HEADLINE | {"within_noise": []}, COSTS.__getitem__).run == "fusion@fused"
