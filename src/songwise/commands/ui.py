"""`songwise ui`: MLflow on the page of a data set's leaderboard."""

import argparse
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

import requests

from songwise.commands.browser import open_page
from songwise.commands.project import finished_run
from songwise.commands.say import say
from songwise.errors import InputError
from songwise.runtime.mlflow_settings import mlflow_address
from songwise.text import clean_text
from songwise.tracking.experiment import LEADERBOARD, page_links
from songwise.tracking.store import open_store

_HOST = "127.0.0.1"
_PORT = 5000
_MORE_PORTS = 50
_START_SECONDS = 180
_STOP_SECONDS = 10


def run(arguments: argparse.Namespace) -> None:
    """Start MLflow on this folder's store and wait until Ctrl-C; with a server of its own, print the page there.

    Parameters
    ----------
    arguments : argparse.Namespace
        Of the command line: name, port, no_open.
    """
    results = finished_run(arguments.name, "ui")
    store = mlflow_address()
    page = _page(results, store)
    if store.startswith(("http://", "https://")):
        address = f"{_without_password(store)}/{page}"
        print(address, flush=True)
        _open(address, arguments)
        return
    port = _free_port(arguments.port)
    address = f"http://{_HOST}:{port}/{page}"
    with tempfile.TemporaryFile() as log, _server(store, port, log) as server:
        say("starting MLflow, which takes some seconds")
        _wait(server, f"http://{_HOST}:{port}/health", log)
        print(address, flush=True)
        say("press Ctrl-C to stop it")
        _open(address, arguments)
        server.wait()
        raise InputError(f"mlflow ui has stopped by itself: {_last_words(log)}")


def _page(results: Path, address: str) -> str:
    """Return the part of the page's address after the server's, once the store is known to have the runs."""
    again = f"Run snakemake --config dataset={results.name}, which logs the runs again from {results}"
    if address.startswith("sqlite:///"):
        database = Path(address.removeprefix("sqlite:///"))
        if not database.is_file():
            raise InputError(f"MLflow's store {database} does not exist. {again}")
    with open_store() as store:
        experiment = store.client.get_experiment_by_name(results.name)
    if experiment is None or experiment.lifecycle_stage == "deleted":
        raise InputError(f"MLflow's store {store.address} has no runs of {results.name}. {again}")
    return page_links(experiment.experiment_id)[LEADERBOARD]


def _without_password(address: str) -> str:
    parts = urlsplit(address)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl().rstrip("/")


def _free_port(wanted: int | None) -> int:
    if wanted is not None:
        if not 1 <= wanted <= 65_535:
            raise InputError(f"--port must be from 1 to 65535, not {wanted}")
        if not _is_free(wanted):
            raise InputError(f"port {wanted} is in use. Choose another, or leave out --port")
        return wanted
    for port in range(_PORT, _PORT + _MORE_PORTS):
        if _is_free(port):
            return port
    raise InputError(f"the ports {_PORT} to {_PORT + _MORE_PORTS - 1} are in use. Choose another with --port")


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except OSError:
            return False
    return True


@contextmanager
def _server(store: str, port: int, log: BinaryIO) -> Iterator[subprocess.Popen]:
    command = [sys.executable, "-m", "mlflow", "ui", "--host", _HOST, "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", store]
    # In a session of its own, so that Ctrl-C reaches songwise alone, which then ends the server with its workers.
    server = subprocess.Popen(
        command,
        stdout=log,
        stderr=log,
        env=os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true"},
        start_new_session=True,
    )
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield server
    except KeyboardInterrupt:
        say("stopped")
        raise SystemExit(0) from None
    finally:
        signal.signal(signal.SIGTERM, before)
        _stop(server)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _stop(server: subprocess.Popen) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(server.pid, number)
        with suppress(subprocess.TimeoutExpired):
            server.wait(_STOP_SECONDS)
            return


def _wait(server: subprocess.Popen, health: str, log: BinaryIO) -> None:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end:
        if server.poll() is not None:
            raise InputError(f"mlflow ui did not start: {_last_words(log)}")
        with suppress(requests.RequestException):
            if requests.get(health, timeout=2).ok:
                return
        time.sleep(0.2)
    raise InputError(f"mlflow ui did not answer within {_START_SECONDS} s: {_last_words(log)}")


def _last_words(log: BinaryIO) -> str:
    log.seek(0)
    lines = log.read().decode(errors="replace").strip().splitlines()
    return clean_text(lines[-1]) if lines else "it gave no reason"


def _open(address: str, arguments: argparse.Namespace) -> None:
    if not arguments.no_open:
        open_page(address)
