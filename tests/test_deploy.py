"""The files in deploy/ fit together, and are what the tests of a team's server run."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from helpers.project import ROOT
from helpers.team_server import DEPLOY, example_settings, start_command

COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())


def test_systemd_accepts_the_service(tmp_path):
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd is not installed")
    text = (DEPLOY / "mlflow.service").read_text()
    assert "/opt/mlflow/bin/mlflow" in text
    unit = tmp_path / "mlflow.service"
    unit.write_text(text.replace("/opt/mlflow/bin/mlflow", str(Path(sys.executable).with_name("mlflow"))))
    done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False)
    assert (done.returncode, [line for line in done.stderr.splitlines() if "mlflow" in line]) == (0, [])


def test_the_container_runs_the_services_command_and_the_locked_version():
    dockerfile = (DEPLOY / "mlflow.Dockerfile").read_text()
    command = yaml.safe_load(dockerfile.partition("CMD ")[2])
    assert command[1:] == start_command()[3:]
    locked = dict(re.findall(r"^([\w-]+)==(\S+)", (ROOT / "requirements.lock").read_text(), re.M))
    pinned = dict(re.findall(r"([\w-]+)(?:\[auth\])?==([\d.]+)", dockerfile))
    assert {"mlflow", "boto3"} <= pinned.keys()
    assert pinned == {name: locked.get(name, version) for name, version in pinned.items()}


@pytest.mark.parametrize("path", [ROOT / "Dockerfile", DEPLOY / "mlflow.Dockerfile"], ids=lambda path: path.name)
def test_hadolint_finds_nothing(path):
    program = shutil.which("hadolint", path=Path(sys.executable).parent) or shutil.which("hadolint")
    if not program:
        pytest.skip("hadolint is not installed (make servers)")
    done = subprocess.run([program, "--no-color", path], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_image_has_the_torch_of_make_deep():
    torch = re.search(r"torch==\S+ safetensors==\S+", (ROOT / "Makefile").read_text())[0]
    assert torch in (ROOT / "Dockerfile").read_text()


def test_what_the_image_copies_is_in_git_and_not_ignored():
    kept = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    assert not [name for name in kept if not (ROOT / name).exists()]
    copied = re.search(r"for name in (.*); do", (DEPLOY / "entrypoint.sh").read_text())[1].split()
    assert {name.split("/")[0] for name in copied} <= {name.split("/")[0] for name in kept}


def test_compose_finds_its_files_and_its_variables():
    services = COMPOSE["services"]
    example = dict(
        line.split("=", 1)
        for line in (DEPLOY / "compose.env.example").read_text().splitlines()
        if line and not line.startswith("#")
    )
    used = set(re.findall(r"\$\{(\w+)", (DEPLOY / "compose.yaml").read_text()))
    assert used == set(example)
    for service in services.values():
        for volume in service["volumes"]:
            source = volume.partition(":")[0]
            assert (DEPLOY / source).is_file() if source.startswith("./") else source in COMPOSE["volumes"]
        assert set(service.get("depends_on", [])) <= set(services)
    # Only the proxy is reached from outside.
    assert [name for name, service in services.items() if "ports" in service] == ["caddy"]
    accounts = services["mlflow"]["volumes"][0].split(":")[1]
    assert example_settings()["MLFLOW_AUTH_CONFIG_PATH"] == accounts


def test_every_variable_is_one_that_the_server_reads():
    from mlflow.cli import cli

    options = {parameter.envvar for parameter in cli.commands["server"].params}
    import mlflow.environment_variables as known

    for name in example_settings():
        assert name in options or hasattr(known, name) or name.startswith("AWS_"), name


def test_each_secret_must_be_changed():
    secret = [name for name in example_settings() if re.search("PASSWORD|SECRET|KEY", name)]
    assert len(secret) == 4
    assert all(example_settings()[name].startswith("change-me") for name in secret)
    assert not [path for path in DEPLOY.iterdir() if path.suffix == ".env" or path.name == ".env"]
