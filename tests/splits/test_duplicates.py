"""Copies of a recording are found in any encoding and joined to one group; other music is not."""

import re
from pathlib import Path

import numpy as np
import pytest
from helpers.project import ROOT
from helpers.sound import encode, tone, write_wav

from songwise.audio.decode import AudioSegment, decode
from songwise.audio.fingerprint import HOP_SECONDS, RATE, fingerprint
from songwise.clips.fingerprints import Fingerprints, read_fingerprints, write_fingerprints
from songwise.clips.inspect import inspect_shard
from songwise.datasets.demo import synth
from songwise.datasets.track import Track
from songwise.files import read_rows, write_json
from songwise.splits.census import gather
from songwise.splits.duplicates import DUPLICATE_COLUMNS, candidates, compare, find_duplicates
from songwise.splits.groups import join

DATASET = {
    "name": "test",
    "clip": {"seconds": 10, "hop": 10, "start": 0, "stop": None, "min_seconds": 1},
    "max_seconds": 600,
}
OPEN_MUSIC = ROOT.parent / "shared" / "audio" / "open-music"
REAL = ("supertux/theme.ogg", "opensurge/menu.ogg", "yubatake/JRPG_temple.ogg")
INVENTED = ("tin_cathedral-empty_bridge", "night_ferry-hidden_postcard", "night_ferry-silver_lantern")

COPIES = {  # name: suffix and options of ffmpeg
    "mp3": ("mp3", "-b:a", "64k"),
    "opus": ("opus", "-c:a", "libopus", "-b:a", "64k"),
    "vorbis": ("ogg", "-c:a", "libvorbis", "-b:a", "64k"),
    "22050": ("wav", "-ar", "22050"),
    "32000": ("flac", "-ar", "32000"),
    "quieter": ("wav", "-af", "volume=-6dB"),
    "trimmed": ("wav", "-ss", "5"),
    "excerpt": ("wav", "-ss", "8.3", "-t", "12"),
}


@pytest.fixture(scope="module", params=["invented", "real"])
def songs(request, tmp_path_factory) -> dict[str, Path]:
    """Half a minute of three songs, and eight copies of each as SONG-COPY."""
    if request.param == "real" and not OPEN_MUSIC.is_dir():
        pytest.skip("the files of open-music are not beside the project")
    folder = tmp_path_factory.mktemp(request.param)
    found = {}
    for name in REAL if request.param == "real" else INVENTED:
        whole = OPEN_MUSIC / name
        if request.param == "invented":
            whole = folder / f"{name}.wav"
            synth.write_track("bands", name, whole, seed=0)
        song = Path(name).stem
        found[song] = encode(whole, folder / f"{song}.short.wav", "-t", "30")
        for copy, (suffix, *options) in COPIES.items():
            found[f"{song}-{copy}"] = encode(found[song], folder / f"{song}-{copy}.{suffix}", *options)
    return found


@pytest.fixture(scope="module")
def shards(songs, tmp_path_factory) -> list[dict]:
    """Their tables, in three shards."""
    found = []
    for number in range(3):
        part = {name: path for index, (name, path) in enumerate(songs.items()) if index % 3 == number}
        found.append(inspect(tmp_path_factory.mktemp("shard"), part))
    return found


def inspect(folder: Path, paths: dict[str, Path], labels: dict[str, str] | None = None, song: str = "") -> dict:
    """The tables of one shard, by the names of `gather`'s parameters."""
    tracks = [Track(name, (labels or {}).get(name, "label"), song or name) for name in paths]
    record = {name: {"status": "ok", "reason": "", "path": str(path), "sha256": ""} for name, path in paths.items()}
    tables = {"tracks_csv": "tracks.csv", "clips_csv": "clips.csv", "fingerprints": "fingerprints.parquet"}
    tables = {key: folder / name for key, name in tables.items()}
    write_json(folder / "state.json", {"mirror": None, "tracks": record})
    inspect_shard(tracks, DATASET, state=folder / "state.json", **tables, title="test")
    return tables


def gathered(folder: Path, shards: list[dict]) -> dict[str, Path]:
    outputs = {name: folder / f"{name}.csv" for name in ("tracks", "clips", "duplicates")}
    gather(
        track_tables=[tables["tracks_csv"] for tables in shards],
        clip_tables=[tables["clips_csv"] for tables in shards],
        fingerprints=[tables["fingerprints"] for tables in shards],
        outputs=outputs,
    )
    return outputs


def packed(found: dict[str, np.ndarray]) -> Fingerprints:
    names = sorted(found)
    starts = np.concatenate([[0], np.cumsum([len(found[name]) for name in names])])
    return Fingerprints(names, np.concatenate([found[name] for name in names]), starts)


def good(names, label: str = "label") -> list[dict]:
    row = {"label": label, "status": "ok", "seconds": "60"}
    return [row | {"track_id": name, "song": name, "audio_sha256": name} for name in names]


def noise(items: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 2**32, items, dtype=np.uint32)


def damaged(items: np.ndarray, share: float, seed: int) -> np.ndarray:
    """The same with this share of the bits turned over."""
    bits = np.random.default_rng(seed).random((len(items), 32)) < share
    return items ^ np.packbits(bits, axis=1, bitorder="little").view("<u4")[:, 0]


def segment(samples: np.ndarray, rate: int = 22_050) -> AudioSegment:
    data = (samples * 32767).astype("<i2").tobytes()
    return AudioSegment(data=data, sample_width=2, frame_rate=rate, channels=1)


def test_copies_are_found_and_joined_and_other_songs_are_not(songs, shards, tmp_path):
    outputs = gathered(tmp_path, shards)
    pairs = {(row["track_id"], row["other_track_id"]): row for row in read_rows(outputs["duplicates"])}
    originals = [name for name in songs if f"{name}-mp3" in songs]
    assert len(originals) == 3
    for song in originals:
        for copy in COPIES:
            row = pairs[song, f"{song}-{copy}"]
            assert 0.85 < float(row["similarity"]) <= 1 and row["same_label"] == "true"
            late = {"trimmed": 5, "excerpt": 8.3}.get(copy, 0)
            assert float(row["offset"]) == pytest.approx(late, abs=HOP_SECONDS)
            assert float(row["overlap"]) == pytest.approx({"trimmed": 25, "excerpt": 12}.get(copy, 30), abs=3)
    groups = join(read_rows(outputs["tracks"]), pairs.values())
    assert {groups[name] for name in songs} == set(originals)
    assert all(groups[name] == song for song in originals for name in songs if name.startswith(f"{song}-"))


def test_pairs_are_printed_unless_the_sheet_has_them_as_one_song(songs, tmp_path, capsys):
    one, other, third = (name for name in songs if f"{name}-mp3" in songs)
    shards = []
    for number, (names, song) in enumerate(
        [((one, f"{one}-mp3", other), ""), ((third, f"{third}-opus"), "one song in the sheet")]
    ):
        (tmp_path / str(number)).mkdir()
        labels = {f"{one}-mp3": "another label"}
        shards.append(inspect(tmp_path / str(number), {name: songs[name] for name in names}, labels, song))
    outputs = gathered(tmp_path, shards)
    said = capsys.readouterr().err
    check = "kept on the same side of every split (please check: their labels differ)"
    assert re.search(rf"almost the same audio \(9\d\.\d %\): {one} and {one}-mp3, {re.escape(check)}\n", said)
    assert f"{third}-opus" not in said
    rows = {row["other_track_id"]: row for row in read_rows(outputs["duplicates"])}
    assert {name: row["same_label"] for name, row in rows.items()} == {f"{one}-mp3": "false", f"{third}-opus": "true"}


def test_the_table_does_not_depend_on_the_order_of_the_shards(shards, tmp_path):
    tables = [gathered(tmp_path, turn)["duplicates"].read_bytes() for turn in (shards, shards[::-1])]
    assert tables[0] == tables[1] and tables[0].startswith(",".join(DUPLICATE_COLUMNS).encode())
    rows = [tuple(row.values())[:2] for row in read_rows(tmp_path / "duplicates.csv")]
    assert rows == sorted(rows) and len(rows) > 24


def test_identical_samples_are_found_without_fingerprints(tmp_path):
    short = write_wav(tmp_path / "short.wav", tone(2, 440))
    other = write_wav(tmp_path / "other.wav", tone(2, 445))
    tables = inspect(tmp_path, {"a": short, "b": encode(short, tmp_path / "short.flac"), "c": other})
    prints = read_fingerprints([tables["fingerprints"]])
    assert prints.track_ids == ["a", "b", "c"] and len(prints.items) == 0
    (row,) = read_rows(gathered(tmp_path, [tables])["duplicates"])
    assert list(row.values()) == ["a", "b", "1", "true", "0.00", "2.00"] and tuple(row) == DUPLICATE_COLUMNS


def test_items_equal_chromaprint(songs):
    path = next(iter(songs.values()))
    found = fingerprint(decode(path, max_seconds=60).segment)
    assert found.dtype == np.uint32 and len(found) == int((30 * RATE - 4096) // 1365 + 1) - 19
    # Half an item's time later, most bits are the same; music that is another's, half of them are.
    assert 0.7 < 1 - np.bitwise_count(found[1:] ^ found[:-1]).mean() / 32 < 0.98


def test_silence_and_very_short_tracks_match_nothing():
    quiet, brief, nothing = (fingerprint(segment(np.zeros(round(s * 22_050)))) for s in (60, 2, 0))
    assert len(quiet) > 400 and len(set(quiet)) == 1 and len(brief) == len(nothing) == 0
    one, other = noise(200, 1), noise(200, 2)
    found = {"silent": quiet, "silent too": quiet, "brief": brief, "nothing": nothing}
    found |= {"ends silent": np.concatenate([one, quiet]), "ends silent too": np.concatenate([other, quiet])}
    assert find_duplicates(good(found), packed(found)) == []
    assert compare(found["ends silent"], found["ends silent too"])[0] < 0.6  # though most of their bits are equal
    found["copy"] = damaged(found["ends silent"], 0.05, 3)
    (row,) = find_duplicates(good(found), packed(found))
    assert (row["track_id"], row["other_track_id"]) == ("copy", "ends silent")


def test_an_empty_list_of_tracks_has_no_duplicates(tmp_path):
    write_fingerprints(tmp_path / "none.parquet", {})
    assert find_duplicates([], read_fingerprints([tmp_path / "none.parquet"] * 2)) == []


@pytest.mark.parametrize("start", [-300, -40, 0, 7, 500])
def test_the_offset_and_the_share_of_equal_bits_are_found(start):
    music = noise(2000, 0)
    a, b = music[400:1400], damaged(music[max(0, 400 + start) : 1100 + start], 0.1, 1)
    similarity, offset, overlap = compare(a, b)
    assert offset == start and overlap == min(1000, start + len(b)) - max(0, start)
    assert similarity == pytest.approx(0.9, abs=0.01)
    back = compare(b, a)
    assert back == (similarity, -offset, overlap)


def test_too_many_wrong_bits_or_too_little_overlap_is_not_a_copy():
    music = noise(1000, 0)
    keeps = np.random.default_rng(3).random(1000) < 0.1  # by chance equal, as common values are
    for share, copies in ((0.15, True), (0.25, False)):
        other = np.where(keeps, music, damaged(music, share / 0.9, 4))
        found = {"a": music, "b": other}
        assert bool(find_duplicates(good(found), packed(found))) is copies
    for overlap, copies in ((80, True), (40, False)):
        found = {"a": music[:500], "b": np.concatenate([music[500 - overlap : 500], noise(400, 5)])}
        assert bool(find_duplicates(good(found), packed(found))) is copies
    found = {"a": noise(20, 6), "b": damaged(noise(20, 6), 0.02, 7)}
    assert find_duplicates(good(found), packed(found))  # five seconds of music, and all of it


@pytest.mark.parametrize(("last", "first"), [(-1, 0), (0, -1)])
def test_tracks_that_overlap_by_one_item_are_compared(last, first):
    a, b = noise(300, 0), noise(200, 1)
    b[first] = a[last]
    assert compare(a, b) == (0, 0, 0)


def test_many_copies_are_one_group_although_some_pairs_are_missing():
    music = {name: noise(300, seed) for seed, name in enumerate("xyz")}
    found = {f"{name}{n:02d}": damaged(items, 0.02, n) for name, items in music.items() for n in range(40)}
    rows = find_duplicates(good(found), packed(found))
    assert len(rows) < 3 * 40 * 39 / 2
    groups = join(good(found), rows)
    assert {name: groups[name] for name in found} == {name: f"{name[0]}00" for name in found}


def test_only_identical_samples_have_similarity_1_and_pairs_are_in_order():
    music = noise(300, 0)
    rows = find_duplicates(
        good("ab") + [row | {"audio_sha256": "c"} for row in good("cd")], packed({"a": music, "b": music})
    )
    assert [(row["track_id"], row["similarity"]) for row in rows] == [("a", "0.999"), ("c", "1")]


def test_a_chain_of_excerpts_is_one_group():
    music = noise(600, 0)
    found = {"a": music[:250], "b": music[150:450], "c": music[350:], "d": noise(300, 1)}
    rows = find_duplicates(good(found), packed(found))
    assert [(row["track_id"], row["other_track_id"]) for row in rows] == [("a", "b"), ("b", "c")]
    assert [float(row["offset"]) for row in rows] == pytest.approx([150 * HOP_SECONDS, 200 * HOP_SECONDS], abs=0.01)
    assert join(good(found), rows) == {"a": "a", "b": "a", "c": "a", "d": "d"}


def test_tracks_that_share_nothing_are_never_compared():
    found = {f"{seed:03d}": noise(200, seed) for seed in range(100)}
    assert len(candidates(packed(found))) == 0
