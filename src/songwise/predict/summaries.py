"""Numbers that describe clips of which a model takes frames."""

from typing import Any

import numpy as np


def frame_summaries(frames: Any) -> np.ndarray:
    """Return the mean and the standard deviation of each row of frames, for what needs numbers instead of frames.

    Parameters
    ----------
    frames : ClipFrames
        Frames of clips.

    Returns
    -------
    ndarray of float64, shape (clips, 2 * rows)
        Means, then deviations.
    """
    means, deviations = zip(*(frames[np.array([place])].moments() for place in range(len(frames))), strict=True)
    return np.hstack([np.stack(means), np.stack(deviations)])
