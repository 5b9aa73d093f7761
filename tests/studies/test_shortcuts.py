"""The facts about a file are right, and the audit warns if and only if they identify the classes."""

from pathlib import Path

import numpy as np
import pytest
from helpers.sound import RATE, encode, tone, write_wav

from songwise.audio.decode import decode
from songwise.audio.encoding import cutoff, encoding_facts
from songwise.clips.columns import TRACK_COLUMNS
from songwise.clips.inspect import inspect_shard
from songwise.datasets.track import Track
from songwise.features.standardise import standardised
from songwise.files import read_json, read_rows, write_json, write_rows
from songwise.splits.census import DUPLICATE_COLUMNS
from songwise.splits.table import SPLIT_COLUMNS
from songwise.studies.shortcuts import audit_shortcuts

HIGH = 44_100
CLIP = {"seconds": 2, "hop": 2, "start": 0, "stop": None, "min_seconds": 1}
DATASET = {"name": "test", "clip": CLIP, "max_seconds": 60}
FORMATS = {  # suffix and options to codec and bits per second, None if the container states none
    ("wav",): ("pcm_s16le", 2 * 16 * HIGH),
    ("wav", "-c:a", "pcm_s24le"): ("pcm_s24le", 2 * 24 * HIGH),
    ("aiff",): ("pcm_s16be", 2 * 16 * HIGH),
    ("flac",): ("flac", None),
    ("ogg", "-c:a", "libvorbis", "-b:a", "128k"): ("vorbis", 128_000),
    ("opus", "-c:a", "libopus", "-b:a", "96k"): ("opus", None),
    ("mp3", "-b:a", "64k"): ("mp3", 64_000),
    ("mp3", "-b:a", "192k"): ("mp3", 192_000),
    ("m4a", "-c:a", "aac", "-b:a", "128k"): ("aac", 128_000),
    ("webm", "-c:a", "libopus"): ("opus", None),
}


def facts(path: Path) -> dict:
    return encoding_facts(path, decode(path, max_seconds=60))


def noise(seconds: float, seed: int = 0) -> np.ndarray:
    return (0.1 * np.random.default_rng(seed).normal(size=round(seconds * HIGH))).astype(np.float32)


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    """Noise in stereo, a fifth of its energy in the difference of the channels."""
    middle, side = noise(5), 0.5 * noise(5, seed=1)
    pair = np.stack([middle + side, middle - side], axis=1)
    return write_wav(tmp_path_factory.mktemp("source") / "source.wav", pair, HIGH)


@pytest.mark.parametrize("options", FORMATS, ids=" ".join)
def test_every_format_has_its_facts(source, tmp_path, options):
    codec, bit_rate = FORMATS[options]
    path = encode(source, tmp_path / f"song.{options[0]}", *options[1:])
    found, plain = facts(path), facts(source)
    assert (found["codec"], found["channels"]) == (codec, 2)
    assert found["sample_rate"] == (48_000 if codec == "opus" else HIGH)
    assert found["bit_rate"] == pytest.approx(bit_rate or 8 * path.stat().st_size / 5, rel=0.03)
    assert found["loudness"] == pytest.approx(plain["loudness"], abs=4)
    assert found["peak"] == pytest.approx(plain["peak"], abs=3)
    assert plain["side"] == pytest.approx(0.2, abs=0.01)


def test_tags_cannot_pass_for_facts(source, tmp_path):
    fake = "x\n  Stream #0:0: Audio: flac, 8000 Hz, mono, s16, 1 kb/s"
    tagged = encode(source, tmp_path / "song.mp3", "-b:a", "64k", "-metadata", f"title={fake}")
    assert (facts(tagged)["codec"], facts(tagged)["bit_rate"]) == ("mp3", 64_000)
    language = ("-metadata:s:a:0", "language=x): Audio: flac, 1 kb/s")
    odd = encode(source, tmp_path / "song.mkv", "-c:a", "libmp3lame", *language)
    assert facts(odd)["codec"] in (None, "mp3") and facts(odd)["bit_rate"] > 10_000


@pytest.mark.parametrize("hertz", [4_000, 8_000, 16_000])
@pytest.mark.parametrize("level", [1, 0.05])
def test_the_cutoff_is_that_of_a_low_pass(tmp_path, hertz, level):
    steps = {"low_pass": hertz, "trim": None, "loudness": None}
    samples, _ = standardised(level * noise(5), HIGH, {"sample_rate": "native", "standardise": steps})
    path = write_wav(tmp_path / "song.wav", samples, HIGH)
    assert facts(path)["cutoff"] == pytest.approx(hertz, rel=0.05)
    samples[::HIGH] = 1  # one click per second contains all frequencies, and does not come from the encoder
    assert facts(write_wav(path, samples, HIGH))["cutoff"] == pytest.approx(hertz, rel=0.05)


def test_encoders_have_a_cutoff_and_plain_files_do_not(source, tmp_path):
    assert facts(source)["cutoff"] == pytest.approx(HIGH / 2, abs=50)
    low = facts(encode(source, tmp_path / "low.mp3", "-b:a", "64k"))["cutoff"]
    high = facts(encode(source, tmp_path / "high.mp3", "-b:a", "192k"))["cutoff"]
    assert 9_000 < low < 13_000 and 18_000 < high < 21_000  # where LAME puts its low-pass


def test_the_width_of_one_channel_of_two_and_of_opposite_ones(tmp_path):
    one = tone(3, 440)
    widths = {"mono": (one, 0), "same": (np.stack([one, one], 1), 0), "opposite": (np.stack([one, -one], 1), 1)}
    widths["left"] = (np.stack([one, 0 * one], 1), 0.5)
    for name, (samples, expected) in widths.items():
        found = facts(write_wav(tmp_path / f"{name}.wav", samples))
        assert found["side"] == pytest.approx(expected, abs=1e-3)
    assert facts(tmp_path / "opposite.wav")["loudness"] is None  # nothing is left of it in the mean of the channels
    assert facts(tmp_path / "opposite.wav")["cutoff"] is None
    assert cutoff(one[:4000], RATE) is None  # shorter than a frame


def write_splits(path: Path, tracks: list[dict], folds: int = 3, repeats: int = 1) -> Path:
    """Folds by the number of the song in its class; two clips per track."""
    songs = sorted({(row["label"], row["song"]) for row in tracks})
    of_class = {song: sum(other[0] == song[0] for other in songs[:index]) for index, song in enumerate(songs)}
    rows = [
        {"protocol": "by-song", "repeat": repeat, "clip_id": f"{row['track_id']}@{start}", "role": "test"}
        | {"track_id": row["track_id"], "label": row["label"], "group": row["song"]}
        | {"fold": of_class[row["label"], row["song"]] % folds}
        for repeat in range(repeats)
        for row in tracks
        for start in (0, 2000)
    ]
    write_rows(path, SPLIT_COLUMNS, rows)
    return path


def audit(folder: Path, tracks: list[dict], **options) -> dict:
    if not (folder / "tracks.csv").is_file():
        write_rows(folder / "tracks.csv", TRACK_COLUMNS, tracks)
    splits = write_splits(folder / "splits.csv", tracks, **options)
    outputs = {"table": folder / "shortcuts.csv", "output": folder / "shortcuts.json"}
    write_rows(folder / "duplicates.csv", DUPLICATE_COLUMNS, [])
    inputs = {"tracks_csv": folder / "tracks.csv", "duplicates_csv": folder / "duplicates.csv", "splits_csv": splits}
    found = audit_shortcuts(**inputs, protocol="by-song", label="band", seed=0, **outputs)
    assert found == read_json(outputs["output"])
    assert [row["name"] for row in read_rows(outputs["table"])] == [row["name"] for row in found["features"]]
    return found


def inspected(folder: Path, files: dict[str, tuple[str, Path]]) -> list[dict]:
    """tracks.csv of audio files: track_id to label and path."""
    tracks = [Track(name, label, name) for name, (label, _) in files.items()]
    record = {
        name: {"status": "ok", "reason": "", "path": str(path), "sha256": ""} for name, (_, path) in files.items()
    }
    write_json(folder / "state.json", {"mirror": None, "tracks": record})
    tables = {"tracks_csv": folder / "tracks.csv", "clips_csv": folder / "clips.csv"}
    tables["fingerprints"] = folder / "fingerprints.parquet"
    inspect_shard(tracks, DATASET, state=folder / "state.json", **tables, title="test")
    return read_rows(tables["tracks_csv"])


def song(number: int) -> np.ndarray:
    rng = np.random.default_rng(number)
    return rng.uniform(0.2, 1) * tone(rng.uniform(4, 6), rng.uniform(200, 800), HIGH)


def test_classes_that_differ_only_in_their_encoding_are_a_warning(tmp_path):
    files = {}
    for number in range(8):
        plain = write_wav(tmp_path / f"{number}.wav", song(number), HIGH)
        files[f"plain-{number}"] = ("b", plain)
        files[f"coded-{number}"] = ("a", encode(plain, tmp_path / f"{number}.mp3", "-b:a", "64k"))
    found = audit(tmp_path, inspected(tmp_path, files))
    assert found["beats_chance"] and found["accuracy"] == 1 and found["chance"] == 0.5
    telling = {row["name"]: row["alone"] for row in found["features"] if row["tells"]}
    assert {name: telling.get(name) for name in ("codec", "bit_rate", "cutoff")} == {
        "codec": 1, "bit_rate": 1, "cutoff": 1,
    }  # fmt: skip
    assert not {"loudness", "seconds", "sample_rate"} & set(telling)  # the same in both
    beginning = "stereo width and length alone identify the band of 100 % [100, 100] of these songs (50 % by guessing)."
    assert beginning in found["finding"]
    assert "cutoff" in found["finding"].partition("The most informative: ")[2].partition(".")[0]


def test_classes_with_the_same_encoding_are_not_a_warning(tmp_path):
    files = {
        f"{label}-{number}": (
            label,
            write_wav(tmp_path / f"{label}{number}.wav", song(100 * ord(label) + number), HIGH),
        )
        for label in "ab"
        for number in range(8)
    }
    found = audit(tmp_path, inspected(tmp_path, files))
    assert not found["beats_chance"] and "do not identify the band better than guessing" in found["finding"]
    assert not {"codec", "bit_rate", "channels"} & {row["name"] for row in found["features"]}  # the same in all files


def rows(count: dict[str, int], rng: np.random.Generator, **known) -> list[dict]:
    """Rows of tracks.csv with random facts, except for those in `known`, functions of the label."""
    drawn = {"codec": "mp3", "bit_rate": 128_000, "sample_rate": 44_100, "channels": 2, "side": "0.1"}
    return [
        dict.fromkeys(TRACK_COLUMNS, "")
        | {"track_id": f"{label}-{number}", "song": f"{label}-{number}", "label": label, "status": "ok"}
        | drawn
        | {name: f"{rng.normal():.3f}" for name in ("seconds", "loudness", "peak", "cutoff")}
        | {name: value(label) for name, value in known.items()}
        for label, songs in count.items()
        for number in range(songs)
    ]


def test_facts_drawn_at_random_are_not_a_warning(tmp_path):
    warnings = 0
    for seed in range(3):
        (tmp_path / str(seed)).mkdir()
        tracks = rows({"a": 8, "b": 8, "c": 8}, np.random.default_rng(seed), cutoff=lambda _: "", peak=lambda _: "")
        warnings += audit(tmp_path / str(seed), tracks)["beats_chance"]
    assert warnings == 0


def test_chance_is_guessing_the_most_common_class(tmp_path):
    constant = dict.fromkeys(("seconds", "loudness", "peak", "cutoff"), lambda _: "1")
    found = audit(tmp_path, rows({"a": 18, "b": 6}, np.random.default_rng(0), **constant))
    assert (found["accuracy"], found["chance"], found["difference"]) == (0.75, 0.75, 0)
    assert not found["beats_chance"] and found["features"] == []


def test_the_informative_feature_has_the_greatest_fall_in_every_run(tmp_path):
    rng = np.random.default_rng(0)
    level = {"a": -9, "b": -14, "c": -20}
    tracks = rows({"a": 8, "b": 8, "c": 8}, rng, loudness=lambda label: f"{level[label] + rng.normal():.2f}")
    for index in (1, 9, 17):  # facts that are absent
        tracks[index] |= {"codec": "", "bit_rate": "", "loudness": "", "cutoff": ""}
    found = audit(tmp_path, tracks, repeats=2)
    first, *others = found["features"]
    assert found["beats_chance"] and first["name"] == "loudness" and first["tells"]
    assert first["fall_low"] > 0.2 and first["alone"] > 0.75
    assert first["fall"] > 2 * others[0]["fall"]
    before = (tmp_path / "shortcuts.json").read_bytes()
    audit(tmp_path, tracks, repeats=2)
    assert (tmp_path / "shortcuts.json").read_bytes() == before


def test_the_tracks_of_a_song_are_one_vote_and_one_song(tmp_path):
    rng = np.random.default_rng(0)
    tracks = rows({"a": 8, "b": 8}, rng, loudness=lambda label: {"a": "-9", "b": "-20"}[label])
    # Two more versions of one song of a have the loudness of the other class, so that they outvote it.
    tracks += [tracks[0] | {"track_id": f"version-{number}", "loudness": "-20"} for number in range(2)]
    found = audit(tmp_path, tracks)
    alone = {row["name"]: row["alone"] for row in found["features"]}
    assert found["n_songs"] == 16 and alone["loudness"] == pytest.approx(15 / 16, abs=1e-4)
