"""`songwise ui`: MLflow answers on the right page, and ends with the command."""

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import requests
from helpers.project import ordinary_environment

from songwise.tracking.experiment import open_experiment
from songwise.tracking.store import open_store


@pytest.fixture
def store(project):
    """A store with an experiment of the data set, and the number of the experiment."""
    with open_store() as opened:
        open_experiment(opened.client, "another")
        return open_experiment(opened.client, "tones")


def test_the_page_of_the_leaderboard_is_served_until_the_end(store, project, no_browser):
    opened = no_browser()
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        command = [sys.executable, "-m", "songwise", "ui"]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=ordinary_environment())
        address = server.stdout.readline().strip()
        children = psutil.Process(server.pid).children(recursive=True)
        page, _, anchor = address.partition("#")
        assert anchor == f"/experiments/{store}/runs?workflowType=machine_learning&viewStateShareKey=leaderboard"
        assert "<html" in requests.get(page, timeout=30).text
        answer = requests.get(f"{page}api/2.0/mlflow/experiments/get?experiment_id={store}", timeout=30)
        assert answer.json()["experiment"]["name"] == "tones"
        for _ in range(100):
            if opened.exists() and opened.read_text():
                break
            time.sleep(0.1)
        assert opened.read_text() == address
        server.send_signal(signal.SIGINT)
        assert server.wait(30) == 0
    psutil.wait_procs(children, timeout=15)
    assert children and not any(child.is_running() for child in children)


def test_a_busy_port_is_refused_if_it_was_asked_for(store, run):
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        assert f"port {port} is in use" in run("ui", "--port", port).err
    assert "--port must be from 1 to 65535" in run("ui", "--port", 0).err


def test_a_store_without_the_runs_says_how_to_log_them(project, run):
    expected = "does not exist. Run snakemake --config dataset=tones, which logs the runs again from"
    assert expected in run("ui").err
    with open_store():
        pass
    assert "has no runs of tones. Run snakemake" in run("ui").err
    Path("mlflow.db").write_text("not a database")
    assert "file is not a database; if it is damaged" in run("ui").err


def test_a_server_that_is_down_is_one_message(project, run, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://user:secret@127.0.0.1:9")
    done = run("ui")
    assert done.code == 1 and "check that the server is running" in done.err and "secret" not in done.err
