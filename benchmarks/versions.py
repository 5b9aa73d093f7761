"""Compare the features of two checkouts of songwise: CPU time per clip, and equality of the numbers.

    git worktree add ../before main
    python benchmarks/versions.py ../before --audio FOLDER [--clips 12] [--presets jlaoo26 all]

Each checkout has a process of its own with one thread. They take turns clip by clip. It prints a Markdown table with
medians over clips. `Ratio` is the median over clips of this checkout's CPU time divided by the other's. Differences are
|difference| / (|value| + the column's standard deviation).
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

os.environ.update({f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "NUMBA")})

import numpy as np

ROOT = Path(__file__).parents[1]
PRESETS = ["jlaoo26", "mfcccov", "kaggle57", "fma518", "kelly", "capstone", "all"]
ROUNDS = 3  # the first is not measured


def main(words: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("other", type=Path, help="folder of the other checkout")
    parser.add_argument("--audio", type=Path, required=True, help="folder of audio files, cut to 30 s")
    parser.add_argument("--clips", type=int, default=12)
    parser.add_argument("--presets", nargs="*", default=PRESETS)
    options = parser.parse_args(words)
    from extraction import real_clips

    clips = real_clips(options.audio, options.clips)
    checkouts = [start(options.other.resolve()), start(ROOT)]
    print("| preset | other, ms | this, ms | ratio | equal numbers | largest difference |\n|---|---|---|---|---|---|")
    for preset in options.presets:
        answers = [[[ask(child, preset, clip) for child in checkouts] for clip in clips] for _ in range(ROUNDS)]
        times = np.array([[[answer["cpu"] for answer in pair] for pair in turn] for turn in answers[1:]])
        values = np.array([[answer["values"] for answer in pair] for pair in answers[-1]])
        theirs, ours = values[:, 0], values[:, 1]
        scale = np.abs(theirs) + theirs.std(axis=0)
        difference = np.divide(np.abs(ours - theirs), scale, out=np.zeros_like(scale), where=scale > 0)
        other, this = 1000 * np.median(times, axis=(0, 1))
        ratio = np.median(times[..., 1] / times[..., 0])
        equal, largest = np.mean(ours == theirs), difference.max()
        print(f"| {preset} | {other:.0f} | {this:.0f} | {ratio:.2f} | {equal:.1%} | {largest:.1e} |", flush=True)


def start(checkout: Path) -> subprocess.Popen:
    """Start a process that imports songwise from a checkout, and wait until its functions are compiled."""
    environment = os.environ | {"PYTHONPATH": str(checkout / "src")}
    command = [sys.executable, __file__, "--answer"]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
    child.stdout.readline()
    return child


def ask(child: subprocess.Popen, preset: str, clip: Path) -> dict:
    """Return the CPU seconds and the numbers of a clip."""
    print(json.dumps([preset, str(clip)]), file=child.stdin, flush=True)
    return json.loads(child.stdout.readline())


def answer() -> None:
    """Compute the features of the clips that are named on stdin."""
    from songwise.features.extract import Extractor, warm_up  # isort: skip  (sets numba's cache)

    from songwise.audio.decode import decode, samples_of
    from songwise.features.preset_files import load_preset

    warm_up()
    print("ready", flush=True)
    extractors: dict[str, Extractor] = {}
    for line in sys.stdin:
        preset, clip = json.loads(line)
        if preset not in extractors:
            extractors[preset] = Extractor([load_preset(preset, ROOT)])
        samples = samples_of(decode(Path(clip), max_seconds=60).segment)
        begun = time.thread_time()
        numbers, _ = extractors[preset](*samples)
        cpu = time.thread_time() - begun
        print(json.dumps({"cpu": cpu, "values": numbers[preset].astype(np.float32).tolist()}), flush=True)


if __name__ == "__main__":
    if sys.argv[1:] == ["--answer"]:
        answer()
    else:
        main(sys.argv[1:])
