"""Measure the memory of training on more frames than fit into it.

    python benchmarks/deep_memory.py [--gigabytes 6] [--limit 2]

It writes frames of that size, then trains one epoch in a process whose own memory is limited: the kernel refuses it
more, as RLIMIT_DATA counts everything except mapped files. Prints the time, and the peak of own and of mapped memory.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

FRAMES, BANDS = 10_000, 64  # per clip: about 8 minutes, 1.3 MB
GB = 10**9


def write(path: Path, gigabytes: float) -> int:
    from songwise.features.frames import FramesWriter

    matrix = np.random.default_rng(0).normal(size=(BANDS, FRAMES)).astype(np.float32)
    clips = round(gigabytes * GB / (2 * FRAMES * BANDS))
    preset = {"name": "mine", "frames": {"dtype": "float16", "families": {"log_mel": {"n": BANDS}}}}
    with FramesWriter(path, preset) as writer:
        for number in range(clips):
            writer.add(f"{number}@0", {"log_mel": matrix})
    return clips


def train(path: Path, limit: float) -> dict:
    from songwise.models.deep import training  # noqa: F401  (torch is imported before the limit)
    from songwise.models.deep.clip_frames import ClipFrames
    from songwise.models.deep.estimator import DeepClassifier

    resource.setrlimit(resource.RLIMIT_DATA, (int(limit * GB), int(limit * GB)))
    X = ClipFrames.read([path], "log_mel")
    y = np.arange(len(X)) % 4
    part = len(X) * 4 // 5
    start = time.perf_counter()
    network = DeepClassifier(architecture="cnn_compact", epochs=1, crop=128, pool=4, random_state=0, patience=1)
    held_out = slice(part, part + 64)
    network.fit(X[:part], y[:part], X[held_out], y[held_out])
    return {"seconds": round(time.perf_counter() - start, 1), "clips": part} | peaks()


def peaks() -> dict:
    """Return the process's memory in MB: its own now, and the peak with mapped files."""
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines() if ":" in line)
    return {name: int(lines[key].split()[0]) // 1000 for name, key in (("own", "RssAnon"), ("peak", "VmHWM"))}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gigabytes", type=float, default=6, help="of frames to write")
    parser.add_argument("--limit", type=float, default=2, help="gigabytes of own memory")
    parser.add_argument("--folder", type=Path, help="where to write the frames; a temporary folder by default")
    parser.add_argument("--train", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.train:
        print(json.dumps(train(options.train, options.limit)))
        return
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        path = Path(folder) / "0.frames.arrow"
        clips = write(path, options.gigabytes)
        print(f"{clips} clips, {path.stat().st_size / GB:.1f} GB of frames")
        again = [sys.executable, __file__, "--train", str(path), "--limit", str(options.limit)]
        result = json.loads(subprocess.run(again, check=True, capture_output=True, text=True).stdout)
        print(
            f"one epoch over {result['clips']} clips in {result['seconds']} s with at most {options.limit:g} GB of own "
            f"memory: {result['own']} MB at the end; {result['peak']} MB at the peak with pages of the mapped file, "
            "which the kernel takes back if they are needed elsewhere"
        )


if __name__ == "__main__":
    main()
