"""A real Slurm on this machine: munged, slurmctld, and one slurmd per node, each node with a host name of its own.

    python tests/helpers/slurm.py snakemake --profile profiles/slurm

runs one command in it and stops it afterwards. It needs root on Linux, because nodes with names of their own need
namespaces, and Debian's packages: apt-get install --no-install-recommends slurmctld slurmd slurm-client munge
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "unshare", "mount", "setpriv")
_WITH_US = ["setpriv", "--pdeathsig", "TERM"]  # no daemon outlives this process, even if it is killed
_WAIT = 30.0  # seconds for the nodes to answer

_CONFIG = """
ClusterName=loopback
SlurmctldHost=localhost
SlurmctldPort={port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/%n.log
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SlurmdParameters=config_overrides
SchedulerParameters=sched_interval=2,bf_interval=2
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
ReturnToService=2
JobCompType=jobcomp/filetxt
JobCompLoc={folder}/jobs.txt
KillWait=2
OverTimeLimit=0
InactiveLimit=0
MpiDefault=none
{nodes}
PartitionName=batch Nodes=ALL Default=YES State=UP PriorityTier=1
PartitionName=cheap Nodes=ALL State=UP PriorityTier=1 PreemptMode=CANCEL
PartitionName=urgent Nodes=ALL State=UP PriorityTier=2 PreemptMode=OFF
"""


def why_not() -> str:
    """Return why Slurm cannot run here; "" if it can."""
    if lacking := [name for name in _PROGRAMS if not shutil.which(name, path=_path())]:
        packages = "slurmctld slurmd slurm-client munge"
        return f"needs {', '.join(lacking)} (apt-get install --no-install-recommends {packages})"
    if os.geteuid() != 0:
        return "needs root, because each node has a host name of its own"
    tried = subprocess.run(["unshare", "--uts", "--mount", "true"], capture_output=True, text=True, check=False)
    return f"needs namespaces ({tried.stderr.strip()})" if tried.returncode else ""


@contextmanager
def slurm(folder: Path, *, nodes: int = 2, cores: int = 2, memory: int = 8000) -> Iterator[dict[str, str]]:
    """Run Slurm while the context is open.

    Parameters
    ----------
    folder : Path
        For its state and logs. Absolute, and short enough for a socket's path.
    nodes : int, default=2
        Number of nodes, called node1, node2, ...
    cores, memory : int
        Of each node, in MB. They are not compared with what this machine has.

    Yields
    ------
    dict of str to str
        What its commands (sbatch, squeue, scontrol) need in their environment.
    """
    names = [f"node{number}" for number in range(1, nodes + 1)]
    ports = _free_ports(nodes + 1)
    (folder / "etc").mkdir()
    (folder / "state").mkdir()
    config = folder / "etc" / "slurm.conf"
    lines = [
        f"NodeName={name} NodeHostname=localhost NodeAddr=127.0.0.1 Port={port} CPUs={cores} RealMemory={memory}"
        for name, port in zip(names, ports[1:], strict=True)
    ]
    config.write_text(_CONFIG.format(folder=folder, port=ports[0], nodes="\n".join(lines)))
    key = folder / "munge.key"
    key.write_bytes(os.urandom(128))
    key.chmod(0o600)
    environment = {"SLURM_CONF": str(config), "PATH": _path()}
    words = [f"--{name}={folder}/munge.{name.partition('-')[0]}" for name in ("socket", "pid-file", "seed-file")]
    commands = [
        ["munged", "--foreground", "--force", f"--key-file={key}", f"--log-file={folder}/munged.log", *words],
        ["slurmctld", "-D"],
        # Jobs find the configuration where a cluster has it: Snakemake removes SLURM_CONF from their environment.
        *([*_node(folder, name), "slurmd", "-D", "-N", name] for name in names),
    ]
    running: list[subprocess.Popen] = []
    try:
        for number, command in enumerate(commands):
            output = (folder / f"daemon{number}.out").open("wb")
            running.append(
                subprocess.Popen(
                    [*_WITH_US, *command], env=os.environ | environment, stdout=output, stderr=subprocess.STDOUT
                )
            )
            if command[0] == "munged":
                _wait_until((folder / "munge.socket").exists, folder)
        _wait_until(lambda: _idle(environment) == nodes, folder)
        yield environment
    finally:
        _cancel_all(environment)
        for process in reversed(running):
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _node(folder: Path, name: str) -> list[str]:
    script = 'hostname "$1" && mount --bind "$2" /etc/slurm && shift 2 && exec "$@"'
    return ["unshare", "--uts", "--mount", "sh", "-c", script, "sh", name, str(folder / "etc")]


def _path() -> str:
    return f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def _idle(environment: dict[str, str]) -> int:
    command = ["sinfo", "--noheader", "--Node", "--partition=batch", "--states=idle", "--format=%n"]
    found = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=False)
    return len(found.stdout.split())


def _cancel_all(environment: dict[str, str]) -> None:
    options = {"env": os.environ | environment, "capture_output": True, "text": True, "check": False}
    subprocess.run(["scancel", "--user=root"], **options)
    until = time.monotonic() + _WAIT
    while subprocess.run(["squeue", "--noheader"], **options).stdout.strip() and time.monotonic() < until:
        time.sleep(0.2)


def _wait_until(condition, folder: Path) -> None:
    until = time.monotonic() + _WAIT
    while not condition():
        if time.monotonic() > until:
            tails = [f"{log.name}:\n{log.read_text()[-1000:]}" for log in sorted(folder.glob("*.[lo][ou][gt]"))]
            raise RuntimeError("Slurm did not start\n" + "\n".join(tails))
        time.sleep(0.1)


def main(command: list[str]) -> int:
    """Run a command in a Slurm of its own, and return its exit code."""
    if reason := why_not():
        print(f"skipped: Slurm cannot run here: it {reason}", file=sys.stderr)
        return 0
    with tempfile.TemporaryDirectory(prefix="slurm-") as folder, slurm(Path(folder)) as environment:
        return subprocess.run(command, env=os.environ | environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
