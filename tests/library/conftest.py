"""Folders of music, and a project to make data sets in."""

import shutil

import pytest
from helpers.library import FORMATS, id3
from helpers.project import ROOT
from helpers.sound import encode, tone, write_wav


@pytest.fixture(scope="session")
def sounds(tmp_path_factory):
    """Twelve seconds of a tone in each format, without tags."""
    folder = tmp_path_factory.mktemp("sounds")
    source = write_wav(folder / "wav.wav", tone(12, 330))
    return {suffix: encode(source, folder / f"bare.{suffix}", "-id3v2_version", "0") for suffix in FORMATS}


@pytest.fixture
def music(sounds, tmp_path):
    """Writes MP3 files below a folder of music, each with its own content and tags."""

    class Music:
        folder = tmp_path / "My Music"
        made = 0

        def __call__(self, name, *, artist="", album="", title="", genre="", albumartist="", body=None):
            frames = {"TPE1": artist, "TALB": album, "TIT2": title, "TCON": genre, "TPE2": albumartist}
            Music.made += 1
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(id3(frames | {"TENC": str(Music.made)}) + (body or sounds["mp3"].read_bytes()))
            return path

        def classes(self, *labels, songs=5, **tags):
            for label in labels:
                for i in range(songs):
                    self(f"{label}/song {'abcdefghijkl'[i]}.mp3", **tags)

    return Music()


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder with what `songwise init` needs of a project; the current folder of the test."""
    folder = tmp_path / "project"
    shutil.copytree(ROOT / "workflow" / "schemas", folder / "workflow" / "schemas")
    (folder / "config" / "datasets").mkdir(parents=True)
    shutil.copy(ROOT / "config" / "config.yaml", folder / "config")
    monkeypatch.chdir(folder)
    return folder
