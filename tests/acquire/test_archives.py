"""Published archives: downloaded once, checked, and unpacked with the caution that strangers' files need."""

import hashlib
import io
import json
import random
import re
import signal
import stat
import struct
import subprocess
import sys
import tarfile
import threading
import time
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml
from helpers.project import ROOT, copy_project, snakemake
from helpers.sound import tone, write_wav

from songwise.acquire import archives, download, unpack
from songwise.acquire.archives import fetch_archives, wanted_digest
from songwise.acquire.shard import acquire_shard
from songwise.datasets.metadata import prepared_lists
from songwise.datasets.sheet import read_tracks
from songwise.datasets.track import Track
from songwise.errors import InputError
from songwise.files import read_json
from songwise.plan.plan import load_plan
from songwise.runtime import progress as runtime_progress
from songwise.splits.protocols import choose

GENRES = ("blues", "jazz")
SHARED = ROOT.parent / "shared" / "gtzan"


class Server(ThreadingHTTPServer):
    """Serves files with ranges; `limit` cuts each answer, `pause` slows it down."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.bodies: dict[str, bytes] = {}
        self.asked: list[tuple[str, int]] = []
        self.limit: int | None = None
        self.pause = 0.0
        self.length: int | None = None

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.server_port}/{name}"

    def handle_error(self, request, client_address):
        pass  # a client that was killed


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        name = self.path[1:]
        first = int(self.headers.get("Range", "bytes=0-")[6:-1])
        self.server.asked.append((name, first))
        body = self.server.bodies.get(name)
        if body is None:
            self.send_error(404)
        elif first >= len(body):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(body)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            self.send_response(206 if first else 200)
            self.send_header("Content-Length", str(self.server.length or len(body) - first))
            self.end_headers()
            for start in range(first, min(len(body), first + (self.server.limit or len(body))), 1 << 16):
                self.wfile.write(body[start : start + (1 << 16)])
                time.sleep(self.server.pause)
        self.close_connection = True

    def log_message(self, *words):
        pass


@pytest.fixture
def server(short_pauses):
    with Server() as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield running
        running.shutdown()


@pytest.fixture(scope="module")
def songs(tmp_path_factory) -> dict[str, bytes]:
    """Members of a mini GTZAN: real WAV files under the names of the real one."""
    folder = tmp_path_factory.mktemp("songs")
    names = [f"genres/{genre}/{genre}.{number:05d}.wav" for genre in GENRES for number in range(4)]
    return {name: write_wav(folder / name, tone(1, 200 + i)).read_bytes() for i, name in enumerate(names)}


def tarred(members: dict[str, bytes], mode: str = "w:gz", extra=()) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode=mode) as tar:
        for name, body in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(body)
            tar.addfile(info, io.BytesIO(body))
        for info in extra:
            tar.addfile(info, io.BytesIO(b"\0" * info.size))
    return target.getvalue()


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED, extra=()) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as archive:
        for name, body in members.items():
            archive.writestr(name, body)
        for info in extra:
            archive.writestr(info, b"target")
    return target.getvalue()


def data_set(server: Server, name: str, body: bytes, **served) -> dict:
    """Return a data set of one archive, which the server has from now on."""
    server.bodies[name] = body
    entry = {"url": server.url(name), "sha256": hashlib.sha256(body).hexdigest()}
    return {"name": "mini", "source": {"type": "archive", "archives": [entry | served]}}


def tracks_of(members) -> list[Track]:
    return [Track(Path(name).stem, Path(name).parent.name, path=name) for name in members]


def fetch(dataset: dict, members, folder: Path, mirror: Path | None = None) -> dict:
    state = folder / "archives.json"
    fetch_archives(dataset, tracks_of(members), folder=folder, mirror=mirror and str(mirror), state=state)
    return read_json(state)


def files_below(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def unpacked(tmp_path: Path, body: bytes, wanted) -> dict[str, bytes]:
    archive = tmp_path / "in" / "archive"
    archive.parent.mkdir(parents=True, exist_ok=True)
    archive.write_bytes(body)
    unpack.unpack(archive, set(wanted), tmp_path / "out" / "audio")
    return files_below(tmp_path / "out" / "audio")


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz", "stored", "deflated", "bzip2", "zip64"])
def test_only_wanted_members_are_written_and_byte_for_byte(songs, tmp_path, mode):
    members = songs | {"README": b"hello", "genres/._blues": b"apple", "__MACOSX/genres/._blues": b"apple"}
    methods = {"stored": zipfile.ZIP_STORED, "deflated": zipfile.ZIP_DEFLATED, "bzip2": zipfile.ZIP_BZIP2}
    if mode in methods:
        body = zipped(members, methods[mode])
    elif mode == "zip64":
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w") as archive:
            for name, content in members.items():
                with archive.open(name, "w", force_zip64=True) as stream:
                    stream.write(content)
        body = target.getvalue()
    else:
        body = tarred({f"./{name}": content for name, content in members.items()}, mode)
    wanted = dict(list(songs.items())[2:])
    assert unpacked(tmp_path, body, wanted) == wanted


def special(name: str, kind: bytes) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, "/etc/passwd"
    return info


def moded(name: str, mode: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, mode << 16
    return info


PATHS = {"/tmp/evil.wav": "absolute", "../evil.wav": "leaves", "a/../../evil.wav": "leaves", "..\\evil.wav": "leaves"}
PATHS |= {"C:\\evil.wav": "absolute", "\\\\host\\evil.wav": "absolute", "genres/blues/blues.00000.wav": "twice"}
SPECIAL = [special("l", tarfile.SYMTYPE), special("h", tarfile.LNKTYPE), special("d", tarfile.CHRTYPE)]
SPECIAL += [special("p", tarfile.FIFOTYPE), special("s", tarfile.GNUTYPE_SPARSE)]
MODED = [moded("l", stat.S_IFLNK | 0o777), moded("p", stat.S_IFIFO), moded("d", stat.S_IFCHR)]


@pytest.mark.parametrize("extra", [*map(tarfile.TarInfo, PATHS), *SPECIAL], ids=lambda info: ascii(info.name))
def test_a_tar_with_one_harmful_member_is_refused_as_a_whole(songs, tmp_path, extra):
    why = PATHS.get(extra.name) or ("link" if extra.name in "lh" else "special file")
    if extra.type == tarfile.GNUTYPE_SPARSE:
        why = "special file|damaged"
    with pytest.raises(InputError, match=why) as refusal:
        unpacked(tmp_path, tarred(songs, extra=[extra]), songs)
    assert ascii(extra.name) in str(refusal.value) or "damaged" in str(refusal.value)
    if "refused" in str(refusal.value):
        assert not files_below(tmp_path / "out")


def test_a_name_with_a_nul_character_is_refused(songs, tmp_path):
    info = tarfile.TarInfo("x")
    info.pax_headers = {"path": "evil\0.wav"}
    with pytest.raises(InputError, match=r"member 'evil\\x00\.wav' has a NUL character"):
        unpacked(tmp_path, tarred(songs, extra=[info]), songs)
    body = zipped(songs | {"evil_.wav": b""}).replace(b"evil_.wav", b"evil\0.wav")
    with pytest.raises(InputError, match=r"member 'evil\\x00\.wav' has a NUL character"):
        unpacked(tmp_path, body, songs)
    assert not files_below(tmp_path / "out")


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("extra", [*map(zipfile.ZipInfo, PATHS), *MODED], ids=lambda info: ascii(info.filename))
def test_a_zip_with_one_harmful_member_is_refused_as_a_whole(songs, tmp_path, extra):
    why = PATHS.get(extra.filename) or ("link" if extra.filename == "l" else "special file")
    with pytest.raises(InputError, match=why) as refusal:
        unpacked(tmp_path, zipped(songs, extra=[extra]), songs)
    assert ascii(extra.filename) in str(refusal.value)
    assert not files_below(tmp_path / "out")


@pytest.mark.parametrize("make", [tarred, zipped])
def test_too_many_members_or_bytes_are_refused(songs, tmp_path, monkeypatch, make):
    many = songs | {f"junk/{number}": b"" for number in range(60)}
    bomb = songs | {"zeros": bytes(8 << 20)}
    assert unpacked(tmp_path, make(many), songs) == unpacked(tmp_path, make(bomb), songs) == songs
    monkeypatch.setattr(unpack, "_UNPACKED_FLOOR", 1 << 20)
    with pytest.raises(InputError, match=r"'zeros' raises the unpacked size to more than"):
        unpacked(tmp_path, make(bomb), songs)
    monkeypatch.setattr(unpack, "_MOST_MEMBERS", 50)
    with pytest.raises(InputError, match=r"'junk/42' is one of more than 50"):
        unpacked(tmp_path, make(many), songs)


def test_headers_that_would_fill_the_memory_are_refused(songs, tmp_path, monkeypatch):
    info = tarfile.TarInfo("x")
    info.pax_headers = {"comment": "x" * (1 << 20)}
    with pytest.raises(InputError, match="a header of 1,0"):
        unpacked(tmp_path, tarred(songs, extra=[info]), songs)
    monkeypatch.setattr(unpack, "_ZIP_DIRECTORY", 400)
    with pytest.raises(InputError, match="a list of members of"):
        unpacked(tmp_path, zipped(songs), songs)


def altered(body: bytes, name: str, local: int, central: int, form: str, value: int) -> bytes:
    """Return a zip with another number in both headers of a member."""
    changed = bytearray(body)
    for signature, length, at in ((b"PK\3\4", 30, local), (b"PK\1\2", 46, central)):
        header = next(
            hit.start()
            for hit in re.finditer(re.escape(signature), body)
            if body[hit.start() + length :].startswith(name.encode())
        )
        struct.pack_into(form, changed, header + at, value)
    return bytes(changed)


@pytest.mark.parametrize("stated", [1000, 31 << 20])
def test_a_member_whose_size_differs_from_its_header_is_not_kept(tmp_path, stated):
    body = altered(zipped({"a.wav": bytes(30 << 20)}), "a.wav", 22, 24, "<I", stated)
    with pytest.raises(InputError, match="damaged"):
        unpacked(tmp_path, body, {"a.wav"})
    assert not files_below(tmp_path / "out")


def test_encrypted_members_and_unsupported_methods_are_named(songs, tmp_path):
    name = next(iter(songs))
    with pytest.raises(InputError, match=f"'{name}' is encrypted"):
        unpacked(tmp_path, altered(zipped(songs), name, 6, 8, "<H", 1), songs)
    with pytest.raises(InputError, match=f"'{name}' has compression method 9, which"):
        unpacked(tmp_path, altered(zipped(songs), name, 8, 10, "<H", 9), songs)


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz", "zip"])
def test_incomplete_and_corrupt_archives_are_reported(songs, tmp_path, mode):
    body = zipped(songs, zipfile.ZIP_STORED) if mode == "zip" else tarred(songs, mode)
    whole = unpacked(tmp_path / "whole", body, songs)
    for share in (0.2, 0.5, 0.9):
        cut = body[: round(share * len(body))]
        with pytest.raises(InputError, match=r"incomplete or damaged|neither a tar nor a zip"):
            unpacked(tmp_path / f"{share}", cut, songs)
        left = files_below(tmp_path / f"{share}" / "out")
        assert all(whole[name.removeprefix("audio/")] == content for name, content in left.items())
    at = body.index(b"genres", 50_000) if mode == "w" else 50_000  # a tar has checksums of its headers only
    for name, damaged in {"flipped": body[:at] + b"\xff" * 500 + body[at + 500 :], "at a header": body[:at]}.items():
        with pytest.raises(InputError, match=r"incomplete or damaged|neither a tar nor a zip"):
            unpacked(tmp_path / name, damaged, songs)
    with pytest.raises(InputError, match="neither a tar nor a zip archive"):
        unpacked(tmp_path / "text", b"<html>Please log in</html>" * 100, songs)


def test_tracks_arrive_the_archive_is_removed_and_nothing_is_downloaded_twice(songs, server, tmp_path):
    body = tarred(songs)
    dataset = data_set(server, "genres.tar.gz", body)
    state = fetch(dataset, songs, tmp_path)
    entry = dataset["source"]["archives"][0]
    assert state == {"archives": [{**entry, "bytes": len(body), "tracks": len(songs)}], "lacking": [], "code": ""}
    assert files_below(tmp_path / "audio") == songs
    assert [path.suffix for path in (tmp_path / "archives").iterdir()] == [".json"]
    archives._own(entry, tmp_path / "archives").write_bytes(body)  # left by a run that was killed before it removed it
    fewer = list(songs)[1:]
    assert fetch(dataset, songs, tmp_path) == state and fetch(dataset, fewer, tmp_path)["lacking"] == []
    assert server.asked == [("genres.tar.gz", 0)]
    assert [path.suffix for path in (tmp_path / "archives").iterdir()] == [".json"]


def test_a_changed_entry_or_path_is_another_job_but_a_changed_label_is_not(songs, server):
    dataset, tracks = data_set(server, "a.zip", b"a"), tracks_of(songs)
    before = wanted_digest(dataset, tracks)
    assert before == wanted_digest(dataset, [Track(track.track_id, "other", path=track.path) for track in tracks])
    assert before != wanted_digest(dataset, tracks[1:])
    assert before != wanted_digest(data_set(server, "a.zip", b"b"), tracks)
    assert before != wanted_digest(dataset, [*tracks[1:], Track("x", "blues", path=tracks[0].path, fault="corrupt")])


def test_two_archives_are_combined_and_the_first_counts(songs, server, tmp_path):
    names = list(songs)
    first, second = ({name: songs[name] for name in part} for part in (names[:5], names[5:]))
    dataset = data_set(server, "1.zip", zipped(first))
    dataset["source"]["archives"] += data_set(server, "2.tar.gz", tarred(second | {names[0]: b"other"}))["source"][
        "archives"
    ]
    assert [entry["tracks"] for entry in fetch(dataset, songs, tmp_path)["archives"]] == [5, 3]
    assert files_below(tmp_path / "audio") == songs


def outcome(members, folder: Path) -> dict[str, str]:
    source = {"name": "mini", "source": {"type": "archive"}}
    record, options = folder / "0.json", {"mirror": None, "cookies": None, "access": "", "attempt": 1}
    acquire_shard(tracks_of(members), source, folder=folder / "audio", record=record, **options)
    return {name: row["reason"] for name, row in read_json(record)["tracks"].items()}


def test_a_track_that_is_not_in_the_archive_fails_with_a_reason(songs, server, tmp_path, capsys):
    members = [*songs, "genres/pop/pop.00000.wav"]
    state = fetch(data_set(server, "genres.tar.gz", tarred(songs)), members, tmp_path)
    assert (
        state["lacking"] == members[-1:]
        and "1 of 9 tracks are not in the archives: genres/pop/pop" in capsys.readouterr().err
    )
    reasons = outcome(members, tmp_path)
    assert reasons.pop("pop.00000") == "failed: genres/pop/pop.00000.wav is not in the archives"
    assert set(reasons.values()) == {""}


def test_a_deleted_file_is_reported_and_restored(songs, server, tmp_path):
    dataset = data_set(server, "genres.tar.gz", tarred(songs))
    fetch(dataset, songs, tmp_path)
    (tmp_path / "audio" / "genres/blues/blues.00002.wav").write_bytes(b"cut off")
    fetch(dataset, songs, tmp_path)
    assert files_below(tmp_path / "audio") == songs
    (tmp_path / "audio" / "genres/blues/blues.00001.wav").unlink()
    assert "was removed; restore it with --forcerun fetch_archives" in outcome(songs, tmp_path)["blues.00001"]
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "audio").rglob("*.wav")}
    fetch(dataset, songs, tmp_path)
    assert files_below(tmp_path / "audio") == songs
    assert all(path.stat().st_mtime_ns == written for path, written in kept.items())


def test_wrong_paths_in_a_sheet_are_reported_with_real_ones_and_cost_no_second_download(songs, server, tmp_path):
    dataset = data_set(server, "genres.tar.gz", tarred(songs | {"genres/._x.wav": b""}))
    with pytest.raises(
        InputError, match=r"none of the 1 paths .*'blues/b\.wav'. The archives contain 'genres/blues/blues\.0000"
    ):
        fetch(dataset, ["blues/b.wav"], tmp_path)
    fetch(dataset, songs, tmp_path)
    assert len(server.asked) == 1 and files_below(tmp_path / "audio") == songs


def test_an_archive_on_a_mirror_is_checked_and_used_in_place(songs, server, tmp_path):
    body = zipped(songs)
    dataset = data_set(server, "fma_small.zip", body)
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    (mirror / "fma_small.zip").write_bytes(body)
    fetch(dataset, songs, tmp_path / "raw", mirror)
    assert (
        not server.asked
        and files_below(mirror) == {"fma_small.zip": body}
        and files_below(tmp_path / "raw/audio") == songs
    )
    (mirror / "fma_small.zip").write_bytes(b"rotten")
    fetch(dataset, songs, tmp_path / "again", mirror)
    assert len(server.asked) == 1 and files_below(tmp_path / "again/audio") == songs
    server.bodies.clear()
    with pytest.raises(InputError, match=r"gone: .* answers 404; mirror: wrong sha256: .*fma_small.*mirror=FOLDER"):
        fetch(dataset, songs, tmp_path / "never", mirror)


def test_a_download_that_is_cut_often_completes_as_long_as_it_makes_headway(server, tmp_path, monkeypatch):
    members = {"a.wav": bytes(range(256)) * 4000}
    monkeypatch.setattr(download, "_HEADWAY", 100_000)
    server.limit = 100_000
    fetch(data_set(server, "a.tar", tarred(members, "w")), members, tmp_path)
    assert len(server.asked) > 4 and files_below(tmp_path / "audio") == members


def test_a_complete_download_of_a_killed_run_is_not_repeated(songs, server, tmp_path):
    body = tarred(songs)
    dataset = data_set(server, "genres.tar.gz", body)
    own = archives._own(dataset["source"]["archives"][0], tmp_path / "archives")
    own.parent.mkdir()
    own.with_name(f".{own.name}.part").write_bytes(body)
    fetch(dataset, songs, tmp_path)
    assert server.asked == [("genres.tar.gz", len(body))] and files_below(tmp_path / "audio") == songs


def test_too_little_disk_space_is_reported_before_the_download(songs, server, tmp_path):
    server.length = 1 << 60
    with pytest.raises(InputError, match=r"the rest of a\.zip needs .* MiB in .* MiB are free. Free .* MiB more"):
        fetch(data_set(server, "a.zip", zipped(songs)), songs, tmp_path)


FETCH = """
import sys, json, pathlib
from songwise.acquire.archives import fetch_archives
from songwise.errors import InputError
from songwise.datasets.track import Track
dataset, members, folder = json.loads(sys.argv[1]), json.loads(sys.argv[2]), pathlib.Path(sys.argv[3])
tracks = [Track(name, "x", path=name) for name in members]
try:
    fetch_archives(dataset, tracks, folder=folder, mirror=None, state=folder / "archives.json")
except InputError as error:
    sys.exit(str(error))
"""


def command(dataset: dict, members, folder: Path) -> list[str]:
    return [sys.executable, "-c", FETCH, json.dumps(dataset), json.dumps(list(members)), str(folder)]


def killed_when(condition, words: list[str]) -> None:
    process = subprocess.Popen(words)
    try:
        until = time.monotonic() + 20
        while not condition() and process.poll() is None and time.monotonic() < until:
            time.sleep(0.002)
        assert process.poll() is None and condition(), "the process must be killed before it ends"
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


@pytest.mark.parametrize("make", [tarred, zipped])
def test_after_kill_9_in_download_and_in_unpacking_the_same_command_completes(server, tmp_path, make):
    dice = random.Random(0)
    members = {f"fma_small/000/{number:06d}.mp3": dice.randbytes(60_000) for number in range(300)}
    body = make(members)
    dataset = data_set(server, "fma_small", body)
    words = command(dataset, members, tmp_path)
    server.pause = 0.02
    own = archives._own(dataset["source"]["archives"][0], tmp_path / "archives")
    part = own.with_name(f".{own.name}.part")
    killed_when(lambda: part.is_file() and part.stat().st_size > 1 << 20, words)
    server.pause = 0
    arrived = part.stat().st_size
    out = tmp_path / "audio" / "fma_small/000"
    killed_when(lambda: out.is_dir() and len(list(out.iterdir())) > 10, words)
    assert server.asked == [("fma_small", 0), ("fma_small", arrived)]
    written = {path: path.stat().st_mtime_ns for path in out.iterdir()}
    assert len(written) < len(members) and not (tmp_path / "archives.json").exists()
    subprocess.run(words, check=True)
    assert len(server.asked) == 2 and files_below(tmp_path / "audio") == members
    assert all(path.stat().st_mtime_ns == then for path, then in written.items())


@pytest.mark.parametrize("make", [tarred, zipped])
def test_a_full_disk_is_reported_and_leaves_no_partial_file(songs, server, tmp_path, make):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["unshare", "-rm", "sh", "-c", f'mount -t tmpfs -o size=1200k tmpfs {disk} && "$@"; ls -lA {disk}/*', "sh"]
    if subprocess.run([*mount, "true"], capture_output=True).returncode > 2:
        pytest.skip("this machine does not allow mounting a tmpfs")
    members = {f"{number}.wav": bytes(400_000) for number in range(6)}
    done = subprocess.run(
        [*mount, *command(data_set(server, "a", make(members)), members, disk / "raw")], capture_output=True, text=True
    )
    message = (
        r"the content of \w+-a needs" if make is zipped else r"cannot write '\d\.wav': the disk is full \(.*/raw/audio"
    )
    assert re.search(message, done.stderr) and "Traceback" not in done.stderr
    sizes = re.findall(r"(\d+) \S+ +\d+ \S+ \d+\.wav", done.stdout)
    assert set(sizes) <= {"400000"} and ".part" not in done.stdout


def test_progress_shows_mebibytes_and_the_time_left(monkeypatch, capsys):
    monkeypatch.setattr(runtime_progress, "_EVERY_SECONDS", 0)
    progress = runtime_progress.ByteProgress("downloading a.zip")
    progress.reach(100 << 20, 200 << 20)
    progress._start -= 10
    progress.reach(150 << 20, 200 << 20)
    progress.reach(160 << 20, None)
    lines = capsys.readouterr().err.splitlines()
    assert lines[1:] == ["downloading a.zip: 150 of 200 MiB, about 10 s left", "downloading a.zip: 160 MiB"]


@pytest.mark.skipif(not SHARED.is_dir(), reason="the lists of the split are missing")
def test_gtzan_has_its_published_split_without_the_corrupt_track(tmp_path, monkeypatch):
    settings = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    settings |= yaml.safe_load((ROOT / "config/recipes/kelly.yaml").read_text())
    plan = load_plan(settings, ROOT)
    assert plan.dataset["name"] == "gtzan" and plan.dataset["clip"]["seconds"] == 6
    (tmp_path / "workflow").symlink_to(ROOT / "workflow")
    for role, path in prepared_lists(plan.dataset, plan.dataset_path.parent, tmp_path).items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes((SHARED / f"{role}_filtered.txt").read_bytes())
        listed = plan.dataset["source"]["lists"][role]
        assert listed["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
        assert listed["bytes"] == path.stat().st_size
    tracks = read_tracks(plan.dataset, plan.dataset_path, tmp_path)
    roles = [track.role for track in tracks if not track.fault]
    assert [roles.count(role) for role in ("train", "valid", "test")] == [442, 197, 290]
    assert [track.track_id for track in tracks if track.fault] == ["jazz.00054"]
    assert len(archives.members_wanted(tracks)) == 929
    protocols = choose(plan.settings, plan.dataset["split"], tracks, plan.dataset_path)
    assert protocols[0] == "train-valid-test" and "random-clips" in protocols


@pytest.mark.workflow
def test_a_mini_gtzan_reaches_its_shards_and_complete_files_are_left_alone(songs, server, tmp_path):
    dataset = data_set(server, "genres.tar.gz", tarred(songs))
    lists = {"train": [n for n in songs if "00003" not in n], "test": [n for n in songs if "00003" in n]}
    for role, names in lists.items():
        text = "".join(f"{name.removeprefix('genres/')}\n" for name in names).encode()
        served = data_set(server, f"{role}_filtered.txt", text)["source"]["archives"][0]
        dataset["source"].setdefault("lists", {})[role] = served
    dataset["source"] |= {"tracks": "mini.tracks.csv", "faults": {"jazz.00001": "the file is corrupt"}}
    folder = copy_project(tmp_path / "project")
    dataset |= {"shards": 1, "split": {"protocol": "train-valid-test"}}
    (folder / "mini.yaml").write_text(yaml.safe_dump(dataset))
    rows = [f"{track.track_id},{track.label},{track.path}" for track in tracks_of(songs)]
    (folder / "mini.tracks.csv").write_text("\n".join(["track_id,label,path", *rows]) + "\n")
    words = ("--cores", "1", "--config", "dataset=mini.yaml", "--", "data/raw/mini/shards/0.json")
    done = snakemake(folder, *words)
    assert done.returncode == 0, done.stdout
    statuses = {name: row["status"] for name, row in read_json(folder / words[-1])["tracks"].items()}
    assert statuses.pop("jazz.00001") == "quarantined" and set(statuses.values()) == {"ok"} and len(statuses) == 7
    assert files_below(folder / "data/raw/mini/audio") == {n: b for n, b in songs.items() if "jazz.00001" not in n}
    assert "Nothing to be done" in snakemake(folder, *words).stdout
    dataset["source"]["faults"]["jazz.00002"] = "the file is corrupt, too"
    (folder / "mini.yaml").write_text(yaml.safe_dump(dataset))
    done = snakemake(folder, *words)
    assert done.returncode == 0 and "fetch_archives" in done.stdout, done.stdout
    assert read_json(folder / words[-1])["tracks"]["jazz.00002"]["status"] == "quarantined"
    assert sum(name == "genres.tar.gz" for name, _ in server.asked) == 1
