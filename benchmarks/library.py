"""Measure how long `songwise init` takes for a large folder of music.

    python benchmarks/library.py [--files 10000] [--folder FOLDER]

It builds a library of artists and albums from small files with tags: 12 s of a tone at 8 kHz as mp3, flac, ogg, m4a and
wav, encoded by the bundled ffmpeg. Only one file per artist is encoded. The others are copies with different bytes at
the end. It runs the command twice while the files are in the file system's cache. It prints the time, the peak memory
of the largest process, and the messages of the second run.
"""

import argparse
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import imageio_ffmpeg

FORMATS = ("mp3", "flac", "ogg", "m4a", "wav")
GENRES = ("Rock", "Jazz", "Hip-Hop", "Folk", "Pop")
ARTISTS = 20  # per format
ROOT = Path(__file__).parents[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--folder", type=Path, help="folder for the library; default: the system's temporary folder")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder, prefix="songwise-library-") as folder:
        music = Path(folder) / "music"
        size = build(music, arguments.files)
        print(f"{arguments.files:,} files, {size / 2**20:,.0f} MiB")
        for run in (1, 2):
            command = [sys.executable, "-m", "songwise", "init", music, "--out", Path(folder) / "out", "--force"]
            start = time.perf_counter()
            done = subprocess.run(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, check=True)
            seconds = time.perf_counter() - start
            peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
            print(
                f"run {run}: {seconds:.1f} s, {1000 * seconds / arguments.files:.2f} ms per file, peak {peak:.0f} MiB"
            )
        print(done.stderr)


def build(music: Path, files: int) -> int:
    """Write the files of a library below `music`, and return their total size in bytes."""
    size = 0
    for number in range(files):
        artist = number % (ARTISTS * len(FORMATS))
        suffix = FORMATS[artist % len(FORMATS)]
        album, track = divmod(number // (ARTISTS * len(FORMATS)), 10)
        path = music / f"Artist {artist}" / f"Album {album}" / f"{track + 1:02d} Song {album} {track}.{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        first = music.with_name(f"first-{artist}.{suffix}")
        if not first.is_file():
            _encode(first, {"artist": f"Artist {artist}", "genre": GENRES[artist // len(FORMATS) % len(GENRES)]})
        shutil.copyfile(first, path)
        with path.open("ab") as stream:
            stream.write(b"\0" * 8 + number.to_bytes(8, "big"))
        size += path.stat().st_size
    return size


def _encode(path: Path, tags: dict[str, str]) -> None:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "lavfi", "-i", "sine=330:r=8000:d=12"]
    for key, value in tags.items():
        command += ["-metadata", f"{key}={value}"]
    subprocess.run([*command, path], check=True)


if __name__ == "__main__":
    main()
