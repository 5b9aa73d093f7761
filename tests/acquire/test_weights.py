"""Weights of networks are fetched once, checked, and kept with their licence; nothing of a wheel is installed."""

import hashlib
import importlib.util
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from songwise.acquire.download import UnavailableError
from songwise.acquire.weights import cached_weights, fetch_weights, networks_cache
from songwise.errors import InputError

BODY = bytes(range(256)) * 600  # two chunks of a download and a bit
WHEEL = "tinynet-0.1.0-py3-none-any.whl"


class Server(ThreadingHTTPServer):
    """Serves files with ranges; `limit` cuts the answers, as a connection that breaks."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.bodies: dict[str, bytes] = {}
        self.asked: list[tuple[str, int]] = []
        self.limit: int | None = None

    def url(self, name: str = "") -> str:
        return f"http://127.0.0.1:{self.server_port}/{name}"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        name, first = self.path[1:], int(self.headers.get("Range", "bytes=0-")[6:-1])
        self.server.asked.append((name, first))
        body = self.server.bodies.get(name)
        if body is None:
            self.send_error(404)
            return
        self.send_response(206 if first else 200)
        self.send_header("Content-Length", str(len(body) - first))
        self.end_headers()
        self.wfile.write(body[first : first + (self.server.limit or len(body))])
        self.close_connection = True

    def log_message(self, *words):
        pass


@pytest.fixture
def server(short_pauses):
    with Server() as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield running
        running.shutdown()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    """An empty cache, and no package index that pip could ask."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name, value in (("PIP_NO_INDEX", "1"), ("PIP_FIND_LINKS", str(tmp_path / "index")), ("PIP_CONFIG_FILE", "")):
        monkeypatch.setenv(name, value)
    (tmp_path / "index").mkdir()
    return networks_cache()


def weights_of(body: bytes, **place) -> dict:
    return {
        "format": "onnx",
        "file": "tiny.onnx",
        "sha256": hashlib.sha256(body).hexdigest(),
        "bytes": len(body),
        "license": "MIT",
        "attribution": "Jane Doe, 2024",
    } | place


def from_url(url: str, body: bytes = BODY, **more) -> dict:
    return {"name": "tiny", "weights": weights_of(body, url=url) | more}


def write_wheel(folder: Path) -> bytes:
    """Write a wheel that pip can download, and return its bytes."""
    folder.mkdir(exist_ok=True)
    facts = "dist-info"
    with zipfile.ZipFile(folder / WHEEL, "w") as wheel:
        wheel.writestr("tinynet/__init__.py", "raise SystemExit('this was imported')\n")
        wheel.writestr("tinynet/weights.bin", BODY)
        needs = "Metadata-Version: 2.1\nName: tinynet\nVersion: 0.1.0\nRequires-Python: <3\nRequires-Dist: nosuch==9\n"
        wheel.writestr(f"tinynet-0.1.0.{facts}/METADATA", needs)
        wheel.writestr(f"tinynet-0.1.0.{facts}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"tinynet-0.1.0.{facts}/RECORD", "")
    return (folder / WHEEL).read_bytes()


def from_wheel(body: bytes, **more) -> dict:
    package = {"name": "tinynet", "version": "0.1.0"}
    return {"name": "tiny", "weights": weights_of(body, package=package, file=WHEEL) | more}


def fetch(network: dict, *places) -> tuple[Path, list[str]]:
    lines = []
    return fetch_weights(network, places, lines.append), lines


def left(cache: Path) -> list[str]:
    """The files that songwise could take for weights."""
    return sorted(path.name for path in cache.glob("[!.]*"))


def test_weights_are_downloaded_once_into_the_cache_of_all_projects(server, cache):
    server.bodies["net.onnx"] = BODY
    network = from_url(server.url("net.onnx"))
    path, lines = fetch(network)
    assert path == cached_weights(network) and path.parent == cache and path.read_bytes() == BODY
    assert path.name == f"{network['weights']['sha256'][:12]}-tiny.onnx"
    assert lines == ["fetching the weights of tiny (0 MB; MIT, Jane Doe, 2024)"]
    assert fetch(network, server.url("mirror")) == (path, [])
    assert server.asked == [("net.onnx", 0)]


def test_the_licence_is_beside_the_weights(server, cache):
    server.bodies["net.onnx"] = BODY
    network = from_url(server.url("net.onnx"))
    path, _ = fetch(network)
    assert (cache / f"{path.name}.license.txt").read_text().splitlines() == [
        "Weights of tiny: tiny.onnx",
        "Licence: MIT",
        "Credit: Jane Doe, 2024",
        f"Source: {server.url('net.onnx')}",
        f"SHA-256: {network['weights']['sha256']}",
    ]
    assert left(cache) == sorted([path.name, f"{path.name}.license.txt"])


def test_a_folder_is_tried_before_the_address_by_the_name_in_a_mirror(server, tmp_path):
    server.bodies["net.onnx"] = BODY
    (tmp_path / "mirror").mkdir()
    (tmp_path / "mirror" / "tiny.onnx").write_bytes(BODY)
    path, _ = fetch(from_url(server.url("net.onnx")), None, str(tmp_path / "mirror"))
    assert path.read_bytes() == BODY and server.asked == []


def test_places_are_tried_in_their_order_and_the_address_last(server, tmp_path):
    server.bodies |= {"second/tiny.onnx": b"another file", "net.onnx": BODY}
    (tmp_path / "empty").mkdir()
    network = from_url(server.url("net.onnx"))
    path, _ = fetch(network, str(tmp_path / "empty"), server.url("first"), server.url("second/"))
    assert path.read_bytes() == BODY
    assert [name for name, _ in server.asked] == ["first/tiny.onnx", "second/tiny.onnx", "net.onnx"]


def test_weights_with_a_wrong_checksum_are_refused_and_not_kept(server, cache, tmp_path):
    server.bodies["net.onnx"] = BODY[:-1] + b"?"
    with pytest.raises(UnavailableError, match=r"^wrong sha256: the content of http\S+net\.onnx does not match the li"):
        fetch(from_url(server.url("net.onnx")))
    (tmp_path / "mirror").mkdir()
    (tmp_path / "mirror" / "tiny.onnx").write_bytes(b"swapped")
    with pytest.raises(UnavailableError, match=r"mirror: wrong sha256: the content of \S+mirror/tiny\.onnx does not"):
        fetch(from_url(server.url("gone.onnx")), str(tmp_path / "mirror"))
    assert left(cache) == []


def test_a_cut_download_is_resumed_where_it_stopped(server):
    server.bodies["net.onnx"], server.limit = BODY, 70_000
    path, _ = fetch(from_url(server.url("net.onnx")))
    assert path.read_bytes() == BODY
    assert server.asked == [("net.onnx", 0), ("net.onnx", 1 << 16), ("net.onnx", 1 << 17)]


def test_a_download_that_another_process_left_is_resumed(server, cache):
    server.bodies["net.onnx"] = BODY
    network = from_url(server.url("net.onnx"))
    cache.mkdir(parents=True)
    (cache / f".{cached_weights(network).name}.part").write_bytes(BODY[:100_000])
    assert fetch(network)[0].read_bytes() == BODY and server.asked == [("net.onnx", 100_000)]
    assert not list(cache.glob(".*.part"))


def test_a_download_that_is_always_cut_is_given_up_and_kept_for_the_next_run(server, cache):
    body = BODY * 4
    server.bodies["net.onnx"], server.limit = body, 1 << 16
    network = from_url(server.url("net.onnx"), body)
    with pytest.raises(UnavailableError, match=r"^failed: 127\.0\.0\.1:\d+: the connection was cut, 4 times$"):
        fetch(network)
    assert left(cache) == []
    server.limit = None
    assert fetch(network)[0].read_bytes() == body and server.asked[-1] == ("net.onnx", 4 << 16)


def test_more_bytes_than_stated_are_not_downloaded(server, cache):
    server.bodies["net.onnx"] = BODY + bytes(1 << 20)
    with pytest.raises(UnavailableError, match=r"^failed: http\S+net\.onnx is larger than 153,600 bytes$"):
        fetch(from_url(server.url("net.onnx")))
    assert left(cache) == []
    assert sum(path.stat().st_size for path in cache.iterdir()) <= len(BODY)


def test_an_address_that_is_gone_and_a_mirror_that_lacks_the_file_are_both_named(server, tmp_path):
    with pytest.raises(UnavailableError) as caught:
        fetch(from_url(server.url("net.onnx")), str(tmp_path))
    host = f"127.0.0.1:{server.server_port}"
    assert str(caught.value) == f"gone: {host} answers 404; mirror: failed: there is no file {tmp_path / 'tiny.onnx'}"


def test_a_corrupt_file_in_the_cache_is_fetched_again(server):
    server.bodies["net.onnx"] = BODY
    network = from_url(server.url("net.onnx"))
    path, _ = fetch(network)
    path.write_bytes(BODY[:1000])
    assert fetch(network)[0].read_bytes() == BODY


def test_a_cache_that_cannot_be_written_is_named(server, cache):
    server.bodies["net.onnx"] = BODY
    cache.parent.parent.mkdir()
    cache.parent.write_text("a file where the folder should be")
    with pytest.raises(InputError, match=rf"^the weights of tiny cannot be written to {cache}: "):
        fetch(from_url(server.url("net.onnx")))


def test_a_wheel_is_downloaded_by_pip_as_a_plain_file(tmp_path, cache):
    body = write_wheel(tmp_path / "index")
    path, _ = fetch(from_wheel(body))
    assert path.read_bytes() == body and path.name.endswith(f"-{WHEEL}")
    assert "Source: package tinynet 0.1.0 of the package index" in (cache / f"{path.name}.license.txt").read_text()
    assert left(cache) == sorted([path.name, f"{path.name}.license.txt"])
    assert importlib.util.find_spec("tinynet") is None, "it was installed"
    (tmp_path / "index" / WHEEL).unlink()
    assert fetch(from_wheel(body)) == (path, [])


def test_a_wheel_in_a_folder_or_mirror_needs_no_pip(server, tmp_path):
    body = write_wheel(tmp_path / "mirror")
    server.bodies[WHEEL] = body
    network = from_wheel(body)
    assert fetch(network, str(tmp_path / "mirror"))[0].read_bytes() == body
    cached_weights(network).unlink()
    assert fetch(network, server.url())[0].read_bytes() == body and server.asked == [(WHEEL, 0)]


def test_pip_is_asked_if_a_mirror_lacks_the_wheel_or_has_another(tmp_path):
    body = write_wheel(tmp_path / "index")
    (tmp_path / "mirror").mkdir()
    (tmp_path / "mirror" / WHEEL).write_bytes(b"swapped")
    assert fetch(from_wheel(body), str(tmp_path / "mirror"), str(tmp_path))[0].read_bytes() == body


def test_if_neither_pip_nor_a_mirror_has_the_wheel_both_reasons_are_given(tmp_path):
    (tmp_path / WHEEL).write_bytes(b"swapped")
    with pytest.raises(UnavailableError, match=rf"^failed: pip download .*; mirror: wrong sha256: .*{WHEEL} does not"):
        fetch(from_wheel(BODY), str(tmp_path))


def test_a_wheel_with_a_wrong_checksum_is_refused(tmp_path, cache):
    write_wheel(tmp_path / "index")
    with pytest.raises(UnavailableError, match=rf"^wrong sha256: the content of \S+{WHEEL} does not match the listed"):
        fetch(from_wheel(BODY))
    assert left(cache) == []


def test_a_wheel_that_pip_cannot_get_is_one_sentence(cache):
    with pytest.raises(UnavailableError) as caught:
        fetch(from_wheel(BODY))
    reason = "ERROR: No matching distribution found for tinynet==0.1.0"
    assert str(caught.value) == f"failed: pip download tinynet==0.1.0: {reason}"
    assert left(cache) == []


def test_pip_never_builds_a_source_distribution(tmp_path):
    """A build executes code of the package."""
    (tmp_path / "index" / "tinynet-0.1.0.tar.gz").write_bytes(b"never read")
    with pytest.raises(UnavailableError, match="No matching distribution found for tinynet"):
        fetch(from_wheel(BODY))


def test_without_pip_the_message_names_it(monkeypatch, tmp_path):
    empty = tmp_path / "python"
    empty.write_text('#!/bin/sh\necho "$0: No module named pip" >&2\nexit 1\n')
    empty.chmod(0o755)
    monkeypatch.setattr("songwise.acquire.weights.sys.executable", str(empty))
    with pytest.raises(UnavailableError, match=r"^failed: pip download tinynet==0\.1\.0: .*No module named pip$"):
        fetch(from_wheel(BODY))


def test_pip_that_hangs_is_stopped(monkeypatch, tmp_path):
    slow = tmp_path / "python"
    slow.write_text("#!/bin/sh\nexec sleep 60\n")
    slow.chmod(0o755)
    monkeypatch.setattr("songwise.acquire.weights.sys.executable", str(slow))
    monkeypatch.setattr("songwise.acquire.weights._PATIENCE", 0.5)
    with pytest.raises(UnavailableError, match=r"^failed: pip download tinynet==0\.1\.0 took more than 0\.5 s$"):
        fetch(from_wheel(BODY))
