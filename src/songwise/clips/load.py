"""Decode one track, or reject it with the reason why it is not usable music."""

import hashlib
from pathlib import Path

from songwise.audio.decode import AudioSegment, Decoded, UndecodableError, VideoError, decode
from songwise.clips.decoded import kept
from songwise.errors import InputError

SILENT_DBFS = -60.0  # peak; the dither of a 16-bit file is near -96
RUN_AGAIN = "run again with --forcerun acquire_tracks"
_COMPLETE = 0.9  # of the length that the container declares


class RejectedError(Exception):
    """The track is not usable music.

    Parameters
    ----------
    status : str
        "quarantined" or "failed".
    reason : str
        Why, as in tracks.csv.
    seconds : float, optional
        Length of the track, if it is known.
    """

    def __init__(self, status: str, reason: str, seconds: float | None = None):
        super().__init__(reason)
        self.status, self.reason, self.seconds = status, reason, seconds


def load_track(path: Path, max_seconds: float) -> Decoded:
    """Decode a track, or reject it.

    Parameters
    ----------
    path : Path
        Audio file.
    max_seconds : float
        Length of the longest track allowed.

    Returns
    -------
    Decoded
        Audible music of at most `max_seconds`.

    Raises
    ------
    RejectedError
        If the file is empty, a video, undecodable, truncated, too long or silent.
    FileNotFoundError
        If the file does not exist.
    """
    if path.stat().st_size == 0 and path.is_file():
        raise RejectedError("quarantined", "empty: the file has no bytes")
    try:
        decoded = decode(path, max_seconds=max_seconds)
    except VideoError as error:
        raise RejectedError("quarantined", f"a video: {error}") from error
    except UndecodableError as error:
        raise RejectedError("quarantined", f"undecodable: {error}") from error
    seconds, declared = decoded.seconds, decoded.declared
    if seconds > max_seconds:
        reason = f"too_long: more than {max_seconds:g} s (max_seconds in the data set's file)"
        raise RejectedError("failed", reason, declared)
    if declared and seconds < _COMPLETE * declared:
        reason = f"undecodable: truncated, only {seconds:.1f} s of the declared {declared:.1f} s can be decoded"
        raise RejectedError("quarantined", reason, seconds)
    if decoded.segment.max_dBFS < SILENT_DBFS:
        raise RejectedError("quarantined", f"silent: no sample above {SILENT_DBFS:g} dBFS", seconds)
    return decoded


def load_again(path: Path, max_seconds: float, audio_sha256: str, folder: Path | None = None) -> Decoded:
    """Return a track that was good when it was inspected: kept since then, or decoded again.

    Parameters
    ----------
    path : Path
        Audio file.
    max_seconds : float
        Length of the longest track allowed.
    audio_sha256 : str
        `samples_sha256` at inspection.
    folder : Path, optional
        Where inspection kept decoded tracks (`clips.decoded`).

    Returns
    -------
    Decoded
        The same samples as at inspection.

    Raises
    ------
    InputError
        If the file is missing, cannot be decoded any more, or has changed.
    """
    if folder and (decoded := _kept(kept(folder, audio_sha256), max_seconds, audio_sha256)):
        return decoded
    try:
        decoded = load_track(path, max_seconds)
    except (RejectedError, OSError) as error:
        raise InputError(f"{path}: was decoded before, but cannot be decoded now ({error}); {RUN_AGAIN}") from error
    if samples_sha256(decoded.segment) != audio_sha256:
        raise InputError(f"{path}: its audio has changed since it was inspected; {RUN_AGAIN}")
    return decoded


def _kept(path: Path, max_seconds: float, audio_sha256: str) -> Decoded | None:
    try:
        decoded = load_track(path, max_seconds)
    except (RejectedError, OSError):
        return None
    return decoded if samples_sha256(decoded.segment) == audio_sha256 else None


def samples_sha256(segment: AudioSegment) -> str:
    """Return the SHA-256 of decoded samples, which is the same for the same music as WAV and as FLAC."""
    digest = hashlib.sha256(f"{segment.frame_rate} {segment.channels} ".encode())
    digest.update(segment.raw_data)
    return digest.hexdigest()
