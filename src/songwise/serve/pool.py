"""Worker processes and the queue in front of them.

Each worker is a process of its own (`worker.py`) with the model loaded and one thread. So a file that crashes or hangs
a library costs one request and one worker, which is replaced. Requests and answers are JSON over pipes.
"""

import asyncio
import itertools
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from songwise.errors import InputError
from songwise.serve.api_error import ApiError
from songwise.serve.limits import Limits
from songwise.serve.messages import FAILED, HEAD, READY, read_head

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
_START_SECONDS = 300.0  # to load a model, and to compile the features' code if this machine has never run it
_LONGEST_PAUSE = 30.0  # seconds between attempts to start a worker that does not start
_CLOSE_SECONDS = 2.0


@dataclass
class Answer:
    """What a worker answered.

    Attributes
    ----------
    status : int
        Status of the HTTP response.
    body : bytes
        JSON.
    """

    status: int
    body: bytes


@dataclass(eq=False)
class _Job:
    number: int
    request: dict
    answer: asyncio.Future = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    is_running: bool = False

    def fail(self, error: ApiError) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)


class Pool:
    """The workers of a server.

    Parameters
    ----------
    arguments : list of str
        Of the command `python -m songwise.serve.worker`.
    workers : int
        Number of processes.
    temporary : Path
        Folder for their temporary files.
    limits : Limits
        Of which `at_once`, `per_client`, `job_seconds` and `wait_seconds` are used.
    say : callable
        Takes a line for each worker that is replaced.

    Attributes
    ----------
    workers : int
        Processes that have loaded the model.
    is_stopping : bool
        Whether `stop` was called.
    """

    def __init__(
        self, arguments: list[str], *, workers: int, temporary: Path, limits: Limits, say: Callable[[str], None]
    ):
        self._command = [sys.executable, "-m", "songwise.serve.worker", *arguments]
        self._limits, self._say, self._temporary = limits, say, temporary
        self._queue: asyncio.Queue[_Job] = asyncio.Queue()
        self._numbers = itertools.count(1)
        self._clients: Counter = Counter()
        self._count = workers
        self._keepers: list[asyncio.Task] = []
        self._running: set[_Job] = set()
        self.workers = 0
        self.is_stopping = False

    @property
    def busy(self) -> int:
        """Return the number of files in work."""
        return len(self._running)

    @property
    def waiting(self) -> int:
        """Return the number of files that wait for a worker."""
        return self._queue.qsize()

    async def start(self) -> None:
        """Start the workers and wait until the first has loaded the model; the others follow.

        Raises
        ------
        InputError
            If the model cannot be loaded.
        """
        first = await self._start_worker()
        self._keepers = [asyncio.create_task(self._keep(first))]
        self._keepers += [asyncio.create_task(self._keep(None)) for _ in range(self._count - 1)]

    @contextmanager
    def admit(self, client: object) -> Iterator[None]:
        """Reserve a place for one request of a client, from before its upload to its answer.

        Parameters
        ----------
        client : object
            Who sends it; anything with a hash.

        Raises
        ------
        ApiError
            429 if this client has too many requests here, 503 if all clients together have, or while stopping.
        """
        if self.is_stopping:
            raise _stopping()
        if self._clients[client] >= self._limits.per_client:
            message = f"This client has {self._limits.per_client} files here already. Send the next after an answer."
            raise ApiError(429, "too_many", message)
        if self._clients.total() >= self._limits.at_once:
            raise ApiError(503, "busy", "Too many files are waiting. Try again in a few seconds.")
        self._clients[client] += 1
        try:
            yield
        finally:
            self._clients[client] -= 1
            if not self._clients[client]:
                del self._clients[client]

    async def run(self, request: dict) -> Answer:
        """Let a worker answer a request.

        Parameters
        ----------
        request : dict
            As in `worker.answer`.

        Returns
        -------
        Answer
            The worker's answer to this request.

        Raises
        ------
        ApiError
            500 if the worker crashed, 503 if no worker was free in time or the server stops, 504 if it took too long.
        """
        if self.is_stopping:
            raise _stopping()
        job = _Job(next(self._numbers), request)
        self._queue.put_nowait(job)
        timer = asyncio.get_running_loop().call_later(self._limits.wait_seconds, _give_up_waiting, job)
        try:
            return await job.answer
        finally:
            timer.cancel()
            job.answer.cancel()  # if the client has left

    def refuse_waiting(self) -> None:
        """Refuse all files that wait for a worker, and all new ones: the server stops after what runs."""
        self.is_stopping = True
        while not self._queue.empty():
            self._queue.get_nowait().fail(_stopping())

    def refuse_running(self) -> None:
        """Refuse also the files in work: the server stops now."""
        for job in self._running:
            job.fail(_stopping())

    async def close(self) -> None:
        """End all workers."""
        self.is_stopping = True
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)

    async def _keep(self, worker: "_Worker | None") -> None:
        """Keep one worker alive, and give it one job after the other."""
        pause = 0.5
        while True:
            try:
                worker = worker or await self._start_worker()
                pause = 0.5
            except InputError as error:
                self._say(f"a worker cannot start: {error}. Next attempt in {pause:g} s")
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
                continue
            self.workers += 1
            try:
                while worker.is_alive:
                    await self._serve_one(worker)
            finally:
                self.workers -= 1
                await worker.end()
            worker = None

    async def _serve_one(self, worker: "_Worker") -> None:
        job = await self._next_job(worker)
        if job is None or job.answer.done():
            return
        self._running.add(job)
        job.is_running = True
        try:
            async with asyncio.timeout(self._limits.job_seconds):
                answer = await worker.ask(job.number, job.request)
            if not job.answer.done():
                job.answer.set_result(answer)
        except TimeoutError:
            seconds = self._limits.job_seconds
            self._say(f"a worker was replaced: one file took more than {seconds:g} s")
            message = f"This file took more than {seconds:g} s, so it was stopped. Send a shorter one."
            job.fail(ApiError(504, "timeout", message))
            worker.kill()
        except (EOFError, OSError, ValueError) as error:
            self._say(f"a worker was replaced: it ended without an answer ({type(error).__name__})")
            message = "songwise crashed on this file. Try another format, such as MP3 or WAV."
            job.fail(ApiError(500, "crashed", message))
            worker.kill()
        except asyncio.CancelledError:
            job.fail(_stopping())
            raise
        finally:
            self._running.discard(job)

    async def _next_job(self, worker: "_Worker") -> _Job | None:
        getting = asyncio.create_task(self._queue.get())
        try:
            await asyncio.wait({getting, worker.ended}, return_when=asyncio.FIRST_COMPLETED)
            if not getting.done():
                return None
            if not worker.is_alive:  # it died idle, which costs no request
                self._queue.put_nowait(getting.result())
                return None
            return getting.result()
        finally:
            getting.cancel()

    async def _start_worker(self) -> "_Worker":
        environment = dict(
            os.environ, MALLOC_ARENA_MAX="2", TMPDIR=str(self._temporary), **dict.fromkeys(_THREADS, "1")
        )
        process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C in the terminal is for the server alone
            env=environment,
        )
        worker = _Worker(process)
        try:
            async with asyncio.timeout(_START_SECONDS):
                number, status, body = await worker.receive()
        except (TimeoutError, EOFError, OSError, ValueError):
            number, status, body = 0, FAILED, b"the model did not load, and there is no message (out of memory?)"
        except BaseException:
            await worker.end()
            raise
        if (number, status) != (0, READY):
            await worker.end()
            raise InputError(body.decode("utf-8", "replace"))
        return worker


class _Worker:
    """One process, from the server's side."""

    def __init__(self, process: asyncio.subprocess.Process):
        self._process = process
        self._was_killed = False
        self.ended = asyncio.create_task(process.wait())

    @property
    def is_alive(self) -> bool:
        # Its pipe closes before the system reports its end.
        return not (self._was_killed or self.ended.done() or self._process.stdout.at_eof())

    async def ask(self, number: int, request: dict) -> Answer:
        self._process.stdin.write(json.dumps({"number": number, **request}).encode() + b"\n")
        await self._process.stdin.drain()
        answered, status, body = await self.receive()
        if answered != number:
            raise ValueError("a worker answered another request")
        return Answer(status, body)

    async def receive(self) -> tuple[int, int, bytes]:
        number, status, size = read_head(await self._process.stdout.readexactly(HEAD.size))
        return number, status, await self._process.stdout.readexactly(size)

    def kill(self) -> None:
        self._was_killed = True
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    async def end(self) -> None:
        """Let an idle worker end at the end of its input, and kill any other."""
        self._process.stdin.close()
        try:
            await asyncio.wait_for(asyncio.shield(self.ended), _CLOSE_SECONDS)
        except (TimeoutError, asyncio.CancelledError):
            self.kill()
            await self.ended


def _give_up_waiting(job: _Job) -> None:
    if not job.is_running:
        job.fail(ApiError(503, "busy", "No worker was free in time. Try again in a few seconds."))


def _stopping() -> ApiError:
    return ApiError(503, "stopping", "The server is stopping. Start it again and send the file again.")
