"""Shared data sets: real DVC, three kinds of remotes, and a check of everything in a pointer or on a remote."""

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml
from helpers.object_store import bucket
from helpers.project import ROOT, copy_project, snakemake
from helpers.sound import tone, write_wav
from helpers.tracks import load_tracks

from songwise.acquire.shard import acquire_shard
from songwise.datasets.pointers import (
    cache_folder,
    object_path,
    pointer_path,
    read_listing,
    read_pointer,
    shared_version,
)
from songwise.datasets.shards import deal
from songwise.errors import InputError
from songwise.paths import shard_record
from songwise.runtime.lock import claim
from songwise.sharing.dvc import explain_failure

SHARDS = 3
CLASSES = {"low": 200, "mid": 500, "high": 1100}
MODELS = "models=[majority]"
ASKED = ("--cores", "2", "--config", "dataset=mine", MODELS, "min_songs=4")


@pytest.fixture(scope="module", autouse=True)
def _dvc_keeps_to_itself(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path_factory.mktemp("dvc")))
        patch.setenv("DVC_NO_ANALYTICS", "1")
        patch.setenv("PYTHONPATH", str(ROOT / "src"))
        for who in ("AUTHOR", "COMMITTER"):
            patch.setenv(f"GIT_{who}_NAME", "somebody")
            patch.setenv(f"GIT_{who}_EMAIL", "somebody@example.org")
        yield


def write_sheet(folder: Path, per_class: int = 5) -> None:
    lines = ["track_id,label,path"]
    lines += [f"{c}-{n},{c},../../data/raw/mine/audio/{c}-{n}.wav" for c in CLASSES for n in range(per_class)]
    (folder / "config/datasets/mine.tracks.csv").write_text("\n".join(lines) + "\n")


def make_mine(folder: Path) -> Path:
    """Return a project with a data set inside it that is not acquired yet, and with a folder as its remote."""
    copy_project(folder)
    for label, hertz in CLASSES.items():
        for number in range(5):
            name = f"{label}-{number}.wav"
            song = write_wav(folder.with_name("music") / name, tone(3.2, hertz * (1 + number / 20)))
            (folder / "data/raw/mine/audio").mkdir(parents=True, exist_ok=True)
            (folder / "data/raw/mine/audio" / name).hardlink_to(song)  # as songwise init --copy does
    write_sheet(folder)
    content = {
        "name": "mine",
        "source": {"type": "manifest", "tracks": "mine.tracks.csv"},
        "shards": SHARDS,
        "clip": {"seconds": 3},
        "split": {"folds": 4, "repeats": 1},
    }
    (folder / "config/datasets/mine.yaml").write_text(yaml.safe_dump(content))
    git(folder, "init", "-q")
    add_remote(folder, folder.with_name("remote"))
    return folder


def acquire(folder: Path) -> None:
    """Do what `acquire_tracks` does, without a start of Snakemake."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        dataset, tracks = load_tracks("mine")
        for shard, dealt in deal(tracks, SHARDS).items():
            record, options = shard_record("mine", shard), {"mirror": None, "cookies": None, "access": "", "attempt": 1}
            acquire_shard(dealt, dataset, folder=Path("unused"), record=record, **options)


def git(folder: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True)


def add_remote(folder: Path, url: object) -> None:
    subprocess.run(
        [sys.executable, "-m", "dvc", "remote", "add", "-q", "--default", "--force", "team", str(url)],
        cwd=folder,
        check=True,
    )


def songwise(folder: Path, *words: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "songwise", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def messages_of(done: subprocess.CompletedProcess, code: int) -> str:
    assert done.returncode == code and "Traceback" not in done.stderr, done.stderr
    return done.stderr


def clone(folder: Path, to: Path) -> Path:
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "--allow-empty", "-m", "shared")
    git(folder, "clone", "-q", str(folder), str(to))
    return to


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def jobs(done: subprocess.CompletedProcess) -> set[str]:
    assert done.returncode == 0, done.stdout[-3000:]
    return set(re.findall(r"^(\w+) +\d+$", done.stdout, re.M)) - {"total"}


@pytest.fixture(scope="module")
def light(tmp_path_factory) -> Path:
    """Return a project that has pushed its audio to a folder, without a run of Snakemake."""
    folder = make_mine(tmp_path_factory.mktemp("light") / "project")
    acquire(folder)
    assert "30 files" not in messages_of(songwise(folder, "push", "mine"), 0)
    return folder


@pytest.fixture(scope="module")
def ran(tmp_path_factory) -> tuple[Path, list[str]]:
    """Return a project that has run up to the features and pushed them too, and its tables of features."""
    folder = make_mine(tmp_path_factory.mktemp("ran") / "project")
    done = snakemake(folder, "--until", "extract_features", *ASKED)
    assert done.returncode == 0, done.stdout[-3000:]
    tables = [str(path.relative_to(folder)) for path in folder.glob("data/features/mine/jlaoo26/*/*.parquet")]
    assert len(tables) == SHARDS
    messages = messages_of(songwise(folder, "push", "mine", "--features"), 0)
    # 15 songs, 3 states, the page of authors, 9 tables of clips, 3 of features, a record
    assert "32 files are on the remote" in messages
    assert "the licence of 15 tracks is not known" in messages
    for stage in ("raw", "clips", "features"):
        assert f"data/{stage}/mine.dvc" in messages
    return folder, tables


@pytest.mark.workflow
def test_after_clone_and_pull_snakemake_has_nothing_to_do_upstream_and_still_sees_edits(ran, tmp_path):
    folder, tables = ran
    other = clone(folder, tmp_path / "clone")
    assert not (other / "data/raw/mine").exists()
    assert "audio, clips and features of 15 of 15 tracks" in messages_of(
        songwise(other, "pull", "mine", "--features"), 0
    )
    for stage in ("raw", "clips", "features"):
        assert contents(other / f"data/{stage}/mine") == contents(folder / f"data/{stage}/mine")
    times = {path: path.stat().st_mtime_ns for path in other.glob("data/*/mine/**/*")}
    assert messages_of(songwise(other, "pull", "--features"), 0)
    assert times == {path: path.stat().st_mtime_ns for path in times}, "files that were here already were touched again"
    later = jobs(snakemake(other, "-n", *ASKED))
    upstream = {"acquire_tracks", "write_attribution", "inspect_tracks", "extract_features"}
    assert "train_model" in later and not later & upstream

    edited = other / "edited/songwise"
    shutil.copytree(ROOT / "src/songwise", edited)
    moments = (edited / "features/dsp/moments.py").read_text()
    (edited / "features/dsp/moments.py").write_text(moments.replace("mean = total / n", "mean = 1 + total / n"))
    redone = jobs(snakemake(other, "-n", *tables, *ASKED, PYTHONPATH=str(other / "edited")))
    assert redone == {"extract_features"}


@pytest.mark.workflow
def test_files_that_another_data_set_file_or_sheet_would_change_are_named_and_made_again(ran, tmp_path):
    folder, tables = ran
    other = clone(folder, tmp_path / "clone")
    path = other / "config/datasets/mine.yaml"
    path.write_text(path.read_text().replace("seconds: 3", "seconds: 2"))
    messages = messages_of(songwise(other, "pull", "mine", "--features"), 0)
    assert (
        "the shared clips were made with a different clip; the next run will make clips and features again" in messages
    )
    assert jobs(snakemake(other, "-n", *tables, *ASKED)) == {"inspect_tracks", "extract_features"}

    shutil.rmtree(other / "data/raw/mine")
    write_sheet(other, per_class=4)
    messages = messages_of(songwise(other, "pull", "mine"), 0)
    assert "lists other tracks than the data set has now; the next run will check these" in messages
    assert "acquire_tracks" in jobs(snakemake(other, "-n", *tables, *ASKED))

    git(other, "checkout", "-q", "config")
    write_wav(other / "data/raw/mine/audio/low-0.wav", tone(3.2, 300))
    acquire(other)
    add_remote(other, tmp_path / "remote")
    messages_of(songwise(other, "push", "mine"), 0)  # without the features, which are of an older file now
    for stage in ("clips", "features"):
        shutil.rmtree(other / f"data/{stage}/mine")
    messages = messages_of(songwise(other, "pull", "mine", "--features"), 0)
    assert re.search(
        r"mine: the shared clips were made from other rows or files in shard \d; the next run will make their clips "
        "and features again",
        messages,
    )


@pytest.mark.workflow
def test_after_a_push_there_is_nothing_to_do_in_its_own_folder(ran):
    folder, tables = ran
    done = snakemake(folder, "-n", *tables, *ASKED)
    assert jobs(done) == set() and "Nothing to be done" in done.stdout
    # The page was written by the push, so Snakemake has no record of it.
    assert jobs(snakemake(folder, "-n", "data/raw/mine/ATTRIBUTION.md", *ASKED)) == {"write_attribution"}


@pytest.mark.workflow
def test_after_dvc_pull_alone_the_files_are_kept_and_recorded_again(ran, tmp_path):
    folder, _ = ran
    other = clone(folder, tmp_path / "clone")
    subprocess.run([sys.executable, "-m", "dvc", "pull"], cwd=other, check=True, capture_output=True)
    audio = {path: path.stat().st_mtime_ns for path in (other / "data/raw/mine/audio").iterdir()}
    done = snakemake(other, "--until", "acquire_tracks", *ASKED)
    assert done.returncode == 0, done.stdout[-3000:]
    assert contents(other / "data/raw/mine") == contents(folder / "data/raw/mine")
    assert audio == {path: path.stat().st_mtime_ns for path in audio}
    assert "acquire_tracks" not in jobs(snakemake(other, "-n", *ASKED))


@pytest.mark.workflow
def test_features_that_are_out_of_date_are_not_pushed(ran):
    folder, _ = ran
    path = folder / "config/datasets/mine.yaml"
    before = path.read_text()
    try:
        path.write_text(before.replace("seconds: 3", "seconds: 2"))
        messages = messages_of(songwise(folder, "push", "mine", "--features"), 1)
    finally:
        path.write_text(before)
    assert "does not match the current data, config and code; run snakemake" in messages


@pytest.mark.workflow
def test_a_file_that_was_changed_here_is_named_and_kept(light, tmp_path):
    other = clone(light, tmp_path / "clone")
    changed, new = other / "data/raw/mine/audio/low-1.wav", other / "data/raw/mine/audio/own.wav"
    changed.parent.mkdir(parents=True)
    changed.write_bytes(b"mine alone")
    new.write_bytes(b"mine too")
    messages = messages_of(songwise(other, "pull", "mine"), 1)
    assert "audio/low-1.wav: differs from the file in data/raw/mine.dvc and would be overwritten" in messages
    assert "audio/own.wav: is not in data/raw/mine.dvc and would be removed" in messages
    assert contents(other / "data/raw/mine") == {"audio/low-1.wav": b"mine alone", "audio/own.wav": b"mine too"}
    changed.unlink()
    new.unlink()
    assert "15 of 15 tracks" in messages_of(songwise(other, "pull", "mine"), 0)


@pytest.mark.workflow
def test_a_corrupted_file_on_the_remote_is_named_and_downloaded_again(light, tmp_path):
    other = clone(light, tmp_path / "clone")
    listing = read_listing(read_pointer(pointer_path("raw", "mine", light)), cache_folder(light))
    rotten = object_path(light.with_name("remote") / "files/md5", listing["audio/mid-2.wav"])
    good = rotten.read_bytes()
    rotten.chmod(0o644)
    try:
        rotten.write_bytes(good[:-1] + b"!")
        messages = messages_of(songwise(other, "pull", "mine"), 1)
    finally:
        rotten.write_bytes(good)
    assert "audio/mid-2.wav: the file on the remote does not match data/raw/mine.dvc" in messages
    assert messages.count("does not match") == 1 and not (other / "data/raw/mine").exists()
    assert "15 of 15 tracks" in messages_of(songwise(other, "pull", "mine"), 0)
    assert contents(other / "data/raw/mine") == contents(light / "data/raw/mine")


def test_an_incomplete_data_set_is_not_pushed(tmp_path):
    folder = make_mine(tmp_path / "project")
    assert "there is nothing to share yet; run snakemake" in messages_of(songwise(folder, "push", "mine"), 1)
    acquire(folder)
    audio = folder / "data/raw/mine/audio"
    (audio / "low-0.wav").unlink()
    (audio / "mid-1.wav").write_bytes(b"another song")
    (audio / ".high-0.wav.part").write_bytes(b"half")
    messages = messages_of(songwise(folder, "push", "mine"), 1)
    assert re.search(r"low-0: there is no file .*low-0.wav below data/raw/mine; run snakemake", messages)
    assert re.search(r"mid-1: .*mid-1.wav has changed since shards/\d.json was written; run snakemake", messages)
    assert ".high-0.wav.part is an unfinished download" in messages
    state = next((folder / "data/raw/mine/shards").glob("*.json"))
    state.write_text(state.read_text().replace("config/datasets/../../data/raw/mine", "/elsewhere"))
    messages = messages_of(songwise(folder, "push", "mine"), 1)
    assert re.search(
        r"\d files of mine are in other folders, for example /elsewhere/.*songwise init FOLDER --copy", messages
    )
    with claim(folder):
        assert "another run is active in this folder" in messages_of(songwise(folder, "push", "mine"), 1)
    assert not (folder / "data/raw/mine.dvc").exists()


def test_push_and_pull_name_the_data_set_that_they_cannot_find(light):
    assert "name your own data set by the path of its file" in messages_of(songwise(light, "push", "nothing"), 1)
    assert "data/raw/nothing.dvc: missing. Nobody has shared" in messages_of(songwise(light, "pull", "nothing"), 1)
    assert "neither a data set's name nor the path" in messages_of(songwise(light, "pull", "../mine"), 1)


@pytest.fixture
def server(light):
    """Serve the remote over read-only HTTP; yields its URL, the requested paths, and a delay that tests set."""

    class Handler(SimpleHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            time.sleep(delay[0])
            super().do_GET()

        def log_message(self, *words):
            pass

    asked, delay = [], [0.0]
    http = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(light.with_name("remote"))))
    threading.Thread(target=http.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{http.server_port}", asked, delay
    http.shutdown()
    http.server_close()


@pytest.mark.workflow
def test_after_kill_9_in_a_pull_over_http_the_same_command_completes_and_downloads_nothing_twice(
    light, server, tmp_path
):
    url, asked, delay = server
    other = clone(light, tmp_path / "clone")
    add_remote(other, url)
    delay[0] = 0.4
    running = subprocess.Popen(
        [sys.executable, "-m", "songwise", "pull", "mine"], cwd=other, stderr=subprocess.DEVNULL, start_new_session=True
    )
    songs = other / ".dvc/cache/files/md5"
    while len([path for path in songs.glob("??/*") if path.stat().st_size > 100_000]) < 3:
        assert running.poll() is None, "the pull was over before it could be killed"
        time.sleep(0.01)
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    arrived = {f"/files/md5/{path.parent.name}/{path.name}" for path in songs.glob("??/*")}
    delay[0] = 0
    asked.clear()
    assert len(arrived) < 19
    assert "15 of 15 tracks" in messages_of(songwise(other, "pull", "mine"), 0)
    assert contents(other / "data/raw/mine") == contents(light / "data/raw/mine")
    assert not {path for path in arrived & set(asked) if not path.endswith(".dir")}

    (other / "data/raw/mine/metadata").mkdir()
    (other / "data/raw/mine/metadata/note.txt").write_text("new\n")
    messages = messages_of(songwise(other, "push", "mine"), 1)
    assert "the remote is read-only: its server rejects uploads (it answers 501)" in messages


@pytest.mark.workflow
def test_push_to_s3_and_pull_from_it(light, tmp_path, monkeypatch):
    pytest.importorskip("dvc_s3")
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    with bucket() as settings:
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        dvc = [sys.executable, "-m", "dvc", "remote"]
        for name, url in (("bucket", "s3://bucket/songwise"), ("nowhere", "s3://nowhere/songwise")):
            subprocess.run([*dvc, "add", "-q", name, url], cwd=light, check=True)
        assert "19 files are on the remote" in messages_of(songwise(light, "push", "mine", "--remote", "bucket"), 0)
        other = clone(light, tmp_path / "clone")
        assert "there is no bucket of this" in messages_of(songwise(light, "push", "mine", "--remote", "nowhere"), 1)
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.delenv(name)
        assert "no keys for S3" in messages_of(songwise(other, "pull", "mine", "--remote", "bucket"), 1)
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "testing")
        assert "15 of 15 tracks" in messages_of(songwise(other, "pull", "mine", "--remote", "bucket"), 0)
        assert contents(other / "data/raw/mine") == contents(light / "data/raw/mine")


def test_without_a_remote_the_message_has_the_command_that_adds_one(light, tmp_path):
    other = clone(light, tmp_path / "clone")
    (other / ".dvc/config").write_text("")
    line = "dvc remote add --default team s3://bucket/songwise"
    assert line in messages_of(songwise(other, "pull"), 1)
    assert line in explain_failure(
        "ERROR: failed to push data to the cloud - config file error: no remote specified in", ""
    )
    bare = subprocess.run([sys.executable, "-m", "dvc", "push"], cwd=other, capture_output=True, text=True, check=False)
    assert "dvc remote add" in bare.stderr + bare.stdout


def test_a_remote_whose_package_is_missing_names_the_command_that_installs_it(light, tmp_path, monkeypatch):
    other = clone(light, tmp_path / "clone")
    for kind, line in (("s3", "pip install -e '.[s3]'"), ("gs", "pip install dvc-gs")):
        module = tmp_path / "broken" / f"dvc_{kind}.py"
        module.parent.mkdir(exist_ok=True)
        module.write_text(f"raise ImportError(\"No module named 'dvc_{kind}'\")")
        monkeypatch.setenv("PYTHONPATH", f"{ROOT / 'src'}{os.pathsep}{module.parent}")
        add_remote(other, f"{kind}://bucket/songwise")
        assert line in messages_of(songwise(other, "pull", "mine"), 1)


def hostile(folder: Path, entries: object) -> None:
    """Write a pointer to a listing of these entries, which is in the cache already."""
    listing = json.dumps(entries).encode()
    md5 = hashlib.md5(listing).hexdigest()
    path = object_path(cache_folder(folder), f"{md5}.dir")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(listing)
    out = {"md5": f"{md5}.dir", "hash": "md5", "path": "evil"}
    pointer_path("raw", "evil", folder).parent.mkdir(parents=True, exist_ok=True)
    pointer_path("raw", "evil", folder).write_text(yaml.safe_dump({"outs": [out]}))


GOOD = "0" * 32
ESCAPES = ["../../escaped.wav", "/tmp/escaped.wav", "a/../../b.wav", "a\\..\\b.wav", ".", "", "a//b", 7]


@pytest.mark.parametrize("name", ESCAPES)
def test_a_listing_with_a_path_outside_its_folder_is_refused_before_dvc_sees_it(tmp_path, monkeypatch, name):
    from songwise.sharing import remote

    monkeypatch.chdir(tmp_path)
    (tmp_path / ".snakemake").mkdir()
    hostile(tmp_path, [{"md5": GOOD, "relpath": name}])
    with pytest.raises(InputError, match=r"evil\.dvc: lists a file .*, which is not a valid path in data/raw/evil"):
        remote.pull("evil", features=False, remote=None, say=print)
    assert not (tmp_path / "data/raw/evil").exists()


@pytest.mark.parametrize("entries", [[{"md5": "ab/../../x", "relpath": "a.wav"}], {"a": 1}, [7], "text", [{}]])
def test_an_invalid_listing_is_refused(tmp_path, entries):
    hostile(tmp_path, entries)
    with pytest.raises(InputError, match=r"evil\.dvc: "):
        read_listing(read_pointer(pointer_path("raw", "evil", tmp_path)), cache_folder(tmp_path))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("wdir: ../..\nouts: [{md5: M, hash: md5, path: mine}]", "has a key 'wdir'"),
        ("deps: [{path: x}]\nouts: [{md5: M, hash: md5, path: mine}]", "has a key 'deps'"),
        ("outs: [{md5: M, hash: md5, path: ../../escaped}]", "points to '../../escaped'"),
        ("outs: [{md5: M, hash: md5, path: mine}, {md5: M, hash: md5, path: x}]", "points to None"),
        ("outs: [{md5: ../x.dir, hash: md5, path: mine}]", "has no valid md5"),
        ("outs: [{hash: md5, path: mine}]", "has no valid md5"),
        ("outs: 7", "points to None"),
        ("- 1", "has no keys"),
    ],
)
def test_a_pointer_that_points_elsewhere_is_refused(tmp_path, content, words):
    path = tmp_path / "mine.dvc"
    path.write_text(content.replace("M", f"{GOOD}.dir"))
    with pytest.raises(InputError, match=re.escape(words)):
        read_pointer(path)


def test_the_version_is_the_pointer_s_while_the_data_match_it(light, tmp_path):
    version = yaml.safe_load((light / "data/raw/mine.dvc").read_text())["outs"][0]["md5"]
    assert version.endswith(".dir") and shared_version("mine", light) == version
    other = tmp_path / "other"
    shutil.copytree(light / "data", other / "data")
    shutil.copytree(light / ".dvc/cache", other / "shared-cache")
    assert shared_version("mine", other) is None  # its listing is not in a cache here
    (other / ".dvc").mkdir()
    (other / ".dvc/config").write_text("[cache]\n    dir = ../shared-cache\n")
    assert shared_version("mine", other) == version
    state = next((other / "data/raw/mine/shards").glob("*.json"))
    state.write_text(state.read_text() + "\n")
    assert shared_version("mine", other) is None
