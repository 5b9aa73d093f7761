"""The files in deploy/ fit together, and are what the tests of a team's server run."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

import pytest
import yaml
from helpers.project import ROOT
from helpers.team_server import DEPLOY, example_settings, start_command

# What the entrypoint copies into an empty folder.
FILLED = re.search(r"for name in (.*); do", (DEPLOY / "entrypoint.sh").read_text())[1].split()
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


def kept_by_dockerignore() -> list[str]:
    return [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]


def test_what_the_image_copies_is_in_git_and_not_ignored():
    kept = kept_by_dockerignore()
    assert not [name for name in kept if not (ROOT / name).exists()]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = [*FILLED, project["readme"], *project["license-files"], "src", "deploy/entrypoint.sh"]
    for words in re.findall(r"^COPY (?!--from)(.+) \S+$", (ROOT / "Dockerfile").read_text(), re.M):
        needed += words.split()
    assert {name.split("/")[0] for name in needed} - {"."} <= {name.split("/")[0] for name in kept}


def test_each_step_of_the_image_finds_the_files_that_it_names():
    # pyproject.toml says which packages to leave out, and uv reads it in the current folder only.
    before, _, step = (ROOT / "Dockerfile").read_text().partition("uv pip install --quiet --no-cache --compile")
    copied = re.search(r"^COPY (.+) \./$", before, re.M)[1].split()
    named = re.findall(r"--(?:constraint|requirements) (\S+)", step.partition("\nCOPY")[0])
    assert sorted(named) == sorted(copied) == ["pyproject.toml", "requirements.lock"]


@pytest.fixture
def start(tmp_path):
    """Run the image's entrypoint in a folder, with this repository in the place of the image's files."""
    script = tmp_path / "entrypoint.sh"
    script.write_text((DEPLOY / "entrypoint.sh").read_text().replace("/opt/songwise", str(ROOT)))

    def run(folder, *command, **options):
        return subprocess.run(
            ["sh", script, *command], cwd=folder, capture_output=True, text=True, check=False, **options
        )

    return run


def files_of(*folders: Path) -> dict[str, bytes]:
    paths = [path for folder in folders for path in ([folder] if folder.is_file() else folder.rglob("*"))]
    return {str(path): path.read_bytes() for path in paths if path.is_file()}


def test_an_empty_folder_is_filled_and_then_the_command_runs(start, tmp_path):
    project = tmp_path / "project"
    project.mkdir()
    done = start(project, "sh", "-c", "echo in $PWD; exit 3")
    assert (done.returncode, done.stdout, done.stderr) == (3, f"in {project}\n", "")
    assert {path.name for path in project.iterdir()} == set(FILLED)
    assert FILLED[-1] == "Snakefile"  # so a folder that was filled in part is not taken for a project
    for name in ("Snakefile", "workflow/rules/common.smk", "config/config.yaml", ".dvc/config"):
        assert (project / name).read_bytes() == (ROOT / name).read_bytes()


def test_a_clone_is_left_alone(start, tmp_path):
    project = tmp_path / "project"
    project.mkdir()
    (project / "Snakefile").write_text("# edited\n")
    assert start(project, "true").returncode == 0
    assert files_of(project) == {str(project / "Snakefile"): b"# edited\n"}


def test_a_folder_of_something_else_is_refused_and_left_alone(start, tmp_path):
    (tmp_path / "music").mkdir()
    (tmp_path / "music" / "song.mp3").write_bytes(b"x")
    done = start(tmp_path / "music", "touch", "started")
    assert (done.returncode, done.stdout) == (1, "")
    assert "neither empty nor a songwise project" in done.stderr
    assert len(files_of(tmp_path / "music")) == 1


@pytest.mark.skipif(os.getuid() != 0, reason="needs root, to become somebody else")
def test_somebody_elses_folder_and_home_are_met_with_words_and_a_home_of_its_own(start, tmp_path):
    # Below /tmp itself: pytest's own folders are closed to other users.
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        script = shutil.copy(tmp_path / "entrypoint.sh", folder)
        cache = folder / "image-home" / ".cache"
        (cache / "songwise").mkdir(parents=True)
        Path(script).write_text(Path(script).read_text().replace("/home/songwise", str(cache.parent)))
        (folder / "project").mkdir()
        (folder / "project" / "Snakefile").touch()
        folder.chmod(0o755)
        (folder / "tmp").mkdir()
        (folder / "tmp").chmod(0o777)

        def run():
            command = ["sh", script, "sh", "-c", "echo $HOME; ls -A $HOME/.cache"]
            return subprocess.run(
                command,
                cwd=folder / "project",
                env={"PATH": os.environ["PATH"], "HOME": str(cache.parent), "TMPDIR": str(folder / "tmp")},
                user=65534,
                group=65534,
                capture_output=True,
                text=True,
                check=False,
            )

        refused = run()
        assert refused.returncode == 1
        assert f"user 65534 may not write to {folder}/project" in refused.stderr
        os.chown(folder / "project", 65534, 65534)
        done = run()
        assert done.returncode == 0, done.stderr
        home, *content = done.stdout.split()
        assert Path(home).parent == folder / "tmp"
        assert content == ["songwise"]


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
