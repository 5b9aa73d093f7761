"""Onset strength and tempo: librosa.onset.onset_strength and librosa.feature.tempo."""

from functools import lru_cache

import numpy as np
import scipy.fft

from songwise.features.dsp.fourier import hann_window

_SECONDS = 8.0  # of onset strength per autocorrelation
_BLOCK = 64  # frames per transform
_START_BPM, _MOST_BPM = 120.0, 320.0


def onset_strength(mel_db: np.ndarray, n_fft: int, hop_length: int, aggregate: str) -> np.ndarray:
    """Compute how much louder the bands are than in the frame before: librosa.onset.onset_strength.

    Parameters
    ----------
    mel_db : ndarray of float32, shape (frames, 128)
        Power in mel bands, in dB.
    n_fft : int
        Samples per frame.
    hop_length : int
        Samples between the starts of two frames.
    aggregate : {"mean", "median"}
        How the bands of a frame become one number.

    Returns
    -------
    ndarray of float32, shape (frames,)
        Onset strength in dB per frame.
    """
    rise = np.maximum(mel_db[1:] - mel_db[:-1], 0)
    across = rise.mean(axis=1) if aggregate == "mean" else np.median(rise, axis=1)
    strength = np.zeros(len(mel_db), np.float32)
    late = 1 + n_fft // (2 * hop_length)  # counters the framing, as librosa does
    kept = across[: max(len(strength) - late, 0)]
    strength[late : late + len(kept)] = kept
    return strength


@lru_cache(maxsize=8)
def _prior(length: int, sample_rate: int, hop_length: int) -> tuple[np.ndarray, np.ndarray]:
    # librosa.tempo_frequencies, and librosa.feature.tempo's preference for tempi near 120.
    bpm = np.full(length, np.inf)
    bpm[1:] = 60.0 * sample_rate / (hop_length * np.arange(1.0, length))
    prior = -0.5 * (np.log2(bpm) - np.log2(_START_BPM)) ** 2
    prior[: int(np.argmax(bpm < _MOST_BPM))] = -np.inf
    return bpm, prior


def tempo(strength: np.ndarray, sample_rate: int, hop_length: int) -> float:
    """Estimate the tempo as the lag at which onset strength repeats itself: librosa.feature.tempo.

    The mean of the frames' autocorrelations, each divided by its largest value (at lag 0), is the inverse
    transform of the mean of their power spectra. So one inverse transform is enough.

    Parameters
    ----------
    strength : ndarray of float32, shape (frames,)
        Onset strength.
    sample_rate : int
        Sample rate in Hz.
    hop_length : int
        Samples between the starts of two frames.

    Returns
    -------
    float
        Beats per minute.
    """
    length = int(_SECONDS * sample_rate) // hop_length
    padded = np.pad(strength, length // 2, mode="linear_ramp", end_values=0)
    frames = np.lib.stride_tricks.sliding_window_view(padded, length)[: len(strength)]
    frames = frames * hann_window(length).astype(np.float32)
    energy = np.einsum("tn,tn->t", frames, frames)
    energy[energy < np.finfo(np.float32).tiny] = 1
    n_fft = scipy.fft.next_fast_len(2 * length - 1, real=True)
    power = np.zeros(n_fft // 2 + 1)
    for start in range(0, len(frames), _BLOCK):
        spectrum = scipy.fft.rfft(frames[start : start + _BLOCK], n_fft, axis=1)
        power += (1 / energy[start : start + _BLOCK]) @ np.square(np.abs(spectrum))
    likeness = scipy.fft.irfft(power / len(frames), n_fft)[:length]
    bpm, prior = _prior(length, sample_rate, hop_length)
    return float(bpm[np.argmax(np.log1p(1e6 * np.maximum(likeness, 0)) + prior)])
