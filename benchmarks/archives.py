"""Compare the time that songwise, tar and unzip take to unpack the same archives.

    python benchmarks/archives.py [--tracks 230] [--rounds 5]

It builds three archives in a temporary folder: a tar.gz like GTZAN's (WAV files of 30 s at 22,050 Hz, 1.3 MB each) and
two zips like FMA's (incompressible files of 1 MB, stored and deflated). In each round, songwise and the other programs
unpack each archive once into an empty folder. It prints medians of wall time in seconds, and the speed of songwise as a
percentage of the other program's speed.
"""

import argparse
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
import wave
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from songwise.acquire.unpack import unpack

RATE, SECONDS = 22_050, 30
MP3_BYTES = 1 << 20


def main(words: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tracks", type=int, default=230)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args(words)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        print("| archive | MiB | songwise, s | other | other, s | speed |\n|---|---|---|---|---|---|")
        compare(*gtzan_like(root, options.tracks), {"tar xzf": ["tar", "xzf"]}, options.rounds)
        others = {"unzip": ["unzip", "-q"], "python -m zipfile": [sys.executable, "-m", "zipfile", "-e"]}
        for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            compare(*fma_like(root, options.tracks, method), others, options.rounds)


def gtzan_like(root: Path, tracks: int) -> tuple[Path, set[str]]:
    """Write an archive of noise with a falling spectrum, which gzip compresses about as well as music."""
    dice = np.random.default_rng(0)
    archive, names = root / "genres.tar.gz", set()
    with tarfile.open(archive, "w:gz", compresslevel=6) as tar:
        for number in range(tracks):
            name = f"genres/genre{number % 10}/genre{number % 10}.{number // 10:05d}.wav"
            path = root / "track.wav"
            noise = np.cumsum(dice.normal(size=RATE * SECONDS)) - np.cumsum(dice.normal(size=RATE * SECONDS))
            samples = np.diff(noise, prepend=0) * 2000 + 2000 * np.sin(np.arange(len(noise)) / 30)
            with wave.open(str(path), "wb") as stream:
                stream.setparams((1, 2, RATE, 0, "NONE", ""))
                stream.writeframes(samples.astype("<i2").tobytes())
            tar.add(path, name)
            names.add(name)
    return archive, names


def fma_like(root: Path, tracks: int, method: int) -> tuple[Path, set[str]]:
    """Write an archive of random bytes, which do not compress, as MP3 files."""
    dice = np.random.default_rng(0)
    archive = root / f"fma_{'stored' if method == zipfile.ZIP_STORED else 'deflated'}.zip"
    names = {f"fma_small/{number // 1000:03d}/{number:06d}.mp3" for number in range(tracks)}
    with zipfile.ZipFile(archive, "w", method) as zipped:
        for name in sorted(names):
            zipped.writestr(name, dice.bytes(MP3_BYTES))
    return archive, names


def compare(archive: Path, names: set[str], others: dict[str, list[str]], rounds: int) -> None:
    """Print one row per other program."""
    ways: dict[str, Callable[[Path], object]] = {"songwise": lambda folder: unpack(archive, names, folder)}
    for other, command in others.items():
        into = ["-C"] if command[0] == "tar" else ["-d"] if command[0] == "unzip" else []
        ways[other] = lambda folder, command=command, into=into: subprocess.run(
            [*command, str(archive), *into, str(folder)], check=True
        )
    seconds = {way: [] for way in ways}
    for _ in range(rounds):
        for way, run in ways.items():
            folder = archive.parent / "out"
            folder.mkdir()
            start = time.perf_counter()
            run(folder)
            seconds[way].append(time.perf_counter() - start)
            unpacked = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
            if unpacked != names:
                sys.exit(f"benchmarks/archives.py: {way} did not unpack exactly the files of the archive")
            shutil.rmtree(folder)
    medians = {way: statistics.median(times) for way, times in seconds.items()}
    for other in others:
        ratio = medians[other] / medians["songwise"]
        what = f"{archive.name} | {archive.stat().st_size / 2**20:.0f}"
        print(f"| {what} | {medians['songwise']:.2f} | {other} | {medians[other]:.2f} | {ratio:.0%} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
