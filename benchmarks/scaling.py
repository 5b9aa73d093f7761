"""Measure extraction in the workflow, from audio files to feature tables, on one core and on all cores.

    python benchmarks/scaling.py --audio FOLDER [--tracks 1000] [--preset all] [--shards 8]

It cuts the audio files below FOLDER into pieces of 30 s (16-bit WAV, 22,050 Hz, mono). If there are too few pieces, it
uses them again, slightly quieter. It makes a data set of them in a fresh clone of the project, and runs Snakemake until
every shard has its table. `Arithmetic` is the time that the features themselves took, from the logs of the jobs. The
overhead of the feature jobs is the rest of their time: process starts, decoding, writing tables. The overhead of the
whole also contains Snakemake and the inspection of every track: decoding, fingerprints, facts of the file. Times and
the memory of the largest process come from Snakemake's benchmark files.
"""

import argparse
import csv
import os
import re
import subprocess
import sys
import tempfile
import time
import wave
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import yaml

ROOT = Path(__file__).parents[1]
RATE, SECONDS = 22_050, 30
SUFFIXES = {".wav", ".flac", ".ogg", ".opus", ".mp3", ".m4a", ".webm"}


def main(words: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--audio", type=Path, required=True, help="folder of audio files")
    parser.add_argument("--tracks", type=int, default=1000)
    parser.add_argument("--preset", default="all")
    parser.add_argument("--shards", type=int, default=8)
    options = parser.parse_args(words)
    cores = os.cpu_count() or 1
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "songwise"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        write_tracks(options.audio, clone / "bench" / "music", options.tracks)
        write_config(clone, options)
        environment = os.environ | {"PYTHONPATH": str(clone / "src")}
        warm = "from songwise.features.extract import warm_up; warm_up()"
        subprocess.run([sys.executable, "-c", warm], cwd=clone, env=environment, check=True)
        print(
            "| cores | wall, s | feature jobs, s | arithmetic, s | overhead of feature jobs | overhead of the whole "
            "| tracks per second | speed-up | largest process, MB |"
        )
        print("|---|---|---|---|---|---|---|---|---|")
        alone = None
        for used in dict.fromkeys((1, cores)):
            wall = run(clone, used, environment)
            alone = alone or wall
            arithmetic = sum(map(logged_seconds, clone.glob("logs/bench/extract_features/*.log")))
            jobs = sum(benchmark(path, "s") for path in clone.glob("benchmarks/out/bench/extract_features/*.tsv"))
            largest = max(benchmark(path, "max_rss") for path in clone.glob("benchmarks/out/bench/**/*.tsv"))
            print(
                f"| {used} | {wall:.1f} | {jobs:.1f} | {arithmetic:.1f} | {1 - arithmetic / jobs:.0%} | "
                f"{1 - arithmetic / used / wall:.0%} | {options.tracks / wall:.1f} | {alone / wall:.2f} | "
                f"{largest:.0f} |",
                flush=True,
            )


def write_tracks(source: Path, folder: Path, count: int) -> None:
    """Write pieces of 30 s, half of them below `folder`/a and half below `folder`/b."""
    pieces: list[np.ndarray] = []
    for path in sorted(path for path in source.rglob("*") if path.suffix.lower() in SUFFIXES):
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", "-i", path]
        command += ["-ac", "1", "-ar", str(RATE), "-f", "s16le", "pipe:1"]
        samples = np.frombuffer(subprocess.run(command, capture_output=True, check=False).stdout, "<i2")
        whole = samples[: len(samples) // (SECONDS * RATE) * SECONDS * RATE].reshape(-1, SECONDS * RATE)
        pieces += [piece for piece in whole if np.abs(piece.astype(np.int32)).max() > 1000]
        if len(pieces) >= count:
            break
    if not pieces:
        sys.exit(f"benchmarks/scaling.py: no audio file below {source} is {SECONDS} s long or more")
    for label in "ab":
        (folder / label).mkdir(parents=True)
    for number in range(count):
        turn, index = divmod(number, len(pieces))
        with wave.open(str(folder / "ab"[number % 2] / f"{number:05d}.wav"), "wb") as stream:
            stream.setnchannels(1)
            stream.setsampwidth(2)
            stream.setframerate(RATE)
            stream.writeframes((pieces[index] * 0.9**turn).astype("<i2").tobytes())


def write_config(clone: Path, options: argparse.Namespace) -> None:
    """Write the files of the data set and of a trivial model."""
    dataset = {"name": "bench", "label": "half", "source": {"type": "folder", "folder": "music"}}
    dataset |= {"shards": options.shards, "clip": {"seconds": SECONDS}, "split": {"folds": 2, "repeats": 1}}
    (clone / "bench" / "bench.yaml").write_text(yaml.safe_dump(dataset))
    model = {"name": "bench", "estimator": "sklearn.dummy.DummyClassifier", "features": [options.preset]}
    (clone / "config" / "models" / "bench.yaml").write_text(yaml.safe_dump(model))


def run(clone: Path, cores: int, environment: dict) -> float:
    """Extract the features of all shards from the audio files, and return the wall time in seconds."""
    for name in ("data", "logs", "benchmarks/out", ".snakemake"):
        subprocess.run(["rm", "-rf", clone / name], check=True)
    command = [sys.executable, "-m", "snakemake", "--cores", str(cores), "--until", "extract_features"]
    command += ["--config", "dataset=bench/bench.yaml", "models=bench"]
    start = time.perf_counter()
    done = subprocess.run(
        command, cwd=clone, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    wall = time.perf_counter() - start
    if done.returncode:
        sys.exit(done.stdout[-3000:])
    return wall


def logged_seconds(log: Path) -> float:
    """Return the seconds of extraction from the log of a job."""
    match = re.search(r"clips, ([\d.]+) s of extraction", log.read_text())
    return float(match[1]) if match else 0.0


def benchmark(table: Path, column: str) -> float:
    """Return the largest value in a column of a benchmark file of Snakemake: s in seconds, max_rss in MB."""
    with table.open(newline="") as stream:
        return max(float(row[column]) for row in csv.DictReader(stream, delimiter="\t") if row[column] != "-")


if __name__ == "__main__":
    main(sys.argv[1:])
