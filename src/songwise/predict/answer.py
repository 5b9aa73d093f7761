"""What a model says about one file."""

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Segment:
    """A part of a song, one clip, and what it sounds like.

    Attributes
    ----------
    start, seconds : float
        Where it is in the song.
    label : str
        The most probable class.
    probability : float
        Its calibrated probability.
    probabilities : dict of str to float
        Calibrated probability of every class.
    """

    start: float
    seconds: float
    label: str
    probability: float
    probabilities: dict[str, float]


@dataclass(frozen=True)
class Answer:
    """The verdict on one file, or the reason why there is none.

    Attributes
    ----------
    file : str
        Name of the file, as it was given.
    status : {"ok", "failed", "quarantined"}
        As in tracks.csv of a run.
    reason : str
        Why there is no verdict; empty if the status is ok.
    seconds : float or None
        Length of the song, if it is known.
    label : str
        The most probable class, also if the song is unlike the training music; empty without a verdict.
    probability : float or None
        Its calibrated probability, given that the song belongs to one of the classes.
    known : bool or None
        Whether the song is like the music that the model was trained on.
    novelty : float or None
        Share of held-out songs of the training set that are less unusual, from 0 to 1. Above 0.95, the song is unlike
        the training music.
    probabilities : dict of str to float
        Calibrated probability of every class.
    timeline : list of Segment
        The verdict on each clip that is not silent, in order.
    vector : ndarray of float32, shape (dimensions,), or None
        Where the song is in the space of `predict.neighbours`.
    """

    file: str
    status: str
    reason: str = ""
    seconds: float | None = None
    label: str = ""
    probability: float | None = None
    known: bool | None = None
    novelty: float | None = None
    probabilities: dict[str, float] = field(default_factory=dict)
    timeline: list[Segment] = field(default_factory=list)
    vector: np.ndarray | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return everything but the vector as values that JSON can express."""
        content = asdict(self)
        del content["vector"]
        return content
