"""Many projects on one server: nobody's runs are lost, doubled or hidden by a colleague."""

import os
import signal
import time
from pathlib import Path

import pytest
from helpers.champions import complete_results, random_champion
from helpers.mlflow_server import mlflow_server
from helpers.team_server import ADMIN, missing_parts, team_server

from songwise.errors import InputError
from songwise.tracking.runs import log_runs

RESULTS = Path("results")
NAMES = ["logistic@jlaoo26", "other@jlaoo26"]


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Return a folder with finished results, which is the current folder."""
    folder = tmp_path / "project"
    complete_results(random_champion(folder / "results/tones/champion"))
    monkeypatch.chdir(folder)
    return folder


def client():
    import mlflow

    return mlflow.MlflowClient(os.environ["MLFLOW_TRACKING_URI"])


def shown_runs():
    """Return the runs of the leaderboard by their name."""
    number = client().get_experiment_by_name("tones").experiment_id
    runs = client().search_runs([number], "tags.stale IS NULL")
    assert len({run.info.run_name for run in runs}) == len(runs), "a model twice"
    return {run.info.run_name: run for run in runs}


def all_runs():
    return client().search_runs([client().get_experiment_by_name("tones").experiment_id])


def copy_run(run, **tags):
    """Log a run with the same tags, as another process may do at the same time; return its id."""
    number = client().get_experiment_by_name("tones").experiment_id
    known = {key: value for key, value in run.data.tags.items() if not key.startswith("mlflow.logged")} | tags
    copy = client().create_run(number, run_name=run.info.run_name, tags=known)
    return copy.info.run_id


def log_in_child():
    child = os.fork()
    if not child:
        os._exit(_status())
    return child


def _status() -> int:
    try:
        log_runs(RESULTS, git_commit=None)
    except BaseException as error:
        print(repr(error), flush=True)
        return 1
    return 0


def test_on_a_server_without_locks_each_model_has_one_run(project, tmp_path, monkeypatch):
    with mlflow_server(tmp_path / "server") as address:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        import mlflow.sklearn  # noqa: F401  (once, instead of in both children)

        children = [log_in_child() for _ in range(2)]
        assert [os.waitpid(child, 0)[1] for child in children] == [0, 0]
        first = shown_runs()
        assert sorted(first) == NAMES
        model = client().get_registered_model("tones")
        assert list(model.aliases) == ["champion"]
        content = log_runs(RESULTS, git_commit=None)["experiments"]["tones"]
        assert content["runs"] == {name: run.info.run_id for name, run in first.items()}
        assert str(client().get_model_version_by_alias("tones", "champion").run_id) == content["runs"][NAMES[0]]

        # A colleague who began later has logged the same model, and is logging the other one.
        later = copy_run(first[NAMES[0]], logged_at=str(time.time_ns()))
        client().set_terminated(later)
        live = copy_run(first[NAMES[1]], logged_at=str(time.time_ns()), stale="true")
        # One was killed long ago.
        killed = copy_run(first[NAMES[1]], logged_at="1", stale="true")
        # Another project trains another model of the same data set.
        foreign = copy_run(first[NAMES[1]], run_key="k3", project="elsewhere:/music")
        client().set_terminated(foreign)
        # Somebody has a newer songwise, which logs more.
        client().set_tag(first[NAMES[1]].info.run_id, "content", "999")
        # This project does not train this model any more.
        own = copy_run(first[NAMES[1]], run_key="k4")
        client().set_terminated(own)

        assert log_runs(RESULTS, git_commit=None)["experiments"]["tones"] == content
        left = {run.info.run_id: run for run in all_runs()}
        assert set(left) == {*content["runs"].values(), live, foreign, own}
        assert {later, killed}.isdisjoint(left)
        assert left[live].info.status == "RUNNING"
        assert left[content["runs"][NAMES[1]]].data.tags["content"] == "999"
        assert "stale" not in left[foreign].data.tags and left[own].data.tags["stale"] == "true"


def test_an_experiment_that_a_colleague_creates_at_the_same_moment_is_used(project, tmp_path, monkeypatch):
    import mlflow

    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    find, asked = mlflow.MlflowClient.get_experiment_by_name, []

    def find_too_early(self, name):
        asked.append(name)
        if len(asked) == 1:
            self.create_experiment(name)
            return None
        return find(self, name)

    monkeypatch.setattr(mlflow.MlflowClient, "get_experiment_by_name", find_too_early)
    assert sorted(log_runs(RESULTS, git_commit=None)["experiments"]["tones"]["runs"]) == NAMES


@pytest.mark.skipif(bool(missing_parts()), reason=missing_parts())
def test_a_server_with_accounts_on_postgresql_with_artifacts_in_s3(project, tmp_path, monkeypatch):
    with team_server(tmp_path / "server", workers=1) as server:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", server.address)
        with pytest.raises(InputError, match="does not accept this user name and password"):
            log_runs(RESULTS, git_commit=None)
        for user in ("kim", "lee"):
            server.add_user(user)

        def become(user):
            for name, value in server.login(user).items():
                monkeypatch.setenv(name, value)

        become("kim")
        content = log_runs(RESULTS, git_commit=None)["experiments"]["tones"]
        become("lee")
        assert log_runs(RESULTS, git_commit=None)["experiments"]["tones"] == content
        # Only its owner may delete a run, so a run that is there twice becomes stale.
        twice = copy_run(shown_runs()[NAMES[0]], logged_at=str(time.time_ns()))
        client().set_terminated(twice)
        assert log_runs(RESULTS, git_commit=None)["experiments"]["tones"] == content
        assert {run.info.run_id for run in shown_runs().values()} == set(content["runs"].values())
        files = {item.path for item in client().list_artifacts(content["runs"][NAMES[0]])}
        assert {"bundle", "confusion_song.png", "folds.json"} <= files

        # The server ends in the middle, and starts again.
        become(ADMIN)
        client().delete_experiment(content["experiment_id"])
        become("lee")
        with pytest.raises(InputError, match="does not permit this user to do that"):  # to restore it
            log_runs(RESULTS, git_commit=None)
        become("kim")
        monkeypatch.setattr("songwise.tracking.runs._PATIENCE", 300)  # on a busy machine, a start takes minutes
        child = log_in_child()
        server.stop(signal.SIGKILL)
        server.start()
        assert os.waitpid(child, 0)[1] == 0
        assert sorted(shown_runs()) == NAMES
