"""The registered champion works as any other model of MLflow does: in Python, and behind `mlflow models serve`."""

import json
import os
import urllib.request
from pathlib import Path

import pytest
from helpers.champions import complete_results, tone_champion
from helpers.mlflow_server import running
from helpers.sound import tone, write_wav

import songwise
from songwise.predict.pyfunc import _load_pyfunc
from songwise.predict.signature import OUTPUTS
from songwise.tracking.runs import log_runs

URI = "models:/tones@champion"


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Return a project whose champion is registered, as the current folder, with three files."""
    folder = tmp_path_factory.mktemp("my music")
    complete_results(tone_champion(folder / "results/tones/champion", folder / "audio"))
    write_wav(folder / "low.wav", tone(4, 220))
    write_wav(folder / "high.wav", tone(4, 1760))
    (folder / "broken.wav").write_bytes(b"RIFF this is not music")
    here, before = Path.cwd(), os.environ.get("MLFLOW_TRACKING_URI")
    os.chdir(folder)
    os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{folder}/mlflow.db"
    try:
        log_runs(Path("results"), git_commit=None)
        yield folder
    finally:
        os.chdir(here)
        del os.environ["MLFLOW_TRACKING_URI"]
        if before is not None:
            os.environ["MLFLOW_TRACKING_URI"] = before


@pytest.fixture(scope="module")
def model(project):
    import mlflow

    return mlflow.pyfunc.load_model(URI)


def test_it_states_what_it_takes_and_what_it_returns(model):
    assert model.metadata.signature.inputs.input_dict()["path"].type.name == "string"
    types = {column.name: column.type.name for column in model.metadata.signature.outputs.inputs}
    assert types == OUTPUTS
    assert model.metadata.metadata["song_accuracy"] == 0.9
    assert model.metadata.metadata["classes"] == ["high", "low"]


def test_it_answers_as_songwise_does(model, project):
    import pandas as pd

    table = model.predict(pd.DataFrame({"path": ["low.wav", "high.wav"]}))
    assert list(table) == list(OUTPUTS)
    expected = songwise.load("results/tones").predict(["low.wav", "high.wav"])
    pd.testing.assert_frame_equal(table, expected[list(OUTPUTS)])
    assert list(table["label"]) == ["low", "high"]
    # MLflow requires a table; the model itself does not.
    pd.testing.assert_frame_equal(_load_pyfunc("results/tones/champion").predict(["low.wav", "high.wav"]), table)


def test_each_bad_file_is_a_row_with_its_reason(model, project):
    import pandas as pd

    strange = ["", " ", ".", "/dev/zero", "http://127.0.0.1/song.wav", "a\0b", "x" * 5000, "-i", "%s"]
    paths = ["low.wav", "broken.wav", "missing.wav", *strange]
    table = model.predict(pd.DataFrame({"path": paths}))
    assert list(table["file"]) == paths
    assert list(table["status"][:3]) == ["ok", "quarantined", "failed"]
    assert set(table["status"][1:]) == {"failed", "quarantined"}
    assert all(table["reason"][1:]) and table["reason"][0] == ""
    assert (table["label"][1:] == "").all()
    for name in ("probability", "known", "novelty"):
        assert table[name][0] is not None
        assert set(table[name][1:]) == {None}
    assert len(model.predict(pd.DataFrame({"path": []}, dtype=str))) == 0
    assert list(_load_pyfunc("results/tones/champion").predict(["\ud800", None, 3])["status"]) == ["failed"] * 3


def test_mlflow_serves_it_and_answers_with_valid_json(project):
    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON")

    content = {"dataframe_split": {"columns": ["path"], "data": [["low.wav"], ["high.wav"], ["broken.wav"]]}}
    words = ["models", "serve", "-m", URI, "--env-manager", "local"]
    with running(words, project, "ping") as address:
        request = urllib.request.Request(
            f"{address}/invocations", json.dumps(content).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request) as response:
            answers = json.load(response, parse_constant=refuse)["predictions"]
    assert [answer["label"] for answer in answers] == ["low", "high", ""]
    assert [answer["status"] for answer in answers] == ["ok", "ok", "quarantined"]
    assert answers[0]["probability"] > 0.5 and answers[0]["known"] in (True, False)
    assert answers[2]["probability"] is None and "undecodable" in answers[2]["reason"]
