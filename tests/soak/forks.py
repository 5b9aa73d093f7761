"""Runs of Snakemake that are forked from this process, which has imported the libraries already, as are their jobs.

Most of the time of a small run is the start of its thirty processes. The code is the same, and so is the order of the
jobs. Some of the runs that a soak disturbs are ordinary processes instead.
"""

import atexit
import gc
import importlib
import os
import pkgutil
import runpy
import signal
import subprocess
import sys
import threading
import time
from contextlib import nullcontext
from pathlib import Path

_LIBRARIES = ("numpy", "pandas", "scipy.stats", "sklearn.pipeline", "sklearn.neighbors", "sklearn.linear_model")
_LIBRARIES += ("sklearn.naive_bayes", "sklearn.dummy", "pyarrow.parquet", "matplotlib.pyplot", "numba", "jinja2")
_LIBRARIES += ("mlflow", "mlflow.sklearn", "mlflow.pyfunc", "skops.io", "snakemake.cli", "snakemake.script")
_LEFT_OUT = ("__main__", "models.deep", "serve", "plan.passes")  # torch is not needed, and a server is started


class Fork:
    """A forked run with the interface of `subprocess.Popen` that a soak uses."""

    def __init__(self, words: list[str], folder: Path, environment: dict[str, str], output: Path):
        sys.stdout.flush()
        sys.stderr.flush()
        self.returncode: int | None = None
        self.pid = os.fork()
        if self.pid == 0:
            _end(_snakemake, words, folder, environment, output)
        while (
            self.poll() is None and os.getsid(self.pid) != self.pid
        ):  # before that, a signal would reach this process's session
            time.sleep(0.001)

    def poll(self) -> int | None:
        """Return the exit status, or None while the run lives."""
        if self.returncode is None:
            ended, status = os.waitpid(self.pid, os.WNOHANG)
            if ended:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self) -> int:
        """Wait for the end of the run."""
        if self.returncode is None:
            self.returncode = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.returncode


def prepare(environment: dict[str, str]) -> None:
    """Import what runs and jobs need, once, with the settings that they read when they are imported."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"
    os.environ["XDG_CACHE_HOME"] = environment["XDG_CACHE_HOME"]
    import songwise

    for found in pkgutil.walk_packages(songwise.__path__, "songwise."):
        if not any(found.name.startswith(f"songwise.{name}") for name in _LEFT_OUT):
            importlib.import_module(found.name)
    for name in _LIBRARIES:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()  # or each fork would search, and so copy, all objects of the libraries
    assert threading.active_count() == 1, f"threads do not survive a fork: {threading.enumerate()}"


def _end(work, *arguments) -> None:
    """Do the work of a forked process, and end it as an ordinary process ends."""
    code = 1
    try:
        code = work(*arguments)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        try:
            atexit._run_exitfuncs()
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(code)


def _snakemake(words: list[str], folder: Path, environment: dict[str, str], output: Path) -> int:
    os.setsid()
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    target = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND)
    os.dup2(target, 1)
    os.dup2(target, 2)
    _own_streams()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    from snakemake.cli import main
    from snakemake.script import PythonScript

    PythonScript.execute_script = _execute_script
    sys.argv = ["snakemake", *words]
    main()
    return 0


def _execute_script(self, fname: str, edit: bool = False) -> None:
    from snakemake.benchmark import benchmarked

    job = os.fork()
    if job == 0:
        _end(_script, fname)
    with benchmarked(job, self.bench_record) if self.bench_record else nullcontext():
        code = os.waitstatus_to_exitcode(os.waitpid(job, 0)[1])
    if code:
        raise subprocess.CalledProcessError(code, fname)


def _script(fname: str) -> int:
    atexit._clear()
    _own_streams()
    sys.excepthook = sys.__excepthook__
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)  # not in the main thread of the parent, but of this process
    sys.argv = [fname]
    Path("/proc/self/comm").write_text(Path(fname).stem.rpartition(".")[2])
    runpy.run_path(fname, run_name="__main__")
    return 0


def _own_streams() -> None:
    # Another thread may have held a lock of the old ones when the process was forked.
    sys.stdout = sys.__stdout__ = open(1, "w", buffering=1, closefd=False, encoding="utf-8")  # noqa: SIM115
    sys.stderr = sys.__stderr__ = open(2, "w", buffering=1, closefd=False, encoding="utf-8")  # noqa: SIM115
