"""The addresses of the server.

Starlette matches them and sends files; the checks around them are in `guard`, the work behind them in `pool`.
"""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route, Router

from songwise.predict.audio_files import MEDIA_TYPES
from songwise.serve.api_docs import describe_api, docs_page
from songwise.serve.api_error import ApiError
from songwise.serve.guard import GoneError
from songwise.serve.limits import Limits
from songwise.serve.pool import Answer, Pool
from songwise.serve.uploads import UploadFolder, shown_name, store_body

_STATIC = Path(__file__).with_name("static")
_STATIC_TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
_MOST_TRACKS = 100
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
_LONGEST_AGENT = 200  # characters
_FOR_NOW = {"cache-control": "no-store"}


class Api:
    """Everything that the addresses need.

    Parameters
    ----------
    card : dict
        Content of card.json.
    audio : sequence of Path or None
        Audio file of each track of the data set.
    uploads : UploadFolder
        Where uploads are kept while they are needed.
    pool : Pool
        The workers.
    limits : Limits
        The limits of uploads.
    """

    def __init__(
        self, *, card: Mapping, audio: Sequence[Path | None], uploads: UploadFolder, pool: Pool, limits: Limits
    ):
        self._card, self._audio, self._uploads, self._pool, self._limits = card, audio, uploads, pool, limits
        self._static = _read_static()
        about = {"max_bytes": limits.max_bytes, "max_seconds": limits.max_seconds}
        self._public_card = _json_bytes(
            {name: value for name, value in card.items() if name != "files"} | {"limits": about}
        )
        self._description = describe_api(limits)

    def app(self) -> Router:
        """Return the ASGI application with all addresses."""
        routes = [
            Route("/", self.page),
            Route("/static/{name}", self.static),
            Route("/health", self.health),
            Route("/card", self.card),
            Route("/classify", self.classify, methods=["POST"]),
            Route("/similar", self.similar, methods=["POST"]),
            Route("/tracks/{number:int}/audio", self.track_audio),
            Route("/openapi.json", self.openapi),
            Route("/docs", self.docs),
        ]
        # Not the class Starlette, which answers errors itself: the guard around this one has an answer for each.
        return Router(routes, redirect_slashes=False)

    async def page(self, request: Request) -> Response:
        """Return the page."""
        return self._file("index.html")

    async def static(self, request: Request) -> Response:
        """Return one of the files that the page consists of."""
        return self._file(request.path_params["name"])

    async def health(self, request: Request) -> Response:
        """Return what the server is doing."""
        pool = self._pool
        state = {"status": "stopping" if pool.is_stopping else "ok"}
        state |= {"dataset": self._card["dataset"], "model": self._card["model"]}
        return _json(_json_bytes(state | {"busy": pool.busy, "waiting": pool.waiting, "workers": pool.workers}))

    async def card(self, request: Request) -> Response:
        """Return the model card, and the limits of uploads."""
        return _json(self._public_card)

    async def classify(self, request: Request) -> Response:
        """Return the verdict on the audio file in the body."""
        similar = _whole_number(request, "similar", 0, 0, _MOST_TRACKS)
        return await self._answer(request, "classify", similar=similar, picture=_boolean(request, "picture"))

    async def similar(self, request: Request) -> Response:
        """Return the tracks that are most similar to the audio file in the body."""
        count = _whole_number(request, "n", 10, 1, _MOST_TRACKS)
        artist, is_filtered = request.query_params.get("artist", ""), _boolean(request, "artist_filter")
        return await self._answer(request, "similar", similar=count, artist=artist, is_filtered=is_filtered)

    async def track_audio(self, request: Request) -> Response:
        """Return the audio file of a track of the data set, or the range of it that the request asks for."""
        number = request.path_params["number"]
        file = self._audio[number] if number < len(self._audio) else None
        if file is None or not file.is_file():
            raise ApiError(404, "no_audio", "The audio of this track is not on this machine.")
        return FileResponse(file, media_type=MEDIA_TYPES[file.suffix.lower()], headers={"cache-control": "no-cache"})

    async def openapi(self, request: Request) -> Response:
        """Return the description of these addresses for programs (OpenAPI)."""
        return _json(_json_bytes(self._description))

    async def docs(self, request: Request) -> Response:
        """Return the description of these addresses for people."""
        return Response(docs_page(self._description), media_type="text/html")

    def _file(self, name: str) -> Response:
        if name not in self._static:
            raise ApiError.of_status(404)
        content, media_type = self._static[name]
        return Response(content, media_type=media_type, headers={"cache-control": "no-cache"})

    async def _answer(self, request: Request, kind: str, **options: object) -> Response:
        if request.headers.get("content-type", "").startswith("multipart/"):
            message = "Send the bytes of the file as the body, not a form: curl --data-binary @song.mp3 ADDRESS"
            raise ApiError(415, "form", message)
        name = shown_name(request.query_params.get("name", ""))
        client = (request.client and request.client.host, request.headers.get("user-agent", "")[:_LONGEST_AGENT])
        with self._pool.admit(client):
            file = self._uploads.new_file(name)
            try:
                declared = request.headers.get("content-length")
                await store_body(request.receive, file, declared=declared, limits=self._limits)
                job = {"kind": kind, "path": str(file), "name": name, **options}
                answer = await _unless_gone(request.receive, self._pool.run(job))
            finally:
                file.unlink(missing_ok=True)
        return _json(answer.body, answer.status)


async def _unless_gone(receive: Callable, work) -> Answer:
    """Return the result of some work, or cancel it when the client closes the connection."""
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_departure(receive))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise GoneError
        return working.result()
    finally:
        working.cancel()
        leaving.cancel()


async def _departure(receive: Callable) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _read_static() -> dict[str, tuple[bytes, str]]:
    files = sorted(_STATIC.iterdir()) if _STATIC.is_dir() else []
    return {
        file.name: (file.read_bytes(), _STATIC_TYPES[file.suffix]) for file in files if file.suffix in _STATIC_TYPES
    }


def _whole_number(request: Request, name: str, default: int, least: int, most: int) -> int:
    text = request.query_params.get(name, str(default))
    if not (text.isascii() and text.isdecimal() and len(text) < 9 and least <= int(text) <= most):
        raise ApiError(400, "bad_parameter", f"{name} must be a whole number from {least} to {most}.")
    return int(text)


def _boolean(request: Request, name: str) -> bool:
    text = request.query_params.get(name, "false").lower()
    if text not in _BOOLEANS:
        raise ApiError(400, "bad_parameter", f"{name} must be true or false.")
    return _BOOLEANS[text]


def _json_bytes(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def _json(body: bytes, status: int = 200) -> Response:
    return Response(body, status, media_type="application/json", headers=_FOR_NOW)
