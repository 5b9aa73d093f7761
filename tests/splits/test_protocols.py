"""Protocols that a sheet does not support are refused before any work; those that it supports are audited."""

import pytest
from helpers.project import ROOT
from helpers.tracks import load_tracks

from songwise.datasets.shards import columns_digest, rows_digest
from songwise.datasets.track import Track
from songwise.errors import InputError
from songwise.splits.protocols import PROTOCOLS, Kind, Protocol, choose, sheet_columns

SPLIT = {"protocol": "by-song", "folds": 2, "repeats": 1, "held_out": None}


def sheet(**columns) -> list[Track]:
    """Two classes of four songs; a column is what a function of label and number gives."""
    rows = [(label, number) for label in "ab" for number in range(4)]
    facts = [{name: value(label, number) for name, value in columns.items()} for label, number in rows]
    return [Track(f"{x}{n}", x, **{"song": f"{x}{n}"} | fact) for (x, n), fact in zip(rows, facts, strict=True)]


def protocols(tracks, protocol=None, audit="auto", **split):
    return choose({"protocol": protocol, "audit": audit}, SPLIT | split, tracks, "mine.yaml")


def pairs(label, number):
    return f"{label}{number // 2}"


def test_the_data_set_s_protocol_leads_unless_the_config_names_another():
    tracks = sheet(artist=pairs)
    assert protocols(tracks, audit=[]) == ["by-song"]
    assert protocols(tracks, audit=[], protocol="by-artist") == ["by-artist"]
    assert protocols(tracks, "by-artist", ["random-clips", "by-artist", "by-song"]) == [
        *("by-artist", "random-clips", "by-song")
    ]


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        ({}, ["random-clips"]),
        ({"artist": pairs}, ["random-clips", "by-artist"]),
        ({"artist": pairs, "album": pairs}, ["random-clips", "by-artist", "by-album"]),
        ({"artist": lambda label, number: label}, ["random-clips"]),  # the artist is the class
        ({"artist": lambda label, number: f"{label}{number}"}, ["random-clips"]),  # an artist a song: it is by-song
        ({"artist": lambda label, number: label * (number > 0)}, ["random-clips"]),  # a row without
    ],
)
def test_an_automatic_audit_runs_the_protocols_that_the_sheet_supports(columns, found):
    assert protocols(sheet(**columns)) == ["by-song", *found]


def test_by_song_is_audited_if_by_artist_leads():
    assert protocols(sheet(artist=pairs), "by-artist") == ["by-artist", "random-clips", "by-song"]


@pytest.mark.parametrize(
    ("columns", "asked", "split", "message"),
    [
        (
            {},
            "by-song",
            {"folds": 5},
            r"mine.yaml: by-song: label a \(4\), b \(4\): fewer songs than the 5 folds; add",
        ),
        ({"song": lambda label, number: label}, "by-song", {}, r"label a \(1\), b \(1\): fewer songs than the 2"),
        ({}, "by-artist", {}, "by-artist: needs the column artist, which is missing in the track sheet or empty"),
        (
            {"artist": lambda label, number: label * (number > 2)},
            *("by-artist", {}, "6 tracks have no artist: a0, a1, a2, b0 and 2 more"),
        ),
        (
            {"artist": lambda label, number: label},
            *("by-artist", {}, r"label a \(1\), b \(1\): fewer artists than the 2 folds; .*choose by-song"),
        ),
        ({"album": pairs}, "by-album", {"folds": 3}, r"b \(2\): fewer albums than the 3 folds"),
        ({}, "predefined-folds", {}, "needs the column fold"),
        ({"fold": lambda label, number: "12"[number > 2] * (number > 0)}, "predefined-folds", {}, "no fold: a0, b0"),
        ({"fold": lambda label, number: "2355"[number]}, "predefined-folds", {}, "fold 1 is missing in .* a gap"),
        ({"fold": lambda label, number: "0134"[number]}, "predefined-folds", {}, "fold 2 is missing in .* a gap"),
        ({"fold": lambda label, number: "1"}, "predefined-folds", {}, "all tracks have the fold 1"),
        ({"fold": lambda label, number: "12"[label == "b" or number > 1]}, "predefined-folds", {}, "'b' .* one fold"),
        (
            {"fold": lambda label, number: "12"[number % 2], "song": pairs},
            *("predefined-folds", {}, r"song 'a0' has two folds: 1 \(a0\) and 2 \(a1\)"),
        ),
        ({}, "train-valid-test", {}, "needs the column role"),
        ({"role": lambda label, number: "train"}, "train-valid-test", {}, "no track has the role test"),
        ({"role": lambda label, number: "test"}, "train-valid-test", {}, "no track has the role train"),
        (
            {"role": lambda label, number: "train" if label == "a" and number else "test"},
            *("train-valid-test", {}, "label 'b' has no track with the role train"),
        ),
        (
            {"role": lambda label, number: "test" if number == 3 else "train", "song": pairs},
            *("train-valid-test", {}, r"song 'a1' has two roles: train \(a2\) and test \(a3\)"),
        ),
        ({}, "hold-out", {}, "split.held_out is missing"),
        ({}, "hold-out", {"held_out": 4}, r"label a \(4\), .*: with split.held_out 4 no song is left"),
    ],
)
def test_a_protocol_that_a_sheet_does_not_support_is_refused_with_the_reason(columns, asked, split, message):
    tracks = sheet(**columns)
    with pytest.raises(InputError, match=message):
        protocols(tracks, asked, [], **split)
    if asked != "by-song":
        with pytest.raises(InputError, match=message):
            protocols(tracks, None, [asked], **split)


def test_folds_may_count_from_0_or_1_and_roles_need_no_validation():
    for digits in ("0123", "1234"):
        assert protocols(sheet(fold=lambda label, number, d=digits: d[number]), "predefined-folds", [])
    tracks = sheet(role=lambda label, number: "test" if number == 3 else "train")
    assert protocols(tracks, "train-valid-test", []) == ["train-valid-test"]


def test_the_demo_of_genres_audits_artists_and_albums():
    dataset, tracks = load_tracks("demo-genres", ROOT)
    found = choose({"protocol": None, "audit": "auto"}, dataset["split"], tracks, "demo-genres")
    assert found == ["by-song", "random-clips", "by-artist", "by-album"]


def test_a_changed_fold_or_role_does_not_recompute_features():
    before, after = sheet(fold=lambda label, number: "1"), sheet(fold=lambda label, number: "2")
    assert rows_digest(before) == rows_digest(after)
    assert columns_digest(before, ["fold"]) != columns_digest(after, ["fold"])
    assert columns_digest(before, []) == ""
    assert columns_digest(before, ["role"]) == columns_digest(after, ["role"])
    assert rows_digest(before) != rows_digest(sheet(artist=pairs))


def test_every_protocol_is_in_the_schemas():
    for schema in ("config", "dataset"):
        text = (ROOT / f"workflow/schemas/{schema}.schema.yaml").read_text()
        assert all(name in text for name in PROTOCOLS), f"add the protocol to {schema}.schema.yaml"


def test_one_entry_is_enough_for_another_k_fold_protocol(monkeypatch):
    monkeypatch.setitem(PROTOCOLS, "by-license", Protocol(Kind.K_FOLD, "license"))
    assert PROTOCOLS["by-license"].keeps_whole == ("song", "license")
    assert sheet_columns(["by-song", "by-license", "random-clips"]) == ["license"]
    assert protocols(sheet(license=pairs)) == ["by-song", "random-clips", "by-license"]
    with pytest.raises(InputError, match=r"fewer licenses than the 3 folds; add licenses"):
        protocols(sheet(license=pairs), "by-license", [], folds=3)
