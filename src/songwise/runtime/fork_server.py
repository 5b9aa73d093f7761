"""A process that has imported the libraries, and of which the jobs of a run are forks.

A job imports numpy, pandas, SciPy and scikit-learn, or Matplotlib, for up to two seconds: often longer than its own
work. The server imports them once, one by one, while it has nothing else to do after the first job has begun. So no job
waits for them, and a run of one job does not pay for them. The server starts no threads: they would not survive a
fork.

Run as `python -P -m songwise.runtime.fork_server CHANNEL`: CHANNEL is the number of a connected socket, through which
each job's own connection comes as a descriptor. On it the server reads one JSON object with script and tmpdir. It
answers with a line with the process number of the fork, and at the fork's end one with the exit status, negative for a
signal. If the server ends, the jobs are killed; it ends with the process at the other end of the channel.
"""

import ctypes
import gc
import importlib
import json
import os
import runpy
import selectors
import signal
import socket
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from songwise.runtime.job import one_thread

_LIBRARIES = (
    "snakemake.script",
    "numpy",
    "pandas",
    "scipy.stats",
    "sklearn.base",
    "sklearn.pipeline",
    "sklearn.ensemble",
    "sklearn.neural_network",
    "pyarrow.parquet",
    "matplotlib.figure",
    "matplotlib.backends.backend_agg",
)
_LONGEST_REQUEST = 1 << 16
_PARENT_DEATH, _NAME = 1, 15  # PR_SET_PDEATHSIG, PR_SET_NAME of prctl(2)


def serve(channel: socket.socket) -> dict:
    """Fork a process for each request, until the other end of the channel is closed.

    Parameters
    ----------
    channel : socket
        Brings the connections, one byte each.

    Returns
    -------
    dict
        In each forked process, its request: script, the path of the file to run, and tmpdir. The server itself does
        not return.
    """
    wake_read, wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(wake_write)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the jobs themselves
    selector = selectors.DefaultSelector()
    selector.register(channel, selectors.EVENT_READ)
    selector.register(wake_read, selectors.EVENT_READ)
    connections: dict[int, socket.socket] = {}
    to_import: list[str] = []
    is_first = True
    while True:
        ready = [key.fd for key, _ in selector.select(0 if to_import else None)]
        if not ready:
            _import(to_import)
        if wake_read in ready:
            os.read(wake_read, 1 << 10)
            _tell_ends(connections)
        if channel.fileno() in ready:
            connection = _accept(channel)
            if connection is None:
                os._exit(0)
            request = json.loads(connection.recv(_LONGEST_REQUEST))
            pid = os.fork()
            if pid == 0:
                for each in (selector, channel, connection, *connections.values()):
                    each.close()
                signal.set_wakeup_fd(-1)
                os.close(wake_read)
                os.close(wake_write)
                return request
            connections[pid] = connection
            _send(connection, pid)
            if is_first:
                is_first, to_import = False, [*_LIBRARIES]


def _accept(channel: socket.socket) -> socket.socket | None:
    """Return the next job's connection; None if the other end of the channel is closed."""
    data, descriptors, _, _ = socket.recv_fds(channel, 1, 1)
    return socket.socket(fileno=descriptors[0]) if data else None


def _tell_ends(connections: dict[int, socket.socket]) -> None:
    while connections:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        with connections.pop(pid) as connection:
            _send(connection, os.waitstatus_to_exitcode(status))


def _send(connection: socket.socket, number: int) -> None:
    with suppress(OSError):  # nobody waits for this job any more
        connection.sendall(f"{number}\n".encode())


def _import(names: list[str]) -> None:
    """Import the first of some modules, and remove it from the list."""
    with suppress(ImportError):  # the jobs that need it will say so
        importlib.import_module(names.pop(0))
    if not names:
        gc.collect()
        gc.freeze()  # or each fork would search, and so copy, all objects of the libraries


def _become_job(request: dict) -> None:
    """Make a forked process what a new one would be, with the name of its rule for ps and top."""
    set_process = ctypes.CDLL(None).prctl
    set_process(_PARENT_DEATH, signal.SIGKILL)
    set_process(_NAME, Path(request["script"]).stem.rpartition(".")[2].encode())
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    one_thread()
    if request["tmpdir"]:
        os.environ.update(dict.fromkeys(("TMPDIR", "TMP", "TEMPDIR", "TEMP"), request["tmpdir"]))
        tempfile.tempdir = None
    sys.argv = [request["script"]]


if __name__ == "__main__":
    asked = serve(socket.socket(fileno=int(sys.argv[1])))
    _become_job(asked)
    runpy.run_path(asked["script"], run_name="__main__")
