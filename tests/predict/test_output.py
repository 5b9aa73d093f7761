"""Answers as text."""

import csv
import io
import json

from songwise.predict.answer import Answer, Segment
from songwise.predict.output import print_csv, print_json, print_table

PROBABILITIES = {"tsc": 0.8, "zelda": 0.2}


def segment(start: float, label: str) -> Segment:
    return Segment(start, 10.0, label, 0.7, PROBABILITIES)


GOOD = Answer(
    file="a\x1b[31m.mp3",
    status="ok",
    seconds=30.0,
    label="tsc",
    probability=0.8,
    known=True,
    novelty=0.4,
    probabilities=PROBABILITIES,
    timeline=[segment(0, "tsc"), segment(10, "tsc"), segment(70, "zelda")],
)
UNKNOWN = Answer("b.mp3", "ok", "", 10.0, "tsc", 0.6, False, 0.99, PROBABILITIES, [segment(0, "tsc")])
BAD = Answer("c.mp3", "quarantined", "silent: no sample above -60 dBFS", 3.0)


def text(function, *words) -> str:
    stream = io.StringIO()
    function([GOOD, UNKNOWN, BAD], *words, stream=stream)
    return stream.getvalue()


def test_the_table_shows_verdict_probability_and_where_the_label_changes():
    lines = text(print_table).splitlines()
    assert lines[:3] == ["a [31m.mp3", "    tsc (80 %)", "    0:00 tsc, 1:10 zelda"]


def test_an_unknown_song_is_called_unlike_the_training_music_before_its_nearest_class():
    assert "    unlike the training music; nearest: tsc" in text(print_table).splitlines()


def test_a_bad_file_is_shown_with_its_reason():
    assert text(print_table).splitlines()[-2:] == ["c.mp3", "    not classified: silent: no sample above -60 dBFS"]


def test_json_has_one_object_per_line_with_the_timeline():
    good, unknown, bad = map(json.loads, text(print_json).splitlines())
    assert good["timeline"][2] == {"start": 70, "seconds": 10.0, "label": "zelda", "probability": 0.7} | {
        "probabilities": PROBABILITIES
    }
    assert unknown["known"] is False and bad["label"] == "" and bad["probability"] is None
    assert "vector" not in good


def test_csv_has_one_row_per_file_with_the_probability_of_every_class():
    rows = list(csv.DictReader(io.StringIO(text(print_csv, ["tsc", "zelda"]))))
    assert [row["label"] for row in rows] == ["tsc", "tsc", ""]
    assert [row["known"] for row in rows] == ["true", "false", ""]
    assert rows[0]["p_zelda"] == "0.200000" and rows[2]["p_zelda"] == "" and rows[2]["reason"].startswith("silent")
