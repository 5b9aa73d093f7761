"""Headers of WAV files: where the samples begin, and whether they can be read without a decoder."""

import struct
from dataclasses import dataclass

HEADER_BYTES = 1 << 16  # the data chunk begins within these, except in files with much metadata before it
SAMPLE_BYTES = 2
RATES = (1_000, 384_000)  # Hz, lowest and highest
_PCM = 1
_MAX_CHANNELS = 8
_UNKNOWN_SIZE = 0xFFFFFF00  # programs that write into a pipe put sizes from here on, because they cannot know the size


@dataclass(frozen=True)
class WavHeader:
    """The format of a WAV file, and where its samples are.

    Attributes
    ----------
    coding : int
        Format code; 1 is PCM.
    channels : int
        Number of channels.
    rate : int
        Sample rate in Hz.
    bytes_per_second : int
        Bytes per second of audio.
    frame : int
        Bytes per sample of all channels.
    bits : int
        Bits per sample of one channel.
    start : int
        Position of the first sample in the file, in bytes.
    size : int or None
        Bytes of all samples. None if the header does not state it.
    """

    coding: int
    channels: int
    rate: int
    bytes_per_second: int
    frame: int
    bits: int
    start: int
    size: int | None

    @property
    def is_plain(self) -> bool:
        """Whether the samples are consistent 16-bit PCM, which needs no decoder."""
        return (
            (self.coding, self.bits, self.frame) == (_PCM, 8 * SAMPLE_BYTES, SAMPLE_BYTES * self.channels)
            and 1 <= self.channels <= _MAX_CHANNELS
            and RATES[0] <= self.rate <= RATES[1]
            and self.bytes_per_second == self.rate * self.frame
        )

    def whole_frames(self, count: int) -> int:
        """Return the largest number of bytes up to `count` that ends with a whole frame."""
        return count // self.frame * self.frame


def parse_wav_header(head: bytes) -> WavHeader | None:
    """Return the WAV header at the beginning of a file's content.

    Parameters
    ----------
    head : bytes
        The first `HEADER_BYTES` of the file.

    Returns
    -------
    WavHeader or None
        None if it is not a WAV file, or if the format or the samples are missing.
    """
    if head[:4] != b"RIFF" or head[8:12] != b"WAVE":
        return None
    position, form = 12, None
    while position + 8 <= len(head):
        name, size = struct.unpack_from("<4sI", head, position)
        position += 8
        if name == b"fmt " and position + 16 <= len(head):
            form = struct.unpack_from("<HHIIHH", head, position)
        if name == b"data":
            return WavHeader(*form, start=position, size=None if size >= _UNKNOWN_SIZE else size) if form else None
        position += size + size % 2
    return None
