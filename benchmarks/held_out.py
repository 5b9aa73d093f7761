"""Compare `songwise classify` on files that no model has heard with the accuracy that the leaderboard states.

    python benchmarks/held_out.py [--dataset open-music] [--model MODEL@PRESET] [KEY=VALUE ...]

The songs are dealt into five parts, by class. For each part, a data set without it is written, `snakemake` runs on it
with this one model, and `songwise classify` classifies the files of the part with the champion. So every song is
classified once, as a new file, by a model that was trained without it. It prints the share that is right with a 95 %
interval (bootstrap over songs), how many were called unlike the training music, and the leaderboard's figure. Further
arguments, such as mirror=FOLDER, go to snakemake's --config. The tracks must have been acquired by a run of the data
set.
"""

import argparse
import csv
import io
import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

import numpy as np
import yaml

from songwise.evaluation.bootstrap import bootstrap_draws, interval
from songwise.files import read_json, read_rows, write_rows
from songwise.splits.groups import join

ROOT = Path(__file__).parents[1]
PARTS = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", default="open-music")
    parser.add_argument("--model", default="logistic_regression@efficientat_mn04")
    parser.add_argument("config", nargs="*")
    arguments = parser.parse_args()
    results = ROOT / "results" / arguments.dataset
    tracks = [row for row in read_rows(results / "tracks.csv") if row["status"] == "ok"]
    votes = join(tracks, read_rows(results / "duplicates.csv"))
    part_of = _deal(tracks, votes)
    right, known = defaultdict(list), []
    with tempfile.TemporaryDirectory(prefix="songwise-held-out-") as folder:
        for part in range(PARTS):
            answers = _classify_part(Path(folder), part, tracks, part_of, arguments)
            for track, answer in answers:
                right[votes[track["track_id"]]].append(answer["label"] == track["label"])
                known.append(answer["known"] == "true")
            done = sum(map(len, right.values()))
            print(f"part {part + 1} of {PARTS}: {done} of {len(tracks)} files classified", flush=True)
    hits = np.array([np.mean(values) for values in right.values()])
    draws = bootstrap_draws(len(hits), 0)
    low, high = interval(draws @ hits / draws.sum(axis=1))
    print(f"\nnew files: {hits.mean():.3f} [{low:.3f}, {high:.3f}] of {len(hits)} songs right")
    print(f"called unlike the training music: {1 - np.mean(known):.3f}")
    for row in read_rows(results / "leaderboard.csv"):
        if f"{row['model']}@{row['features']}" == arguments.model:
            print(f"leaderboard: {row['song_accuracy']} [{row['song_accuracy_low']}, {row['song_accuracy_high']}]")


def _deal(tracks: list[dict], votes: dict[str, str]) -> dict[str, int]:
    """Return the part of each vote: songs that are one recording are in one part."""
    label_of = {votes[track["track_id"]]: track["label"] for track in tracks}
    order = np.random.default_rng(0).permutation(sorted(label_of))
    counts, parts = defaultdict(int), {}
    for vote in order:
        parts[vote] = counts[label_of[vote]] % PARTS
        counts[label_of[vote]] += 1
    return {track["track_id"]: parts[votes[track["track_id"]]] for track in tracks}


def _classify_part(folder: Path, part: int, tracks: list[dict], part_of: dict[str, int], arguments) -> list:
    name = f"{arguments.dataset}-without-{part}"
    paths = _audio(arguments.dataset)
    kept = [track for track in tracks if part_of[track["track_id"]] != part]
    rows = [{**track, "path": paths[track["track_id"]]} for track in kept]
    write_rows(folder / f"{name}.tracks.csv", ("track_id", "label", "song", "artist", "path"), rows)
    shards = sorted((ROOT / "data/rows" / arguments.dataset).glob("*.json"))
    settings = json.loads(shards[0].read_text(encoding="utf-8").partition("\n")[0])["dataset"]
    content = {"name": name, "source": {"type": "manifest", "tracks": f"{name}.tracks.csv"}, "shards": 4}
    content |= {key: settings[key] for key in ("label", "clip", "max_seconds")} | {"split": {"folds": 5, "repeats": 1}}
    (folder / f"{name}.yaml").write_text(yaml.safe_dump(content))
    command = [sys.executable, "-m", "snakemake", "--cores", "all", f"results/{name}/champion", "--config"]
    command += [f"dataset={folder / name}.yaml", f"models=[{arguments.model}]", "audit=[]", "min_songs=4"]
    _run(ROOT, [*command, *arguments.config])
    held_out = [track for track in tracks if part_of[track["track_id"]] == part]
    files = "\n".join(paths[track["track_id"]] for track in held_out)
    words = [sys.executable, "-m", "songwise", "classify", "-", "--csv", "--dataset", name]
    answers = list(csv.DictReader(io.StringIO(_run(ROOT, words, files))))
    return list(zip(held_out, answers, strict=True))


def _audio(dataset: str) -> dict[str, str]:
    records = [read_json(path)["tracks"] for path in (ROOT / "data/raw" / dataset / "shards").glob("*.json")]
    return {
        name: str(ROOT / row["path"]) for record in records for name, row in record.items() if row["status"] == "ok"
    }


def _run(folder: Path, command: list[str], given: str = "") -> str:
    done = subprocess.run(command, cwd=folder, input=given, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{done.stdout[-2000:]}{done.stderr[-3000:]}")
    return done.stdout


if __name__ == "__main__":
    main()
