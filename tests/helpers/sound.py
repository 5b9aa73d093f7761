"""Audio that tests make on the spot."""

import subprocess
import wave
from pathlib import Path

import imageio_ffmpeg
import numpy as np

from songwise.audio.decode import AudioSegment, samples_of

RATE = 22_050


def tone(seconds: float, hertz: float, rate: int = RATE) -> np.ndarray:
    """Return a quiet sine with one overtone and some noise: float in [-1, 1], shape (n,)."""
    t = np.arange(round(seconds * rate)) / rate
    noise = np.random.default_rng(round(hertz)).normal(size=len(t))
    return 0.2 * np.sin(2 * np.pi * hertz * t) + 0.1 * np.sin(4 * np.pi * hertz * t) + 0.01 * noise


def write_wav(path: Path, samples: np.ndarray, rate: int = RATE) -> Path:
    """Write float samples, shape (n,) or (n, channels), as 16-bit WAV, and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as stream:
        stream.setnchannels(1 if samples.ndim == 1 else samples.shape[1])
        stream.setsampwidth(2)
        stream.setframerate(rate)
        stream.writeframes((samples * 32767).astype("<i2").tobytes())
    return path


def encode(source: Path, target: Path, *options: str) -> Path:
    """Encode `source` in the format of `target`'s suffix with the bundled ffmpeg, and return `target`."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", "-i", source, *options, target]
    subprocess.run(command, check=True)
    return target


def load_clip(path: Path) -> tuple[np.ndarray, int]:
    """Return the samples of a 16-bit WAV file as features see them, and their rate in Hz."""
    return samples_of(AudioSegment.from_wav(str(path)))
