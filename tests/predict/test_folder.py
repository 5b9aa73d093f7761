"""A model's folder is checked before anything in it is used."""

import json
import shutil
import zipfile

import numpy as np
import pytest
from helpers.champions import crown, random_champion

from songwise.errors import InputError
from songwise.files import read_json, write_json
from songwise.predict.card import read_card
from songwise.predict.folder import read_folder


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return random_champion(tmp_path_factory.mktemp("whole") / "tones/champion")


@pytest.fixture
def folder(whole, tmp_path):
    return shutil.copytree(whole, tmp_path / "tones/champion")


def forge(folder, name, change):
    """Change a JSON file in the folder, and give the card the right checksums, as a forger would."""
    content = read_json(folder / name)
    change(content)
    write_json(folder / name, content)
    crown(folder.parent)


def test_a_whole_folder_is_read(folder):
    contents = read_folder(folder)
    assert contents.card["classes"] == ["high", "low"] and contents.preset["name"] == "jlaoo26"
    assert len(contents.tracks) == 8


@pytest.mark.parametrize("name", ["novelty.npz", "tracks.csv", "bundle/model.skops", "bundle/bundle.json"])
def test_a_missing_or_truncated_file_is_named(folder, name):
    path = folder / name
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(InputError, match=rf"{name}: is truncated or was changed"):
        read_folder(folder)
    path.unlink()
    with pytest.raises(InputError, match=rf"{name}: is missing"):
        read_folder(folder)


def test_a_link_is_not_followed(folder, tmp_path):
    shutil.move(folder / "tracks.csv", tmp_path / "elsewhere.csv")
    (folder / "tracks.csv").symlink_to(tmp_path / "elsewhere.csv")
    with pytest.raises(InputError, match=r"tracks\.csv: is missing or is not an ordinary file"):
        read_folder(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda card: card.update(format=7), "format 7; this version reads 1"),
        (lambda card: card.update(guesing=1), "guesing"),
        (lambda card: card.update(song_accuracy=3), "song_accuracy"),
        (lambda card: card["files"].update({"../../up.csv": "0" * 64}), "files"),
        (lambda card: card["files"].pop("novelty.npz"), "novelty.npz is not listed"),
        (lambda card: card["calibration"]["song"].update(temperature=0), "temperature"),
    ],
)
def test_a_card_that_songwise_would_not_write_is_refused(folder, change, message):
    card = read_json(folder / "card.json")
    change(card)
    write_json(folder / "card.json", card)
    with pytest.raises(InputError, match=message):
        read_folder(folder)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"format": ' + "[" * 100_000, "\xff"])
def test_a_card_that_is_not_json_is_refused(folder, text):
    (folder / "card.json").write_text(text, encoding="latin-1")
    with pytest.raises(InputError, match=r"card\.json"):
        read_card(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content: content.update(labels=["a", "b"]), "its labels are not the classes"),
        (lambda content: content["columns"].pop(), "its columns are not those of its preset"),
        (lambda content: content["preset"]["families"][0]["frame"].update(n_fft=10**9), "its preset cannot be used"),
        (lambda content: content.pop("preset"), "the keys preset and columns are missing"),
        (lambda content: content["preset"].update(name="table"), "cannot listen to audio"),
    ],
)
def test_a_forged_description_is_refused(folder, change, message):
    forge(folder, "bundle/bundle.json", change)
    with pytest.raises(InputError, match=message):
        read_folder(folder)


def test_arrays_that_would_execute_something_or_fill_the_memory_are_refused(folder):
    np.savez(folder / "novelty.npz", objects=np.array([print], dtype=object))
    crown(folder.parent)
    with pytest.raises(InputError, match=r"novelty\.npz: cannot be read"):
        read_folder(folder)
    with zipfile.ZipFile(folder / "novelty.npz", "w") as archive:
        header = json.dumps({"descr": "<f8", "fortran_order": False, "shape": [10**15]}).encode()
        archive.writestr("center.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
    crown(folder.parent)
    with pytest.raises(InputError, match=r"novelty\.npz: cannot be read"):
        read_folder(folder)
