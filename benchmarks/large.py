"""Measure a large data set after its features: splits, duplicates, training, evaluation, report, MLflow.

    python benchmarks/large.py [--tracks 1000 10000 106574] [--models quick] [--clips 3] [--folder FOLDER]

The data set is invented, because no disk here has room for the audio of FMA large. It has as many rows as FMA large,
its 16 genres in unequal shares, artists, albums and the published split's shares. What `inspect_tracks` and
`extract_features` would have written is written directly: records, facts, fingerprints of 30 s, and features from a
genre, an artist, a song and noise. Everything after them is a real run. Fingerprints keep the statistics of music:
their values recur within a track and some recur in many tracks. 1 % of the tracks are copies of another track, and 1 %
are other encodings of one.

The table has one row per step: the jobs' CPU time and their largest memory, per size, and the exponent of the growth
between the last two sizes: 1 is linear. Memory is what the processes hold themselves (RSS), sampled.
"""

import argparse
import csv
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
import psutil
import pyarrow as pa
import yaml
from pyarrow import parquet

from songwise.acquire.record import access_key
from songwise.clips.columns import CLIP_COLUMNS, TRACK_COLUMNS
from songwise.clips.fingerprints import write_fingerprints
from songwise.datasets.shards import deal
from songwise.datasets.sheet import read_tracks
from songwise.features.presets import column_names, preset_key
from songwise.files import write_json, write_rows
from songwise.paths import clip_tables, feature_table, shard_record
from songwise.plan.plan import load_plan

ROOT = Path(__file__).parents[1]
FMA_LARGE = 106_574
GENRES = 16
SECONDS = 30
ITEMS = 240  # of a fingerprint of 30 s
EVERY = 0.1  # seconds between two looks at the processes
MAIN = "snakemake itself"
_NAME = 15  # characters that Linux keeps of the name of a process, which is that of its step
_STEPS = {path.stem[:_NAME]: path.stem for path in (ROOT / "workflow/scripts").glob("*.py")}
_SERVER = "songwise.runtime.fork_server"


def main(words: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tracks", type=int, nargs="+", default=[1000, 10_000, FMA_LARGE])
    parser.add_argument("--models", default="quick", help="what `models` in config.yaml takes")
    parser.add_argument("--clips", type=int, default=3, help="per track")
    parser.add_argument("--folder", type=Path, help="keeps the projects here")
    parser.add_argument("--config", nargs="*", default=[], help="more KEY=VALUE for Snakemake")
    options = parser.parse_args(words)
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        seen = {}
        for tracks in options.tracks:
            clone = folder / f"large-{tracks}"
            if not clone.exists():
                subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
            invent(clone, tracks, options)
            seen[tracks] = run(clone, options)
            print_table(seen)


def invent(clone: Path, count: int, options: argparse.Namespace) -> None:
    """Write a data set of `count` tracks into a clone, up to its feature tables."""
    rng = np.random.default_rng(0)
    configs = clone / "config" / "datasets"
    rows = invent_sheet(count, rng)
    with (configs / "large.tracks.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    dataset = {"name": "large", "label": "genre", "source": {"type": "http", "tracks": "large.tracks.csv"}}
    dataset |= {"shards": max(4, min(256, count // 400)), "split": {"protocol": "train-valid-test", "repeats": 1}}
    dataset |= {"clip": {"seconds": SECONDS / options.clips, "hop": SECONDS / options.clips}}
    (configs / "large.yaml").write_text(yaml.safe_dump(dataset))
    here = Path.cwd()
    os.chdir(clone)
    try:
        settings = yaml.safe_load(Path("config/config.yaml").read_text())
        plan = load_plan(settings | {"dataset": "large", "models": options.models}, Path())
        tracks = read_tracks(plan.dataset, plan.dataset_path, Path(), say=print)
        shards = deal(tracks, plan.dataset["shards"])
        prints = invent_fingerprints(count, rng)
        kinds = {track.track_id: number for number, track in enumerate(tracks)}
        maps = {name: rng.normal(size=(24, len(column_names(preset)))) for name, preset in plan.tables.items()}
        classes = rng.normal(size=(GENRES, 24))
        artists = defaultdict(lambda: rng.normal(size=24))
        for shard, members in shards.items():
            write_shard(shard, members, options.clips, prints, kinds)
            hidden = np.repeat([classes[int(t.label[-2:])] + artists[t.artist] for t in members], options.clips, axis=0)
            hidden = hidden + np.repeat(rng.normal(size=(len(members), 24)), options.clips, axis=0)
            names = [f"{track.track_id}@{start}" for track in members for start in clip_starts(options.clips)]
            for name, preset in plan.tables.items():
                numbers = hidden @ maps[name]
                numbers += rng.normal(size=numbers.shape) * 5
                path = feature_table("large", name, preset_key(preset), shard)
                write_features(path, names, column_names(preset), numbers.astype(np.float32), preset)
    finally:
        os.chdir(here)


def invent_sheet(count: int, rng: np.random.Generator) -> list[dict]:
    """Return a track sheet: artists have six tracks on average, albums three, and the split keeps artists whole."""
    share = 0.8 ** np.arange(GENRES)
    genre_of_artist = rng.choice(GENRES, size=max(count // 6, GENRES * 8), p=share / share.sum())
    genre_of_artist[: GENRES * 8] = np.arange(GENRES * 8) % GENRES  # every genre has artists in every part
    role_of_artist = rng.choice(["train", "valid", "test"], size=len(genre_of_artist), p=[0.8, 0.1, 0.1])
    role_of_artist[: GENRES * 8] = np.repeat(["train"] * 6 + ["valid", "test"], GENRES)
    artists = np.concatenate([np.arange(len(genre_of_artist)), rng.integers(len(genre_of_artist), size=count)])[:count]
    for copies in (np.arange(99, count, 100), np.arange(100, count, 100)):
        artists[copies] = artists[copies - 1]  # copies and their original are by the same artist
    return [
        {
            "track_id": f"t{number:06d}",
            "label": f"genre {genre_of_artist[artist]:02d}",
            "artist": f"artist {artist:05d}",
            "album": f"album {artist:05d}.{number % 2}",
            "url": f"http://127.0.0.1:9/{number:06d}.mp3",
            "role": role_of_artist[artist],
        }
        for number, artist in enumerate(map(int, artists))
    ]


def invent_fingerprints(count: int, rng: np.random.Generator) -> np.ndarray:
    """Return ITEMS items per track; every 100th track is a copy of the track before it, the one after it almost."""
    common = rng.integers(0, 2**32, size=4096, dtype=np.uint32)  # values that recur in many tracks, as those of silence
    items = rng.integers(0, 2**32, size=(count, ITEMS), dtype=np.uint32)
    repeated = rng.random((count, ITEMS)) < 0.3
    items[:, 1:] = np.where(repeated[:, 1:], items[:, :-1], items[:, 1:])
    items = np.where(rng.random((count, ITEMS)) < 0.05, rng.choice(common, size=(count, ITEMS)), items)
    copies = np.arange(99, count, 100)
    items[copies] = items[copies - 1]
    near = copies[copies + 1 < count] + 1
    flipped = np.left_shift(1, rng.integers(0, 32, size=(len(near), ITEMS))) * (rng.random((len(near), ITEMS)) < 0.5)
    items[near] = items[near - 1] ^ flipped.astype(np.uint32)
    return items


def clip_starts(clips: int) -> list[int]:
    """Return the names of a track's clips, their starts in milliseconds."""
    return [round(1000 * SECONDS / clips * number) for number in range(clips)]


def write_shard(shard: int, tracks: list, clips: int, prints: np.ndarray, number_of: dict[str, int]) -> None:
    """Write what acquire_tracks and inspect_tracks write."""
    rng = np.random.default_rng([1, shard])
    paths = {track.track_id: f"data/raw/large/audio/{track.track_id}.mp3" for track in tracks}
    facts = {name: {"status": "ok", "reason": "", "path": path} for name, path in paths.items()}
    write_json(shard_record("large", shard), {"access": access_key({}), "attempt": 1, "tracks": facts})
    tracks_csv, clips_csv, fingerprints = clip_tables("large", shard)
    rows = []
    for track in tracks:
        number = number_of[track.track_id]
        copied = number - 1 if number % 100 == 99 else number
        rows.append(
            {name: getattr(track, name, "") for name in TRACK_COLUMNS}
            | {"status": "ok", "seconds": SECONDS, "sha256": f"{number:064x}", "audio_sha256": f"{copied:064x}"}
            | {"codec": "mp3", "bit_rate": rng.choice([128_000, 320_000]), "sample_rate": 44_100, "channels": 2}
            | {"loudness": round(rng.normal(-14, 3), 2), "peak": round(-rng.exponential(), 2)}
            | {"cutoff": int(rng.choice([16_000, 19_000, 20_000])), "side": round(rng.random() / 2, 4)}
        )
    write_rows(tracks_csv, TRACK_COLUMNS, rows)
    write_rows(
        clips_csv,
        CLIP_COLUMNS,
        [
            {"clip_id": f"{track.track_id}@{start}", "track_id": track.track_id, "start": start / 1000}
            | {"seconds": f"{SECONDS / clips:.3f}", "status": "ok"}
            for track in tracks
            for start in clip_starts(clips)
        ],
    )
    write_fingerprints(fingerprints, {track.track_id: prints[number_of[track.track_id]] for track in tracks})


def write_features(path: Path, names: list[str], columns: list[str], numbers: np.ndarray, preset: dict) -> None:
    """Write a feature table as `extract_features` does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fields = [pa.field("clip_id", pa.string()), *(pa.field(name, pa.float32()) for name in columns)]
    schema = pa.schema(fields, metadata={"songwise.preset": json.dumps(preset, sort_keys=True)})
    parquet.write_table(pa.table([pa.array(names), *map(pa.array, numbers.T)], schema=schema), path)


def run(clone: Path, options: argparse.Namespace) -> dict[str, dict[str, float]]:
    """Run Snakemake, and return for each step its jobs, CPU seconds, largest memory in bytes, and longest job."""
    snakemake = [sys.executable, "-m", "snakemake", "--cores", "1"]
    config = ["--config", "dataset=large", f"models={options.models}", "show_tracks=none", *options.config]
    environment = os.environ | {"PYTHONPATH": str(clone / "src")}
    # Snakemake makes again what it has no record of.
    tables = [str(path.relative_to(clone)) for path in clone.glob("data/features/large/*/*/*.parquet")]
    touch = [*snakemake, "--touch", "--force", "--quiet", "all", *config, "--", *tables]
    subprocess.run(touch, cwd=clone, env=environment, check=True, stderr=subprocess.DEVNULL)
    command = snakemake + config
    start = time.perf_counter()
    with (clone / "run.log").open("w") as log:
        process = psutil.Popen(command, cwd=clone, env=environment, stdout=log, stderr=subprocess.STDOUT)
        steps = watch(process)
    wall = time.perf_counter() - start
    if process.returncode:
        sys.exit((clone / "run.log").read_text()[-3000:])
    print(f"{clone.name}: {wall:.0f} s", flush=True)
    results = clone / "results" / "large"
    for path in (results / "report.html", clone / "mlflow.db"):
        print(f"  {path.relative_to(clone)}: {path.stat().st_size / 1e6:.1f} MB")
    print(f"  artifacts: {sum(f.stat().st_size for f in (clone / 'mlruns').rglob('*') if f.is_file()) / 1e6:.1f} MB")
    return steps


def watch(process: psutil.Popen) -> dict[str, dict[str, float]]:
    """Follow a run until it ends."""
    jobs: dict[int, dict] = {}
    main_use = {"step": MAIN, "cpu": 0.0, "memory": 0, "start": time.perf_counter(), "end": 0.0}
    while process.poll() is None:
        now = time.perf_counter()
        try:
            main_use |= {"cpu": sum(process.cpu_times()[:2]), "end": now}
            main_use["memory"] = max(main_use["memory"], process.memory_info().rss)
            for child in process.children(recursive=True):
                see(child, jobs, now)
        except psutil.Error:
            pass
        time.sleep(EVERY)
    steps: dict[str, dict[str, float]] = {}
    for job in [main_use, *jobs.values()]:
        step = steps.setdefault(job["step"], {"jobs": 0, "cpu": 0.0, "memory": 0, "longest": 0.0})
        step["jobs"] += 1
        step["cpu"] += job["cpu"]
        step["memory"] = max(step["memory"], job["memory"])
        step["longest"] = max(step["longest"], job["end"] - job["start"])
    return steps


def see(child: psutil.Process, jobs: dict[int, dict], now: float) -> None:
    """Note what a job's process has used so far."""
    try:
        step = _STEPS.get(child.name()[:_NAME])
        if not step and _SERVER in child.cmdline():
            step = "imports, once"
        if step:
            job = jobs.setdefault(child.pid, {"memory": 0, "start": now})
            job["step"] = step  # a fork has its name a moment after it begins
            job |= {"cpu": sum(child.cpu_times()[:2]), "end": now}
            job["memory"] = max(job["memory"], child.memory_info().rss)
    except psutil.Error:
        pass


def print_table(seen: dict[int, dict[str, dict[str, float]]]) -> None:
    """Print a row per step; the exponent is between the last two sizes."""
    sizes, none = list(seen), {"cpu": 0.0, "longest": 0.0, "memory": 0}
    heads = [f"{size:,}: CPU, s | longest job, s | memory, MB" for size in sizes]
    print("| step | " + " | ".join(heads) + " | exponent of CPU |")
    print("|---" * (3 * len(sizes) + 2) + "|")
    for step in sorted(seen[sizes[-1]], key=lambda name: -seen[sizes[-1]][name]["cpu"]):
        uses = [seen[size].get(step, none) for size in sizes]
        cells = [f"{use['cpu']:.1f} | {use['longest']:.1f} | {use['memory'] / 1e6:.0f}" for use in uses]
        last = [use["cpu"] for use in uses[-2:]]
        grown = f"{math.log(last[1] / last[0]) / math.log(sizes[-1] / sizes[-2]):.2f}" if all(last) and last[1:] else ""
        print(f"| {step} | " + " | ".join(cells) + f" | {grown} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
