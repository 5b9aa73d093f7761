"""The demo music is the same on every machine, is audible throughout, and has the intended faults."""

import hashlib
import re
import subprocess
import sys
import wave
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from songwise.datasets.demo import catalogue, instruments, synth
from songwise.datasets.demo.styles import STYLE_SETS

TWINS = ("night_ferry-gentle_sky", "night_ferry-silver_lantern")
SILENT = "velvet_static-lonely_parade"
TRUNCATED = "salt_cedar-hidden_city"

SAMPLED = {
    "bands": (
        "copper_foxes-amber_ocean",
        "night_ferry-gentle_sky",
        "paper_lanterns-blue_road",
        TRUNCATED,
        "tin_cathedral-amber_city",
        "velvet_static-blue_station",
    ),
    "genres": ("ada_thornby-blue_harbour", "low_orbit-blue_bridge", "wolf_canteen-little_city"),
}

# These digests prove that the music is bit-identical on every machine. They must not depend on the processor, numpy or
# the maths library. After an intended change to the music, measure the demo's accuracies again and update the digests.
DIGESTS = {
    "bands": "9c83b98f1f0df18b2a88b032439e70fb8fe1924a425c399f32153f5c47145023",
    "genres": "ee25482c548f646205c213e4b75efe8236be2d50a5e4b0750ad60cb1fd5fd8b7",
}


def digest(recipe: str) -> str:
    tracks = [synth.render(recipe, track_id, seed=0) for track_id in SAMPLED[recipe]]
    return hashlib.sha256(np.concatenate(tracks).astype("<i2").tobytes()).hexdigest()


def read(path: Path) -> tuple[int, np.ndarray]:
    """Return the number of samples that the header declares, and the samples in the file."""
    with wave.open(str(path), "rb") as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 22050)
        return file.getnframes(), np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")


@pytest.mark.parametrize("recipe", catalogue.RECIPES)
def test_samples_are_the_same_on_every_machine(recipe):
    assert digest(recipe) == DIGESTS[recipe]


def test_no_table_entry_is_near_a_rounding_tie():
    """A maths library with errors of a few units in the last place must round to the same integers."""
    values = [32767 * np.sin(2 * np.pi * np.arange(512) / 512), 32767 * np.exp(-np.arange(2048) / 256)]
    values += [32767 * np.tanh(np.arange(-4096, 4096) / 1024)]
    values += [2**24 * 440 * 2 ** ((np.arange(128) - 69) / 12) / 22050]
    tables = [instruments.SINE, instruments.DECAY, synth.SOFT_CLIP, instruments.PHASE_STEPS]
    for value, table in zip(values, tables, strict=True):
        assert np.abs(value - table).max() < 0.5 - 1e-6


def test_rendering_twice_and_elsewhere_gives_equal_samples():
    once, twice = (synth.render("genres", "low_orbit-blue_bridge", seed=3) for _ in range(2))
    assert np.array_equal(once, twice)
    program = (
        "import hashlib; from songwise.datasets.demo.synth import render;"
        "samples = render('genres', 'low_orbit-blue_bridge', seed=3);"
        "print(hashlib.sha256(samples.tobytes()).hexdigest())"
    )
    fresh = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert fresh.stdout.strip() == hashlib.sha256(once.tobytes()).hexdigest()


def test_another_seed_makes_other_music_with_the_same_names():
    rows, others = (catalogue.track_rows("genres", seed=seed) for seed in (0, 1))
    assert [row["track_id"] for row in rows] == [row["track_id"] for row in others]
    assert [row["seconds"] for row in rows] != [row["seconds"] for row in others]
    tracks = [synth.render("genres", "low_orbit-blue_bridge", seed=seed) for seed in (0, 1)]
    shorter = min(map(len, tracks))
    assert not np.array_equal(tracks[0][:shorter], tracks[1][:shorter])


@pytest.mark.parametrize(
    ("recipe", "songs_of_a_label", "albums_of_an_artist"),
    [
        (
            "bands",
            {
                "copper_foxes": 10,
                "night_ferry": 11,
                "paper_lanterns": 10,
                "salt_cedar": 11,
                "tin_cathedral": 10,
                "velvet_static": 11,
            },
            2,
        ),
        ("genres", {"electric/ambient": 32, "acoustic/waltz": 32, "electric/garage": 32}, 2),
    ],
)
def test_sheet_has_every_label_artist_and_album(recipe, songs_of_a_label, albums_of_an_artist):
    rows = catalogue.track_rows(recipe, seed=0)
    assert Counter(row["label"] for row in rows) == songs_of_a_label
    assert len({row["track_id"] for row in rows}) == len(rows)
    assert all(re.fullmatch(r"[a-z0-9_]+-[a-z0-9_]+", row["track_id"]) for row in rows)
    assert all(row["song"] == row["track_id"] for row in rows)
    albums = {row["artist"]: set() for row in rows}
    for row in rows:
        albums[row["artist"]].add(row["album"])
    assert {len(names) for names in albums.values()} == {albums_of_an_artist}
    assert len(set().union(*albums.values())) == len(albums) * albums_of_an_artist


@pytest.mark.parametrize("recipe", catalogue.RECIPES)
def test_every_label_has_a_style(recipe):
    assert STYLE_SETS[recipe].styles.keys() == {row["label"] for row in catalogue.track_rows(recipe, seed=0)}


def test_sheet_imports_neither_numpy_nor_scipy():
    """Every start of Snakemake and of its jobs reads the sheet. Importing numpy would slow each start down."""
    program = (
        "import sys; from songwise.datasets.demo.catalogue import track_rows;"
        "track_rows('bands', seed=0); sys.exit(not sys.modules.keys().isdisjoint({'numpy', 'scipy'}))"
    )
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0


def test_sheet_has_the_length_of_the_audio():
    for row in catalogue.track_rows("bands", seed=0)[::20]:
        samples = synth.render("bands", row["track_id"], seed=0)
        assert samples.dtype == np.int16
        assert len(samples) == round(float(row["seconds"]) * 22050)
        assert 50 <= float(row["seconds"]) <= 70


@pytest.mark.parametrize("recipe", catalogue.RECIPES)
def test_every_clip_is_audible_and_none_is_clipped(recipe):
    for track_id in SAMPLED[recipe]:
        samples = synth.render(recipe, track_id, seed=0).astype(np.int64)
        assert 15000 < np.abs(samples).max() < 32767
        # The demo data sets have clips of 10 s. The last one may be as short as 5 s.
        for start in range(0, len(samples) - 5 * 22050, 10 * 22050):
            rms = np.sqrt(np.mean((samples[start : start + 10 * 22050] / 32768) ** 2))
            assert 20 * np.log10(rms) > -40


def test_twin_songs_differ_only_in_name(tmp_path):
    rows = [row for row in catalogue.track_rows("bands", seed=0) if row["track_id"] in TWINS]
    assert len({row["song"] for row in rows}) == 2
    assert len({row["label"] for row in rows}) == 1
    for track_id in TWINS:
        synth.write_track("bands", track_id, tmp_path / track_id, seed=0)
    assert (tmp_path / TWINS[0]).read_bytes() == (tmp_path / TWINS[1]).read_bytes()


def test_silent_track_is_silent_for_its_full_length(tmp_path):
    synth.write_track("bands", SILENT, tmp_path / "silent.part", seed=0)
    declared, samples = read(tmp_path / "silent.part")
    assert declared == len(samples) > 50 * 22050
    assert not samples.any()


def test_truncated_file_ends_after_a_third_of_what_its_header_declares(tmp_path):
    synth.write_track("bands", TRUNCATED, tmp_path / "truncated.wav", seed=0)
    declared, samples = read(tmp_path / "truncated.wav")
    whole = synth.render("bands", TRUNCATED, seed=0)
    assert declared == len(whole)
    assert len(samples) == pytest.approx(declared / 3, rel=0.01)
    assert np.array_equal(samples, whole[: len(samples)])


def test_good_file_contains_the_rendered_samples(tmp_path):
    synth.write_track("genres", "low_orbit-blue_bridge", tmp_path / "good.wav", seed=0)
    declared, samples = read(tmp_path / "good.wav")
    assert declared == len(samples)
    assert np.array_equal(samples, synth.render("genres", "low_orbit-blue_bridge", seed=0))


def test_no_other_track_has_the_same_music():
    opening = {
        row["track_id"]: synth.render("bands", row["track_id"], seed=0)[: 10 * 22050].tobytes()
        for row in catalogue.track_rows("bands", seed=0)
        if row["label"] == "night_ferry"
    }
    repeated = {track_id for track_id in opening if Counter(opening.values())[opening[track_id]] > 1}
    assert repeated == set(TWINS)


def test_unknown_recipe_names_the_known_ones():
    with pytest.raises(ValueError, match=r"'polka'.*bands, genres"):
        catalogue.track_rows("polka", seed=0)


def test_unknown_track_is_named():
    with pytest.raises(KeyError, match="night_ferry-nothing"):
        synth.render("bands", "night_ferry-nothing", seed=0)
