"""A small trained model, and a real server with it in a process of its own."""

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import requests

from helpers.project import ROOT, ordinary_environment
from helpers.sound import RATE, tone, write_wav

MODEL = "logistic@mfcccov"


def make_project(project: Path) -> None:
    """Write the audio of a data set and a model that was trained on it, in results/tones/champion.

    In a process of its own, which may use numba's cache: compiling takes a minute.
    """
    command = [sys.executable, __file__, str(project)]
    subprocess.run(command, check=True, env=ordinary_environment() | {"PYTHONPATH": str(ROOT / "tests")})


def _write_project(project: Path) -> None:
    from helpers.champions import CLIP, LABELS, PITCHES, write_champion
    from songwise.features.preset_files import load_preset
    from songwise.files import file_digest, write_json
    from songwise.predict.hearing import Listener

    preset = load_preset("mfcccov", ROOT)
    listener = Listener(preset, CLIP, 60)
    tracks, rows, codes, record = [], [], [], {}
    for code, (label, pitches) in enumerate(zip(LABELS, PITCHES, strict=True)):
        for hertz in pitches:
            song = f"{label} {hertz}"
            path = write_wav(project / "data/raw/tones/audio" / f"{hertz}.wav", tone(4, hertz))
            rows.append(listener.hear_file(path).X)
            codes += [code] * len(rows[-1])
            about = {"track_id": song, "label": label, "song": song, "artist": f"A{code}", "title": f"T {hertz}"}
            tracks.append(about | {"seconds": "4.0", "sha256": file_digest(path)})
            record[song] = {"status": "ok", "reason": "", "path": str(path.relative_to(project)), "sha256": ""}
    write_json(project / "data/raw/tones/shards/0.json", {"access": "", "attempt": 1, "tracks": record})
    # Scores as large as these refuse no song of the tests.
    refused_by_none = np.linspace(1e3, 2e3, 20)
    facts = {"preset": preset, "tracks": tracks, "held_out": refused_by_none, "model": MODEL, "best": MODEL}
    write_champion(project / "results/tones/champion", np.concatenate(rows), np.array(codes), **facts)


class Server:
    """A server in a process of its own.

    Parameters
    ----------
    project : Path
        The project's folder, with a model in results/tones/champion.
    temporary : Path
        Its folder for temporary files.
    workers : int
        Number of workers.
    **limits
        Values of `serve.limits.Limits`.
    """

    def __init__(self, project: Path, temporary: Path, *, workers: int = 1, port: int = 0, **limits: float):
        temporary.mkdir(parents=True, exist_ok=True)
        self.temporary = temporary
        self.log = temporary.parent / f"server{time.monotonic_ns()}.log"
        code = (
            "import sys; from pathlib import Path\n"
            "from songwise.errors import InputError\n"
            "from songwise.serve.limits import Limits\n"
            "from songwise.serve.server import serve\n"
            f"try: serve(Path('results/tones/champion'), port={port}, workers={workers}, limits=Limits(**{limits}), "
            "say=lambda line: print(line, flush=True))\n"
            "except InputError as error: sys.exit(f'songwise: {error}')\n"
        )
        with self.log.open("w") as log:
            environment = ordinary_environment() | {"TMPDIR": str(temporary)}
            self.process = subprocess.Popen(
                [sys.executable, "-c", code], cwd=project, stdout=log, stderr=log, env=environment
            )

    def wait(self) -> "Server":
        """Wait until it answers."""
        wait_for(lambda: "listening on" in self.text or self.process.poll() is not None, 60)
        assert "listening on" in self.text, self.text
        self.url = self.text.partition("listening on ")[2].split()[0].rstrip("/")
        self.port = int(self.url.rpartition(":")[2])
        return self

    @property
    def text(self) -> str:
        """Everything that it printed."""
        return self.log.read_text()

    def workers(self) -> list[psutil.Process]:
        """Return its worker processes."""
        children = psutil.Process(self.process.pid).children()
        return [child for child in children if "songwise.serve.worker" in child.cmdline()]

    def uploads(self) -> list[Path]:
        """Return the uploads that are on its disk."""
        return list(self.temporary.glob("songwise-serve-*/upload-*"))

    def health(self) -> dict:
        """Return its answer to GET /health."""
        return requests.get(f"{self.url}/health", timeout=10).json()

    def post(self, path: str, content=b"", **options) -> requests.Response:
        """Send a file."""
        return requests.post(self.url + path, data=content, timeout=60, **options)

    def raw(self, content: bytes, *, seconds: float = 20) -> bytes:
        """Send bytes over a new connection, and return all bytes that come until the server closes it."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=seconds) as connection:
            connection.sendall(content)
            received = b""
            while chunk := connection.recv(1 << 16):
                received += chunk
            return received

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Stop it, and return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(60)


def wait_for(condition, seconds: float = 20) -> None:
    """Wait until a condition is true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def wav(seconds: float, hertz: float, folder: Path) -> bytes:
    """Return a WAV file with a tone."""
    return write_wav(folder / f"{seconds}-{hertz}.wav", tone(seconds, hertz, RATE)).read_bytes()


if __name__ == "__main__":
    _write_project(Path(sys.argv[1]))
