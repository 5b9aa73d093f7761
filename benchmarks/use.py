"""Measure what it takes to classify new files by a finished run.

    python benchmarks/use.py [MODEL_FOLDER] [--files 1000]

MODEL_FOLDER is such as results/demo/champion, the default. It prints the CPU and wall time of the command's start-up
(one file of 10 s, less the time that a loaded model takes for it), of a song of 4 minutes in four formats with a loaded
model, and of a folder of many files of 30 s on one core and on all. Start-up is the best of 5. `benchmarks/serve.py`
measures requests per second, and `benchmarks/similar.py` the search among 100,000 tracks.
"""

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import imageio_ffmpeg

import songwise

ROOT = Path(__file__).parents[1]
FORMATS = ("wav", "flac", "mp3", "ogg")
TIMES = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", nargs="?", type=Path, default=ROOT / "results/demo/champion")
    parser.add_argument("--files", type=int, default=1000)
    arguments = parser.parse_args()
    folder = arguments.model.resolve()
    with tempfile.TemporaryDirectory(prefix="songwise-use-") as place:
        music = Path(place)
        short = _make(music / "short.wav", 10)
        model = songwise.load(folder)
        model.answer(short)
        print(f"{model.card['model']} of {model.card['dataset']}\n\n| what | wall s | CPU s |\n|---|---|---|")
        _report_start(folder, short, _fastest(lambda: model.answer(short)))
        for suffix in FORMATS:
            song = _make(music / f"song.{suffix}", 240)
            _row(f"a song of 4 minutes, {suffix}, model loaded", *_fastest(lambda song=song: model.answer(song)))
        _report_folder(folder, music, arguments.files)


def _report_start(folder: Path, short: Path, answered: tuple[float, float]) -> None:
    wall, cpu = _fastest(lambda: _classify(folder, short))
    _row("start-up of `songwise classify`", wall - answered[0], cpu - answered[1])


def _report_folder(folder: Path, music: Path, files: int) -> None:
    many = music / "many"
    many.mkdir()
    first = _make(music / "first.mp3", 30)
    for number in range(files):
        shutil.copyfile(first, many / f"{number}.mp3")
    for cores in sorted({1, os.cpu_count() or 1}):
        _row(f"{files:,} files of 30 s, mp3, --cores {cores}", *_measure(lambda n=cores: _classify(folder, many, n)))


def _classify(folder: Path, path: Path, cores: int = 1) -> None:
    command = [sys.executable, "-m", "songwise", "classify", path, "--model", folder, "--csv", "--cores", str(cores)]
    subprocess.run(command, check=True, capture_output=True)


def _fastest(work) -> tuple[float, float]:
    return min(_measure(work) for _ in range(TIMES))


def _measure(work) -> tuple[float, float]:
    start, cpu = time.perf_counter(), _cpu()
    work()
    return time.perf_counter() - start, _cpu() - cpu


def _cpu() -> float:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _row(what: str, wall: float, cpu: float) -> None:
    print(f"| {what} | {wall:.2f} | {cpu:.2f} |", flush=True)


def _make(path: Path, seconds: int) -> Path:
    # Noise: silence or a tone would be too easy to decode.
    source = f"anoisesrc=r=44100:a=0.1:d={seconds},volume=0.7"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", "-f", "lavfi", "-i", source, "-ac", "2", path]
    subprocess.run(command, check=True)
    return path


if __name__ == "__main__":
    main()
