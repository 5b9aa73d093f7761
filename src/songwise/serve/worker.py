"""A worker of the server: `python -m songwise.serve.worker FOLDER AUDIO MAX_SECONDS`.

It loads the model of a folder, and then answers one request after the other: JSON lines in, `messages` out. It ends
with the server, at the end of its input.
"""

import ctypes
import json
import os
import queue
import sys
import threading
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np

from songwise.clips.load import RejectedError
from songwise.errors import InputError
from songwise.predict.hearing import Heard
from songwise.predict.model import SongModel
from songwise.predict.similar import UnknownArtistError, songs_left_out
from songwise.serve.api_error import ApiError
from songwise.serve.guard import describe
from songwise.serve.messages import FAILED, READY, write_message
from songwise.serve.picture import draw
from songwise.serve.rejections import explain

_SHOWN = ("track", "track_id", "label", "artist", "title", "distance")
_RATE = 22_050  # Hz
_BUG = "songwise failed on this file. This is a bug of songwise; please report it: {}"


def main(words: list[str]) -> None:
    """Load the model and answer requests until the server closes the pipe.

    Parameters
    ----------
    words : list of str
        The folder of the model; a JSON file with the numbers of the tracks that have audio; the longest song in
        seconds.
    """
    # Libraries that print must not print into the answers.
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    requests: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_read_requests, args=(requests,), daemon=True).start()
    folder, audio, longest = words
    try:
        service = Service(Path(folder), set(json.loads(Path(audio).read_text())), float(longest))
    except InputError as error:
        write_message(output, 0, FAILED, str(error).encode())
        return
    except Exception as error:
        write_message(output, 0, FAILED, f"the model cannot be loaded ({describe(error)})".encode())
        return
    release = _release_memory()
    write_message(output, 0, READY, b"")
    while True:
        request = json.loads(requests.get())
        status, content = service.answer(request)
        write_message(output, request["number"], status, json.dumps(content, ensure_ascii=False).encode())
        del content
        release()


def _read_requests(requests: queue.SimpleQueue) -> None:
    for line in sys.stdin.buffer:
        requests.put(line)
    os._exit(0)  # the server has ended, perhaps by force: nobody reads the answer to a request in work


def _release_memory() -> Callable[[], object]:
    """Return a function that gives freed memory back to the system: glibc keeps that of the longest song."""
    with suppress(OSError, AttributeError):
        trim = ctypes.CDLL(None).malloc_trim
        return lambda: trim(0)
    return lambda: None


class Service:
    """A loaded model that answers requests.

    Parameters
    ----------
    folder : Path
        The model's folder.
    audio : set of int
        Numbers of the tracks that the server can play.
    max_seconds : float
        Length of the longest song that is accepted.
    """

    def __init__(self, folder: Path, audio: set[int], max_seconds: float):
        self._model = SongModel.read(folder, max_seconds=max_seconds)
        self._audio, self._max_seconds = audio, max_seconds
        self._warm_up()

    def _warm_up(self) -> None:
        """Classify some noise, so that the first upload does not wait for imports and compilers."""
        seconds = max(1.0, self._model.card["clip"]["min_seconds"])
        noise = np.random.default_rng(0).uniform(-0.1, 0.1, round(seconds * _RATE))
        (answer,) = self._model.answers(noise, _RATE)
        if answer.vector is not None:
            self._nearest(answer.vector, 1)

    def answer(self, request: Mapping) -> tuple[int, dict]:
        """Return the status and the content of the answer to a request.

        Parameters
        ----------
        request : mapping
            - kind : "classify" or "similar".
            - path : the upload.
            - name : its name in the answer.
            - similar : number of nearest tracks. The upload's own song is not one of them.
            - picture : whether waveform and spectrogram are wanted ("classify").
            - is_filtered : whether tracks of the upload's artist are left out ("similar").
            - artist : the upload's artist, if it is known ("similar").

        Returns
        -------
        status : int
            200, 422 if the upload is not usable music, 400 if its artist is needed and not known, or 500.
        content : dict
            For JSON.
        """
        try:
            heard = self._model.hear(Path(request["path"]))
            return 200, (self._classify if request["kind"] == "classify" else self._similar)(heard, request)
        except ApiError as error:
            return error.status, _error(error.code, error.message)
        except RejectedError as error:
            code, message = explain(error.reason, max_seconds=self._max_seconds)
            return 422, _error(code, message)
        except MemoryError:
            return 500, _error("memory", "This file needs more memory than there is. Send a shorter piece of it.")
        except Exception as error:
            return 500, _error("bug", _BUG.format(describe(error)))

    def _classify(self, heard: Heard, request: Mapping) -> dict:
        answer = self._model.judge(heard, request["name"])
        nearest = []
        if request["similar"]:  # otherwise the upload is not read again for its checksum
            left_out = songs_left_out(self._model.tracks, Path(request["path"]))
            nearest = self._nearest(answer.vector, request["similar"], left_out)
        content = answer.as_dict() | {"similar": nearest}
        return content | {"picture": draw(heard.segment)} if request["picture"] else content

    def _similar(self, heard: Heard, request: Mapping) -> dict:
        options = {name: request[name] for name in ("artist", "is_filtered")}
        try:
            left_out = songs_left_out(self._model.tracks, Path(request["path"]), **options)
        except UnknownArtistError:
            message = "The artist of this file is not known. Add the parameter artist, or leave out artist_filter."
            raise ApiError(400, "artist_unknown", message) from None
        vector = self._model.neighbours.embed(heard.numbers)
        return {"file": request["name"], "tracks": self._nearest(vector, request["similar"], left_out)}

    def _nearest(self, vector: np.ndarray, count: int, left_out: Collection[str] = ()) -> list[dict]:
        tracks = self._model.similar(vector, count, without_songs=left_out)
        return [{name: track[name] for name in _SHOWN} | {"audio": self._address(track["track"])} for track in tracks]

    def _address(self, track: int) -> str | None:
        return f"/tracks/{track}/audio" if track in self._audio else None


def _error(code: str, message: str) -> dict:
    return {"error": {"code": code, "message": message}}


if __name__ == "__main__":
    main(sys.argv[1:])
