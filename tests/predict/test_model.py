"""A loaded model answers files and arrays, and a file that cannot be used gets a reason."""

import numpy as np
import pytest
from helpers.champions import CARD, tone_champion
from helpers.sound import RATE, encode, tone, write_wav

import songwise
from songwise.errors import InputError
from songwise.predict.model import SongModel


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("model")
    return tone_champion(place / "results/tones/champion", place / "audio")


@pytest.fixture(scope="module")
def model(folder) -> SongModel:
    return songwise.load(folder)


@pytest.fixture
def high(tmp_path):
    return write_wav(tmp_path / "high.wav", tone(6.5, 1800))


def test_a_model_is_found_by_the_results_of_its_data_set(folder):
    model = songwise.load(folder.parent)
    assert model.classes == ["high", "low"] and model.card["model"] == CARD["model"]


def test_the_package_has_one_name_more_and_no_other():
    assert callable(songwise.load)
    with pytest.raises(AttributeError, match="has no attribute 'laod'"):
        songwise.laod  # noqa: B018


def test_an_answer_has_a_verdict_per_song_and_per_clip(model, high):
    answer = model.answer(high)
    assert (answer.status, answer.label, answer.file, answer.seconds) == ("ok", "high", str(high), 6.5)
    assert [(part.start, part.seconds) for part in answer.timeline] == [(0, 2), (2, 2), (4, 2)]
    assert sum(answer.probabilities.values()) == pytest.approx(1, abs=1e-5)
    assert answer.probability == pytest.approx(answer.probabilities["high"], abs=1e-6) and 0 <= answer.novelty <= 1


def test_silent_clips_are_left_out_of_the_timeline(model, tmp_path):
    samples = np.concatenate([tone(2, 1800), np.zeros(2 * RATE), tone(2, 1800)])
    assert [part.start for part in model.answer(write_wav(tmp_path / "gap.wav", samples)).timeline] == [0, 4]


def test_an_array_is_answered_as_the_file_with_the_same_samples(model, tmp_path):
    samples = np.stack([tone(4, 200), tone(4, 1600)])
    write_wav(tmp_path / "stereo.wav", samples.T)
    of_file, of_array = model.predict([tmp_path / "stereo.wav"]), model.predict(samples, sample_rate=RATE)
    assert of_array["file"][0] == "array 0"
    # The helper cuts samples off where songwise rounds them: one step of 16 bits.
    np.testing.assert_allclose(of_array["p_high"], of_file["p_high"], atol=1e-2)


@pytest.mark.parametrize(
    ("samples", "rate", "message"),
    [
        (np.zeros(100), None, "arrays need a sample rate"),
        (np.zeros(100, np.int16), RATE, "must be finite floats"),
        (np.full(100, np.nan), RATE, "must be finite floats"),
        (np.zeros((100, 2)), RATE, "channels come first"),
        (np.zeros(100), 1, "sample_rate must be a whole number"),
        (np.zeros(100), 44_100.5, "sample_rate must be a whole number"),
    ],
)
def test_an_array_that_cannot_be_used_is_refused(model, samples, rate, message):
    with pytest.raises(InputError, match=message):
        model.predict(samples, sample_rate=rate)


def test_predict_has_one_row_per_song_with_a_reason_for_those_that_cannot_be_used(model, high, tmp_path):
    (tmp_path / "text.mp3").write_bytes(b"no music" * 100)
    silent = write_wav(tmp_path / "silent.wav", np.zeros(4 * RATE))
    bad = [tmp_path / "text.mp3", silent, tmp_path / "gone.wav", tmp_path / "a\0b.wav", tmp_path / "\udcff\ud800.wav"]
    table = model.predict([high, *bad])
    assert list(table.columns) == [
        *("file", "status", "reason", "seconds", "label", "probability", "known", "novelty"),
        *("p_high", "p_low"),
    ]
    assert list(table["status"]) == ["ok", "quarantined", "quarantined", "failed", "failed", "failed"]
    assert table["reason"][1].startswith("undecodable") and table["reason"][2].startswith("silent")
    assert table["reason"][3] == "unreadable: No such file or directory"
    assert table["reason"][4] == table["reason"][5] == "unreadable: no file can have such a name"


def test_a_limit_of_seconds_replaces_that_of_the_data_set(folder, high):
    answer = songwise.load(folder, max_seconds=3).answer(high)
    assert answer.status == "failed" and answer.reason.startswith("too_long: more than 3 s")


def test_a_timeline_is_a_table_and_a_bad_file_raises(model, high, tmp_path):
    table = model.timeline(encode(high, tmp_path / "high.ogg"))
    assert list(table.columns) == ["start", "seconds", "label", "probability", "p_high", "p_low"]
    assert list(table["label"]) == ["high"] * 3
    with pytest.raises(InputError, match=r"gone\.wav: unreadable"):
        model.timeline(tmp_path / "gone.wav")


def test_similar_tracks_have_the_register_of_the_song(model, high):
    found = model.similar(model.embed(high), 4)
    assert {track["track_id"] for track in found} == {f"song {number}" for number in range(4)}
    assert found[0].keys() >= {"track", "distance", "label", "artist", "title"}


def test_a_temperature_changes_probabilities_and_no_verdict(folder, model, high, tmp_path):
    sure = model.answer(high)
    model._temperatures = {"song": 5.0, "clip": 1.0}
    try:
        unsure = model.answer(high)
    finally:
        model._temperatures = {"song": 1.0, "clip": 1.0}
    assert unsure.label == sure.label and 0.5 < unsure.probability < sure.probability
    assert unsure.timeline == sure.timeline
