"""`songwise doctor`: what of this machine and folder a run may stumble over."""

import argparse
import importlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from songwise.acquire.javascript import check_runtime
from songwise.commands.project import CONFIG, SNAKEFILE, short_path
from songwise.errors import InputError
from songwise.features.preset_files import load_network
from songwise.plan.weights import weights_file
from songwise.runtime.lock import active_run, is_full
from songwise.text import format_names

_LOCK = Path("requirements.lock")
_LINE = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)")
_REQUIREMENT = re.compile(r"^[A-Za-z0-9._-]+")
_EXECUTOR = "snakemake-executor-plugin-slurm"
_TOOLS = ("snakemake", "dvc", "mlflow")
_GIB = 2**30
_LITTLE_DISK, _LITTLE_MEMORY = 5 * _GIB, 4 * _GIB
_LEAST_PYTHON, _FIRST_UNKNOWN_PYTHON = (3, 11), (3, 14)
OK, NOTE, PROBLEM = "ok", "note", "problem"


class Check(NamedTuple):
    """One line of the answer.

    Attributes
    ----------
    state : str
        ok, note (a run works, perhaps not everything) or problem.
    name : str
        What was checked.
    text : str
        What was found, and what to do about it.
    """

    state: str
    name: str
    text: str


def run(arguments: argparse.Namespace) -> None:
    """Print one line per check; the exit code is 1 if there is a problem.

    Parameters
    ----------
    arguments : argparse.Namespace
        Of the command line; it has no options.
    """
    problems = 0
    for check in checks():
        print(f"{check.state:7}  {check.name:16}  {check.text}", flush=True)
        problems += check.state == PROBLEM
    if problems:
        raise InputError(f"{problems} {'problem' if problems == 1 else 'problems'}; see above")


def checks() -> Iterator[Check]:
    """Return all checks, one after the other: some of them take seconds."""
    for check in (
        _python,
        _songwise,
        _packages,
        _ffmpeg,
        *(lambda name=name: _tool(name) for name in _TOOLS),
        _git,
        _machine,
        _disk,
        _folder,
        _live_run,
        _store,
        _torch,
        _javascript,
    ):
        yield check()
    yield from _slurm()
    yield from _weights()


def _python() -> Check:
    found = f"Python {platform.python_version()} in {short_path(sys.prefix)}"
    if sys.version_info < _LEAST_PYTHON or sys.version_info >= _FIRST_UNKNOWN_PYTHON:
        return Check(PROBLEM, "python", f"{found}; songwise needs 3.11 to 3.13. Run make env with one of these")
    return Check(OK, "python", found)


def _songwise() -> Check:
    return Check(OK, "songwise", f"{version('songwise')} in {short_path(Path(__file__).parents[1])}")


def _packages() -> Check:
    """Compare the installed packages that songwise needs directly with those of requirements.lock."""
    if not _LOCK.is_file():
        return Check(NOTE, "packages", f"there is no {_LOCK} here, so versions cannot be compared")
    locked = defaultdict(set)
    for line in _LOCK.read_text(encoding="utf-8").splitlines():
        if found := _LINE.match(line):
            locked[_normal(found[1])].add(found[2])
    missing, other = [], []
    for requirement in requires("songwise") or []:
        if ";" in requirement:
            continue  # an extra, or for another version of Python
        name = _REQUIREMENT.match(requirement)[0]
        try:
            installed = version(name)
        except PackageNotFoundError:
            missing.append(name)
            continue
        if locked[_normal(name)] and installed not in locked[_normal(name)]:
            other.append(f"{name} {installed} instead of {' or '.join(sorted(locked[_normal(name)]))}")
    if missing:
        return Check(PROBLEM, "packages", f"not installed: {format_names(missing, 10)}. Run make env")
    if other:
        return Check(NOTE, "packages", f"not the versions of {_LOCK}: {format_names(other, 10)}. Run make env")
    return Check(OK, "packages", f"as in {_LOCK}")


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _ffmpeg() -> Check:
    try:
        import imageio_ffmpeg

        path = imageio_ffmpeg.get_ffmpeg_exe()
        done = subprocess.run([path, "-version"], capture_output=True, text=True, timeout=60, check=True)
    except (ImportError, RuntimeError, OSError, subprocess.SubprocessError) as error:
        reason = str(error).partition("\n")[0]
        return Check(PROBLEM, "ffmpeg", f"does not run ({reason}). Run make env, which installs imageio-ffmpeg")
    words = done.stdout.split()
    return Check(OK, "ffmpeg", f"{' '.join(words[1:3])}, {short_path(path)}")


def _tool(name: str) -> Check:
    try:
        importlib.import_module(name)
        return Check(OK, name, version(name))
    except Exception as error:  # whatever a broken installation raises, in its own words
        return Check(PROBLEM, name, f"cannot be imported ({type(error).__name__}: {error}). Run make env")


def _git() -> Check:
    if not shutil.which("git"):
        return Check(NOTE, "git", "is not installed; songwise push, and the commit in a model's card, need it")
    inside = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    if inside.returncode:
        return Check(
            NOTE, "git", "this folder is not in a repository with a commit; songwise push needs one (git init)"
        )
    return Check(OK, "git", f"commit {inside.stdout.strip()}")


def _machine() -> Check:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    text = f"{cores} cores, {memory / _GIB:.1f} GiB of memory"
    if memory < _LITTLE_MEMORY * min(cores or 1, 2) / 2:
        return Check(NOTE, "machine", f"{text}. If jobs are killed, try fewer --cores")
    return Check(OK, "machine", text)


def _disk() -> Check:
    free = shutil.disk_usage(Path()).free
    text = f"{free / _GIB:.1f} GiB are free"
    if is_full(Path()):
        return Check(PROBLEM, "disk", f"{text}. Free some space: a run cannot start")
    if free < _LITTLE_DISK:
        return Check(
            NOTE, "disk", f"{text}. FMA small needs about 12 GiB; songwise clean NAME frees what can be made again"
        )
    return Check(OK, "disk", text)


def _folder() -> Check:
    if not SNAKEFILE.is_file():
        text = f"{Path.cwd()} is not a songwise project (it has no Snakefile); change to the project's folder"
        return Check(PROBLEM, "folder", text)
    try:
        with tempfile.NamedTemporaryFile(dir=Path()):
            return Check(OK, "folder", f"{Path.cwd()} can be written to")
    except OSError as error:
        return Check(PROBLEM, "folder", f"{Path.cwd()} cannot be written to ({error.strerror})")


def _live_run() -> Check:
    if running := active_run(Path()):
        return Check(NOTE, "run", f"a run is active here ({running}); another one has to wait")
    return Check(OK, "run", "none is active in this folder")


def _store() -> Check:
    try:
        from songwise.runtime.mlflow_settings import mlflow_address
        from songwise.tracking.store import open_store

        address = mlflow_address()
        if address.startswith("sqlite:///") and not Path(address.removeprefix("sqlite:///")).exists():
            return Check(OK, "runs", "MLflow's store does not exist yet; the first run creates it")
        with open_store() as store:
            return Check(OK, "runs", f"MLflow's store {store.address} can be opened")
    except InputError as error:
        return Check(PROBLEM, "runs", str(error))
    except ImportError:
        return Check(PROBLEM, "runs", "mlflow cannot be imported. Run make env")


def _torch() -> Check:
    if find_spec("torch"):
        return Check(OK, "torch", f"{version('torch')}, for networks that are trained here (models=deep)")
    return Check(
        NOTE, "torch", "is not installed; only networks that are trained here (models=deep) need it: make deep"
    )


def _javascript() -> Check:
    try:
        check_runtime()
    except InputError as error:
        return Check(NOTE, "javascript", str(error))
    return Check(OK, "javascript", "a runtime for videos of YouTube is installed")


def _slurm() -> Iterator[Check]:
    """Check what a cluster's users need; on other machines there is nothing to say."""
    if not shutil.which("sbatch"):
        return
    if find_spec("snakemake_executor_plugin_slurm"):
        text = f"jobs can go to this cluster: snakemake --profile profiles/slurm ({version(_EXECUTOR)})"
        yield Check(OK, "slurm", text)
    else:
        yield Check(NOTE, "slurm", "sbatch is here; make slurm installs what sends jobs to it (docs/cluster.md)")


def _weights() -> Iterator[Check]:
    for path in sorted((CONFIG / "networks").glob("*.yaml")):
        try:
            file = weights_file(load_network(path.stem, Path()), Path())
        except InputError as error:
            yield Check(PROBLEM, path.stem, str(error).partition("\n")[0])
            continue
        if file.is_file():
            yield Check(OK, path.stem, f"its weights are here: {short_path(file)}")
        elif file.is_relative_to(CONFIG):
            yield Check(NOTE, path.stem, f"bring your own weights: {file} (docs/pretrained.md)")
        else:
            yield Check(
                NOTE, path.stem, f"its weights are not here; models on it fetch them, or: songwise weights {path.stem}"
            )
