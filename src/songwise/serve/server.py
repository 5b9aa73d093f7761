"""Start, serve until Ctrl-C or SIGTERM, and stop: the entry of `songwise serve`."""

import asyncio
import errno
import json
import logging
import os
import shutil
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import uvicorn

from songwise.errors import InputError, is_disk_full
from songwise.files import read_csv
from songwise.predict.audio_files import find_audio
from songwise.predict.card import read_card
from songwise.predict.layout import TRACKS
from songwise.serve.app import Api
from songwise.serve.connection import protocol
from songwise.serve.guard import Guard
from songwise.serve.limits import Limits
from songwise.serve.pool import Pool
from songwise.serve.uploads import UploadFolder

HOST = "127.0.0.1"
PORT = 8808
_MOST_WORKERS = 8  # by default: each has its own copy of the model in memory
_LAST_WORDS_SECONDS = 2.0  # to send the refusals of what did not finish in time
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def serve(
    model_folder: Path,
    *,
    port: int = PORT,
    workers: int | None = None,
    say: Callable[[str], None],
    limits: Limits | None = None,
) -> None:
    """Serve a model on 127.0.0.1 until Ctrl-C or SIGTERM, which let running requests finish.

    Parameters
    ----------
    model_folder : Path
        Such as results/NAME/champion. It is copied, so a later run may replace it.
    port : int, default=8808
        TCP port. 0 takes any free one.
    workers : int, optional
        Processes that judge files; by default one per core, at most 8.
    say : callable
        Takes one line at a time: the address, then the log.
    limits : Limits, optional
        What is accepted. Songs are never longer than the model's own limit.

    Raises
    ------
    InputError
        If the port is taken, the model cannot be used, or there is no space for uploads.
    """
    if not 0 <= port <= 65_535:
        raise InputError(f"--port must be from 0 to 65535, not {port}")
    if workers is not None and workers < 1:
        raise InputError(f"--workers must be 1 or more, not {workers}")
    limits = limits or Limits()
    card = read_card(model_folder)
    limits = replace(limits, max_seconds=min(limits.max_seconds, card["max_seconds"]))
    with _bound_socket(port) as bound, _uploads() as uploads:
        own = _copy(model_folder, uploads.path / "model")
        _, tracks = read_csv(own / TRACKS)
        audio = find_audio(tracks, card["dataset"], root=Path())
        playable = uploads.path / "playable.json"
        playable.write_text(json.dumps([number for number, file in enumerate(audio) if file]))
        pool = Pool(
            [str(own), str(playable), str(limits.max_seconds)],
            workers=workers or _default_workers(),
            temporary=uploads.path,
            limits=limits,
            say=say,
        )
        api = Api(card=card, audio=audio, uploads=uploads, pool=pool, limits=limits)
        asyncio.run(_serve(api, pool, bound, limits, say))


def _default_workers() -> int:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(cores or 1, _MOST_WORKERS)


@contextmanager
def _bound_socket(port: int) -> Iterator[socket.socket]:
    """Reserve the port. Nothing is accepted before the model is loaded."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as bound:
        # Otherwise a port that was just closed stays taken for a minute.
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            bound.bind((HOST, port))
        except OSError as error:
            raise _port_error(port, error) from error
        yield bound


def _port_error(port: int, error: OSError) -> InputError:
    if error.errno == errno.EADDRINUSE:
        return InputError(
            f"port {port} is in use, perhaps by another songwise serve. Choose another: --port {port + 1}"
        )
    if error.errno == errno.EACCES:
        return InputError(f"port {port} needs administrator rights. Choose one above 1023: --port {PORT}")
    return InputError(f"port {port} cannot be used ({error.strerror}). Choose another with --port")


@contextmanager
def _uploads() -> Iterator[UploadFolder]:
    uploads = UploadFolder()
    try:
        yield uploads
    finally:
        uploads.close()


def _copy(model_folder: Path, own: Path) -> Path:
    # A run that ends meanwhile replaces the folder, and a worker that is replaced must load the same model.
    try:
        return Path(shutil.copytree(model_folder, own, symlinks=True))
    except (OSError, shutil.Error) as error:
        hint = "the disk is full" if is_disk_full(error) else f"{error.__class__.__name__}"
        raise InputError(
            f"{model_folder}: cannot be copied to {own.parent} ({hint}). Set TMPDIR to another folder"
        ) from error


async def _serve(api: Api, pool: Pool, bound: socket.socket, limits: Limits, say: Callable[[str], None]) -> None:
    port = bound.getsockname()[1]
    config = uvicorn.Config(
        Guard(api.app(), port=port, say=say),
        http=protocol(limits),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=limits.stop_seconds + _LAST_WORDS_SECONDS,
    )
    # Without a configuration, Python prints uvicorn's warnings about bad requests to stderr.
    logging.getLogger("uvicorn.error").disabled = True
    server = _Server(config)
    starting = asyncio.ensure_future(pool.start())
    loop = asyncio.get_running_loop()
    signals = 0

    def stop() -> None:
        nonlocal signals
        signals += 1
        starting.cancel()
        pool.refuse_waiting()
        server.should_exit = True
        if signals == 1 and server.started:
            say("stopping after the files in work; press Ctrl-C again to stop now")
            loop.call_later(limits.stop_seconds, pool.refuse_running)
        elif signals > 1:
            pool.refuse_running()
            server.force_exit = True

    for number in _SIGNALS:
        loop.add_signal_handler(number, stop)
    try:
        say("loading the model")
        await starting
        bound.listen()
        say(f"listening on http://{HOST}:{port}/ (stop with Ctrl-C)")
        await server.serve(sockets=[bound])
    except asyncio.CancelledError:
        pass  # stopped while the model was loaded
    except OSError as error:
        raise _port_error(port, error) from error
    finally:
        await pool.close()
        for number in _SIGNALS:
            loop.remove_signal_handler(number)
    say("stopped")


class _Server(uvicorn.Server):
    """Uvicorn's server without its handlers of signals, which end the process by the same signal again."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
