"""The last screen of a run: four numbers in one unit, what they mean, and what to do next."""

import pytest

from songwise.files import read_json, write_json, write_rows
from songwise.report.headline import doubt, headline, recipe_lines
from songwise.report.summary import Summary, read_summary
from songwise.studies.recipe import RECIPE_COLUMNS

BOARD = [("lda@mfcc", 0.7333, "true"), ("knn@mfcc", 0.7, "true"), ("svm@mfcc", 0.6, "false"), ("nb@mfcc", 0.3, "false")]
FACTS = {
    "title": "My songs",
    "label": "genre",
    "protocol": "by-song",
    "seed": 0,
    "n_songs": 60,
    "n_clips": 600,
    "n_models": len(BOARD),
    "best": "lda@mfcc",
    "song_accuracy": 0.7333,
    "song_accuracy_low": 0.625,
    "song_accuracy_high": 0.8333,
    "corrected_song_accuracy": 0.684,
    "corrected_song_accuracy_low": 0.57,
    "corrected_song_accuracy_high": 0.79,
    "guessing": 0.25,
    "within_noise": ["knn@mfcc"],
    "stale": {},
}
SHORTCUTS = {"accuracy": 0.4, "low": 0.3, "high": 0.5, "beats_chance": True, "finding": "Bit rate identifies 40 %."}
SHORTCUTS |= {"features": [{"name": "bit_rate", "tells": True}, {"name": "peak", "tells": False}]}
LEAKAGE = {"model": "lda", "features": "mfcc", "protocol": "random-clips", "song_accuracy": 0.96}
LEAKAGE |= {"song_accuracy_low": 0.9, "song_accuracy_high": 1.0}
STANDARDISED = {"model": "lda", "features": "mfcc", "standardised_features": "mfcc_standardised"}
STANDARDISED |= {"raw": 0.7333, "standardised": 0.52, "difference": -0.2133, "low": -0.3, "high": -0.12}
RECIPE = {"name": "mine", "protocol": "random-clips"}
COMPARED = dict.fromkeys(RECIPE_COLUMNS, "") | {"model": "mlp", "features": "jlaoo26", "level": "song"}


@pytest.fixture
def results(tmp_path):
    """results/DATASET after a run."""
    folder = tmp_path / "mine"
    write_json(folder / "headline.json", FACTS)
    write_json(folder / "shortcuts.json", SHORTCUTS)
    write_rows(folder / "leakage.csv", list(LEAKAGE), [LEAKAGE])
    rows = [
        dict(zip(("model", "features"), run.split("@"), strict=True))
        | {"song_accuracy": at, "song_accuracy_low": at - 0.1, "song_accuracy_high": at + 0.1}
        | {"tied": tied, "this_run": "true", "fit_share": 1}
        for run, at, tied in BOARD
    ]
    write_rows(folder / "leaderboard.csv", list(rows[0]), rows)
    return folder


def summary(results) -> Summary:
    found = read_summary(results)
    assert found is not None
    return found


def screen(results, recipe=None) -> str:
    return headline(summary(results), results, recipe=recipe)


def change(results, **facts) -> None:
    write_json(results / "headline.json", read_json(results / "headline.json") | facts)


def test_four_numbers_have_one_unit(results):
    lines = [" ".join(line.split()) for line in screen(results).splitlines()]
    assert lines[0] == "My songs: share of 60 songs with the right genre"
    assert lines[1] == "best model 73 % [62, 83] lda@mfcc, on songs never heard"
    assert lines[2].startswith("guessing 25 % always the most common genre")
    assert lines[3].startswith("file facts 40 % [30, 50]")
    assert lines[4].startswith("random clips 96 % [90, 100]")
    assert lines[5] == "It is the best of 4, so expect 68 % [57, 79] on new songs (corrected for the choice)."
    assert "1 lda@mfcc 73 % [63, 83]" in lines and "2 knn@mfcc 70 % [60, 80] tied" in lines
    assert "and 1 more" in lines


def test_figures_that_were_not_measured_are_left_out(results):
    (results / "shortcuts.json").unlink()
    write_rows(results / "leakage.csv", list(LEAKAGE), [])
    text = screen(results)
    assert "file facts" not in text and "random clips" not in text and "Warning" not in text


def test_results_of_nobody_and_of_an_earlier_version_have_no_summary(results):
    write_json(results / "headline.json", {"best": "lda@mfcc"})
    assert read_summary(results) is None
    (results / "headline.json").unlink()
    assert read_summary(results) is None


def test_a_single_model_was_not_chosen(results):
    change(results, n_models=1, within_noise=[])
    assert "best of" not in screen(results)


def test_a_model_far_ahead_keeps_its_figure_after_correction(results):
    change(results, corrected_song_accuracy=0.7341)
    assert "It is the best of 4 by so much that correcting for the choice changes nothing." in screen(results)


def test_file_facts_below_the_interval_are_a_finding_without_a_command(results):
    (sentence,) = doubt(summary(results))
    assert sentence.startswith("The file facts alone (most of all bit rate) reach 40 % [30, 50], more than guessing.")
    assert f"Warning: {sentence}" in screen(results) and "models=standardised" not in screen(results)


def test_file_facts_that_reach_the_interval_name_the_next_command_and_later_its_answer(results):
    write_json(results / "shortcuts.json", SHORTCUTS | {"accuracy": 0.63})
    assert summary(results).is_doubtful
    text = screen(results)
    assert "Warning: The file facts alone (most of all bit rate) reach 63 % [30, 50]" in text
    assert "\n  snakemake --config dataset=mine models=standardised" in text
    write_rows(results / "standardised.csv", list(STANDARDISED), [STANDARDISED])
    answer = "lda@mfcc gets 52 % instead of 73 %: -21 points [-30, -12]."
    assert answer in screen(results) and "models=standardised" not in screen(results)


def test_file_facts_that_do_not_beat_guessing_are_no_warning(results):
    write_json(results / "shortcuts.json", SHORTCUTS | {"beats_chance": False, "accuracy": 0.7})
    assert not summary(results).is_doubtful and "Warning" not in screen(results)


def test_the_best_of_this_run_is_shown_wherever_it_stands(results):
    rows = (results / "leaderboard.csv").read_text().splitlines()
    (results / "leaderboard.csv").write_text(
        "\n".join([*(row.replace(",true", ",false") for row in rows[:-1]), rows[-1], ""])
    )
    lines = [" ".join(line.split()) for line in screen(results).splitlines()]
    assert "1 lda@mfcc 73 % [63, 83] from an earlier run" in lines and "4 nb@mfcc 30 % [20, 40]" in lines


def test_stale_models_are_named_with_the_command_that_ranks_them(results):
    change(results, stale={"a@mfcc": "trained with another seed", "b@mfcc": "the data has changed"})
    text = screen(results)
    assert "a@mfcc (trained with another seed), b@mfcc (the data has changed)" in text
    assert "\n  snakemake --config dataset=mine models=a@mfcc,b@mfcc" in text


def test_a_recipe_shows_its_best_published_figure(results):
    rows = [
        COMPARED | {"published": 0.9, "published_here": 0.8, "by_song": 0.5},
        COMPARED | {"published": 0.95, "published_here": 0.85, "by_song": 0.55},
        COMPARED | {"published": 0.99},
    ]
    write_rows(results / "recipe.csv", RECIPE_COLUMNS, rows)
    line = (
        "The recipe mine, mlp@jlaoo26, song accuracy: 95 % published, 85 % here under its own protocol (random-clips), "
        f"55 % here by song. See {results}/recipe.csv"
    )
    assert recipe_lines(RECIPE, results) == [line] and line in screen(results, RECIPE)
    write_rows(results / "recipe.csv", RECIPE_COLUMNS, rows[2:])
    (line,) = recipe_lines(RECIPE, results)
    assert "none of its published models was run" in line
    assert recipe_lines(None, results) == []
