"""Classify many files on all cores, one process per core, with the answers in the order of the files."""

import gc
import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from songwise.predict.answer import Answer
from songwise.predict.model import SongModel
from songwise.runtime.progress import Progress

_WORTH_A_POOL = 8  # files; a process takes seconds to start
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_AHEAD = 4  # files per process that wait in its queue
_CRASHED = "failed", "crashed: the process that listened to it was killed (out of memory?). Try it alone"

_model: SongModel  # of a process of the pool


def answer_files(folder: Path, files: Sequence[Path], *, cores: int, max_seconds: float | None) -> Iterator[Answer]:
    """Classify files.

    Parameters
    ----------
    folder : Path
        The model's folder.
    files : sequence of Path
        Audio files.
    cores : int
        Processes at most.
    max_seconds : float or None
        Length of the longest song that is accepted; None for that of the data set.

    Yields
    ------
    Answer
        One per file, in their order. A file that kills its process gets a reason, and the others are not affected.
    """
    # Also before a pool: a model that cannot be used is one message, not the end of every process.
    model = SongModel.read(folder, max_seconds=max_seconds)
    progress = Progress("classify", len(files), "files")
    answers = (
        _in_turn(model, files)
        if cores == 1 or len(files) < _WORTH_A_POOL
        else _in_parallel(folder, files, min(cores, len(files)), max_seconds)
    )
    for answer in answers:
        yield answer
        progress.step()


def _in_turn(model: SongModel, files: Sequence[Path]) -> Iterator[Answer]:
    for path in files:
        yield model.answer(path)
        gc.enable()  # the first file has imported what is left


def _in_parallel(folder: Path, files: Sequence[Path], cores: int, max_seconds: float | None) -> Iterator[Answer]:
    gc.enable()  # the files are for other processes
    place = 0
    while place < len(files):
        try:
            for answer in _pooled(folder, files[place:], cores, max_seconds):
                yield answer
                place += 1
        except BrokenProcessPool:
            # One of the files at work killed its process. The first of them is tried alone, and then all go on.
            yield _alone(folder, files[place], max_seconds)
            place += 1


def _pooled(folder: Path, files: Sequence[Path], cores: int, max_seconds: float | None) -> Iterator[Answer]:
    with _executor(folder, cores, max_seconds) as pool:
        waiting: deque[Future] = deque()
        try:
            for path in files:
                waiting.append(pool.submit(_answer, path))
                if len(waiting) > _AHEAD * cores:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _alone(folder: Path, path: Path, max_seconds: float | None) -> Answer:
    with _executor(folder, 1, max_seconds) as pool:
        try:
            return pool.submit(_answer, path).result()
        except BrokenProcessPool:
            return Answer(str(path), *_CRASHED)


def _executor(folder: Path, cores: int, max_seconds: float | None) -> ProcessPoolExecutor:
    # The children's numpy reads these when it loads. Files run in parallel, so each file has one thread.
    for name in _THREADS:
        os.environ.setdefault(name, "1")
    # Not forked: threads of numpy and of ONNX Runtime do not survive a fork.
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(cores, mp_context=context, initializer=_start, initargs=(folder, max_seconds))


def _start(folder: Path, max_seconds: float | None) -> None:
    global _model
    gc.disable()  # until the first file has imported everything: imports take a sixth less time
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the command, which ends its processes
    _model = SongModel.read(folder, max_seconds=max_seconds)


def _answer(path: Path) -> Answer:
    answer = _model.answer(path)
    gc.enable()
    return answer
