"""Acoustic fingerprints: what does not change when a track's format, sample rate or level changes.

They are Chromaprint's (its default algorithm; https://acoustid.org/chromaprint, L. Lalinský): 32 bits per 0.1238 s of
music. Each pair of bits compares the chroma of two areas within 2.7 s. Two encodings of one recording differ in few
bits. The method follows Ke, Hoiem and Sukthankar, Computer vision for music identification (2005), and Jang, Yoo, Lee,
Kim and Kalker, Pairwise boosted audio fingerprint (2009).
"""

import numpy as np
import scipy.fft
import soxr

from songwise.audio.decode import AudioSegment, samples_of

RATE = 11_025  # Hz, Chromaprint's own
_FRAME, _HOP = 4096, 1365  # samples
HOP_SECONDS = _HOP / RATE  # between two items
_BLOCK = 32  # frames per transform, so that they stay in the processor's cache
_CLASSES = 12
_LOWEST, _HIGHEST = 28, 3520  # Hz
_A0 = 440.0 / 16  # Hz, from which octaves are counted
_SMOOTHING = np.array([0.25, 0.75, 1.0, 0.75, 0.25])  # over frames
_SILENT = 0.01  # norm of a chroma; below it, all of it counts as 0
_WIDEST = 16  # frames, of the comparisons below
_SHORTEST = (_FRAME + (_WIDEST + len(_SMOOTHING) - 2) * _HOP) / RATE  # seconds that one item spans: 2.72
# Chromaprint's comparisons, which it learned from music: kind of comparison, first pitch class, pitch classes, frames,
# and the three thresholds between the four values of the result.
_COMPARISONS = (
    ("whole", 4, 3, 15, (1.98215, 2.35817, 2.63523)),
    ("middle class", 4, 6, 15, (-1.03809, -0.651211, -0.282167)),
    ("upper classes", 0, 4, 16, (-0.298702, 0.119262, 0.558497)),
    ("diagonal", 8, 2, 12, (-0.105439, 0.0153946, 0.135898)),
    ("diagonal", 4, 4, 8, (-0.142891, 0.0258736, 0.200632)),
    ("middle class", 0, 3, 5, (-0.826319, -0.590612, -0.368214)),
    ("upper classes", 2, 2, 9, (-0.557409, -0.233035, 0.0534525)),
    ("later frames", 7, 3, 4, (-0.0646826, 0.00620476, 0.0784847)),
    ("later frames", 6, 2, 16, (-0.192387, -0.029699, 0.215855)),
    ("later frames", 1, 3, 2, (-0.0397818, -0.00568076, 0.0292026)),
    ("middle frames", 10, 1, 15, (-0.53823, -0.369934, -0.190235)),
    ("diagonal", 6, 2, 10, (-0.124877, 0.0296483, 0.139239)),
    ("later frames", 1, 1, 14, (-0.101475, 0.0225617, 0.231971)),
    ("diagonal", 5, 6, 4, (-0.0799915, -0.00729616, 0.063262)),
    ("upper classes", 9, 2, 12, (-0.272556, 0.019424, 0.302559)),
    ("diagonal", 4, 2, 14, (-0.164292, -0.0321188, 0.0846339)),
)
_GRAY = np.array([0, 1, 3, 2], np.uint32)  # neighbouring values differ in one bit


def fingerprint(segment: AudioSegment) -> np.ndarray:
    """Return the Chromaprint items of a track.

    Parameters
    ----------
    segment : AudioSegment
        16-bit PCM.

    Returns
    -------
    ndarray of uint32, shape (n,)
        One item per `HOP_SECONDS`. Empty if the track is shorter than the 2.7 s that one item spans.
    """
    if segment.frame_count() < _SHORTEST * segment.frame_rate:
        return np.empty(0, np.uint32)
    samples, rate = samples_of(segment)
    if rate != RATE:
        samples = soxr.resample(samples, rate, RATE, quality="MQ")
    chroma = _normalised(_smoothed(_chroma(samples)))
    return _compared(chroma)


def _chroma(samples: np.ndarray) -> np.ndarray:
    # Energy per frame and pitch class, float64, shape (frames, 12).
    frames = np.lib.stride_tricks.sliding_window_view(samples, _FRAME)[::_HOP]
    taper = np.hamming(_FRAME).astype(np.float32)
    bins = np.arange(max(1, round(_LOWEST * _FRAME / RATE)), round(_HIGHEST * _FRAME / RATE))
    classes = (_CLASSES * np.mod(np.log2(bins * RATE / _FRAME / _A0), 1.0)).astype(int)
    fold = np.eye(_CLASSES, dtype=np.float32)[classes]
    chroma = np.empty((len(frames), _CLASSES))
    for start in range(0, len(frames), _BLOCK):
        block = frames[start : start + _BLOCK] * taper
        spectrum = scipy.fft.rfft(block, axis=1, overwrite_x=True)[:, bins[0] : bins[-1] + 1]
        chroma[start : start + _BLOCK] = (np.square(spectrum.real) + np.square(spectrum.imag)) @ fold
    return chroma


def _smoothed(chroma: np.ndarray) -> np.ndarray:
    count = len(chroma) - len(_SMOOTHING) + 1
    return sum(weight * chroma[at : at + count] for at, weight in enumerate(_SMOOTHING))


def _normalised(chroma: np.ndarray) -> np.ndarray:
    norms = np.linalg.norm(chroma, axis=1, keepdims=True)
    return np.divide(chroma, norms, out=np.zeros_like(chroma), where=norms >= _SILENT)


def _compared(chroma: np.ndarray) -> np.ndarray:
    sums = np.zeros((len(chroma) + 1, _CLASSES + 1))  # of all frames and classes before: an integral image
    sums[1:, 1:] = chroma.cumsum(axis=0).cumsum(axis=1)
    count = len(chroma) - _WIDEST + 1
    items = np.zeros(max(count, 0), np.uint32)

    def area(first_frame: int, first_class: int, end_frame: int, end_class: int) -> np.ndarray:
        start, end = sums[first_frame : first_frame + count], sums[end_frame : end_frame + count]
        return end[:, end_class] - start[:, end_class] - end[:, first_class] + start[:, first_class]

    for kind, first, classes, frames, thresholds in _COMPARISONS:
        end = first + classes
        if kind == "whole":
            more, less = area(0, first, frames, end), 0.0
        elif kind == "upper classes":
            middle = first + classes // 2
            more, less = area(0, middle, frames, end), area(0, first, frames, middle)
        elif kind == "later frames":
            half = frames // 2
            more, less = area(half, first, frames, end), area(0, first, half, end)
        elif kind == "diagonal":
            half, middle = frames // 2, first + classes // 2
            more = area(0, middle, half, end) + area(half, first, frames, middle)
            less = area(0, first, half, middle) + area(half, middle, frames, end)
        elif kind == "middle class":
            third = classes // 3
            more = area(0, first + third, frames, first + 2 * third)
            less = area(0, first, frames, first + third) + area(0, first + 2 * third, frames, end)
        else:  # middle frames
            third = frames // 3
            more = area(third, first, 2 * third, end)
            less = area(0, first, third, end) + area(2 * third, first, frames, end)
        value = np.log1p(more) - np.log1p(less)
        items = (items << np.uint32(2)) | _GRAY[np.searchsorted(thresholds, value, side="right")]
    return items
