"""The last lines of a run name the best model, and what to expect of it on new songs."""

import pytest

from songwise.files import write_json, write_rows
from songwise.report.headline import headline, recipe_lines
from songwise.studies.recipe import RECIPE_COLUMNS

FACTS = {
    "best": "lda@mfcc",
    "song_accuracy": 0.7333,
    "song_accuracy_low": 0.625,
    "song_accuracy_high": 0.8333,
    "corrected_song_accuracy": 0.684,
    "within_noise": [],
}
RECIPE = {"name": "mine", "protocol": "random-clips"}
COMPARED = dict.fromkeys(RECIPE_COLUMNS, "") | {"model": "mlp", "features": "jlaoo26", "level": "song"}


@pytest.fixture
def results(tmp_path):
    """results/DATASET after a run."""
    folder = tmp_path / "demo"
    write_json(folder / "headline.json", FACTS)
    write_json(folder / "tracking.json", {"experiments": {"demo": {"experiment_id": "7"}}})
    write_json(folder / "shortcuts.json", {"beats_chance": False, "finding": "The files do not."})
    return folder


def lines(results, models: int = 11, recipe: dict | None = None) -> list[str]:
    return headline(results, models=models, recipe=recipe, has_audio=True).splitlines()


def test_the_best_model_comes_with_its_interval_and_what_to_expect(results):
    best, luck, tied, report, runs = lines(results)[1:]
    assert best == "Best on songs never heard: lda@mfcc, song accuracy 0.73 [0.62, 0.83]."
    assert luck == "It is the best of 11, so expect slightly less on new songs: 0.68 after correction."
    assert tied == "No other model is statistically tied with it."
    assert report.endswith("demo/report.html") and "/experiments/7/runs" in runs


def test_tied_models_are_named_but_not_all(results):
    write_json(results / "headline.json", FACTS | {"within_noise": [f"m{n}@mfcc" for n in range(8)]})
    assert "Statistically tied with it: m0@mfcc, m1@mfcc, m2@mfcc and 5 more." in lines(results)


def test_a_single_model_was_not_chosen(results):
    text = "\n".join(lines(results, models=1))
    assert "best of" not in text and "tied" not in text


def test_a_model_far_ahead_keeps_its_figure_after_correction(results):
    write_json(results / "headline.json", FACTS | {"corrected_song_accuracy": 0.7341})
    expected = "It is the best of 11 by so much that the correction for the choice changes nothing: 0.73."
    assert expected in lines(results)


def test_a_shortcut_is_a_warning_before_the_result(results):
    write_json(results / "shortcuts.json", {"beats_chance": True, "finding": "Bit rate alone identifies 84 %."})
    assert lines(results)[1] == "Warning: Bit rate alone identifies 84 %."
    without_audio = headline(results, models=11, recipe=None, has_audio=False)
    assert "Warning" not in without_audio and "Best on songs" in without_audio


@pytest.mark.parametrize("name", ["headline", "tracking", "shortcuts"])
def test_incomplete_results_have_no_headline(results, name):
    (results / f"{name}.json").unlink()
    assert lines(results) == []


def test_a_recipe_shows_its_best_published_figure(results):
    rows = [
        COMPARED | {"published": 0.9, "published_here": 0.8, "by_song": 0.5},
        COMPARED | {"published": 0.95, "published_here": 0.85, "by_song": 0.55},
        COMPARED | {"published": 0.99},
    ]
    write_rows(results / "recipe.csv", RECIPE_COLUMNS, rows)
    line = (
        "The recipe mine, mlp@jlaoo26, song accuracy: 0.95 published, 0.85 here under its own protocol (random-clips), "
        f"0.55 here by song. See {results}/recipe.csv"
    )
    assert recipe_lines(RECIPE, results) == [line] and line in lines(results, recipe=RECIPE)
    write_rows(results / "recipe.csv", RECIPE_COLUMNS, rows[2:])
    (line,) = recipe_lines(RECIPE, results)
    assert "none of its published models was run" in line
    assert recipe_lines(None, results) == []
