"""Measure `songwise serve` with 20 clients at once, for two minutes.

    python benchmarks/serve.py MODEL_FOLDER [--seconds 120] [--clients 20] [--workers N] [--files FOLDER]

MODEL_FOLDER is such as results/NAME/champion. A third of the uploads cannot be used: text, noise, silence, a film, and
files that are truncated, too short, too long or too big. Good files are made by the bundled ffmpeg, 20 s to 4 minutes
long, in five formats; or they are those of FOLDER. First each file is sent alone. Then each answer under load must be
equal to that, to the last digit. The command prints requests per second, waiting times, and the memory of the server
and its workers at the start and at the end. It exits with 1 if an answer is wrong or the memory grows by over 20 %.
"""

import argparse
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import imageio_ffmpeg
import psutil
import requests

FORMATS = ("mp3", "flac", "ogg", "m4a", "wav")
MAX_BYTES = 60 << 20
MOST_GROWTH = 1.2


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, help="such as results/NAME/champion")
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--workers", type=int, default=None)
    parser.add_argument("--files", type=Path, help="folder with songs; default: tones that are made here")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="songwise-benchmark-") as temporary:
        folder = Path(temporary)
        songs = sorted(path for path in arguments.files.rglob("*") if path.is_file()) if arguments.files else []
        files = {path.name: path.read_bytes() for path in songs or build_songs(folder)}
        files |= build_bad(folder)
        print(f"{len(files)} files, {sum(map(len, files.values())) / 2**20:.0f} MiB")
        begun = time.perf_counter()
        process, url = start(arguments.model, arguments.workers)
        try:
            print(f"first answer of /health after {time.perf_counter() - begun:.1f} s")
            return measure(process, url, files, arguments)
        finally:
            process.terminate()
            print(f"exit code after SIGTERM: {process.wait()}")


def start(model: Path, workers: int | None) -> tuple[subprocess.Popen, str]:
    code = (
        "import sys; from pathlib import Path; from songwise.serve.limits import Limits\n"
        "from songwise.serve.server import serve\n"
        f"serve(Path({str(model)!r}), port=0, workers={workers}, limits=Limits(max_bytes={MAX_BYTES}), "
        "say=lambda line: print(line, flush=True))"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    for line in process.stdout:
        if "listening on" in line:
            url = line.split()[2].rstrip("/")
            threading.Thread(target=process.stdout.read, daemon=True).start()
            requests.get(f"{url}/health", timeout=60).raise_for_status()
            return process, url
    raise SystemExit("the server did not start")


def measure(process: subprocess.Popen, url: str, files: dict[str, bytes], arguments: argparse.Namespace) -> int:
    wait_for_workers(url, process)
    alone = {name: ask(url, name, content, "alone")[0] for name, content in files.items()}
    for _ in range(2):  # every worker meets the longest files before memory is compared
        load(url, files, alone, clients=arguments.clients, seconds=5)
    time.sleep(1)
    before = memory(process)
    peak = [before]
    stopped = threading.Event()

    def watch() -> None:
        while not stopped.wait(0.2):
            peak.append(memory(process))

    watcher = threading.Thread(target=watch)
    watcher.start()
    times, wrong, outcomes, refused = load(url, files, alone, clients=arguments.clients, seconds=arguments.seconds)
    stopped.set()
    watcher.join()
    time.sleep(1)
    after = memory(process)
    times.sort()
    print(f"{len(times)} requests in {arguments.seconds:g} s: {len(times) / arguments.seconds:.1f} per second")
    print(f"outcomes: {dict(outcomes.most_common())}; refused for now (429, 503): {refused}")
    print(f"seconds per request: median {times[len(times) // 2]:.2f}, 95 % {times[int(0.95 * len(times))]:.2f}")
    print(f"memory: {before:.0f} MiB at the start, {after:.0f} at the end, {max(peak):.0f} at most (with ffmpeg)")
    print(f"answers that differ from those alone: {len(wrong)} {wrong[:3]}")
    return int(bool(wrong) or after > MOST_GROWTH * before)


def load(url: str, files: dict, alone: dict, *, clients: int, seconds: float):
    times, wrong, outcomes, refused = [], [], Counter(), Counter()
    end = time.monotonic() + seconds

    def run(client: int) -> None:
        choice = random.Random(client)
        while time.monotonic() < end:
            name = choice.choice(sorted(files))
            begun = time.perf_counter()
            answer, retries = ask(url, name, files[name], f"client {client}")
            times.append(time.perf_counter() - begun)
            refused.update(retries)
            outcomes[answer.get("error", {}).get("code", "ok")] += 1
            if answer != alone[name]:
                wrong.append((name, answer if "error" in answer else "another verdict"))

    threads = [threading.Thread(target=run, args=(client,)) for client in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return times, wrong, outcomes, dict(refused)


def ask(url: str, name: str, content: bytes, agent: str) -> tuple[dict, Counter]:
    """Send a file until it is accepted, and return the answer and the refusals before it by status."""
    refused: Counter = Counter()
    while True:
        response = requests.post(
            f"{url}/classify",
            params={"name": name, "similar": 5, "picture": "true"},
            data=content,
            headers={"User-Agent": agent},
            timeout=600,
        )
        if response.status_code not in (429, 503):
            return response.json(), refused
        refused[response.status_code] += 1
        time.sleep(float(response.headers["Retry-After"]))


def wait_for_workers(url: str, process: subprocess.Popen) -> None:
    # One worker listens first; the others load the model meanwhile.
    count = len(psutil.Process(process.pid).children())
    while requests.get(f"{url}/health", timeout=60).json()["workers"] < count:
        time.sleep(0.1)


def memory(process: subprocess.Popen) -> float:
    """Return the memory of the server and of all its children in MiB, shared pages counted once per process."""
    total = 0
    parent = psutil.Process(process.pid)
    for one in (parent, *parent.children(recursive=True)):
        try:
            total += one.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total / 2**20


def build_songs(folder: Path) -> list[Path]:
    paths = []
    for number in range(10):
        path = folder / f"song{number}.{FORMATS[number % len(FORMATS)]}"
        seconds = 20 + 24 * number
        source = f"sine={150 + 90 * number}:r=44100:d={seconds},tremolo={1 + number}:0.5"
        ffmpeg(path, "-f", "lavfi", "-i", source, "-ac", "2")
        paths.append(path)
    return paths


def build_bad(folder: Path) -> dict[str, bytes]:
    tone = ("-f", "lavfi", "-i", "sine=440:r=44100:d=30")
    whole = ffmpeg(folder / "whole.wav", *tone)
    film = ("-f", "lavfi", "-i", "testsrc=d=5:s=64x64", *tone)
    return {
        "text.mp3": b"<!DOCTYPE html><title>404 Not Found</title>" * 1000,
        "noise.mp3": random.Random(0).randbytes(2 << 20),
        "silence.flac": ffmpeg(folder / "silence.flac", "-f", "lavfi", "-i", "anullsrc=r=44100", "-t", "60"),
        "film.mp4": ffmpeg(folder / "film.mp4", *film),
        "half.wav": whole[: len(whole) // 2],
        "short.mp3": ffmpeg(folder / "short.mp3", "-f", "lavfi", "-i", "sine=440:d=0.2"),
        "long.mp3": ffmpeg(folder / "long.mp3", "-f", "lavfi", "-i", "sine=440:r=8000:d=7300", "-b:a", "8k"),
        "big.wav": whole[:44] + bytes(MAX_BYTES + 1),
    }


def ffmpeg(path: Path, *options: str) -> bytes:
    subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", *options, path], check=True)
    return path.read_bytes()


if __name__ == "__main__":
    sys.exit(main())
