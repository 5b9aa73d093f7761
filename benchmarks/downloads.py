"""Compare the download time of songwise with the time of the bare transfer, from a server on this machine.

    python benchmarks/downloads.py [--repeats 5]

A local server offers 100 files of 30 kB and 20 files of 5 MB. It answers at once, or, like a distant server, after 50
ms per answer and per new connection. `acquire_shard` downloads four files at a time and verifies checksums, as in a
run. The bare transfer reads the same files over four persistent connections and discards the bytes. The two take turns.
It prints medians.
"""

import argparse
import hashlib
import http.client
import io
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, redirect_stdout
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from songwise.acquire.shard import acquire_shard
from songwise.datasets.track import Track
from songwise.files import read_json

AT_ONCE = 4  # as in acquire.shard
BODIES = {"30 kB": (100, bytes(range(250)) * 120), "5 MB": (20, bytes(range(250)) * 20_000)}


def main(words: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args(words).repeats
    print("| files | latency, ms | bare transfer, s | songwise, s | overhead, s per track |\n|---|---|---|---|---|")
    for latency in (0.0, 0.05):
        with server(latency) as address:
            for size, (count, _) in BODIES.items():
                pairs = [(seconds(bare, address, size), seconds(acquired, address, size)) for _ in range(repeats)]
                plain, ours = (statistics.median(column) for column in zip(*pairs, strict=True))
                print(
                    f"| {count} of {size} | {latency * 1000:.0f} | {plain:.2f} | {ours:.2f} | "
                    f"{max(0.0, ours - plain) / count:.4f} |",
                    flush=True,
                )


@contextmanager
def server(latency: float) -> Iterator[tuple[str, int]]:
    """Run a server that takes `latency` seconds to accept a connection and to answer, and yield its address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # otherwise each answer waits 40 ms for an acknowledgement

        def setup(self):
            time.sleep(latency)
            super().setup()

        def do_GET(self):
            time.sleep(latency)
            body = next(body for size, (_, body) in BODIES.items() if f"/{size.replace(' ', '-')}/" in self.path)
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield running.server_address
        running.shutdown()


def paths(size: str) -> list[str]:
    """Return the paths of all files of a size on the server."""
    return [f"/{size.replace(' ', '-')}/{number}.ogg" for number in range(BODIES[size][0])]


def bare(address: tuple[str, int], size: str, folder: Path) -> None:
    """Read all files of a size over persistent connections, and discard them."""

    def read(names: list[str]) -> None:
        connection = http.client.HTTPConnection(*address)
        for path in names:
            connection.request("GET", path)
            connection.getresponse().read()
        connection.close()

    names = paths(size)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(read, [names[first::AT_ONCE] for first in range(AT_ONCE)]))


def acquired(address: tuple[str, int], size: str, folder: Path) -> None:
    """Download all files of a size as a run does."""
    digest = hashlib.sha256(BODIES[size][1]).hexdigest()
    tracks = [
        Track(path, "label", path, url=f"http://{address[0]}:{address[1]}{path}", sha256=digest) for path in paths(size)
    ]
    record, dataset = folder / "record.json", {"name": "bench", "source": {"type": "http"}}
    options = {"mirror": None, "cookies": None, "access": "", "attempt": 1}
    with redirect_stdout(io.StringIO()):
        acquire_shard(tracks, dataset, folder=folder / "audio", record=record, **options)
    if any(row["status"] != "ok" for row in read_json(record)["tracks"].values()):
        sys.exit("benchmarks/downloads.py: some files could not be downloaded")


def seconds(fetch: Callable, address: tuple[str, int], size: str) -> float:
    """Return the wall time of a download into a new folder."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        fetch(address, size, Path(folder))
        return time.perf_counter() - start


if __name__ == "__main__":
    main(sys.argv[1:])
