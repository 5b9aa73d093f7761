"""Lists and metadata are downloaded once, and checked, before any job: over real HTTP on loopback and as a command."""

import hashlib
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest
import yaml
from helpers.fma import metadata
from helpers.project import copy_project, snakemake
from helpers.sound import tone, write_wav
from helpers.tracks import load_tracks

from songwise.acquire import metadata as preparing
from songwise.datasets.metadata import missing, prepared_sheet
from songwise.errors import InputError
from songwise.runtime import progress as runtime_progress

LISTS = {"train": b"one/a0.wav\ntwo/b0.wav\n", "test": b"one/a1.wav\ntwo/b1.wav\n"}
NOWHERE = "http://songwise.invalid"  # reserved: never resolves


class Handler(BaseHTTPRequestHandler):
    files: ClassVar[dict] = {}
    asked: ClassVar[Counter] = Counter()
    pause: ClassVar[float] = 0

    def do_GET(self):
        self.asked[self.path] += 1
        if self.path not in self.files:
            return self.send_error(404)
        body = self.files[self.path]
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        for start in range(0, len(body), 1 + len(body) // 4):
            self.wfile.write(body[start : start + 1 + len(body) // 4])
            self.wfile.flush()
            time.sleep(self.pause)

    def log_message(self, *words):
        pass


@pytest.fixture
def server(short_pauses):
    Handler.files, Handler.asked, Handler.pause = {}, Counter(), 0
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


@pytest.fixture
def project(root, tmp_path):
    """Return a folder in which songwise can load data sets."""
    (tmp_path / "workflow").symlink_to(root / "workflow")
    return tmp_path


def with_lists(project, base, **sha256):
    music = project / "music"
    if not music.is_dir():
        for number, name in enumerate(["one/a0", "one/a1", "two/b0", "two/b1"]):
            write_wav(music / f"{name}.wav", tone(1, 200 + 50 * number))
    lists = {}
    for role, content in LISTS.items():
        Handler.files[f"/{role}.txt"] = content
        digits = sha256.get(role, hashlib.sha256(content).hexdigest())
        lists[role] = {"url": f"{base}/{role}.txt", "sha256": digits}
    source = {"type": "folder", "folder": "music", "lists": lists}
    return write_dataset(project, "listed", source)


def with_fma(project, base, name="tiny", **fma):
    body = metadata(project).read_bytes()
    (project / "fma_metadata.zip").unlink()
    Handler.files["/fma_metadata.zip"] = body
    entry = {"url": f"{base}/fma_metadata.zip", "sha1": hashlib.sha1(body).hexdigest(), "bytes": len(body)}
    archive = {"url": f"{base}/fma_small.zip", "sha1": "0" * 40}
    source = {"type": "archive", "archives": [archive], "fma": {"subset": "small", "metadata": entry} | fma}
    return write_dataset(project, name, source)


def write_dataset(project, name, source):
    path = project / f"{name}.yaml"
    content = {"name": name, "source": source, "split": {"protocol": "train-valid-test"}}
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return path


def get_ready(project, path, mirror=None):
    from songwise.datasets.dataset import load_dataset

    lines = []
    dataset, _ = load_dataset(str(path), project)
    preparing.prepare(dataset, project, mirror=mirror, say=lines.append)
    return dataset, lines


def songwise(project, *words):
    command = [sys.executable, "-m", "songwise", *words]
    return subprocess.Popen(command, cwd=project, stderr=subprocess.PIPE, text=True, env=os.environ)


def test_lists_are_downloaded_once_and_define_the_roles(server, project):
    path = with_lists(project, server)
    dataset, lines = get_ready(project, path)
    assert lines == [
        f"downloading the train list of listed: {server}/train.txt",
        f"downloading the test list of listed: {server}/test.txt",
    ]
    roles = {track.track_id: track.role for track in load_tracks(str(path), project)[1]}
    assert roles == {"one/a0.wav": "train", "one/a1.wav": "test", "two/b0.wav": "train", "two/b1.wav": "test"}
    assert missing(dataset, project) == []
    assert get_ready(project, path)[1] == []
    assert Handler.asked == {"/train.txt": 1, "/test.txt": 1}


def test_a_list_with_another_checksum_is_refused_and_not_kept(server, project):
    path = with_lists(project, server, test="0" * 64)
    with pytest.raises(
        InputError, match=rf"listed: cannot download the test list: wrong sha256: the content of {server}/test.txt does"
    ):
        get_ready(project, path)
    kept = [one.name for one in (project / "data/raw/listed/metadata").iterdir()]
    assert len(kept) == 1 and kept[0].endswith("-train.txt")


def test_an_offline_machine_gets_a_hint_about_the_mirror_and_a_folder_can_be_one(server, project, tmp_path):
    path = with_lists(project, NOWHERE)
    with pytest.raises(InputError, match=r"cannot download the train list: failed: .*machine offline\? see mirror"):
        get_ready(project, path)
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    for role, content in LISTS.items():
        (mirror / f"{role}.txt").write_bytes(content)
    get_ready(project, path, mirror=str(mirror))
    assert len(load_tracks(str(path), project)[1]) == 4


def test_fma_metadata_become_a_track_sheet_and_are_removed(server, project):
    path = with_fma(project, server)
    dataset, lines = get_ready(project, path)
    assert lines[0].startswith("downloading the metadata of tiny, ") and " kB: " in lines[0] and len(lines) == 2
    folder = project / "data/raw/tiny/metadata"
    assert list(folder.iterdir()) == [prepared_sheet(dataset, project)]
    assert [one.track_id for one in load_tracks(str(path), project)[1]] == ["2", "10", "148", "98565"]
    assert get_ready(project, path)[1] == [] and Handler.asked["/fma_metadata.zip"] == 1


def test_another_selection_of_fma_is_another_sheet(server, project):
    get_ready(project, with_fma(project, server))
    path = with_fma(project, server, label="sub")
    get_ready(project, path)
    assert {one.label for one in load_tracks(str(path), project)[1]} == {
        "Rock/Punk",
        "Rock/Hardcore",
        "Rock/Krautrock",
        "Old-Time & Historic",
    }


def test_an_unknown_genre_of_fma_is_named_and_the_metadata_stay_for_the_corrected_file(server, project):
    with pytest.raises(InputError, match="did you mean 'Rock'"):
        get_ready(project, with_fma(project, server, genres=["Rokc", "Old-Time / Historic"]))
    get_ready(project, with_fma(project, server, genres=["Rock", "Old-Time / Historic"]))
    assert Handler.asked["/fma_metadata.zip"] == 1


def test_a_long_download_shows_its_progress(server, project, monkeypatch, capsys):
    monkeypatch.setattr(runtime_progress, "_EVERY_SECONDS", 0.05)
    path = with_lists(project, server)
    Handler.files["/train.txt"] = LISTS["train"] + b"\n" * (4 << 20)
    digits = hashlib.sha256(Handler.files["/train.txt"]).hexdigest()
    path.write_text(path.read_text().replace(hashlib.sha256(LISTS["train"]).hexdigest(), digits))
    Handler.pause = 0.1
    get_ready(project, path)
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("the train list: ")]
    assert lines and all(" of 4 MiB, about " in line for line in lines)


def test_a_killed_download_of_a_list_is_resumed(server, project):
    path = with_lists(project, server)
    get_ready(project, path)
    folder = project / "data/raw/listed/metadata"
    (whole,) = folder.glob("*-train.txt")
    (folder / f".{whole.name}.part").write_bytes(whole.read_bytes()[:5])
    whole.unlink()
    get_ready(project, path)
    assert whole.read_bytes() == LISTS["train"] and not list(folder.glob(".*"))


def test_prepare_succeeds_and_a_second_one_meanwhile_is_refused_with_a_message(server, project):
    path = with_fma(project, server)
    Handler.pause = 1
    first = songwise(project, "prepare", str(path))
    while not Handler.asked["/fma_metadata.zip"]:
        time.sleep(0.02)
    second = songwise(project, "prepare", str(path))
    messages = second.communicate(timeout=60)[1]
    assert second.returncode == 1 and messages.startswith("songwise: another run is active in this folder (process ")
    messages = first.communicate(timeout=60)[1]
    assert first.returncode == 0 and messages.endswith("songwise: tiny has 4 tracks of 2 classes\n")
    assert Handler.asked["/fma_metadata.zip"] == 1


def test_a_dry_run_before_prepare_downloads_nothing_and_names_the_command(server, tmp_path):
    project = copy_project(tmp_path)
    path = with_fma(project, server)
    words = ["-n", "--config", f"dataset={path.name}"]
    before = snakemake(project, *words)
    assert before.returncode != 0 and "Traceback" not in before.stdout and not Handler.asked
    assert "the tracks of tiny.yaml are not known yet: the metadata (" in before.stdout
    assert "songwise prepare tiny.yaml" in before.stdout
    first = songwise(project, "prepare", path.name)
    assert first.wait(60) == 0, first.stderr.read()
    assert "not known yet" not in snakemake(project, *words).stdout
