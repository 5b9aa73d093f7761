"""Measure what a track costs before its features: inspection, and getting its clips for the features.

    python benchmarks/inspection.py --audio FOLDER [--tracks 12]

It cuts 30 s from audio files below FOLDER, encodes them in each format (44,100 Hz, as many channels as the file has),
and calls what the jobs inspect_tracks and extract_features call. It prints CPU time per track in ms, with that of
ffmpeg and other child processes: CPU time depends less on what else the machine does. `Kept` is the time to get the
clips of a track that inspection kept, `not kept` that of one that is decoded again.
"""

import argparse
import contextlib
import io
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import imageio_ffmpeg
import psutil

from songwise.clips.cut import GoodClips
from songwise.clips.inspect import inspect_shard
from songwise.datasets.track import Track
from songwise.files import write_json

SECONDS = 30
FORMATS = {"wav": (), "flac": ("-sample_fmt", "s16"), "ogg": ("-c:a", "libvorbis"), "mp3": ("-b:a", "128k")}
SUFFIXES = {".wav", ".flac", ".ogg", ".opus", ".mp3", ".m4a", ".webm"}
DATASET = {"name": "bench", "max_seconds": 600}
DATASET |= {"clip": {"seconds": SECONDS, "hop": SECONDS, "start": 0, "stop": None, "min_seconds": 10}}


def main(words: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--audio", type=Path, required=True, help="folder of audio files")
    parser.add_argument("--tracks", type=int, default=12)
    options = parser.parse_args(words)
    print("| format | inspection | clips, kept | clips, not kept |\n|---|---|---|---|")
    for name, settings in FORMATS.items():
        with tempfile.TemporaryDirectory() as folder:
            paths = encode(options.audio, Path(folder), options.tracks, name, settings)
            if not paths:
                sys.exit(f"benchmarks/inspection.py: no audio file below {options.audio}")
            measure(Path(folder), paths[:2])  # compiles, and starts what lives longer than a track
            times = measure(Path(folder), paths)
        print(f"| {name} | " + " | ".join(f"{1000 * seconds / len(paths):.0f}" for seconds in times) + " |", flush=True)


def encode(source: Path, folder: Path, count: int, name: str, settings: tuple[str, ...]) -> list[Path]:
    """Return files of 30 s in one format, of audio files below `source` that are evenly spread."""
    files = sorted(path for path in source.rglob("*") if path.suffix.lower() in SUFFIXES)
    paths = []
    for number, path in enumerate(files[:: max(1, len(files) // count)][:count]):
        target = folder / f"{number}.{name}"
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "fatal", "-nostdin", "-i", path, "-t", str(SECONDS)]
        subprocess.run([*command, "-vn", "-ar", "44100", *settings, target], check=True)
        paths.append(target)
    return paths


def measure(folder: Path, paths: list[Path]) -> tuple[float, float, float]:
    """Return the CPU seconds of inspecting all tracks, of getting their clips, and of getting them without a copy."""
    tracks = [Track(path.stem, "label", path.stem) for path in paths]
    fetched = {path.stem: {"status": "ok", "reason": "", "path": str(path), "sha256": ""} for path in paths}
    write_json(folder / "state.json", {"mirror": None, "tracks": fetched})
    tables = {"state": folder / "state.json", "tracks_csv": folder / "tracks.csv", "clips_csv": folder / "clips.csv"}
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        kept = {"decoded": folder / "decoded"}
        start = cpu_seconds()
        inspect_shard(tracks, DATASET, **tables, fingerprints=folder / "prints.parquet", title="bench", **kept)
        inspected = cpu_seconds()
        list(GoodClips(tracks, DATASET, **tables, **kept))
        read = cpu_seconds()
        list(GoodClips(tracks, DATASET, **tables))
        return inspected - start, read - inspected, cpu_seconds() - read


def cpu_seconds() -> float:
    """Return the CPU time of this process and of its children."""
    living = (child.cpu_times() for child in psutil.Process().children())
    return sum(os.times()[:4]) + sum(times.user + times.system for times in living)


if __name__ == "__main__":
    main(sys.argv[1:])
