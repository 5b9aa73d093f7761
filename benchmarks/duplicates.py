"""Measure how many copies of recordings are found in real music, and the time and memory for many tracks.

    python benchmarks/duplicates.py copies --audio FOLDER --cache FOLDER     recall by kind of copy, false pairs
    python benchmarks/duplicates.py scale --cache FOLDER [--tracks 25000] [--seconds 240]

`copies` makes copies of every file below FOLDER with ffmpeg. For one kind of copy at a time, it searches for them among
all originals. It also lists pairs that are not copies, in this music and in the two demo sets. It keeps fingerprints in
the cache, where a second run and `scale` use them (15 minutes for the 145 tracks of open-music).

`scale` makes artificial fingerprints from those in the cache. After a second of silence, each consists of stretches of
real fingerprints in random order. The upper 26 bits of an item come from one track and the lower 6 bits from another.
So the items repeat as real ones do, but no two tracks are alike. One track in a hundred gets a copy with the errors of
real trimmed copies. Half of the copies are whole, and half are 30 s long. Time and peak memory are those of a separate
process that reads the tables and finds the pairs.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from itertools import combinations
from pathlib import Path

import imageio_ffmpeg
import numpy as np

from songwise.audio.decode import AudioSegment, decode
from songwise.audio.fingerprint import HOP_SECONDS, fingerprint
from songwise.clips.fingerprints import Fingerprints, read_fingerprints, write_fingerprints
from songwise.datasets.demo import catalogue, synth
from songwise.files import replacing, safe_name
from songwise.splits.duplicates import candidates, compare, similar_pairs

SUFFIXES = {".wav", ".flac", ".ogg", ".opus", ".mp3", ".m4a", ".webm"}
KINDS = {
    "mp3, 64 kbps": ("mp3", "-c:a", "libmp3lame", "-b:a", "64k"),
    "opus, 64 kbps": ("opus", "-c:a", "libopus", "-b:a", "64k"),
    "vorbis, 64 kbps": ("ogg", "-c:a", "libvorbis", "-b:a", "64k"),
    "22,050 Hz": ("wav", "-ar", "22050"),
    "32,000 Hz": ("wav", "-ar", "32000"),
    "6 dB quieter": ("wav", "-af", "volume=-6dB"),
    "trimmed by 5 s": ("wav", "-ss", "5"),
    "all of these, mp3": ("mp3", "-ss", "5", "-af", "volume=-6dB", "-ar", "22050", "-b:a", "64k"),
    "30 s of the middle": ("wav", "-ss", "MIDDLE", "-t", "30"),
}
SHARD = 1000  # simulated tracks per table
EXCERPT = round(30 / HOP_SECONDS) - 22  # items
LOWER = np.uint32(0b111111)  # bits from another track: so few that artificial tracks share as many values as real ones
SILENCE, SILENT = np.uint32(0x256DF977), 8  # the item of digital silence, and how many of them start a track


def main(words: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("copies", "scale", "find"))
    parser.add_argument("--audio", type=Path, help="folder of audio files")
    parser.add_argument("--cache", type=Path, required=True, help="folder for fingerprints")
    parser.add_argument("--tracks", type=int, default=25_000)
    parser.add_argument("--seconds", type=float, default=240)
    options = parser.parse_args(words)
    if options.what == "copies":
        report_copies(options.audio, options.cache)
    elif options.what == "scale":
        report_scale(options.cache, options.tracks, round(options.seconds / HOP_SECONDS))
    else:
        find(options.cache)


def report_copies(audio: Path, cache: Path) -> None:
    files = sorted(path for path in audio.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not files:
        sys.exit(f"benchmarks/duplicates.py: there are no audio files below {audio}")
    for path in files:
        kept = cache / f"{safe_name(str(path.relative_to(audio)))}.npz"
        if not kept.is_file():
            with replacing(kept) as temporary:
                np.savez(temporary, **fingerprints_of(path))
    prints = {path.stem: dict(np.load(path)) for path in sorted(cache.glob("*.npz"))}
    originals = {name: found["original"] for name, found in prints.items()}
    start = time.perf_counter()
    among = list(similar_pairs(pack(originals)))
    seconds = time.perf_counter() - start
    print(f"{len(originals)} tracks; pairs of similar originals, found in {seconds:.2f} s: {len(among)}")
    for pair, similarity, offset, overlap in among:
        print(f"  {pair[0]} and {pair[1]}: {similarity:.3f} over {overlap:.0f} s at {offset:.1f} s")
    print("| copy | tracks | found | lowest similarity | median | false pairs |\n|---|---|---|---|---|---|")
    for kind in KINDS:
        copies = {f"{name}|{kind}": found[kind] for name, found in prints.items() if len(found[kind])}
        found = {pair: similarity for pair, similarity, _, _ in similar_pairs(pack(originals | copies))}
        right = [found[pair] for name in originals if (pair := (name, f"{name}|{kind}")) in found]
        known = {pair for pair, *_ in among} | {(name, name) for name in originals}
        false = [pair for pair in found if tuple(sorted(map(name_of, pair))) not in known]
        shares = f"{len(right) / len(copies):.3f} | {min(right):.3f} | {np.median(right):.3f}"
        print(f"| {kind} | {len(copies)} | {shares} | {len(false)} |", flush=True)
    report_unrelated(originals)
    for recipe in ("bands", "genres"):
        found = {row["track_id"]: of_recipe(recipe, row["track_id"]) for row in catalogue.track_rows(recipe, seed=0)}
        pairs = [" = ".join(pair) for pair, *_ in similar_pairs(pack(found))]
        print(f"demo recipe {recipe}, {len(found)} tracks; pairs: {', '.join(pairs) or 'none'}")


def report_unrelated(originals: dict[str, np.ndarray]) -> None:
    """Print the highest similarities of two different songs, compared directly without the index."""
    pairs = combinations(sorted(originals), 2)
    found = sorted((compare(originals[one], originals[other])[0], one, other) for one, other in pairs)
    print(f"the most similar of {len(found)} pairs of originals, compared without the index:")
    for similarity, one, other in found[:-6:-1]:
        print(f"  {one} and {other}: {similarity:.3f}")


def name_of(track: str) -> str:
    return track.partition("|")[0]


def fingerprints_of(path: Path) -> dict[str, np.ndarray]:
    """Return the fingerprints of a file and of its copies, by kind."""
    whole = decode(path, max_seconds=3600)
    found = {"original": fingerprint(whole.segment)}
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", "-threads", "1", "-i", str(path)]
    with tempfile.TemporaryDirectory() as folder:
        targets = {}
        for number, (kind, (suffix, *words)) in enumerate(KINDS.items()):
            targets[kind] = Path(folder) / f"{number}.{suffix}"
            words = [word.replace("MIDDLE", f"{max(0, whole.seconds / 2 - 15):.3f}") for word in words]
            command += ["-map", "0:a:0", *words, str(targets[kind])]
        subprocess.run(command, check=True)
        for kind, target in targets.items():
            found[kind] = fingerprint(decode(target, max_seconds=3600).segment)
    return found


def of_recipe(recipe: str, track_id: str) -> np.ndarray:
    samples = synth.render(recipe, track_id, seed=0)
    segment = AudioSegment(data=samples.tobytes(), sample_width=2, frame_rate=synth.SAMPLE_RATE, channels=1)
    return fingerprint(segment)


def pack(found: dict[str, np.ndarray]) -> Fingerprints:
    names = sorted(found)
    starts = np.concatenate([[0], np.cumsum([len(found[name]) for name in names])])
    return Fingerprints(names, np.concatenate([found[name] for name in names]), starts)


def report_scale(cache: Path, tracks: int, items: int) -> None:
    prints = [dict(np.load(path)) for path in sorted(cache.glob("*.npz"))]
    real = [found["original"] for found in prints]
    errors = [error for found in prints if len(error := errors_of(found)) >= EXCERPT]
    if not errors:
        sys.exit(f"benchmarks/duplicates.py: there are no fingerprints in {cache}; run `copies` first")
    dice = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        copies = {}
        for start in range(0, tracks, SHARD):
            found = {f"{start + n:06d}": invented(real, items, dice) for n in range(min(SHARD, tracks - start))}
            for name in list(found)[::100]:
                length = items - 41 if len(copies) % 2 else min(EXCERPT, items - 41)
                at = int(dice.integers(41, items - length + 1))
                noise = np.resize(errors[dice.integers(len(errors))], length)
                found[f"{name} copy"] = found[name][at : at + length] ^ noise
                copies[name] = at * HOP_SECONDS
            write_fingerprints(Path(folder) / f"{start}.parquet", found)
        chance, expected = shared_values([invented(real, 1000, dice) for _ in range(100)]), shared_values(real)
        print(f"chance that two items are equal, by distinct values: artificial {chance:.1e}, real {expected:.1e}")
        command = [sys.executable, __file__, "find", "--cache", folder]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    search = json.loads(done.stdout)
    offsets = {tuple(pair): offset for pair, _, offset, _ in search["pairs"]}
    misplaced = {name: abs(offsets.get((name, f"{name} copy"), np.inf) - at) for name, at in copies.items()}
    right = [name for name, seconds in misplaced.items() if seconds < 2 * HOP_SECONDS]
    print(
        f"{search['tracks']} tracks of {items * HOP_SECONDS:.0f} s, {search['items']} items: "
        f"{search['seconds']:.0f} s, peak memory {search['megabytes']:.0f} MB; {search['candidates']} candidates; "
        f"found {len(right)} of {len(copies)} copies and {len(offsets) - len(right)} other pairs"
    )


def errors_of(found: dict[str, np.ndarray]) -> np.ndarray:
    """Return the bits in which a real trimmed copy differs from its original, item by item."""
    _, offset, overlap = compare(found["original"], found["trimmed by 5 s"])
    start = max(offset, 0)
    return found["original"][start : start + overlap] ^ found["trimmed by 5 s"][start - offset :][:overlap]


def invented(real: list[np.ndarray], items: int, dice: np.random.Generator) -> np.ndarray:
    upper, lower = (stretches(real, items, dice) for _ in range(2))
    found = (upper & ~LOWER) | (lower & LOWER)
    found[:SILENT] = SILENCE
    return found


def stretches(real: list[np.ndarray], items: int, dice: np.random.Generator) -> np.ndarray:
    pieces, length = [], 0
    while length < items:
        track = real[dice.integers(len(real))]
        start = int(dice.integers(len(track)))
        pieces.append(track[start : start + int(dice.integers(8, 32))])
        length += len(pieces[-1])
    return np.concatenate(pieces)[:items]


def shared_values(tracks: list[np.ndarray]) -> float:
    distinct = [np.unique(track) for track in tracks]
    _, counts = np.unique(np.concatenate(distinct), return_counts=True)
    lengths = np.array([len(values) for values in distinct], float)
    return float((counts * (counts - 1)).sum() / (lengths.sum() ** 2 - (lengths**2).sum()))


def find(folder: Path) -> None:
    start = time.perf_counter()
    prints = read_fingerprints(sorted(folder.glob("*.parquet")))
    pairs = list(similar_pairs(prints))
    seconds = time.perf_counter() - start
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    search = {"tracks": len(prints.track_ids), "items": len(prints.items), "pairs": pairs, "seconds": seconds}
    print(json.dumps(search | {"megabytes": megabytes, "candidates": len(candidates(prints))}))


if __name__ == "__main__":
    main(sys.argv[1:])
