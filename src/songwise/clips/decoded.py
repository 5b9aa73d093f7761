"""Decoded tracks, kept from their inspection until their features are computed, so that ffmpeg decodes each once.

They are copies that nothing depends on. The oldest ones make room for new ones, a run begins and ends without any, and
whoever finds none decodes the track again.
"""

import os
import shutil
from pathlib import Path

from songwise.audio.decode import Decoded
from songwise.files import replacing

MOST_BYTES = 1 << 30  # of all that are kept
_LEAST_FREE = 4 << 30  # bytes of the disk; with less, nothing is kept
_PLAIN = "pcm_s16le"  # what a WAV file contains; reading it takes no decoder


def keep(folder: Path, decoded: Decoded, audio_sha256: str) -> None:
    """Keep the samples of a track, unless it is as fast to read them from its file or the disk is nearly full.

    Parameters
    ----------
    folder : Path
        Folder of the kept tracks, created if need be.
    decoded : Decoded
        The track.
    audio_sha256 : str
        `samples_sha256` of the track.
    """
    size = len(decoded.segment.raw_data)
    if decoded.codec == _PLAIN or size > MOST_BYTES:
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(folder).free < _LEAST_FREE:
            return
        _make_room(folder, size)
        with replacing(kept(folder, audio_sha256)) as temporary:
            decoded.segment.export(temporary, format="wav").close()
    except OSError:
        return  # a full disk is found by what must be written


def kept(folder: Path, audio_sha256: str) -> Path:
    """Return the WAV file of a track that may be kept.

    Parameters
    ----------
    folder : Path
        Folder of the kept tracks.
    audio_sha256 : str
        `samples_sha256` of the track.
    """
    return folder / f"{audio_sha256}.wav"


def _make_room(folder: Path, size: int) -> None:
    with os.scandir(folder) as entries:
        files = sorted((entry.stat().st_mtime_ns, entry.stat().st_size, entry.path) for entry in entries)
    total = size + sum(file[1] for file in files)
    for _, length, path in files:
        if total <= MOST_BYTES:
            break
        Path(path).unlink(missing_ok=True)
        total -= length
