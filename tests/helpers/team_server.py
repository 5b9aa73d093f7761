"""A team's server as docs/team.md sets it up: MLflow with accounts, on PostgreSQL, with artifacts in S3."""

import getpass
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from configparser import ConfigParser
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from helpers.object_store import bucket

DEPLOY = Path(__file__).parents[2] / "deploy"
ADMIN, PASSWORD = "admin", "a password of tests"
_POSTGRES = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))


def missing_parts() -> str:
    """Return what a team's server needs and this machine lacks; "" if nothing."""
    if not _POSTGRES:
        return "PostgreSQL is not installed (apt-get install postgresql)"
    for package in ("psycopg2", "flask_wtf", "moto.server", "boto3"):
        try:
            __import__(package)
        except ImportError:
            return f"{package} is not installed (make servers)"
    return ""


def free_port() -> int:
    """Return a free port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def postgres(folder: Path, *databases: str) -> Iterator[dict[str, str]]:
    """Run PostgreSQL in a new folder, and yield the variables with which its clients find it."""
    user = "postgres" if os.geteuid() == 0 else getpass.getuser()  # it refuses to run as root
    prefix = ["runuser", "-u", user, "--"] if os.geteuid() == 0 else []
    folder.mkdir(parents=True)
    if prefix:
        shutil.chown(folder, user)
        for parent in folder.parents[:-2]:  # pytest's folders are private
            parent.chmod(parent.stat().st_mode | 0o011)
    port, tools = free_port(), _POSTGRES[-1].parent
    data = folder / "data"
    run = [*prefix, str(tools / "initdb"), "-D", str(data), "-U", "mlflow", "--auth=trust", "--no-sync"]
    subprocess.run(run, check=True, capture_output=True)
    options = ["-p", str(port), "-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={folder}"]
    options += ["-c", "max_connections=200"]
    with (folder / "postgres.log").open("w") as log:
        server = subprocess.Popen(
            [*prefix, str(tools / "postgres"), "-D", str(data), *options],
            stdout=log, stderr=log, start_new_session=True, cwd="/",
        )  # fmt: skip
    try:
        where = {"PGHOST": "127.0.0.1", "PGPORT": str(port), "PGUSER": "mlflow"}
        while subprocess.run([tools / "pg_isready", "-q"], env=os.environ | where).returncode:
            assert server.poll() is None, (folder / "postgres.log").read_text()
            time.sleep(0.1)
        for database in databases:
            subprocess.run([tools / "createdb", database], env=os.environ | where, check=True)
        yield where
    finally:
        # SIGINT ends it at once in order; a kill -9 would leave its shared memory.
        os.killpg(server.pid, signal.SIGINT)
        server.wait(20)


@dataclass
class TeamServer:
    """MLflow as deploy/mlflow.service starts it, on a free port.

    Attributes
    ----------
    folder : Path
        Where it keeps its log.
    environment : dict of str to str
        Its variables: deploy/mlflow.env.example with the databases and the bucket of this test.
    """

    folder: Path
    environment: dict[str, str]
    process: subprocess.Popen | None = field(default=None, init=False)

    @property
    def address(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.environment['MLFLOW_PORT']}"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with (self.folder / "mlflow.log").open("a") as log:
            self.process = subprocess.Popen(
                start_command(), cwd=self.folder, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )
        while True:
            assert self.process.poll() is None, (self.folder / "mlflow.log").read_text()[-3000:]
            try:
                urllib.request.urlopen(f"{self.address}/health").close()
                return
            except OSError:
                time.sleep(0.2)

    def stop(self, number: int = signal.SIGTERM) -> None:
        """End it with all its workers."""
        if self.process is not None:
            os.killpg(self.process.pid, number)
            self.process.wait(30)
            self.process = None

    def add_user(self, name: str, password: str = PASSWORD) -> None:
        """Make an account, as docs/team.md does."""
        import requests

        answer = requests.post(
            f"{self.address}/api/2.0/mlflow/users/create",
            json={"username": name, "password": password},
            auth=(ADMIN, PASSWORD),
            timeout=60,
        )
        answer.raise_for_status()

    def login(self, user: str, password: str = PASSWORD) -> dict[str, str]:
        """Return the variables that a user sets."""
        return {
            "MLFLOW_TRACKING_URI": self.address,
            "MLFLOW_TRACKING_USERNAME": user,
            "MLFLOW_TRACKING_PASSWORD": password,
        }


def start_command() -> list[str]:
    """Return the command of deploy/mlflow.service with this environment's MLflow."""
    lines = (DEPLOY / "mlflow.service").read_text().splitlines()
    words = next(line for line in lines if line.startswith("ExecStart=")).partition("=")[2].split()
    assert Path(words[0]).name == "mlflow"
    return [sys.executable, "-m", "mlflow", *words[1:]]


def example_settings() -> dict[str, str]:
    """Return the variables of deploy/mlflow.env.example."""
    lines = (DEPLOY / "mlflow.env.example").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


@contextmanager
def team_server(folder: Path, *, workers: int = 2, **settings: str) -> Iterator[TeamServer]:
    """Run a team's server in a new folder; `settings` are further variables of its environment."""
    folder.mkdir()
    auth = ConfigParser()
    auth.read(DEPLOY / "basic_auth.ini")
    auth["mlflow"]["admin_username"] = ADMIN
    with (folder / "basic_auth.ini").open("w") as stream:
        auth.write(stream)
    with postgres(folder / "postgres", "mlflow", "mlflow_auth") as database, bucket() as store:
        example = example_settings()
        changed = {
            "MLFLOW_PORT": str(free_port()),
            "MLFLOW_WORKERS": str(workers),
            "MLFLOW_AUTH_CONFIG_PATH": str(folder / "basic_auth.ini"),
            "MLFLOW_FLASK_SERVER_SECRET_KEY": "0" * 64,
            "MLFLOW_AUTH_ADMIN_PASSWORD": PASSWORD,
            "MLFLOW_SERVER_ALLOWED_HOSTS": "127.0.0.1:*",
            "MLFLOW_SERVER_CORS_ALLOWED_ORIGINS": "http://127.0.0.1",
        }
        store["MLFLOW_S3_ENDPOINT_URL"] = store["AWS_ENDPOINT_URL"]
        server = TeamServer(folder, os.environ | example | changed | database | store | settings)
        server.environment.pop("MLFLOW_TRACKING_URI", None)
        try:
            server.start()
            yield server
        finally:
            server.stop(signal.SIGKILL)
