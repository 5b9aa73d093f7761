"""Audio that tests make on the spot."""

import subprocess
import wave
from pathlib import Path

import imageio_ffmpeg
import numpy as np

RATE = 22_050


def tone(seconds: float, hertz: float, rate: int = RATE) -> np.ndarray:
    """A quiet sine with two overtones and some noise, float in [-1, 1], shape (n,)."""
    t = np.arange(round(seconds * rate)) / rate
    noise = np.random.default_rng(round(hertz)).normal(size=len(t))
    return 0.2 * np.sin(2 * np.pi * hertz * t) + 0.1 * np.sin(4 * np.pi * hertz * t) + 0.01 * noise


def write_wav(path: Path, samples: np.ndarray, rate: int = RATE) -> Path:
    """16-bit WAV of float samples, shape (n,) or (n, channels)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as stream:
        stream.setnchannels(1 if samples.ndim == 1 else samples.shape[1])
        stream.setsampwidth(2)
        stream.setframerate(rate)
        stream.writeframes((samples * 32767).astype("<i2").tobytes())
    return path


def encode(source: Path, target: Path, *options: str) -> Path:
    """`source` in the format of `target`'s suffix, by the bundled ffmpeg."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", "-i", source, *options, target]
    subprocess.run(command, check=True)
    return target
