"""Decode FLAC files with libsndfile; a program that `audio.flac` starts as a child process.

It reads paths from its standard input. It answers each with the samples, 16-bit little-endian, as many bytes as the
request names. If the file has fewer, it exits. It imports nothing of songwise.
"""

import json
import resource
import signal
import sys

import soundfile

SECONDS = 20  # of CPU time per file; three times as much may pass. A song takes less than one
_MAX_MEMORY = 2 << 30  # bytes
_FRAMES = 1 << 16  # per read


def _serve() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _limit(resource.RLIMIT_AS, _MAX_MEMORY)
    for line in sys.stdin:
        used = resource.getrusage(resource.RUSAGE_SELF)
        _limit(resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime) + SECONDS + 1)
        signal.alarm(4 * SECONDS)  # ends this child if its parent was killed and cannot end it
        path, size = json.loads(line)
        _answer(path, size)
        signal.alarm(0)


def _limit(kind: int, most: int) -> None:
    try:
        resource.setrlimit(kind, (most, resource.getrlimit(kind)[1]))
    except (OSError, ValueError):
        return  # macOS cannot limit the address space; the other limits hold


def _answer(path: str, size: int) -> None:
    try:
        with soundfile.SoundFile(path) as stream:
            while size:
                samples = stream.buffer_read(_FRAMES, dtype="int16")
                if not len(samples) or len(samples) > size:
                    sys.exit(1)
                sys.stdout.buffer.write(samples)
                size -= len(samples)
    except (soundfile.LibsndfileError, OSError, MemoryError):
        sys.exit(1)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    _serve()
