"""The page shows every result once, explains everything that it names, and trusts no name."""

import html
import re

import pytest
from helpers.report import LABELS, TEMPLATES, make_results, render, write_shortcuts, write_tracks
from helpers.tables import rows

from songwise.files import read_json, write_json, write_rows
from songwise.splits.protocols import PROTOCOLS, RANDOM_CLIPS

SECTIONS = ["result", "matrix", "leaderboard", "leakage", "mistakes", "data", "studies", "provenance"]
STUDIES = ["champion", "shortcuts", "calibration", "learning", "importance", "clusters"]


def text_of(page: str) -> str:
    """The words of a page, without its script, style and data."""
    page = re.sub(r"<(script|style)\b.*?</\1>", "", page, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def section(page: str, name: str) -> str:
    start = page.index(f'id="{name}"')
    ends = [page.find(f'id="{other}"', start + 1) for other in [*SECTIONS, *STUDIES] if other != name]
    return text_of("<" + page[start : min((end for end in ends if end > 0), default=None)])


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> str:
    titles = {"best@a": ["Best model", "Preset a"]}
    return render(make_results(tmp_path_factory.mktemp("mine")), titles=titles).read_text()


@pytest.mark.parametrize("name", [*PROTOCOLS, RANDOM_CLIPS])
def test_every_protocol_has_a_meaning_on_the_page(name):
    meanings = (TEMPLATES / "leakage.html").read_text()
    assert f'"{name}": "' in meanings, f"add {name} to the meanings in workflow/report/page/leakage.html"


def test_sections_are_in_the_order_of_their_importance(page):
    places = [page.index(f'id="{name}"') for name in SECTIONS]
    assert places == sorted(places)
    assert [page.count(f'href="#{name}"') >= 1 for name in SECTIONS] == [True] * len(SECTIONS)
    folded = re.findall(r'<details class="study" id="(\w+)">', page)
    assert folded == STUDIES


def test_the_headline_is_the_summarys(page):
    top = section(page, "result")
    for words in ("best model 76 % [71, 81]", "guessing 33 %", "file facts 40 % [35, 45]", "random clips 97 %"):
        assert words in top, top
    assert "It is the best of 3, so expect 74 %" in top and "1 other model is statistically tied" in top
    assert "use this model" in top


def test_titles_are_beside_their_codes_and_earlier_runs_are_marked(page):
    board = section(page, "leaderboard")
    assert "best@ a Best model · Preset a" in board
    assert board.count("earlier run") == 1 and "other@ b earlier run" in board


def test_a_model_that_was_fitted_to_some_of_the_clips_is_marked(page):
    assert section(page, "leaderboard").count("fitted to 8 % of the clips") == 1


@pytest.mark.parametrize("accuracy, doubtful", [(0.4, False), (0.72, True)])
def test_a_doubtful_result_is_a_warning_with_the_next_command(tmp_path, accuracy, doubtful):
    results = make_results(tmp_path / "mine")
    write_shortcuts(results, accuracy)
    top = render(results).read_text()
    top = top[: top.index('id="matrix"')]
    command = "snakemake --config dataset=mine models=standardised"
    assert ('class="warning"' in top) == doubtful == (command in top)
    assert "The file facts alone (most of all bit rate) reach " in top


def test_standardised_audio_answers_in_the_same_place(tmp_path):
    results = make_results(tmp_path / "mine")
    write_shortcuts(results, 0.72)
    pair = {"model": "best", "features": "a", "standardised_features": "a_standardised", "raw": 0.76}
    pair |= {"standardised": 0.6, "difference": -0.16, "low": -0.2, "high": -0.1, "baseline": ""}
    write_rows(results / "standardised.csv", pair, [pair])
    top = section(render(results).read_text(), "result")
    assert "best@a gets 60 % instead of 76 %: -16 points [-20, -10]." in top and "models=standardised" not in top


def test_there_is_one_figure_for_the_best_model_and_one_number_of_songs(page):
    learning = section(page, "learning")
    assert "by +10 points [+2, +18]" in learning and "71" not in learning  # its own accuracy, in the first repeat
    assert "first repeat" in learning and "First repeat" in section(page, "importance")
    assert "18 songs, 180 clips" in section(page, "result")
    assert "18 of 18 tracks are usable, with 18 songs." in section(page, "data")


def test_a_recording_that_is_there_twice_counts_once_everywhere(tmp_path):
    results = make_results(tmp_path)
    pair = {"track_id": "pop-0", "other_track_id": "pop-1", "similarity": "1", "same_label": "true", "overlap": "9"}
    write_rows(results / "duplicates.csv", pair, [pair])
    write_json(results / "headline.json", read_json(results / "headline.json") | {"n_songs": 17})
    data = section(render(results).read_text(), "data")
    assert "with 17 songs. A recording" in data and "pop 5" in data and "pop-0 = pop-1" in data


def test_songs_that_no_repeat_tests_are_said_to_be_untested(tmp_path):
    results = make_results(tmp_path)
    write_json(results / "headline.json", read_json(results / "headline.json") | {"n_songs": 9})
    assert "18 songs, of which 9 are tested" in section(render(results).read_text(), "data")


def test_mistakes_have_names_labels_and_confidence(tmp_path):
    results = make_results(tmp_path)
    songs = [(row["label"], row["song"]) for row in rows(results / "tracks.csv")]
    write_tracks(results, songs, title="Blue sky", artist="Ann", url="https://example.org/x")
    page = render(results).read_text()
    shown = section(page, "mistakes")
    assert "Blue sky (Ann)" in shown and re.search(
        r"(jazz|metal|pop) (jazz|metal|pop) \d+ % \d+ % \d of 3 repeats", shown
    )
    assert 'href="https://example.org/x"' in page
    assert 'href="models/best%40a/by-song/songs.csv"' in page


def test_many_mistakes_are_cut_and_none_are_said(tmp_path):
    shown = section(render(make_results(tmp_path / "many", per_class=60, wrong=0.9)).read_text(), "mistakes")
    assert shown.count(" of 3 repeats ") == 50 and "The first 50." in shown
    perfect = section(render(make_results(tmp_path / "perfect", wrong=0)).read_text(), "mistakes")
    assert "None: best@a was right for every song in every repeat." in perfect


def test_stale_models_are_named_with_reason_and_command(tmp_path):
    results = make_results(tmp_path / "mine")
    stale = {"old@x": "trained with another seed"}
    write_json(results / "headline.json", read_json(results / "headline.json") | {"stale": stale})
    top = section(render(results).read_text(), "result")
    assert "old@x (trained with another seed)" in top and "snakemake --config dataset=mine models=old@x" in top


def test_a_table_of_features_has_no_audio_on_its_page(tmp_path):
    page = render(make_results(tmp_path, audio=False)).read_text()
    assert "no model here can listen to files" in section(page, "result") and "file facts" not in text_of(page)
    assert 'id="shortcuts"' not in page and 'id="champion"' not in page


def test_missing_tables_leave_out_their_sections(tmp_path):
    results = make_results(tmp_path)
    for name in ("learning_curve.csv", "importance.csv", "clusters.csv", "calibration.csv", "champion/card.json"):
        (results / name).unlink()
    page = render(results).read_text()
    assert re.findall(r'<details class="study" id="(\w+)"', page) == ["shortcuts"]
    alone = render(make_results(tmp_path / "one", runs=("only@a",)), protocols=["by-song"]).read_text()
    assert 'id="leakage"' not in alone and "#leakage" not in alone and "tied" not in section(alone, "result")


def test_a_recipe_is_shown_in_per_cent(tmp_path):
    results = make_results(tmp_path)
    row = {
        "model": "best",
        "features": "a",
        "level": "song",
        "published": "0.7",
        "published_what": "as said",
        "note": "",
    }
    for name in ("published_here", "by_song"):
        row |= {name: "0.6", f"{name}_low": "0.5", f"{name}_high": "0.7"}
    write_rows(results / "recipe.csv", [*row, "by_artist"], [row | {"by_artist": ""}])
    recipe = {"name": "theirs", "source": "https://example.org", "protocol": "random-clips"}
    shown = text_of(render(results, recipe=recipe).read_text())
    assert "Published and measured figures" in shown and "(songs) 70 % 60 % [50, 70] 60 % [50, 70] as said" in shown


def test_paths_of_labels_are_scored_at_each_level(tmp_path):
    results = make_results(tmp_path)
    row = {"model": "best", "features": "a", "level": 1, "n_labels": 2, "song_macro_f1": 0.8}
    for level in ("song", "clip"):
        row |= {f"{level}_accuracy": 0.9, f"{level}_accuracy_low": 0.8, f"{level}_accuracy_high": 0.95}
    write_rows(results / "levels.csv", row, [row])
    write_rows(
        results / "confusion_top.csv",
        ["label", "rock", "pop"],
        [{"label": "rock", "rock": 3, "pop": 1}, {"label": "pop", "rock": 0, "pop": 0}],
    )
    shown = text_of(render(results).read_text())
    assert "best@a 1 2 90 % [80, 95] 0.80 90 % [80, 95]" in shown and "rock 75 25 pop" in shown


def test_without_scripts_the_best_matrix_and_all_tables_are_there(page):
    assert page.count('<th scope="row">metal</th>') >= 2
    assert re.search(r'<td class="right" style="--share:0\.\d+">\d+</td>', page)


def test_names_are_text_everywhere(tmp_path):
    evil = "</script><img src=x onerror=alert(1)>"
    results = make_results(tmp_path, labels=[evil, *LABELS], runs=("best@a", "other@b"))
    facts = read_json(results / "headline.json")
    write_json(results / "headline.json", facts | {"title": evil, "label": f"genre {evil}", "stale": {evil: evil}})
    page = render(results, titles={"best@a": [evil, evil]}, command=evil).read_text()
    assert "<img" not in page and "onerror=alert(1)>" not in page
    assert page.count("</script>") == 3  # the data and two scripts


def test_the_same_results_give_the_same_page(tmp_path):
    results = make_results(tmp_path)
    first = render(results).read_bytes()
    assert render(results).read_bytes() == first
