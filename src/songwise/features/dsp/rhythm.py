"""Onset strength and tempo: librosa.onset.onset_strength and librosa.feature.tempo."""

from functools import lru_cache

import librosa
import numpy as np
import scipy.fft
import scipy.signal

_SECONDS = 8.0  # of the onset strength that is compared with itself
_BLOCK = 64  # frames that are transformed at a time
_START_BPM, _MOST_BPM = 120.0, 320.0


def onset_strength(mel_db: np.ndarray, n_fft: int, hop_length: int, aggregate: str) -> np.ndarray:
    """How much louder the bands became since the frame before: mean or median over bands; shape (frames,).

    Parameters
    ----------
    mel_db : 128 mel bands in dB, shape (frames, bands).
    aggregate : "mean" or "median".
    """
    rise = np.maximum(mel_db[1:] - mel_db[:-1], 0)
    across = rise.mean(axis=1) if aggregate == "mean" else np.median(rise, axis=1)
    found = np.zeros(len(mel_db), np.float32)
    late = 1 + n_fft // (2 * hop_length)  # counters the framing, as librosa does
    kept = across[: max(len(found) - late, 0)]
    found[late : late + len(kept)] = kept
    return found


@lru_cache(maxsize=8)
def _prior(length: int, sample_rate: int, hop_length: int) -> tuple[np.ndarray, np.ndarray]:
    bpm = librosa.tempo_frequencies(length, hop_length=hop_length, sr=sample_rate)
    prior = -0.5 * (np.log2(bpm) - np.log2(_START_BPM)) ** 2
    prior[: int(np.argmax(bpm < _MOST_BPM))] = -np.inf
    return bpm, prior


def tempo(strength: np.ndarray, sample_rate: int, hop_length: int) -> float:
    """Beats a minute: the lag at which the onset strength is most like itself, weighted towards 120.

    The mean of the frames' autocorrelations, each divided by its largest value (at lag 0), is the inverse
    transform of the mean of their power spectra, so that only one inverse transform is needed.
    """
    length = int(librosa.time_to_frames(_SECONDS, sr=sample_rate, hop_length=hop_length))
    padded = np.pad(strength, length // 2, mode="linear_ramp", end_values=0)
    frames = np.lib.stride_tricks.sliding_window_view(padded, length)[: len(strength)]
    frames = frames * scipy.signal.get_window("hann", length, fftbins=True).astype(np.float32)
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
