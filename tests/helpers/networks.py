"""Pretrained networks in tests: their weights, the reference's signal, and the front ends written the plain way."""

import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from songwise.files import file_digest

SHARED = Path(__file__).parents[3] / "shared" / "models"
MUSICNN_SHA256 = "f38a4890c648c1ddbb141c5d96d2b0a8cfcd36746002d896989f7b88beb65cfa"
_WHEEL = "musicnn-0.1.0-py3-none-any.whl"


def shared_model(name: str) -> Path:
    """Return a file of shared/models beside the clone, or skip the test."""
    path = SHARED / name
    if not path.is_file():
        pytest.skip(f"shared/models/{name} is not beside the clone")
    return path


def musicnn_wheel() -> Path:
    """Return musicnn's wheel as a plain file, downloaded from the package index once, or skip the test."""
    path = Path.home() / ".cache" / "songwise" / "networks" / _WHEEL
    if not path.is_file() and not _download(path):
        pytest.skip("musicnn's wheel is not in the cache, and there is no package index")
    assert file_digest(path) == MUSICNN_SHA256
    return path


@cache
def _download(path: Path) -> bool:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
        command += ["--retries", "0", "--timeout", "10", "--dest", folder, "musicnn==0.1.0"]
        subprocess.run(command, check=False, capture_output=True, stdin=subprocess.DEVNULL, timeout=300)
        if (Path(folder) / _WHEEL).is_file():
            (Path(folder) / _WHEEL).replace(path)
    return path.is_file()


def reference_signal(rate: int, seconds: int) -> np.ndarray:
    """Return the signal of shared/models/reference.npz."""
    t = np.arange(rate * seconds) / rate
    tremolo = (1 + np.sin(2 * np.pi * 2 * t)) / 2
    tones = 0.3 * np.sin(2 * np.pi * 220 * t) + 0.2 * np.sin(2 * np.pi * 1760 * t) * tremolo
    return (tones + 0.05 * np.random.default_rng(0).standard_normal(len(t))).astype(np.float32)


def efficientat_features(samples: np.ndarray) -> np.ndarray:
    """Return EfficientAT's log-mel spectrogram of a signal at 32 kHz, shape (frames, 128)."""
    size, width, hop, bands = 1024, 800, 320, 128
    samples = samples[1:].astype(float) - 0.97 * samples[:-1]
    window = np.pad(np.hanning(width), (size - width) // 2)
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(samples, size // 2, mode="reflect"), size)[::hop]
    power = np.abs(np.fft.rfft(frames * window)) ** 2
    edges = np.linspace(0, 1127 * np.log1p(15000 / 700), bands + 2)
    mel = 1127 * np.log1p(np.arange(size // 2 + 1) * 32000 / size / 700)[:, None]
    rising, falling = (mel - edges[:-2]) / np.diff(edges)[:-1], (edges[2:] - mel) / np.diff(edges)[1:]
    filters = np.clip(np.minimum(rising, falling), 0, None)
    return ((np.log(power @ filters + 1e-5) + 4.5) / 5).astype(np.float32)


def musicnn_features(samples: np.ndarray) -> np.ndarray:
    """Return musicnn's patches of a signal at 16 kHz, shape (patches, 187, 96)."""
    size, hop, bands = 512, 256, 96
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(samples.astype(float), size // 2), size)[::hop]
    power = np.abs(np.fft.rfft(frames * window)) ** 2
    step = np.log(6.4) / 27  # Slaney's mel scale: linear to 1 kHz, then logarithmic
    mel = np.linspace(0, 15 + np.log(8) / step, bands + 2)
    edges = np.where(mel < 15, mel * 200 / 3, 1000 * np.exp((mel - 15) * step))
    frequencies = np.arange(size // 2 + 1)[:, None] * 16000 / size
    rising, falling = (frequencies - edges[:-2]) / np.diff(edges)[:-1], (edges[2:] - frequencies) / np.diff(edges)[1:]
    filters = np.clip(np.minimum(rising, falling), 0, None) * 2 / (edges[2:] - edges[:-2])
    frames = np.log10(10000 * power @ filters + 1).astype(np.float32)
    return frames[: len(frames) // 187 * 187].reshape(-1, 187, 96)


def run_onnx(model: bytes | Path, features: np.ndarray) -> dict[str, np.ndarray]:
    """Return the outputs of an ONNX graph by name."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.add_session_config_entry("session.set_denormal_as_zero", "1")
    model = model.read_bytes() if isinstance(model, Path) else model
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    outputs = session.run(None, {session.get_inputs()[0].name: features})
    return dict(zip((output.name for output in session.get_outputs()), outputs, strict=True))
