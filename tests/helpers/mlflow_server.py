"""A real MLflow server."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",  # `mlflow models serve` starts `uvicorn`
}


def free_port() -> int:
    """Return a free port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def mlflow_server(folder: Path) -> Iterator[str]:
    """Run `mlflow server` with its store in a new folder, and yield its address."""
    folder.mkdir()
    with running(["server", "--workers", "1"], folder, "health") as address:
        yield address


@contextmanager
def running(words: list[str], folder: Path, path: str) -> Iterator[str]:
    """Run a command of MLflow that serves on 127.0.0.1, and yield its address once it answers on a path."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "mlflow", *words, "--host", "127.0.0.1", "--port", str(port)]
    with (folder / "server.log").open("w") as log:
        process = subprocess.Popen(
            command, cwd=folder, env=os.environ | _ENVIRONMENT, stdout=log, stderr=log, start_new_session=True
        )
        try:
            while True:
                assert process.poll() is None, (folder / "server.log").read_text()
                try:
                    urllib.request.urlopen(f"{address}/{path}").close()
                    break
                except OSError:
                    time.sleep(0.2)
            yield address
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
