"""Start and stop, workers that die or hang, and what a killed server leaves behind."""

import shutil
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
import requests
from helpers.project import ordinary_environment
from helpers.serving import Server, wait_for

from songwise.serve.messages import HEAD, READY, read_head


@pytest.fixture
def clients():
    with ThreadPoolExecutor(4) as clients:
        yield clients


def freeze(server: Server) -> psutil.Process:
    """Stop the only worker of a server, so that its next job stays in work."""
    wait_for(lambda: server.health()["workers"] == 1, 60)
    (worker,) = server.workers()
    worker.suspend()
    return worker


def is_busy(server: Server) -> bool:
    return server.health()["busy"] == 1


def test_sigterm_finishes_what_runs_refuses_what_waits_and_leaves_nothing(start, song, clients):
    server = start().wait()
    worker = freeze(server)
    running = clients.submit(server.post, "/classify?name=first", song)
    wait_for(lambda: is_busy(server))
    waiting = clients.submit(server.post, "/classify?name=second", song)
    wait_for(lambda: server.health()["waiting"] == 1)
    server.process.send_signal(signal.SIGTERM)
    refused = waiting.result()
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "stopping")
    worker.resume()
    assert running.result().json()["file"] == "first"
    assert server.process.wait(20) == 0
    assert server.text.splitlines()[-1] == "stopped" and "Traceback" not in server.text
    assert not worker.is_running() and not list(server.temporary.iterdir())
    with pytest.raises(requests.ConnectionError):
        server.health()


def test_what_a_killed_server_leaves_is_removed_by_the_next_which_stops_in_time(start, impatient, song, clients):
    server = start(temporary=impatient.temporary).wait()
    worker = freeze(server)
    lost = clients.submit(server.post, "/classify", song)
    wait_for(lambda: server.uploads())
    (left,) = {path.parent for path in server.uploads()}
    assert left.stat().st_mode & 0o777 == 0o700
    server.process.kill()
    server.process.wait()
    assert lost.exception()
    worker.resume()
    wait_for(lambda: not worker.is_running())  # it ends by itself
    assert server.uploads()
    link = server.temporary / "songwise-serve-link"
    link.symlink_to("/etc")
    after = start(temporary=server.temporary, stop_seconds=1).wait()
    assert not left.exists() and link.is_symlink()
    assert impatient.post("/classify", song).status_code == 200  # the folder of a live server stays

    worker = freeze(after)
    running = clients.submit(after.post, "/classify", song)
    wait_for(lambda: is_busy(after))
    begun = time.monotonic()
    assert after.stop(signal.SIGINT) == 0 and time.monotonic() - begun < 8
    assert running.result().json()["error"]["code"] == "stopping"
    assert "Traceback" not in after.text and not worker.is_running()


def test_an_idle_worker_ends_with_its_server(project, tmp_path):
    (tmp_path / "playable.json").write_text("[]")
    command = [
        sys.executable,
        "-m",
        "songwise.serve.worker",
        "results/tones/champion",
        tmp_path / "playable.json",
        "60",
    ]
    environment = ordinary_environment()
    with subprocess.Popen(command, cwd=project, env=environment, stdin=-1, stdout=-1) as worker:
        assert read_head(worker.stdout.read(HEAD.size)) == (0, READY, 0)
        worker.stdin.close()
        try:
            assert worker.wait(5) == 0
        finally:
            worker.kill()


def test_ctrl_c_while_the_model_is_loaded_ends_the_server(start):
    server = start()
    wait_for(lambda: "loading" in server.text)
    assert server.stop(signal.SIGINT) == 0
    assert "Traceback" not in server.text and not list(server.temporary.iterdir())


def test_a_worker_that_dies_costs_one_request_and_its_successor_has_the_same_model(impatient, project, song, clients):
    worker = freeze(impatient)
    lost = clients.submit(impatient.post, "/classify", song)
    wait_for(lambda: is_busy(impatient))
    card = project / "results/tones/champion/card.json"
    original = card.read_text()
    try:
        card.write_text("{}")  # another run ends meanwhile
        worker.kill()
        response = lost.result()
        assert (response.status_code, response.json()["error"]["code"]) == (500, "crashed")
        wait_for(lambda: impatient.health()["workers"] == 1, 60)
    finally:
        card.write_text(original)
    assert impatient.post("/classify?name=next", song).json()["file"] == "next"


def test_a_worker_that_dies_idle_costs_no_request(impatient, song):
    (worker,) = impatient.workers()
    worker.kill()
    worker.wait(5)
    time.sleep(0.1)
    wait_for(lambda: impatient.health()["workers"] == 1, 60)
    assert impatient.post("/classify?name=next", song).json()["file"] == "next"


def test_a_worker_that_hangs_is_replaced(impatient, song):
    worker = freeze(impatient)
    begun = time.monotonic()
    response = impatient.post("/classify", song)
    assert (response.status_code, response.json()["error"]["code"]) == (504, "timeout")
    assert 3 < time.monotonic() - begun < 8
    wait_for(lambda: impatient.health()["workers"] == 1, 60)
    assert not worker.is_running()
    assert impatient.post("/classify?name=next", song).json()["file"] == "next"


def test_a_file_that_waits_too_long_is_refused_and_one_whose_client_left_is_dropped(impatient, song, clients):
    worker = freeze(impatient)
    first = clients.submit(impatient.post, "/classify?name=first", song)
    wait_for(lambda: is_busy(impatient))
    lines = impatient.text.count("no answer: the client left")
    with pytest.raises(requests.Timeout):
        requests.post(f"{impatient.url}/classify", data=song, timeout=0.3)
    wait_for(lambda: impatient.text.count("no answer: the client left") == lines + 1)
    assert len(impatient.uploads()) == 1
    late = impatient.post("/classify", song)
    assert (late.status_code, late.json()["error"]["code"]) == (503, "busy") and late.headers["Retry-After"] == "5"
    worker.resume()
    assert first.result().json()["file"] == "first"
    wait_for(lambda: impatient.health()["waiting"] == impatient.health()["busy"] == 0)
    assert not impatient.uploads()


def test_a_client_that_reads_nothing_is_cut_off(impatient, project):
    audio = project / "data/raw/tones/audio/1568.wav"  # track 0: tracks.csv is sorted
    original = audio.read_bytes()
    try:
        audio.write_bytes(original + b"\0" * (32 << 20))
        with socket.create_connection(("127.0.0.1", impatient.port)) as connection:
            head = f"GET /tracks/0/audio HTTP/1.1\r\nHost: 127.0.0.1:{impatient.port}\r\n\r\n"
            connection.sendall(head.encode())
            wait_for(lambda: "GET /tracks/0/audio 200" in impatient.text)
    finally:
        audio.write_bytes(original)
    assert impatient.health()["status"] == "ok"


def test_a_taken_port_is_one_sentence(start, impatient):
    server = start(port=impatient.port)
    assert server.process.wait(30) == 1
    message = f"songwise: port {impatient.port} is in use, perhaps by another songwise serve. Choose another: --port "
    assert server.text.startswith(message) and len(server.text.splitlines()) == 1
    assert not list(server.temporary.iterdir())


def test_a_damaged_model_is_one_sentence(start, project, tmp_path):
    other = tmp_path / "project"
    shutil.copytree(project / "results", other / "results")
    model = other / "results/tones/champion/bundle/model.skops"
    model.write_bytes(model.read_bytes()[:-1])
    server = start(project=other)
    assert server.process.wait(60) == 1
    assert len(server.text.splitlines()) == 2 and "truncated" in server.text and "Traceback" not in server.text


def test_the_server_listens_on_this_machine_alone(impatient):
    sockets = psutil.Process(impatient.process.pid).net_connections()
    listening = [connection.laddr.ip for connection in sockets if connection.status == psutil.CONN_LISTEN]
    assert listening == ["127.0.0.1"]
