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

CLIP = {"seconds": 2, "hop": 2, "start": 0, "stop": None, "min_seconds": 1}
PITCHES = {"low": (196, 220, 247, 262), "high": (1568, 1760, 1976, 2093)}
_ABOUT = {
    "format": 1,
    "dataset": "tones",
    "title": "Tones",
    "label": "register",
    "model": "logistic@mfcccov",
    "setting": "best",
    "reason": "it is the only one",
    "protocol": "by-song",
    "n_songs": 8,
    "n_clips": 16,
    "song_accuracy": 0.9,
    "song_accuracy_low": 0.8,
    "song_accuracy_high": 1.0,
    "best": "logistic@mfcccov",
    "best_song_accuracy": 0.9,
    "corrected_song_accuracy": None,
    "tied": [],
    "guessing": 0.5,
    "file_facts": None,
    "random_clips_song_accuracy": None,
    "milliseconds": 1.0,
    "clip": CLIP,
    "max_seconds": 60.0,
    "calibration": {
        level: dict.fromkeys(("ece_before", "ece_after", "log_loss_before", "log_loss_after")) | {"temperature": 1.0}
        for level in ("song", "clip")
    },
    "novelty": dict.fromkeys(("refused", "auroc", "auroc_low", "auroc_high")),
    "licenses": ["CC0-1.0"],
    "citation": None,
    "homepage": None,
    "data_version": "0",
    "run_key": "0",
    "git_commit": None,
    "versions": {},
}


def make_project(project: Path) -> None:
    """Write the audio of a data set and a model that was trained on it, in results/tones/champion.

    In a process of its own, which may use numba's cache: compiling takes a minute.
    """
    command = [sys.executable, __file__, str(project)]
    subprocess.run(command, check=True, env=ordinary_environment() | {"PYTHONPATH": str(ROOT / "tests")})


def _write_project(project: Path) -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from songwise.features.preset_files import load_preset
    from songwise.features.resolved import column_names_of
    from songwise.files import file_digest, write_json, write_rows
    from songwise.models.bundle import save_bundle
    from songwise.predict.folder import NEIGHBOURS, NOVELTY, TRACK_COLUMNS, TRACKS
    from songwise.predict.hearing import Listener
    from songwise.predict.neighbours import Neighbours
    from songwise.predict.novelty import Novelty

    preset = load_preset("mfcccov", ROOT)
    listener = Listener(preset, CLIP, 60)
    tracks, rows, codes, songs, record = [], [], [], [], {}
    for code, label in enumerate(sorted(PITCHES)):
        for hertz in PITCHES[label]:
            song = f"{label} {hertz}"
            path = write_wav(project / "data/raw/tones/audio" / f"{hertz}.wav", tone(4, hertz))
            heard = listener.hear_file(path)
            rows.append(heard.X)
            codes += [code] * len(heard.X)
            songs += [song] * len(heard.X)
            about = {"track_id": song, "label": label, "song": song, "artist": f"A{code}", "title": f"T {hertz}"}
            tracks.append(about | {"seconds": "4.0", "sha256": file_digest(path)})
            record[song] = {"status": "ok", "reason": "", "path": str(path.relative_to(project)), "sha256": ""}
    write_json(project / "data/raw/tones/shards/0.json", {"access": "", "attempt": 1, "tracks": record})
    X, labels = np.concatenate(rows), sorted(PITCHES)
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, codes)
    folder = project / "results/tones/champion"
    card = {"labels": labels, "columns": column_names_of(preset), "preset": preset}
    save_bundle(folder / "bundle", model, card)
    # Scores as large as these refuse no song of the tests.
    novelty = Novelty.fit(X, np.array(songs), np.array(codes), seed=0, held_out=np.linspace(1e3, 2e3, 20))
    neighbours = Neighbours.fit(X, np.array(songs), np.array(labels)[codes], seed=0)
    np.savez(folder / NOVELTY, **novelty.arrays())
    np.savez(folder / NEIGHBOURS, **neighbours.arrays())
    write_rows(folder / TRACKS, TRACK_COLUMNS, sorted(tracks, key=lambda track: track["track_id"]))
    files = {path.relative_to(folder).as_posix(): file_digest(path) for path in folder.rglob("*") if path.is_file()}
    write_json(folder / "card.json", _ABOUT | {"classes": labels, "files": files})
    return folder


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
