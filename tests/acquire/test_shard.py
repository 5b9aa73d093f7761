"""Downloads over real HTTP on loopback: resumed, checked, retried; a dead link is a row with a reason."""

import hashlib
import socket
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest

from songwise.acquire import session
from songwise.acquire.record import access_key, read_record
from songwise.acquire.shard import acquire_shard
from songwise.datasets.track import Track
from songwise.files import read_json, safe_name, write_json

BODY = bytes(range(256)) * 2000
SHA256 = hashlib.sha256(BODY).hexdigest()


class Handler(BaseHTTPRequestHandler):
    asked: ClassVar[Counter] = Counter()
    ranges: ClassVar[list] = []
    times: ClassVar[list] = []

    def do_GET(self):
        name = self.path.rsplit("/", 1)[1].partition(".")[0]
        self.asked[name] += 1
        self.times.append(time.monotonic())
        first = int(self.headers.get("Range", "bytes=0-")[6:-1])
        if "Range" in self.headers:
            self.ranges.append((name, first))
        if name.isdigit():
            self.send_error(int(name))
        elif name == "busy" and self.asked[name] < 3:
            self.send_error(503)
        elif name == "limited" and self.asked[name] == 1:
            self.reply(429, b"", retry_after=1)
        elif name == "mute" and self.asked[name] == 1:
            self.close_connection = True  # without an answer
        elif name == "stub":
            self.reply(200, BODY, sent=len(BODY) // 3)
        elif name == "nopart":
            self.reply(416, b"")
        elif name == "cut" and self.asked[name] == 1:
            self.reply(200, BODY, sent=len(BODY) // 3)
        elif first and name != "whole":
            self.reply(206, BODY[first:])
        else:
            self.reply(200, BODY)

    def reply(self, status, body, sent=None, retry_after=None):
        self.send_response(status)
        if retry_after is not None:
            self.send_header("Retry-After", str(retry_after))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[:sent])
        self.close_connection = True

    def log_message(self, *words):
        pass


@pytest.fixture
def server(short_pauses):
    Handler.asked, Handler.ranges, Handler.times = Counter(), [], []
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


def fetch(tmp_path, tracks, mirror=None):
    dataset = {"name": "test", "source": {"type": "http"}}
    record = tmp_path / "record.json"
    options = {"mirror": mirror, "cookies": None, "access": access_key({"mirror": mirror}), "attempt": 1}
    acquire_shard(tracks, dataset, folder=tmp_path / "audio", record=record, **options)
    return read_json(record)["tracks"]


def track(server, name, sha256=SHA256, **fields):
    return Track(name, "label", name, url=f"{server}/{name}.ogg", sha256=sha256, **fields)


def test_each_track_becomes_a_file_or_a_reason(server, tmp_path):
    names = ["good", "404", "410", "403", "500", "busy", "cut"]
    tracks = [track(server, name) for name in names]
    tracks += [
        track(server, "changed", sha256="0" * 64),
        Track("dead", "label", "dead", url="http://127.0.0.1:9/x.ogg"),
    ]
    results = fetch(tmp_path, tracks)
    words = {name: (row["status"], row["reason"].split(":")[0]) for name, row in results.items()}
    assert words == {
        "good": ("ok", ""),
        "busy": ("ok", ""),
        "cut": ("ok", ""),
        "404": ("failed", "gone"),
        "410": ("failed", "gone"),
        "403": ("failed", "failed"),
        "500": ("failed", "failed"),
        "changed": ("failed", "wrong sha256"),
        "dead": ("failed", "failed"),
    }
    assert results["500"]["reason"].endswith("answers 500, 4 times") and Handler.asked["500"] == 4
    assert Handler.asked["404"] == Handler.asked["403"] == 1
    assert "refused" in results["dead"]["reason"]
    for name in ("good", "busy", "cut"):
        assert (tmp_path / "audio" / f"{name}.ogg").read_bytes() == BODY
        assert results[name]["sha256"] == SHA256
    assert sorted(path.name for path in (tmp_path / "audio").iterdir()) == ["busy.ogg", "cut.ogg", "good.ogg"]


def test_a_cut_download_is_resumed_where_it_stopped(server, tmp_path):
    fetch(tmp_path, [track(server, "cut")])
    ((name, first),) = Handler.ranges
    assert name == "cut" and 0 < first <= len(BODY) // 3


def test_a_retry_waits_as_long_as_the_server_asks_but_not_for_hours(server, tmp_path):
    assert fetch(tmp_path, [track(server, "limited")])["limited"]["status"] == "ok"
    assert Handler.asked["limited"] == 2 and 0.9 < Handler.times[1] - Handler.times[0] < 5
    retries = session.new_retries()
    assert retries.parse_retry_after("7200") == 60


def test_a_connection_that_closes_without_an_answer_is_tried_again(server, tmp_path):
    assert fetch(tmp_path, [track(server, "mute")])["mute"]["status"] == "ok"
    assert Handler.asked["mute"] == 2


def test_a_body_that_is_always_cut_fails_after_four_attempts(server, tmp_path):
    results = fetch(tmp_path, [track(server, "stub"), track(server, "nopart")])
    host = server.removeprefix("http://")
    assert results["stub"]["reason"] == f"failed: {host}: the connection was cut, 4 times"
    assert results["nopart"]["reason"] == f"failed: {host}: the server does not have this part of the file, 4 times"
    assert Handler.asked == {"stub": 4, "nopart": 4}


def test_an_unknown_host_is_requested_once(tmp_path, monkeypatch):
    lookups = []

    def resolve(host, *words, **options):
        lookups.append(host)
        raise socket.gaierror("Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    began = time.monotonic()
    names = [str(number) for number in range(20)]
    results = fetch(tmp_path, [Track(name, "x", url=f"http://songwise.invalid/{name}.ogg") for name in names])
    assert all("cannot be resolved (is this machine offline?" in row["reason"] for row in results.values())
    assert not any(row["reason"].endswith("times") for row in results.values())
    assert lookups == ["songwise.invalid"] * len(names)
    assert time.monotonic() - began < 6  # the pauses between attempts at a single track would add up to 6 s


def test_a_killed_download_is_resumed_and_a_complete_file_is_not_downloaded_again(server, tmp_path):
    (tmp_path / "audio").mkdir()
    (tmp_path / "audio" / ".half.ogg.part").write_bytes(BODY[:1000])
    (tmp_path / "audio" / ".other.ogg.part").write_bytes(b"of another file")
    (tmp_path / "audio" / ".whole.ogg.part").write_bytes(BODY[:500])  # a server without support for ranges
    names = ["half", "other", "whole"]
    results = fetch(tmp_path, [track(server, name) for name in names])
    assert [results[name]["status"] for name in names] == ["ok"] * 3
    assert ("half", 1000) in Handler.ranges
    assert {(tmp_path / "audio" / f"{name}.ogg").read_bytes() for name in names} == {BODY}
    before = Handler.asked.total()
    fetch(tmp_path, [track(server, name) for name in names])
    assert Handler.asked.total() == before


def test_a_corrupted_file_is_downloaded_again(server, tmp_path):
    fetch(tmp_path, [track(server, "good")])
    (tmp_path / "audio" / "good.ogg").write_bytes(b"rotten")
    assert fetch(tmp_path, [track(server, "good")])["good"]["status"] == "ok"
    assert (tmp_path / "audio" / "good.ogg").read_bytes() == BODY


def test_the_mirror_comes_first_and_must_have_the_same_bytes(server, tmp_path):
    mirror = tmp_path / "mirror"
    (mirror / "sub").mkdir(parents=True)
    (mirror / "sub" / "a.ogg").write_bytes(BODY)
    (mirror / "b.ogg").write_bytes(b"other bytes")
    rows = [
        track(server, "a", path="sub/a.ogg"),
        track(server, "b", path="b.ogg"),
        track(server, "404", path="none.ogg"),
    ]
    results = fetch(tmp_path, rows, mirror=str(mirror))
    assert [results[name]["status"] for name in ("a", "b", "404")] == ["ok", "ok", "failed"]
    assert Handler.asked == {"b": 1, "404": 1}
    assert "gone" in results["404"]["reason"] and "mirror" in results["404"]["reason"]
    assert (
        fetch(tmp_path, [track("http://127.0.0.1:9", "c", path="x/c.ogg")], mirror=f"{server}/base")["c"]["status"]
        == "ok"
    )


def test_another_mirror_or_other_code_is_a_reason_to_try_again_only_if_a_track_failed(server, tmp_path):
    path, former = tmp_path / "record.json", access_key({"mirror": "http://127.0.0.1:9"})
    assert read_record(path).access("new") == "new" != former
    fetch(tmp_path, [track(server, "good")], mirror="http://127.0.0.1:9")
    assert read_record(path).access("new") == former
    fetch(tmp_path, [track(server, "404")], mirror="http://127.0.0.1:9")
    assert read_record(path).access("new") == "new"


def test_a_shard_is_due_again_at_the_time_that_a_track_recorded(tmp_path):
    path = tmp_path / "record.json"
    assert read_record(path).attempt(now=0) == 1 and read_record(path).is_due(now=0)
    write_json(path, {"attempt": 2, "tracks": {"a": {"status": "failed", "again_at": 100.0}, "b": {"status": "ok"}}})
    record = read_record(path)
    assert [(record.attempt(now), record.is_due(now)) for now in (99, 100)] == [(2, False), (3, True)]


def test_a_record_of_an_earlier_version_is_checked_again(tmp_path):
    path = tmp_path / "record.json"
    write_json(path, {"mirror": None, "tracks": {"a": {"status": "ok"}}})
    record = read_record(path)
    assert record.access("new") == "" and record.attempt(now=0) == 1 and not record.is_due(now=0)


def test_a_track_with_a_known_fault_is_quarantined_without_a_download(server, tmp_path):
    results = fetch(tmp_path, [track(server, "good", fault="1.6 s long"), track(server, "404")])
    assert results["good"] == {"status": "quarantined", "reason": "known fault: 1.6 s long", "path": "", "sha256": ""}
    assert results["404"]["status"] == "failed" and not Handler.asked["good"]


def test_a_user_s_own_files_stay_where_they_are(tmp_path):
    path = tmp_path / "mine.wav"
    path.write_bytes(b"audio")
    rows = [Track("mine", "x", path=str(path)), Track("lost", "x", path=str(tmp_path / "lost.wav"))]
    results = fetch(tmp_path, rows)
    assert results["mine"]["path"] == path.as_posix()
    assert results["lost"]["status"] == "failed" and "there is no file" in results["lost"]["reason"]
    assert not (tmp_path / "audio").exists()


def test_any_track_id_gets_a_safe_file_name_of_its_own():
    ids = ["a/b", "a%2Fb", "..", ".hidden", "-rf", "ä" * 150, "ä" * 151, "bts/dna.mp3"]
    names = [safe_name(track_id) for track_id in ids]
    assert len(set(names)) == len(ids)
    assert all("/" not in name and not name.startswith(".") and len(name.encode()) < 200 for name in names)
