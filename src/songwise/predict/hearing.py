"""From an audio file to what a model is given, on exactly the path of a run: decode, cut, one row of numbers per clip.

numba and ONNX Runtime are imported when the first file is heard, so that a model without them starts sooner.
"""

import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from songwise.acquire.weights import cached_weights, networks_cache
from songwise.audio.decode import AudioSegment, samples_of
from songwise.clips.cut import cut_track
from songwise.clips.load import RejectedError, load_track
from songwise.datasets.track import Track
from songwise.errors import InputError
from songwise.features.joined import table_presets
from songwise.features.preset_files import own_weights
from songwise.predict.summaries import frame_summaries

_FULL_SCALE = 32767
_RATES = (2000, 192_000)  # Hz, of samples given as arrays


@dataclass(frozen=True)
class Heard:
    """A decoded song and the features of its clips.

    Attributes
    ----------
    segment : AudioSegment
        All samples, at the file's own rate and channels.
    seconds : float
        Length of the song.
    starts, lengths : ndarray of float, shape (clips,)
        Where each clip is, in seconds. Silent clips are left out.
    X : ndarray of float64, shape (clips, columns), or ClipFrames
        Features; frames for a trained network.
    """

    segment: AudioSegment
    seconds: float
    starts: np.ndarray
    lengths: np.ndarray
    X: Any

    @cached_property
    def numbers(self) -> np.ndarray:
        """Numbers that describe each clip, float64, shape (clips, columns), also if the model takes frames."""
        return self.X if isinstance(self.X, np.ndarray) else frame_summaries(self.X)


class Listener:
    """Hears songs for one model.

    Parameters
    ----------
    preset : dict
        The resolved preset of the model, joined or not.
    clip : dict
        How songs are cut: seconds, hop, start, stop, min_seconds.
    max_seconds : float
        Length of the longest song that is accepted.
    family : str, optional
        The family of frames that a trained network takes instead of columns.
    """

    def __init__(self, preset: dict, clip: dict, max_seconds: float, family: str | None = None):
        self.max_seconds = max_seconds
        self._clip, self._family = clip, family
        parts = table_presets(preset)
        self._order = list(parts)
        self._extracted = [part for part in parts.values() if "network" not in part]
        self._embedded = [part for part in parts.values() if "network" in part]
        self._onnx = {part["network"]["name"]: _onnx_of(part["network"]) for part in self._embedded}

    def hear_file(self, path: Path) -> Heard:
        """Decode a file and compute the features of its clips.

        Parameters
        ----------
        path : Path
            An audio file in any format that songwise reads.

        Returns
        -------
        Heard
            With at least one clip.

        Raises
        ------
        RejectedError
            If the file is not usable music: missing, empty, undecodable, too long, too short or silent.
        """
        if not _is_possible(path):
            raise RejectedError("failed", "unreadable: no file can have such a name")
        try:
            decoded = load_track(path, self.max_seconds)
        except OSError as error:
            raise RejectedError("failed", f"unreadable: {error.strerror or 'the file cannot be opened'}") from error
        return self._hear(decoded.segment, decoded.seconds)

    def hear_samples(self, samples: np.ndarray, sample_rate: int) -> Heard:
        """Compute the features of samples in memory, as if they had been read from a 16-bit file.

        Parameters
        ----------
        samples : ndarray of float, shape (n,) or (channels, n)
            Within [-1, 1]. Larger values are clipped.
        sample_rate : int
            In Hz.

        Returns
        -------
        Heard
            With at least one clip.

        Raises
        ------
        InputError
            If the array does not have this form.
        RejectedError
            If the samples are too long, too short or silent.
        """
        segment = _segment_of(samples, sample_rate)
        seconds = segment.frame_count() / segment.frame_rate
        if seconds > self.max_seconds:
            raise RejectedError("failed", f"too_long: more than {self.max_seconds:g} s", seconds)
        return self._hear(segment, seconds)

    def _hear(self, segment: AudioSegment, seconds: float) -> Heard:
        pieces, starts, lengths = [], [], []
        cut = 0
        for row, piece in cut_track(Track("song", ""), segment, seconds, self._clip):
            cut += 1
            if row["status"] == "ok":
                pieces.append(piece)
                starts.append(float(row["start"]))
                lengths.append(float(row["seconds"]))
        if not cut:
            reason = f"too short: no clip of {self._clip['min_seconds']:g} s fits"
            raise RejectedError("quarantined", reason, seconds)
        if not pieces:
            raise RejectedError("quarantined", "silent: every clip is silent", seconds)
        return Heard(segment, seconds, np.array(starts), np.array(lengths), self._inputs(pieces))

    def _inputs(self, pieces: Sequence[AudioSegment]) -> Any:
        if self._family:
            return self._frames(pieces)
        rows = [self._row(*samples_of(piece)) for piece in pieces]
        # Tables of features have float32, and models are fitted on that, as float64.
        return np.stack(rows).astype(np.float32).astype(np.float64)

    def _row(self, samples: np.ndarray, sample_rate: int) -> np.ndarray:
        numbers: dict[str, np.ndarray] = {}
        if self._extracted:
            numbers |= self._extractor(samples, sample_rate)[0]
        if self._embedded:
            numbers |= self._embedder(samples, sample_rate)
        return np.concatenate([numbers[name] for name in self._order])

    def _frames(self, pieces: Sequence[AudioSegment]) -> Any:
        # Through a file, as in a run: values are rounded to the preset's dtype, and the network reads the same class.
        from songwise.features.frames import FramesWriter
        from songwise.models.trained_networks import import_deep

        (preset,) = self._extracted
        with tempfile.TemporaryDirectory(prefix="songwise-") as folder:
            path = Path(folder, "song.frames.arrow")
            with FramesWriter(path, preset) as writer:
                for number, piece in enumerate(pieces):
                    writer.add(f"song@{number}", self._extractor(*samples_of(piece))[1][preset["name"]])
            # The file is memory-mapped, so its content outlives its name.
            return import_deep("clip_frames").ClipFrames.read([path], self._family)

    @cached_property
    def _extractor(self) -> Any:
        from songwise.features.extract import Extractor, warm_up

        warm_up()
        return Extractor(self._extracted)

    @cached_property
    def _embedder(self) -> Any:
        from songwise.features.embedding import Embedder, warm_up

        warm_up()
        return Embedder(self._embedded, self._onnx)


def _is_possible(path: Path) -> bool:
    try:
        return b"\0" not in os.fsencode(path)
    except UnicodeEncodeError:
        return False


def _onnx_of(network: Mapping) -> Path:
    """Return a network in ONNX, whose weights must be on this machine already: nothing is downloaded here."""
    from songwise.features.networks.convert import onnx_of

    weights = own_weights(network, Path()) or cached_weights(network)
    if not weights.is_file():
        raise InputError(
            f"the weights of the network {network['name']} are not on this machine ({weights.name}). In the project's "
            f"folder, get them with: songwise weights {network['name']}"
        )
    return onnx_of(network, weights, networks_cache())


def _segment_of(samples: np.ndarray, sample_rate: int) -> AudioSegment:
    values = np.asarray(samples)
    if values.dtype.kind != "f" or values.ndim not in (1, 2) or not values.size or not np.isfinite(values).all():
        raise InputError(
            "samples must be finite floats within [-1, 1], of shape (n,) or (channels, n); "
            f"these have the type {values.dtype} and the shape {values.shape}"
        )
    if not isinstance(sample_rate, int | np.integer) or not _RATES[0] <= sample_rate <= _RATES[1]:
        raise InputError(f"sample_rate must be a whole number from {_RATES[0]} to {_RATES[1]} Hz, not {sample_rate!r}")
    channels = np.atleast_2d(values)
    if len(channels) > channels.shape[1]:
        raise InputError(f"samples have the shape {values.shape}; channels come first: (channels, n)")
    content = np.round(np.clip(channels, -1, 1) * _FULL_SCALE).astype("<i2").T.tobytes()
    return AudioSegment(data=content, sample_width=2, frame_rate=int(sample_rate), channels=len(channels))
