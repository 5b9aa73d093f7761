"""Scripts of rules that start as forks of one process, which has imported the libraries (`fork_server`).

Snakemake starts Python anew for each script. In a run of the demo, more than a third of the CPU time went into that.
"""

import atexit
import json
import signal
import socket
import subprocess
import sys
import threading
from contextlib import nullcontext

_SERVER = "songwise.runtime.fork_server"


def fork_scripts() -> None:
    """Let this process of Snakemake fork the scripts that need no environment of their own.

    Nothing is changed on other systems than Linux, where libraries do not survive a fork, and if this version of
    Snakemake executes scripts in another way, or somebody else has changed it.
    """
    from snakemake.script import PythonScript

    execute_alone = getattr(PythonScript, "execute_script", None)
    if sys.platform != "linux" or getattr(execute_alone, "__module__", "") != PythonScript.__module__:
        return
    server = ForkServer()

    def execute(self: PythonScript, fname: str, edit: bool = False) -> None:
        alone = (edit, self.container_img, self.conda_env, self.env_modules, self.shadow_dir)
        job = None if any(alone) else server.start(fname, self.resources.get("tmpdir"))
        if job is None:
            execute_alone(self, fname, edit)
        else:
            _wait(job, fname, self.bench_record)

    PythonScript.execute_script = execute


def _wait(job: "ForkedJob", name: str, record: object) -> None:
    from snakemake.benchmark import benchmarked

    with job, benchmarked(job.pid, record) if record is not None else nullcontext():
        code = job.wait()
    if code:
        raise subprocess.CalledProcessError(code, name)


class ForkServer:
    """The client of a fork server, which starts with the first job and ends with this process."""

    def __init__(self):
        self._lock = threading.Lock()
        self._channel: socket.socket | None = None
        self.process: subprocess.Popen | None = None

    def start(self, script: str, tmpdir: str | None = None) -> "ForkedJob | None":
        """Start a job.

        Parameters
        ----------
        script : str
            Path of the script, from the working directory of the first job.
        tmpdir : str, optional
            The job's folder for temporary files.

        Returns
        -------
        ForkedJob or None
            None if the server cannot start it.
        """
        own, of_server = socket.socketpair()
        try:
            with of_server, self._lock:
                if self._channel is None:
                    self._launch()
                own.sendall(json.dumps({"script": script, "tmpdir": tmpdir}).encode())
                socket.send_fds(self._channel, [b"\0"], [of_server.fileno()])
            return ForkedJob(own)
        except (OSError, ValueError):
            own.close()
            return None

    def _launch(self) -> None:
        self._channel, of_server = socket.socketpair()
        with of_server:
            number = of_server.fileno()
            words = [sys.executable, "-P", "-m", _SERVER, str(number)]
            self.process = subprocess.Popen(words, pass_fds=[number])
        atexit.register(self.close)

    def close(self) -> None:
        """End the server, and with it the jobs that are running."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self._channel.close()


class ForkedJob:
    """A job of a fork server.

    Parameters
    ----------
    connection : socket
        This end of the job's connection. It is closed at the end of the context.

    Raises
    ------
    ValueError
        If the server has ended.
    """

    def __init__(self, connection: socket.socket):
        self._connection = connection
        self._lines = connection.makefile()
        self.pid = int(self._lines.readline())

    def wait(self) -> int:
        """Return the exit status when the job has ended, negative for a signal; that of a kill if the server has."""
        return int(self._lines.readline() or -signal.SIGKILL)

    def __enter__(self) -> "ForkedJob":
        return self

    def __exit__(self, *error: object) -> None:
        self._lines.close()
        self._connection.close()
