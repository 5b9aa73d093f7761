"""One track decoded, or rejected with the reason why it is not usable music."""

import hashlib
from pathlib import Path

from songwise.audio.decode import AudioSegment, Decoded, UndecodableError, VideoError, decode

SILENT_DBFS = -60.0  # peak; the dither of a 16-bit file is near -96


_TRUNCATED = 0.9  # of the length that the container declares


class RejectedError(Exception):
    """A track that is no usable audio: its status and reason."""

    def __init__(self, status: str, reason: str, seconds: float | None = None):
        super().__init__(reason)
        self.status, self.reason, self.seconds = status, reason, seconds


def load_track(path: Path, max_seconds: float) -> Decoded:
    if path.stat().st_size == 0 and path.is_file():
        raise RejectedError("quarantined", "empty: the file has no bytes")
    try:
        decoded = decode(path, max_seconds=max_seconds)
    except VideoError as error:
        raise RejectedError("quarantined", f"a video: {error}") from error
    except UndecodableError as error:
        raise RejectedError("quarantined", f"undecodable: {error}") from error
    seconds = decoded.seconds
    if seconds > max_seconds:
        reason = f"too_long: more than {max_seconds:g} s (max_seconds in the data set's file)"
        raise RejectedError("failed", reason, decoded.declared)
    if decoded.declared and seconds < _TRUNCATED * decoded.declared:
        reason = f"undecodable: truncated, {seconds:.1f} s decode where the file declares {decoded.declared:.1f} s"
        raise RejectedError("quarantined", reason, seconds)
    if decoded.segment.max_dBFS < SILENT_DBFS:
        raise RejectedError("quarantined", f"silent: no sample above {SILENT_DBFS:g} dBFS", seconds)
    return decoded


def samples_sha256(segment: AudioSegment) -> str:
    # Of the decoded samples, so that the same music in a wav and a flac file has the same hash.
    found = hashlib.sha256(f"{segment.frame_rate} {segment.channels} ".encode())
    found.update(segment.raw_data)
    return found.hexdigest()
