"""Measure the shipped networks on one thread: time per 30-s clip and memory.

    python benchmarks/embeddings.py --weights FOLDER             12 clips of 30 s of invented songs
    python benchmarks/embeddings.py --weights FOLDER --quiet     the same clips 120 dB quieter, where denormals are slow

FOLDER contains the files of weights under the names that config/networks gives them. A network without its file is left
out.

Each network runs in a process of its own. It prints a Markdown table. Times are medians over clips in ms of CPU time:
the front end alone, and everything from the samples of the clip (44,100 Hz) to the preset's columns, with resampling.
Memory is the most that the process had, with Python and all libraries.
"""

import argparse
import json
import os
import platform
import resource
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

# Numpy and numba read these variables when they are imported, and the child processes inherit them.
os.environ.update({f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "NUMBA", "VECLIB_MAXIMUM")})

from songwise.features.embedding import Embedder, warm_up  # isort: skip  (sets numba's cache before numba is imported)

import numpy as np

from songwise.features.networks.convert import onnx_of
from songwise.features.networks.front_end import front_end
from songwise.features.preset_files import load_preset

ROOT = Path(__file__).parents[1]
PRESETS = ["efficientat_mn04", "efficientat_mn04_standardised", "musicnn", "musicnn_standardised"]
RATE = 44_100
SECONDS = 30
WARM_UP = 2  # clips
QUIET = 1e-6


def main(words: list[str]) -> None:
    options = _options(words)
    if options.preset:
        print(json.dumps(measure(options.preset, options.weights, options.clips, options.quiet)))
        return
    rows = []
    for name in PRESETS:
        file = load_preset(name, ROOT)["network"]["weights"]["file"]
        if not (options.weights / file).is_file():
            rows.append(f"| {name} | not measured: {options.weights} has no {file} | | | |")
            continue
        command = [sys.executable, __file__, *words, "--preset", name]
        one = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])
        rows.append("| {name} | {columns:,} | {front_end:.0f} | {all:.0f} | {memory:.0f} |".format(name=name, **one))
    kind = ", 120 dB quieter" if options.quiet else ""
    print(f"{options.clips} clips of {SECONDS} s, {RATE:,} Hz mono{kind}; one thread; {platform.machine()};")
    print(f"Python {platform.python_version()}, onnxruntime {version('onnxruntime')}, numpy {np.__version__}")
    print(f"`{shlex.join(['python', 'benchmarks/embeddings.py', *words])}`\n")
    print("| preset | columns | front end, ms per clip | all, ms per clip | memory, MiB |\n|---|---|---|---|---|")
    print("\n".join(rows))


def _options(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, required=True, help="folder of the files of weights")
    parser.add_argument("--clips", type=int, default=12)
    parser.add_argument("--quiet", action="store_true")
    parser.add_argument("--preset", help=argparse.SUPPRESS)
    return parser.parse_args(words)


def measure(name: str, weights: Path, clips: int, quiet: bool) -> dict[str, float]:
    """Return the columns, the times in ms, and the memory in MiB of one preset."""
    preset = load_preset(name, ROOT)
    network = preset["network"]
    with tempfile.TemporaryDirectory() as cache:
        onnx = onnx_of(network, weights / network["weights"]["file"], Path(cache))
        warm_up()
        embedder = Embedder([preset], {network["name"]: onnx})
    prepare = front_end(network)
    times = {"front_end": [], "all": []}
    for number in range(WARM_UP + clips):
        clip = invented_clip(number, RATE) * np.float32(QUIET if quiet else 1)
        at_its_rate = invented_clip(number, network["front_end"]["sample_rate"])
        for key, run in (("front_end", lambda s=at_its_rate: prepare(s)), ("all", lambda s=clip: embedder(s, RATE))):
            start = time.process_time()
            run()
            times[key].append(1000 * (time.process_time() - start))
    medians = {key: statistics.median(values[WARM_UP:]) for key, values in times.items()}
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return medians | {"columns": preset["columns"], "memory": memory}


def invented_clip(number: int, rate: int) -> np.ndarray:
    """Return a clip of decaying chords and noise, float32, shape (n,)."""
    rng = np.random.default_rng(number)
    t = np.arange(SECONDS * rate) / rate
    notes = 110 * 2 ** (rng.integers(0, 36, 4) / 12)
    chord = sum(np.sin(2 * np.pi * note * t) for note in notes) / 10
    return (chord * np.exp(-4 * (t % 0.5)) + 0.01 * rng.normal(size=len(t))).astype(np.float32)


if __name__ == "__main__":
    main(sys.argv[1:])
