"""Clips as a sequence of matrices that stay in their memory-mapped files until a batch needs them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np

from songwise.features.frames import Frames


@dataclass(frozen=True)
class ClipFrames:
    """The frames of some clips, in order: what a network has instead of a matrix of features.

    Attributes
    ----------
    frames : Frames
        The frames of these and of other clips.
    clip_ids : ndarray of str, shape (clips,)
        The clips.
    family : {"log_mel", "mfcc", "waveform"}
        The family of frames.
    """

    frames: Frames
    clip_ids: np.ndarray
    family: str

    @classmethod
    def read(cls, paths: Sequence[Path], family: str) -> Self:
        """Open frame files of one preset.

        Parameters
        ----------
        paths : sequence of Path
            The files of all shards (`paths.frame_table`).
        family : str
            The family of frames.

        Returns
        -------
        ClipFrames
            All clips of the files.
        """
        frames = Frames(*paths)
        return cls(frames, np.array(list(frames)), family)

    def __len__(self) -> int:
        return len(self.clip_ids)

    def __getitem__(self, index: np.ndarray) -> "ClipFrames":
        return ClipFrames(self.frames, self.clip_ids[index], self.family)

    def of(self, clip_ids: Sequence[str]) -> "ClipFrames":
        """Return the frames of other clips of the same files.

        Parameters
        ----------
        clip_ids : sequence of str
            The clips.

        Returns
        -------
        ClipFrames
            In the order of `clip_ids`.
        """
        return ClipFrames(self.frames, np.asarray(clip_ids, dtype=str), self.family)

    @property
    def rows(self) -> int:
        """Number of values per frame."""
        return self.frames.rows[self.family]

    @cached_property
    def lengths(self) -> np.ndarray:
        """Return the number of frames of each clip, int, shape (clips,)."""
        return np.array([len(self._matrix(clip_id)) for clip_id in self.clip_ids], dtype=int)

    def moments(self) -> tuple[np.ndarray, np.ndarray]:
        """Compute the mean and the standard deviation of each row over all frames, one clip after the other.

        Returns
        -------
        mean, std : ndarray of float64, shape (rows,)
            The deviation is 1 for a row that is constant.
        """
        count, total, squares = 0, np.zeros(self.rows), np.zeros(self.rows)
        shift = self._matrix(self.clip_ids[0]).mean(axis=0, dtype=np.float64)  # else the squares would lose digits
        for clip_id in self.clip_ids:
            matrix = self._matrix(clip_id) - shift
            count += len(matrix)
            total += matrix.sum(axis=0)
            squares += np.einsum("ij,ij->j", matrix, matrix)
        mean = total / count
        deviation = np.sqrt(np.maximum(squares / count - mean**2, 0))
        return shift + mean, np.where(deviation > 0, deviation, 1.0)

    def batch(self, indices: np.ndarray, length: int, offsets: np.ndarray) -> np.ndarray:
        """Read a part of some clips; clips that are too short are padded with silence.

        Parameters
        ----------
        indices : ndarray of int, shape (batch,)
            Positions of the clips in this sequence.
        length : int
            Frames per clip.
        offsets : ndarray of int, shape (batch,)
            The first frame of each clip.

        Returns
        -------
        ndarray of float32, shape (batch, length, rows)
            The only thing that is loaded.
        """
        return self.frames.padded(self.clip_ids[indices], self.family, length, offsets.tolist())

    def _matrix(self, clip_id: str) -> np.ndarray:
        return self.frames[clip_id][self.family]
