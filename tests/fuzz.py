"""Thousands of damaged files, and how songwise handles them. tests/audio/test_fuzz.py runs some.

python tests/fuzz.py FOLDER COUNT SEED    runs a campaign by itself, in two processes
"""

import json
import math
import random
import resource
import struct
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
FORMATS = {
    "wav": (),
    "flac": (),
    "ogg": ("-c:a", "libvorbis"),
    "opus": ("-c:a", "libopus"),
    "mp3": (),
    "m4a": ("-c:a", "aac"),
    "webm": ("-c:a", "libopus"),
    "aac": ("-c:a", "aac"),
}
PROCESSES = 2
CLIP = {"seconds": 1, "hop": 1, "start": 0, "stop": None, "min_seconds": 0.5}
DATASET = {"name": "fuzz", "clip": CLIP, "max_seconds": 20}
PRESETS = ("jlaoo26", "mfcccov")
EXTREMES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x7FC00000)
HEAD = 200  # bytes in which a file states its format
# Positions of fields in the header. WAV: sizes, coding, channels, rate, bytes per second, frame, bits. FLAC: block and
# frame sizes, rate to total. Ogg page: version, flags, granule, serial, sequence, checksum, segments, codec header.
FIELDS = {
    "wav": (4, 16, 20, 22, 24, 28, 32, 34, 40),
    "flac": (4, 5, 8, 10, 12, 15, 18, 21, 22),
    "ogg": (4, 5, 6, 14, 18, 22, 26, 27, 35, 39, 40, 44, 56),
    "opus": (4, 5, 6, 14, 18, 22, 26, 27, 36, 37, 38, 40, 44, 46),
}


def _ogg_sums() -> Iterator[int]:
    for value in range(256):
        total = value << 24
        for _ in range(8):
            total = (total << 1 & 0xFFFFFFFF) ^ (0x04C11DB7 if total >> 31 else 0)
        yield total


OGG_SUMS = tuple(_ogg_sums())


def damaged(sources: dict[str, bytes], count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """Yield damaged files, one format after the other; the same for the same seed.

    Parameters
    ----------
    sources : dict of str to bytes
        Content of a good file per suffix.
    count : int
        Number of files.
    seed : int
        Seed of the damage.

    Yields
    ------
    name : str
        File name.
    content : bytes
        Damaged content.
    """
    rng = random.Random(seed)
    suffixes = list(sources)
    for number in range(count):
        suffix = suffixes[number % len(suffixes)]
        content = bytearray(sources[suffix])
        damages = [_flip, _run, _cut, _insert, _remove, _extreme, _field, _splice]
        for damage in rng.choices(damages, k=rng.choice((1, 1, 1, 2, 4))):
            content = damage(content, rng, suffix, sources)
        if rng.random() < 0.7:
            content = seal(content)
        yield f"{number:06d}.{suffix}", bytes(content)


def _place(content: bytearray, rng: random.Random) -> int:
    # Half of all damage is in the header, which is a hundredth of the file.
    return rng.randrange(max(1, min(len(content), HEAD) if rng.random() < 0.5 else len(content)))


def _flip(content, rng, suffix, sources):
    for _ in range(rng.choice((1, 1, 8, 200))):
        if content:
            content[_place(content, rng)] ^= 1 << rng.randrange(8)
    return content


def _run(content, rng, suffix, sources):
    at, length = _place(content, rng), rng.choice((1, 4, 64, 4096))
    length = min(length, len(content) - at)
    content[at : at + length] = rng.choice((bytes(length), b"\xff" * length, rng.randbytes(length)))
    return content


def _cut(content, rng, suffix, sources):
    return content[: _place(content, rng)]


def _insert(content, rng, suffix, sources):
    at = _place(content, rng)
    return content[:at] + rng.randbytes(rng.choice((1, 3, 100, 5000))) + content[at:]


def _remove(content, rng, suffix, sources):
    at = _place(content, rng)
    return content[:at] + content[at + rng.choice((1, 3, 100, 5000)) :]


def _extreme(content, rng, suffix, sources):
    return _write(content, _place(content, rng), rng)


def _field(content, rng, suffix, sources):
    return _write(content, rng.choice(FIELDS.get(suffix, range(HEAD))), rng)


def _write(content, at, rng):
    order, form = rng.choice("<>"), rng.choice("BHIQ")
    width = struct.calcsize(form)
    value = rng.choice(EXTREMES) if form != "Q" else rng.choice((2**63, 2**64 - 1, 2**63 - 1, 1 << 40))
    content[at : at + width] = struct.pack(order + form, value & (256**width - 1))
    return content


def seal(content):
    """Correct the checksums of Ogg pages: a decoder never sees the damage in pages with a wrong one."""
    at = content.find(b"OggS")
    while at >= 0 and at + 27 <= len(content):
        segments = content[at + 26]
        page = bytearray(content[at : at + 27 + segments + sum(content[at + 27 : at + 27 + segments])])
        page[22:26] = bytes(4)
        content[at + 22 : at + 26] = struct.pack("<I", _ogg_sum(page))
        at = content.find(b"OggS", at + 4)
    return content


def _ogg_sum(page: bytes) -> int:
    total = 0
    for byte in page:
        total = (total << 8 & 0xFFFFFFFF) ^ OGG_SUMS[total >> 24 ^ byte]
    return total


def _splice(content, rng, suffix, sources):
    other = sources[rng.choice(list(sources))]
    return content[: _place(content, rng)] + other[_place(bytearray(other), rng) :]


def campaign(folder: Path, count: int, seed: int) -> dict:
    """Damage files, and take them through the stages clips and features.

    Parameters
    ----------
    folder : Path
        Folder for the files and tables.
    count : int
        Number of files.
    seed : int
        Seed of the damage.

    Returns
    -------
    dict
        - seconds : float, duration.
        - megabytes : int, the highest memory of one of the processes or of their children.
        - outcomes : dict of str to int, number of files by status and the first words of the reason.
        - clips : int, number of clips with features.
    """
    # Not imported by the processes that compute features: with it, they compile everything again.
    from helpers.project import ordinary_environment
    from helpers.sound import encode, tone, write_wav

    source = write_wav(folder / "source.wav", np.stack([tone(1.7, 440), tone(1.7, 331)], axis=1))
    made = [encode(source, folder / f"song.{suffix}", *options) for suffix, options in FORMATS.items()]
    for name, content in damaged({path.suffix[1:]: path.read_bytes() for path in made}, count, seed):
        (folder / name).write_bytes(content)
    start = time.monotonic()
    logs = [folder / f"{number}.log" for number in range(PROCESSES)]
    workers = []
    for number, log in enumerate(logs):
        with log.open("w") as stream:
            command = [sys.executable, __file__, folder, str(number)]
            workers.append(subprocess.Popen(command, stdout=stream, stderr=stream, env=ordinary_environment()))
    codes = [worker.wait() for worker in workers]
    assert not any(codes), "\n".join(log.read_text()[-5000:] for log in logs)
    parts = [json.loads((folder / f"shard{number}" / "result.json").read_text()) for number in range(PROCESSES)]
    return {
        "seconds": round(time.monotonic() - start, 1),
        "megabytes": max(part["megabytes"] for part in parts),
        "outcomes": dict(sum((Counter(part["outcomes"]) for part in parts), Counter()).most_common()),
        "clips": sum(part["clips"] for part in parts),
    }


def work(folder: Path, number: int) -> None:
    """Process one shard of the folder's files as the workflow's jobs do, and check every number that it writes.

    Parameters
    ----------
    folder : Path
        Folder of damaged files.
    number : int
        Number of the shard, from 0 to `PROCESSES` - 1.
    """
    from pyarrow import parquet

    from songwise.clips.cut import GoodClips
    from songwise.clips.inspect import inspect_shard
    from songwise.datasets.track import Track
    from songwise.features.extract import extract_shard
    from songwise.features.preset_files import load_preset
    from songwise.files import read_rows, write_json

    paths = sorted(folder.glob("[0-9]" * 6 + ".*"), key=lambda path: (path.suffix, path.name))[number::PROCESSES]
    at = folder / f"shard{number}"
    at.mkdir(exist_ok=True)
    tracks = [Track(path.name, "label", path.name) for path in paths]
    record = {path.name: {"status": "ok", "reason": "", "path": str(path), "sha256": ""} for path in paths}
    write_json(at / "state.json", {"tracks": record})
    tables = {"state": at / "state.json", "tracks_csv": at / "tracks.csv", "clips_csv": at / "clips.csv"}
    inspect_shard(tracks, DATASET, **tables, fingerprints=at / "fingerprints.parquet", title="fuzz")
    rows = read_rows(at / "tracks.csv")
    assert [row["track_id"] for row in rows] == [path.name for path in paths]
    for row in rows:
        assert row["status"] in ("ok", "quarantined", "failed") and bool(row["reason"]) == (row["status"] != "ok"), row
        assert "takes more than" not in row["reason"], row
        numbers = [row[name] for name in ("seconds", "bit_rate", "sample_rate", "loudness", "peak", "cutoff", "side")]
        assert all(math.isfinite(float(value)) for value in numbers if value), row
    presets = [load_preset(name, ROOT) for name in PRESETS]
    clips = GoodClips(tracks, DATASET, **tables)
    written = {name: at / f"{name}.parquet" for name in PRESETS}
    extract_shard(clips, presets=presets, tables=written, frames={}, title="fuzz")
    for path in written.values():
        table = parquet.read_table(path)
        assert len(table) == len(clips)
        values = [table[name].to_numpy() for name in table.column_names if name != "clip_id"]
        assert all(np.isfinite(column).all() for column in values), path
    unit = 20 if sys.platform == "darwin" else 10  # ru_maxrss is in bytes there, elsewhere in KiB
    most = max(_own_peak(), resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
    outcomes = Counter(f"{row['status']} {' '.join(row['reason'].split()[:2])}".strip() for row in rows)
    write_json(at / "result.json", {"megabytes": most >> unit, "outcomes": outcomes, "clips": len(clips)})


def _own_peak() -> int:
    """Return the highest memory of this process, in the unit of ru_maxrss.

    On Linux ru_maxrss also counts the process that started this one: a test run, which may be large.
    """
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM:"))


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT / "src"))
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    if len(sys.argv) == 3:
        work(folder, int(sys.argv[2]))
    else:
        print(json.dumps(campaign(folder, int(sys.argv[2]), int(sys.argv[3])), indent=1))
