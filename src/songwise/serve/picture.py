"""What the page draws of a song: its waveform and its mel spectrogram, small enough to send."""

import base64
from itertools import pairwise

import numpy as np
import scipy.fft

from songwise.audio.decode import AudioSegment
from songwise.features.dsp.fourier import hann_window
from songwise.features.dsp.mel_filters import MelBands

_COLUMNS = 800
_BANDS = 64
_WINDOW_SECONDS = 0.046
_MOST_WINDOWS = 4  # per column: enough for a picture, and 15 minutes of audio take as long as 1 minute
_RANGE_DB = 80.0
_HIGHEST_HERTZ = 11_025.0


def draw(segment: AudioSegment) -> dict:
    """Return the waveform and the mel spectrogram of a song.

    Parameters
    ----------
    segment : AudioSegment
        16-bit PCM.

    Returns
    -------
    dict
        - peaks : list of [float, float], the lowest and the highest sample of each of at most 800 columns, in -1 to 1.
        - mel : dict of bands (int), frames (int, at most 800) and data (str). data is base64 of one byte per band and
          frame, band by band from low to high: 0 is 80 dB below the loudest, 255 is the loudest.
    """
    samples = np.frombuffer(segment.raw_data, "<i2").reshape(-1, segment.channels)
    return {"peaks": _peaks(samples), "mel": _mel(samples, segment.frame_rate)}


def _peaks(samples: np.ndarray) -> list[list[float]]:
    edges = np.linspace(0, len(samples), min(_COLUMNS, len(samples)) + 1).astype(int)
    pairs = []
    for start, stop in pairwise(edges):
        mono = _mono(samples[start:stop])
        pairs.append([round(float(mono.min()), 3), round(float(mono.max()), 3)])
    return pairs


def _mel(samples: np.ndarray, rate: int) -> dict:
    n_fft = int(2 ** np.clip(round(np.log2(_WINDOW_SECONDS * rate)), 6, 14))
    frames = int(np.clip(len(samples) // (n_fft // 4), 1, _COLUMNS))
    windows = _MOST_WINDOWS if len(samples) > _MOST_WINDOWS * _COLUMNS * n_fft // 4 else 1
    starts = np.linspace(0, max(0, len(samples) - n_fft), frames * windows).astype(int)
    window = hann_window(n_fft, symmetric=False).astype(np.float32)
    settings = {"sample_rate": rate, "n_fft": n_fft, "bands": _BANDS, "formula": "slaney", "norm": "slaney"}
    bands = MelBands({**settings, "fmin": 20.0, "fmax": min(_HIGHEST_HERTZ, rate / 2)})
    energies = np.empty((frames, _BANDS), np.float32)
    for frame in range(frames):
        pieces = np.zeros((windows, n_fft), np.float32)
        for row, start in enumerate(starts[frame * windows : (frame + 1) * windows]):
            mono = _mono(samples[start : start + n_fft])
            pieces[row, : len(mono)] = mono
        spectrum = scipy.fft.rfft(pieces * window, axis=1)
        energies[frame] = bands(np.square(np.abs(spectrum))).mean(axis=0)
    levels = 10 * np.log10(np.maximum(energies, 1e-10))
    shades = np.clip((levels - levels.max()) / _RANGE_DB + 1, 0, 1)
    data = np.round(255 * shades).astype(np.uint8).T
    return {"bands": _BANDS, "frames": frames, "data": base64.b64encode(data.tobytes()).decode()}


def _mono(piece: np.ndarray) -> np.ndarray:
    # A column at a time: the whole song as floats would take four times its memory.
    channels = piece.shape[1]
    total = piece[:, 0].astype(np.float32)
    for channel in range(1, channels):
        total += piece[:, channel]
    return total / np.float32(32768 * channels)
