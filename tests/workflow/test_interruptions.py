"""Runs that are killed, stopped, started twice or out of disk space: the same command completes with the same results.

Each test has a project of its own, so the tests can run alone and in any order.
"""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
import yaml
from helpers.process import jobs_of
from helpers.project import copy_finished, copy_project, ordinary_environment, snakemake
from helpers.sound import RATE, write_wav

from songwise.acquire.download import fetch_file

pytestmark = pytest.mark.workflow

CLASSES = {"low": 200, "high": 900}
SONGS = 4
CHUNK = 1 << 16  # bytes that a download writes at a time
RESULTS = Path("results/slow")
SETTINGS = ["--config", "dataset=slow.yaml", "models=[majority]", "min_songs=2"]
WORDS = ["--cores", "2", str(RESULTS / "leaderboard.csv"), *SETTINGS]


class Handler(BaseHTTPRequestHandler):
    """Files of a folder, whole or from a byte on. The files in `held` stop after one chunk until they are released."""

    folder: ClassVar[Path]
    held: ClassVar[frozenset[str]] = frozenset()
    asked: ClassVar[list[tuple[str, int]]] = []  # name and first byte of each request

    def do_GET(self):
        name = self.path.rsplit("/", 1)[1]
        first = int(self.headers.get("Range", "bytes=0-")[6:-1])
        self.asked.append((name, first))
        body = (self.folder / name).read_bytes()
        if 0 < first >= len(body):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(body)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(206 if first else 200)
        self.send_header("Content-Length", str(len(body) - first))
        self.end_headers()
        try:
            self.wfile.write(body[first : first + CHUNK])
            while name in self.held:
                time.sleep(0.01)
            self.wfile.write(body[first + CHUNK :])
        except OSError:
            pass  # the client was killed

    def log_message(self, *words):
        pass


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[str]:
    Handler.folder = tmp_path_factory.mktemp("served")
    for label in CLASSES:
        for number in range(SONGS):
            write_wav(Handler.folder / f"{label}-{number}.wav", song(label, number))
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


def song(label: str, number: int, seconds: float = 9) -> np.ndarray:
    rng = np.random.default_rng([CLASSES[label], number])
    t = np.arange(round(seconds * RATE)) / RATE
    hertz = CLASSES[label] * rng.uniform(0.8, 1.25)
    wave = sum(rng.uniform(0.02, 0.1) * np.sin(2 * np.pi * k * hertz * t + k) for k in range(1, 6))
    return wave + 0.01 * rng.normal(size=len(t))


def make_project(folder: Path, server: str) -> Path:
    """A copy of the project with a data set that is fetched from the server."""
    copy_project(folder)
    lines = ["track_id,label,url,sha256"]
    for path in sorted(Handler.folder.iterdir()):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        lines.append(f"{path.stem},{path.stem.partition('-')[0]},{server}/{path.name},{digest}")
    (folder / "slow.csv").write_text("\n".join(lines) + "\n")
    content = {
        "name": "slow",
        "source": {"type": "http", "tracks": "slow.csv"},
        "shards": 2,
        "clip": {"seconds": 3},
        "split": {"folds": 2, "repeats": 1},
    }
    (folder / "slow.yaml").write_text(yaml.safe_dump(content))
    return folder


def run(folder: Path) -> subprocess.CompletedProcess:
    return snakemake(folder, *WORDS)


class Running:
    """A run in a session of its own, as in a terminal, that has reached a point at which a test disturbs it.

    Only one chunk arrives of the songs whose numbers are in `held`.
    """

    def __init__(self, folder: Path, when: Callable[[], object], held: range = range(0)):
        Handler.held = frozenset(f"{label}-{number}.wav" for label in CLASSES for number in held)
        self._output = folder.with_name(f"{folder.name}.out")
        with self._output.open("w") as stream:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "snakemake", *WORDS],
                cwd=folder,
                env=ordinary_environment(),
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        while not when():
            assert self._process.poll() is None, f"the run was over too early: {self._output.read_text()[-2000:]}"
            time.sleep(0.01)
        self._folder = folder

    def send(self, number: int, *, whole: bool) -> None:
        """A signal to the whole session, or to Snakemake's main process alone."""
        (os.killpg if whole else os.kill)(self._process.pid, number)

    def end(self) -> tuple[int, str]:
        """The exit code and the output, once no process of the run is left."""
        code = self._process.wait(timeout=60)
        until = time.monotonic() + 5
        while jobs_of(self._folder):
            assert time.monotonic() < until, "jobs outlive their run"
            time.sleep(0.05)
        Handler.held = frozenset()
        return code, self._output.read_text()


def fetched(folder: Path) -> tuple[set[str], dict[str, int]]:
    """The names of the complete files, and the sizes of the partial ones. Complete files equal those on the server."""
    audio = folder / "data/raw/slow/audio"
    whole = {path.name for path in audio.glob("[!.]*")}
    for name in whole:
        assert (audio / name).read_bytes() == (Handler.folder / name).read_bytes()
    return whole, {path.name[1:].removesuffix(".part"): path.stat().st_size for path in audio.glob(".*.part")}


def all_but_held(folder: Path) -> Callable[[], bool]:
    """Whether all songs that are not held have arrived, and one more chunk of those that are held."""
    had = fetched(folder)[1]

    def arrived() -> bool:
        try:
            whole, cut = fetched(folder)
        except FileNotFoundError:  # one was renamed meanwhile
            return False
        more = all(cut.get(name, 0) == had.get(name, 0) + CHUNK for name in Handler.held)
        return more and len(whole) == len(CLASSES) * SONGS - len(Handler.held)

    return arrived


def inspecting(folder: Path) -> Callable[[], bool]:
    """Whether tracks are being inspected, or are about to be: it takes less time than the start of the job."""
    return lambda: bool(jobs_of(folder, "inspect_tracks"))


def extracting(folder: Path) -> Callable[[], bool]:
    """Whether a table of features has been started."""

    def begun() -> set[Path]:
        return set((folder / "data/features").rglob(".*.unfinished.parquet"))

    before = begun()
    return lambda: begun() - before


def tables(folder: Path) -> dict[str, pd.DataFrame]:
    """The results of a run, by the file's path."""
    found = {}
    for path in [
        *sorted((folder / "data/features/slow").rglob("*.parquet")),
        *sorted((folder / RESULTS).glob("*.csv")),
    ]:
        read = pd.read_parquet if path.suffix == ".parquet" else pd.read_csv
        found[path.relative_to(folder).as_posix()] = read(path).drop(columns="fit_seconds", errors="ignore")
    return found


def assert_same(folder: Path, reference: Path) -> None:
    found, expected = tables(folder), tables(reference)
    assert found.keys() == expected.keys() and len(expected) > 8
    for name, table in expected.items():
        pd.testing.assert_frame_equal(found[name], table, check_exact=True, obj=name)
    assert not [*folder.rglob("*.unfinished*"), *folder.rglob("*.part")]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, server) -> Path:
    """A project that has run without any disturbance. Tests must not change it."""
    folder = make_project(tmp_path_factory.mktemp("undisturbed") / "project", server)
    done = run(folder)
    assert done.returncode == 0, done.stdout[-3000:]
    return folder


@pytest.fixture
def project(server, tmp_path) -> Path:
    """A project in which nothing has run."""
    return make_project(tmp_path / "project", server)


@pytest.fixture
def downloaded(undisturbed, tmp_path) -> Path:
    """A project that has downloaded its songs and has done nothing else."""
    folder = copy_finished(undisturbed, tmp_path / "downloaded")
    for name in ("data/clips/slow", "data/features/slow", "results"):
        shutil.rmtree(folder / name)
    return folder


def test_a_second_run_of_any_kind_is_refused_but_a_dry_run_is_not(project):
    first = Running(project, all_but_held(project), held=range(SONGS))
    try:
        refused = [snakemake(project, "--cores", "1", "--config", "dataset=demo")]
        command = [sys.executable, "-m", "songwise", "prepare", "demo"]
        options = {"cwd": project, "env": ordinary_environment(), "text": True, "check": False}
        refused.append(subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options))
        look = snakemake(project, "-n", *WORDS)
    finally:
        first.send(signal.SIGKILL, whole=True)
        first.end()
    for done in refused:
        assert done.returncode != 0 and "another run is active in this folder" in done.stdout
        assert "Traceback" not in done.stdout
    assert look.returncode == 0, look.stdout


def test_a_killed_or_stopped_download_loses_no_byte_that_had_arrived(project):
    """First the whole session is killed, then Snakemake's main process alone, then Ctrl-C stops the run."""
    disturbances = [(signal.SIGKILL, True, range(SONGS)), (signal.SIGKILL, False, range(1, SONGS))]
    # Some songs of each shard arrive at last, so that no job is just starting: Python's own messages cannot be avoided.
    disturbances += [(signal.SIGINT, True, range(2, SONGS))]
    names = {path.name for path in Handler.folder.iterdir()}
    for number, whole, held in disturbances:
        complete, partial = fetched(project)
        expected = partial or dict.fromkeys(names, 0)
        begin = len(Handler.asked)
        running = Running(project, all_but_held(project), held=held)
        running.send(number, whole=whole)
        code, output = running.end()
        if number == signal.SIGKILL:
            assert code == -signal.SIGKILL
        asked = Handler.asked[begin:]
        assert {name for name, _ in asked} == names - complete
        assert all(first == expected[name] for name, first in asked)
    assert code != 0 and "Traceback" not in output
    assert "songwise: stopped before the end. The same command continues from here" in output


def test_a_job_that_is_killed_alone_is_named(downloaded):
    running = Running(downloaded, lambda: jobs_of(downloaded, "inspect_tracks"))
    os.kill(jobs_of(downloaded, "inspect_tracks")[0], signal.SIGKILL)
    code, output = running.end()
    assert code != 0 and "Traceback" not in output
    assert "songwise: inspect_tracks slow " in output
    assert "exited without an error message and was probably killed" in output


def test_a_clock_that_is_set_back_during_a_run_is_named_and_the_same_command_continues(downloaded):
    running = Running(downloaded, lambda: jobs_of(downloaded, "inspect_tracks"))
    for record in (downloaded / "data/raw/slow/shards").glob("*.json"):  # written when the clock was an hour fast
        os.utime(record, (time.time() + 3600,) * 2)
    code, output = running.end()
    assert code != 0 and "Traceback" not in output
    assert "because the clock of this machine was set back. The same command continues from here" in output
    assert "out of memory" not in output
    again = snakemake(downloaded, *WORDS, "--until", "inspect_tracks")
    assert again.returncode == 0, again.stdout[-3000:]


def test_sigterm_lets_the_jobs_end_and_a_message_says_what_to_do(downloaded):
    running = Running(downloaded, lambda: jobs_of(downloaded, "inspect_tracks"))
    running.send(signal.SIGTERM, whole=False)
    code, output = running.end()
    assert code != 0 and "Traceback" not in output
    assert "songwise: stopped before the end. The same command continues from here" in output


def test_after_kills_in_clips_and_features_the_same_command_completes_with_the_same_results(downloaded, undisturbed):
    begin = len(Handler.asked)
    for busy in (inspecting, extracting):
        for whole in (True, False):
            for path in (downloaded / "data/clips/slow").glob("*.csv") if busy is inspecting else ():
                path.unlink()  # one shard may be complete already
            running = Running(downloaded, busy(downloaded))
            running.send(signal.SIGKILL, whole=whole)
            assert running.end()[0] == -signal.SIGKILL
    done = run(downloaded)
    assert done.returncode == 0, done.stdout[-3000:]
    assert len(Handler.asked) == begin
    assert_same(downloaded, undisturbed)
    left = [*(downloaded / ".snakemake/locks").glob("*"), *(downloaded / ".snakemake/incomplete").glob("*")]
    assert not left
    assert "Nothing to be done" in run(downloaded).stdout


def test_a_download_killed_after_its_last_byte_is_not_fetched_again(server, tmp_path):
    name = "low-0.wav"
    (tmp_path / f".{name}.part").write_bytes((Handler.folder / name).read_bytes())
    begin = len(Handler.asked)
    fetch_file([f"{server}/{name}"], tmp_path / name)
    assert (tmp_path / name).read_bytes() == (Handler.folder / name).read_bytes()
    assert [first for _, first in Handler.asked[begin:]] == [(tmp_path / name).stat().st_size]


@pytest.fixture
def disk(tmp_path) -> Iterator[Path]:
    """A disk of 48 MiB, in memory."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", str(place)]
    try:
        mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        pytest.skip(f"needs a disk that may be filled: {error}")
    if mounted.returncode:
        pytest.skip(f"needs a disk that may be filled: {mounted.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(path: Path) -> None:
    with path.open("wb", buffering=0) as stream:
        try:
            while True:
                stream.write(bytes(1 << 12))
        except OSError:
            pass


def test_a_full_disk_gives_a_message_and_with_more_space_the_same_command_completes(disk, server, undisturbed):
    folder = make_project(disk / "project", server)
    for when, held in ((all_but_held, range(1, SONGS)), (inspecting, range(0)), (extracting, range(0))):
        running = Running(folder, when(folder), held=held)
        fill(disk / "filler")
        Handler.held = frozenset()
        code, output = running.end()
        assert code != 0
        assert "songwise: the disk is full (0.0 MiB are free in " in output.splitlines()[-1]
        assert "Traceback" not in output and "killed" not in output
        for path in (folder / "data").rglob("[!.]*"):
            if path.is_file():
                assert path.read_bytes() == (undisturbed / path.relative_to(folder)).read_bytes(), path
        (disk / "filler").unlink()
    fill(disk / "filler")
    os.truncate(disk / "filler", (disk / "filler").stat().st_size - (1 << 20))
    refused = run(folder)
    assert refused.returncode != 0 and "songwise: the disk is full (1.0 MiB are free" in refused.stdout
    assert "Traceback" not in refused.stdout
    (disk / "filler").unlink()
    done = run(folder)
    assert done.returncode == 0, done.stdout[-3000:]
    assert_same(folder, undisturbed)
