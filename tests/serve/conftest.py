"""A trained model for all tests of the server, and one server that is not stopped between them."""

import pytest
from helpers.serving import Server, make_project, wav


@pytest.fixture(scope="session")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("project")
    make_project(folder)
    return folder


@pytest.fixture(scope="session")
def server(project, tmp_path_factory):
    server = Server(project, tmp_path_factory.mktemp("server") / "tmp", workers=2, max_bytes=2 << 20).wait()
    yield server
    assert server.stop() == 0, server.text


@pytest.fixture(scope="session")
def impatient(project, tmp_path_factory):
    """A server with one worker and short limits."""
    limits = {"stall_seconds": 0.5, "upload_seconds": 4, "job_seconds": 4, "wait_seconds": 2}
    folder = tmp_path_factory.mktemp("impatient") / "tmp"
    server = Server(project, folder, per_client=2, at_once=3, **limits).wait()
    yield server
    assert server.stop() == 0, server.text
    assert "Traceback" not in server.text


@pytest.fixture
def start(project, tmp_path):
    """Return a function that starts another server, which ends with the test."""
    servers = []

    def start(**options):
        places = {"project": project, "temporary": tmp_path / f"tmp{len(servers)}"} | options
        servers.append(Server(**places))
        return servers[-1]

    yield start
    for server in servers:
        if server.process.poll() is None:
            server.process.kill()
            server.process.wait()


@pytest.fixture(scope="session")
def song(tmp_path_factory) -> bytes:
    """Three seconds of a high tone, as WAV."""
    return wav(3, 1800, tmp_path_factory.mktemp("song"))
