"""The champion is models:/DATASET@champion in MLflow's registry, once per champion, also after a crash."""

import multiprocessing
import os
import shutil
import signal
import time
import zipfile
from pathlib import Path

import pytest
from helpers.champions import complete_results, crown, random_champion
from helpers.mlflow_server import mlflow_server

import songwise
from songwise.errors import InputError
from songwise.tracking.runs import log_runs
from songwise.tracking.store import open_store

RESULTS = Path("results")
TONES = RESULTS / "tones"
URI = "models:/tones@champion"


@pytest.fixture(scope="module")
def logged_project(tmp_path_factory):
    """Return a project whose runs are logged, but whose champion is not."""
    project = tmp_path_factory.mktemp("project") / "my music"
    champion = random_champion(project / "results/tones/champion")
    complete_results(champion)
    champion.rename(project / "champion")
    here = Path.cwd()
    os.chdir(project)
    try:
        with open_store():  # creates it, which takes seconds
            shutil.copy("mlflow.db", "empty.db")
        log_runs(RESULTS, git_commit=None)
    finally:
        os.chdir(here)
    (project / "champion").rename(champion)
    return project


@pytest.fixture
def project(logged_project, tmp_path, monkeypatch):
    """Return the project as the current folder. Its name has a space, as a user's may have."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    # MLflow stores absolute paths, so each test has the project at the same place.
    kept = tmp_path / "kept"
    shutil.copytree(logged_project, kept, symlinks=True)
    monkeypatch.chdir(logged_project)
    yield logged_project
    shutil.rmtree(logged_project)
    kept.rename(logged_project)


def client():
    import mlflow

    return mlflow.MlflowClient(f"sqlite:///{Path('mlflow.db').absolute()}")


def log():
    return log_runs(RESULTS, git_commit=None)["experiments"]["tones"]


def versions():
    """Return the tags of each version, by number."""
    return {int(version.version): version.tags for version in client().search_model_versions("name = 'tones'")}


def champion():
    """Return the version that the alias names."""
    return client().get_model_version_by_alias("tones", "champion")


def files_of(version):
    """Return the folder of a version's artifacts."""
    return Path(client().get_model_version_download_uri("tones", version))


def test_the_champion_is_registered_on_its_own_run_with_its_card(project, capfd):
    content = log()
    assert capfd.readouterr() == ("", "")
    version = champion()
    assert content["version"] == str(version.version) == "1"
    assert version.run_id == content["runs"]["logistic@jlaoo26"]
    assert version.description == (TONES / "champion/README.md").read_text()
    key = version.tags.pop("champion_key")
    assert len(key) == 16
    assert version.tags == {
        "run_key": "k1", "dataset": "tones", "model": "logistic@jlaoo26", "song_accuracy": "0.9000",
        "data_version": "data1",
    }  # fmt: skip
    run = client().get_run(version.run_id)
    assert version.source in {f"models:/{model.model_id}" for model in run.outputs.model_outputs}


def test_nothing_in_the_registered_model_is_a_pickle_or_code(project):
    import yaml

    log()
    folder = files_of(1)
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    environment = {"MLmodel", "conda.yaml", "python_env.yaml", "requirements.txt"}
    original = {path.relative_to(TONES).as_posix() for path in (TONES / "champion").rglob("*") if path.is_file()}
    assert found == environment | {f"data/{name}" for name in original}
    for name in found:
        content = (folder / name).read_bytes()
        assert not content.startswith(b"\x80"), f"{name} starts as a pickle does"
        if zipfile.is_zipfile(folder / name):
            assert {Path(member).suffix for member in zipfile.ZipFile(folder / name).namelist()} <= {".npy", ".json"}
    described = yaml.safe_load((folder / "MLmodel").read_text())
    assert list(described["flavors"]) == ["python_function"]
    assert described["flavors"]["python_function"]["loader_module"] == "songwise.predict.pyfunc"
    assert described["flavors"]["python_function"]["code"] is None
    assert described["metadata"]["song_accuracy"] == 0.9 and described["metadata"]["classes"] == ["high", "low"]
    # A package index could offer anything under our name.
    assert "songwise" not in (folder / "requirements.txt").read_text() + (folder / "conda.yaml").read_text()


def test_the_same_champion_adds_nothing_another_is_a_version_and_a_former_one_comes_back(project):
    first = log()
    before = (TONES / "champion/card.json").read_bytes(), (TONES / "champion/README.md").read_bytes()
    assert log() == first
    assert list(versions()) == [1]

    crown(TONES, run_key="k2", model="other@jlaoo26", song_accuracy=0.95)
    assert log()["version"] == "2"
    assert champion().run_id == first["runs"]["other@jlaoo26"]
    assert (champion().tags["model"], champion().tags["song_accuracy"]) == ("other@jlaoo26", "0.9500")

    for name, content in zip(("card.json", "README.md"), before, strict=True):
        (TONES / "champion" / name).write_bytes(content)
    assert log() == first
    assert set(versions()) == {1, 2}
    assert str(champion().version) == "1"


def test_what_is_deleted_in_the_ui_comes_back(project):
    log()
    client().delete_registered_model_alias("tones", "champion")
    assert log()["version"] == "1"
    assert str(champion().version) == "1"

    client().delete_model_version("tones", "1")
    assert log()["version"] == str(champion().version)
    assert len(versions()) == 1

    client().delete_registered_model("tones")
    assert log()["version"] == str(champion().version) == "1"

    client().delete_run(champion().run_id)
    content = log()
    assert champion().run_id == content["runs"]["logistic@jlaoo26"]

    client().delete_experiment(content["experiment_id"])
    content = log()
    assert champion().run_id == content["runs"]["logistic@jlaoo26"]
    assert songwise.load(URI).classes == ["high", "low"]


def test_a_store_without_its_files_or_its_database_is_registered_again(project):
    log()
    shutil.rmtree("mlruns/1/models")
    log()
    assert songwise.load(URI).classes == ["high", "low"]

    shutil.copy("empty.db", "mlflow.db")
    assert log()["version"] == "1"
    assert songwise.load(URI).classes == ["high", "low"]


def log_until(step):
    """Log in a process that is killed where it would call a method of MLflow's client."""
    import mlflow

    def kill(*_, **__):
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(mlflow.MlflowClient, step, kill)
    log()


@pytest.mark.parametrize("step", ["log_model_artifacts", "finalize_logged_model", "create_model_version"])
def test_a_registration_that_was_killed_is_completed_by_the_next_call(project, step):
    # A forked child does not need to import MLflow again.
    child = multiprocessing.get_context("fork").Process(target=log_until, args=(step,))
    child.start()
    child.join()
    assert child.exitcode == -signal.SIGKILL
    content = log()
    assert str(champion().version) == content["version"] == "1"
    assert songwise.load(URI).classes == ["high", "low"]
    models = client().search_logged_models([content["experiment_id"]], filter_string="name = 'champion'")
    assert [model.status.value for model in models] == ["READY"]
    assert log() == content


def test_results_without_a_champion_are_logged_as_before(project):
    shutil.rmtree(TONES / "champion")
    assert set(log()) == {"experiment_id", "runs"}
    assert not client().search_registered_models()


def test_a_champion_that_is_damaged_or_of_another_leaderboard_is_reported(project):
    crown(TONES, run_key="gone")
    with pytest.raises(InputError, match=r"champion: belongs to an earlier leaderboard; run snakemake again"):
        log()
    crown(TONES, run_key="k1")
    page = (TONES / "champion/README.md").read_bytes()
    (TONES / "champion/README.md").unlink()
    with pytest.raises(InputError, match=r"README\.md: cannot be read"):
        log()
    (TONES / "champion/README.md").write_bytes(page)
    (TONES / "champion/card.json").write_text("{}")
    with pytest.raises(InputError, match=r"card\.json: was written by another version"):
        log()


def test_a_long_card_is_shortened_as_databases_require(project):
    crown(TONES, classes=[f"{number:02d} {'long ' * 20}" for number in range(60)])
    log()
    description = champion().description
    assert 4000 < len(description) <= 5000
    assert description.endswith("among the artifacts)")


def test_registering_costs_little(project):
    import mlflow.pyfunc  # noqa: F401  (its import is not part of it)

    shutil.move(TONES / "champion", "champion")
    log()
    start = time.monotonic()
    log()
    without = time.monotonic() - start
    shutil.move("champion", TONES / "champion")
    start = time.monotonic()
    log()
    # 0.35 s on an idle machine; 5 s or more if MLflow ran the model to infer what it needs.
    assert time.monotonic() - start - without < 3


def test_a_registered_model_is_loaded_without_a_trace_and_a_missing_one_is_reported(project, tmp_path, monkeypatch):
    log()
    before = dict(os.environ), sorted(path for path in Path("mlruns").rglob("*"))
    model = songwise.load(URI)
    assert model.card["dataset"] == "tones"
    assert (dict(os.environ), sorted(path for path in Path("mlruns").rglob("*"))) == before
    assert not list(project.parent.glob("my%20music"))

    with pytest.raises(
        InputError, match=r"models:/drums@champion: MLflow cannot find it .*drums.* Run snakemake first"
    ):
        songwise.load("models:/drums@champion")
    with pytest.raises(InputError, match=r"models:/@: MLflow cannot find it"):
        songwise.load("models:/@")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"there is no .*mlflow\.db"):
        songwise.load(URI)
    assert not list(tmp_path.glob("mlflow*"))


def test_a_registered_model_that_is_not_a_champion_is_refused(project, monkeypatch):
    content = log()
    model = next(
        model
        for model in client().search_logged_models([content["experiment_id"]])
        if model.name == "other@jlaoo26" and model.source_run_id == content["runs"]["other@jlaoo26"]
    )
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{project}/mlflow.db")
    client().create_registered_model("plain")
    client().create_model_version("plain", f"models:/{model.model_id}", await_creation_for=0)
    with pytest.raises(InputError, match=r"models:/plain/1: is not a champion of songwise"):
        songwise.load("models:/plain/1")


def test_a_team_server_has_the_champion_for_everyone(project, tmp_path, monkeypatch):
    with mlflow_server(tmp_path / "server") as address:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        content = log()
        assert content["version"] == "1"
        assert log() == content
        crown(TONES, song_accuracy=0.95)
        assert log()["version"] == "2"

        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        monkeypatch.chdir(elsewhere)
        assert songwise.load(URI).card["song_accuracy"] == 0.95
        assert songwise.load("models:/tones/1").card["song_accuracy"] == 0.9
        assert not list(elsewhere.iterdir())
    start = time.monotonic()
    with pytest.raises(InputError, match=r"MLflow cannot find it .*or set MLFLOW_TRACKING_URI"):
        songwise.load(URI)
    assert time.monotonic() - start < 15
