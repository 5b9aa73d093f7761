"""What a model costs when it is used: CPU time for the features and the prediction of new music, without decoding."""

import time
from pathlib import Path

import numpy as np
import threadpoolctl

from songwise.features.presets import TABLE
from songwise.features.resolved import described_preset
from songwise.models.bundle import load_bundle
from songwise.predict.hearing import Listener

_RATE = 44_100  # Hz
_LONGEST = 30.0  # seconds of a clip
_CLIPS = 3
_TIMES = 3  # the fastest of them counts


def measure_cost(bundle: Path, clip_seconds: float) -> float:
    """Measure what it costs to classify music by a model.

    Parameters
    ----------
    bundle : Path
        The model's bundle.
    clip_seconds : float
        Length of the data set's clips.

    Returns
    -------
    float
        Milliseconds of CPU time per second of music, on one thread: the fastest of three measurements. For a model on a
        table of features, of prediction alone.
    """
    pipeline, card = load_bundle(bundle)
    seconds = min(clip_seconds, _LONGEST)
    if card["preset"]["name"] == TABLE:
        clips = np.zeros((_CLIPS, len(card["columns"])))

        def classify() -> None:
            pipeline.predict_proba(clips)
    else:
        clip = {"seconds": seconds, "hop": seconds, "start": 0, "stop": None, "min_seconds": seconds}
        listener = Listener(
            described_preset(card, str(bundle)), clip, 2 * _CLIPS * _LONGEST, getattr(pipeline, "family", None)
        )
        music = _invented_music(_CLIPS * seconds)

        def classify() -> None:
            pipeline.predict_proba(listener.hear_samples(music, _RATE).X)

    with threadpoolctl.threadpool_limits(1):
        classify()  # compiles and loads what the first file needs
        return 1000 * min(_cpu_seconds(classify) for _ in range(_TIMES)) / (_CLIPS * seconds)


def _cpu_seconds(classify) -> float:
    start = time.process_time()
    classify()
    return time.process_time() - start


def _invented_music(seconds: float) -> np.ndarray:
    """Return a chord with noise: the cost of some features depends on whether there are pitches."""
    times = np.arange(round(seconds * _RATE)) / _RATE
    chord = sum(np.sin(2 * np.pi * hertz * times) for hertz in (220.0, 277.2, 329.6)) / 6
    return chord + np.random.default_rng(0).normal(scale=0.05, size=len(times))
