"""Songs are named as people know them, counted once, and their mistakes are those of songs.csv."""

import pytest
from helpers.report import PROTOCOL, write_verdicts

from songwise.report.songs import read_mistakes, songs_by_id, songs_per_class


def track(song: str, **values: str) -> dict:
    row = {"track_id": song, "song": song, "label": "pop", "status": "ok", "artist": "", "title": "", "url": ""}
    return row | {"audio_sha256": song} | values


def test_a_song_has_its_title_and_artist_or_its_identifier():
    songs = songs_by_id(
        [
            track("a:1", artist="Ann"),
            track("b", title="Blue\u202e\n sky", artist="Bob", url="https://example.org/b"),
            track("c", track_id="c1"),
            track("c", track_id="c2", title="Second track's title"),
            track("d", title="D", url="javascript:alert(1)"),
        ]
    )
    assert songs["a:1"].name == "a:1"
    assert (songs["b"].name, songs["b"].address) == ("Blue sky (Bob)", "https://example.org/b")
    assert songs["c"].name == "Second track's title"
    assert songs["d"].address == ""


def test_the_same_recording_counts_once():
    tracks = [track("a"), track("b"), track("c", label="jazz"), track("d", status="quarantined"), track("e")]
    tracks += [track("e", track_id="e2", audio_sha256="e2")]
    pairs = [{"track_id": "a", "other_track_id": "b"}]
    assert songs_per_class(tracks, pairs) == [("jazz", 1), ("pop", 2)]
    assert songs_per_class(tracks, []) == [("jazz", 1), ("pop", 3)]


def verdict(repeat: int, song: str, label: str, predicted: str, **probabilities: float) -> dict:
    return {"repeat": repeat, "song": song, "label": label, "predicted": predicted, "p_None": 0.0} | probabilities


def test_mistakes_are_sorted_by_confidence_and_count_their_repeats(tmp_path):
    rows = [
        verdict(0, "right", "pop", "pop", p_pop=0.99, p_jazz=0.01),
        verdict(1, "right", "pop", "pop", p_pop=0.99, p_jazz=0.01),
        verdict(0, "once", "pop", "jazz", p_pop=0.3, p_jazz=0.7),
        verdict(1, "once", "pop", "pop", p_pop=0.9, p_jazz=0.1),
        verdict(0, "01", "jazz", "pop", p_pop=0.6, p_jazz=0.4),
        verdict(1, "01", "jazz", "pop", p_pop=0.8, p_jazz=0.2),
    ]
    write_verdicts(tmp_path, "m@x", rows)
    first, second = read_mistakes(tmp_path, "m@x", PROTOCOL)
    assert (first.song, first.label, first.predicted, first.wrong, first.tested) == ("01", "jazz", "pop", 2, 2)
    assert (first.probability, first.of_label) == pytest.approx((0.7, 0.3))
    assert (second.song, second.predicted, second.wrong, second.tested) == ("once", "jazz", 1, 2)
    assert (second.probability, second.of_label) == pytest.approx((0.4, 0.6))


def test_of_several_wrong_labels_the_most_frequent_is_named(tmp_path):
    rows = [
        verdict(repeat, "a", "pop", predicted, p_pop=0.1, p_jazz=0.2, p_rock=0.7)
        for repeat, predicted in enumerate(["jazz", "rock", "jazz"])
    ]
    write_verdicts(tmp_path, "m@x", rows)
    (mistake,) = read_mistakes(tmp_path, "m@x", PROTOCOL)
    assert (mistake.predicted, mistake.wrong, mistake.tested) == ("jazz", 3, 3)
    assert (mistake.probability, mistake.of_label) == pytest.approx((0.2, 0.1))


def test_labels_that_look_like_missing_values_are_labels(tmp_path):
    write_verdicts(tmp_path, "m@x", [verdict(0, "NA", "NA", "None", p_NA=0.2) | {"p_None": 0.8}])
    (mistake,) = read_mistakes(tmp_path, "m@x", PROTOCOL)
    assert (mistake.song, mistake.label, mistake.predicted, mistake.probability) == ("NA", "NA", "None", 0.8)
