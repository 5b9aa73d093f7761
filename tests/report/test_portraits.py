"""A portrait shows the middle of its track, and a track that cannot be drawn does not stop the others."""

import numpy as np
import pytest
from helpers.sound import RATE, encode, tone, write_wav
from matplotlib import colormaps
from matplotlib.image import imread

from songwise.datasets.track import Track
from songwise.errors import InputError
from songwise.files import read_json, write_json, write_rows
from songwise.plan.session import check_shown
from songwise.report import portraits
from songwise.report.portraits import chosen, draw_track, draw_tracks


@pytest.fixture(scope="module")
def song(tmp_path_factory):
    """Fifty seconds, compressed, in stereo: an A of 440 Hz in the middle 30, a C of 4,186 Hz before and after."""
    t = np.arange(50 * RATE) / RATE
    inner = (t >= 10) & (t < 40)
    y = 0.4 * np.sin(2 * np.pi * np.where(inner, 440, 4186) * t)
    path = write_wav(tmp_path_factory.mktemp("songs") / "song.wav", np.stack([y, y], axis=1))
    return encode(path, path.with_suffix(".ogg"), "-ar", "48000")


def panel(picture: np.ndarray, name: str) -> np.ndarray:
    """The pixels inside a panel's frame, (height, width, 3), the top row first."""
    top = portraits._TOP
    for other, inches in portraits._HEIGHTS.items():
        if other == name:
            break
        top += inches + portraits._GAP
    edges = [top, top + portraits._HEIGHTS[name], portraits._LEFT, portraits._WIDTH - portraits._RIGHT]
    first, last, left, right = (round(portraits._DOTS * edge) for edge in edges)
    return picture[first + 3 : last - 3, left + 3 : right - 3, :3]


def distance(pixels: np.ndarray, colour: tuple) -> np.ndarray:
    """Return the mean distance of each row of a panel from a colour."""
    return np.abs(pixels - np.array(colour[:3])).sum(axis=2).mean(axis=1)


def height_of(pixels: np.ndarray, colour: tuple) -> float:
    """Return the height of the rows nearest to a colour, from 0 at the bottom to 1 at the top."""
    found = distance(pixels, colour)
    return 1 - (np.flatnonzero(found < found.min() + 0.02).mean() + 0.5) / len(found)


def test_a_portrait_shows_the_pitch_of_the_middle(tmp_path, song):
    draw_track(song, tmp_path / "a.png", title="한국 $x^{ (label)" * 20, max_seconds=60)
    picture = imread(tmp_path / "a.png")
    mel = panel(picture, "mel")
    inner, outer = (portraits.librosa.hz_to_mel([440, 4186]) / portraits.librosa.hz_to_mel(RATE / 2)).tolist()
    assert height_of(mel, colormaps["magma"](1.0)) == pytest.approx(inner, abs=0.015)
    assert distance(mel, colormaps["magma"](0.0))[round((1 - outer) * len(mel))] < 0.1  # nothing of before and after
    assert round(12 * height_of(panel(picture, "chroma"), colormaps["Blues"](1.0)) - 0.5) == 9  # A, C being 0
    wave = panel(picture, "waveform")
    blue = (np.abs(wave - [0x1F / 255, 0x6F / 255, 0xB2 / 255]).sum(axis=2) < 0.1).mean(axis=0)
    assert blue == pytest.approx(0.4, abs=0.06)  # from -0.4 to 0.4 of -1 to 1, all the time


def test_the_same_track_gives_the_same_small_file(tmp_path, song):
    for name in ("one.png", "other.png"):
        draw_track(song, tmp_path / name, title="song", max_seconds=60)
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "other.png").read_bytes()
    assert b"Software" not in (tmp_path / "one.png").read_bytes()  # nor a version, nor a date
    noise = np.random.default_rng(0).normal(size=40 * RATE) * np.abs(np.sin(np.arange(40 * RATE) / 900))
    draw_track(
        write_wav(tmp_path / "noise.wav", np.clip(0.3 * noise, -1, 1)), tmp_path / "noise.png", title="", max_seconds=60
    )
    assert 20_000 < (tmp_path / "noise.png").stat().st_size < 150_000


@pytest.mark.parametrize("samples", [tone(0.002, 440), np.zeros(RATE)])
def test_short_and_silent_tracks_are_drawn(tmp_path, samples):
    draw_track(write_wav(tmp_path / "a.wav", samples), tmp_path / "a.png", title="a", max_seconds=60)
    mel = panel(imread(tmp_path / "a.png"), "mel")
    assert samples.any() or distance(mel, colormaps["magma"](0.0)).max() < 0.1  # silence is dark


def row(name: str, label: str, status: str = "ok") -> dict:
    return {"track_id": name, "label": label, "status": status, "reason": "silent: no sample" * (status != "ok")}


def test_the_first_good_track_of_each_class_is_chosen_or_those_named():
    rows = [row("a1", "b", "quarantined"), row("a2", "b"), row("a3", "a"), row("a4", "b"), row("a5", "c", "failed")]
    assert [found["track_id"] for found in chosen(rows, "per-class")] == ["a3", "a2"]
    assert [found["track_id"] for found in chosen(rows, ["a4", "a1"])] == ["a4", "a1"]
    many = [row(f"t{number}", f"label {number:02d}") for number in range(20)]
    assert [found["track_id"] for found in chosen(many, "per-class")] == [f"t{number}" for number in range(12)]


def test_a_track_that_cannot_be_drawn_is_left_out(tmp_path, capsys):
    names = {"../odd/na me%.wav": "b", "gone": "b", "text": "a", "bad": "a"}
    rows = [row(name, label, "quarantined" if name == "bad" else "ok") for name, label in names.items()]
    write_rows(tmp_path / "tracks.csv", rows[0], rows)
    write_wav(tmp_path / "odd.wav", tone(2, 440))
    (tmp_path / "text.wav").write_text("no audio")
    paths = {name: {"path": str(tmp_path / f"{name}.wav")} for name in names}
    paths["../odd/na me%.wav"]["path"] = str(tmp_path / "odd.wav")
    write_json(tmp_path / "0.json", {"tracks": {name: paths.pop(name) for name in ("text", "gone")}})
    write_json(tmp_path / "1.json", {"tracks": paths})
    folder = tmp_path / "results" / "tracks"
    draw_tracks(
        tracks_csv=tmp_path / "tracks.csv",
        states=[tmp_path / "0.json", tmp_path / "1.json"],
        show=["gone", "text", "bad", "../odd/na me%.wav"],
        max_seconds=60,
        folder=folder,
    )
    (found,) = read_json(folder / "index.json")
    assert found["track_id"] == "../odd/na me%.wav" and found["label"] == "b"
    assert {path.name for path in folder.iterdir()} == {"index.json", found["file"]} and "/" not in found["file"]
    said = capsys.readouterr().out
    for line in ("gone\tnot drawn", "text\tnot drawn\tnot an audio format", "bad\tnot drawn\tsilent: no sample"):
        assert line in said


def test_a_track_id_that_the_sheet_does_not_have_is_named():
    tracks = [Track("one song", "a"), Track("other", "b")]
    check_shown("per-class", tracks)
    check_shown(["other", "one song"], tracks)
    with pytest.raises(InputError, match=r"show_tracks: .* no track_id 'one sang'; did you mean 'one song'\?"):
        check_shown(["other", "one sang"], tracks)
    with pytest.raises(InputError, match=r"show_tracks: .* no track_id '77' \(it has 2"):
        check_shown(["77"], tracks)
