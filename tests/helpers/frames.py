"""Frame files that tests of networks make themselves."""

from pathlib import Path

import numpy as np

from songwise.features.frames import FramesWriter
from songwise.models.deep.clip_frames import ClipFrames


def write_frames(path: Path, matrices: dict[str, np.ndarray], family: str = "log_mel") -> Path:
    """Write clips, each (rows, frames), as one file of frames."""
    rows = len(next(iter(matrices.values())))
    options = {} if family == "waveform" else {"n": rows}
    preset = {"name": "mine", "frames": {"dtype": "float16", "families": {family: options}}}
    with FramesWriter(path, preset) as writer:
        for clip_id, matrix in matrices.items():
            writer.add(clip_id, {family: matrix})
    return path


def easy_clips(
    folder: Path, family: str = "log_mel", n_songs: int = 18, clips: int = 4, frames: int = 40
) -> tuple[ClipFrames, np.ndarray, np.ndarray]:
    """Return clips of three classes, their classes and their songs; a class is a loud band, or a frequency."""
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(n_songs) % 3, clips)
    groups = np.repeat([f"song-{number:02d}" for number in range(n_songs)], clips)
    matrices = {}
    for number, (label, song) in enumerate(zip(y, groups, strict=True)):
        if family == "waveform":
            t = np.arange(50 * frames)
            matrix = np.sin(2 * np.pi * t * (0.02, 0.08, 0.2)[label] + rng.uniform(0, 6))[None, :] * 0.3
            matrix = matrix + 0.05 * rng.normal(size=matrix.shape)
        else:
            matrix = -60 + 5 * rng.normal(size=(16, frames))
            matrix[5 * label : 5 * label + 5] += 15
        matrices[f"{song}@{number % clips}000"] = matrix
    X = ClipFrames.read([write_frames(folder / f"{family}.frames.arrow", matrices, family)], family)
    return X, y, groups
