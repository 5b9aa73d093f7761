"""MLflow's own pages, in a real browser: the links in the notes open the leaderboard and the charts."""

from collections.abc import Iterator

import pytest
from helpers.browser import browsers, missing_browser
from helpers.champions import complete_results, random_champion
from helpers.mlflow_server import mlflow_server

from songwise.tracking.experiment import page_links
from songwise.tracking.runs import log_runs

pytestmark = pytest.mark.skipif(bool(missing_browser()), reason=missing_browser())
RUNS = ("logistic@jlaoo26", "other@jlaoo26")


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[str]:
    """Address of a server to which the runs of a data set were logged."""
    folder = tmp_path_factory.mktemp("pages")
    with mlflow_server(folder / "server") as address, pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("MLFLOW_TRACKING_URI", address)
        log_runs(complete_results(random_champion(folder / "results/tones/champion")), git_commit=None)
        yield address


@pytest.fixture(scope="module")
def page(server):
    with browsers() as launch:
        page = launch(microphone=False).new_page(viewport={"width": 1600, "height": 2000})
        page.set_default_timeout(30_000)
        yield page


def address_of(server: str, title: str) -> str:
    import mlflow

    experiment = mlflow.MlflowClient(server).get_experiment_by_name("tones")
    return f"{server}/{page_links(experiment.experiment_id)[title]}"


def test_the_leaderboard_shows_every_run_with_its_song_accuracy(server, page):
    page.goto(address_of(server, "Leaderboard, best first"))
    for text in (*RUNS, "song_accuracy", "song_accuracy_low", "versus_inflation"):
        page.get_by_text(text, exact=True).first.wait_for()
    page.get_by_text("Best model 90 %, guessing 40 %, file facts 35 %, random clips 95 % of 8 songs.").wait_for()
    assert page.get_by_text("2 matching runs").count() == 1


def test_the_charts_begin_with_song_accuracy_and_the_confusion_matrices_of_all_runs(server, page):
    page.goto(address_of(server, "Charts and confusion matrices"))
    area = page.get_by_test_id("experiment-view-compare-runs-chart-area")
    area.locator("img").nth(3).wait_for()
    assert area.locator("img").evaluate_all("images => images.every(image => image.complete)")
    text = area.inner_text()
    order = [text.index(title) for title in ("song_accuracy", "versus_inflation", "confusion_song", "confusion_clip")]
    assert order == sorted(order) and order[0] < text.index("song_accuracy_high")
    assert all(text.count(run) >= 2 for run in RUNS)
