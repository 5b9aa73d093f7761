"""Decoded tracks are kept from inspection to the features; whoever finds none decodes again, with the same result."""

import imageio_ffmpeg
import pytest
from helpers.clips import cut, inspect
from helpers.sound import encode, tone, write_wav

from songwise.clips import decoded
from songwise.errors import InputError


@pytest.fixture
def shard(tmp_path):
    songs = [write_wav(tmp_path / f"{hertz}.wav", tone(5, hertz)) for hertz in (440, 550, 660)]
    paths = {path.stem: encode(path, path.with_suffix(".mp3")) for path in songs} | {"plain": songs[0]}
    return inspect(tmp_path, paths, decoded=tmp_path / "decoded")[2]


def audio_of(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_kept_track_is_not_decoded_again(shard, tmp_path, monkeypatch):
    again = audio_of(cut(tmp_path / "again", shard | {"decoded": None}))
    assert len(again) == 12 and len(list(shard["decoded"].iterdir())) == 3  # a plain WAV file is read as it is
    monkeypatch.setattr(imageio_ffmpeg, "get_ffmpeg_exe", lambda: "/bin/false")
    assert audio_of(cut(tmp_path / "kept", shard)) == again
    with pytest.raises(InputError, match="cannot be decoded now"):
        cut(tmp_path / "none", shard | {"decoded": tmp_path / "elsewhere"})


@pytest.mark.parametrize("content", [b"", b"RIFF", "other music"])
def test_a_track_that_was_not_kept_whole_is_decoded_again(shard, tmp_path, content):
    again = audio_of(cut(tmp_path / "again", shard | {"decoded": None}))
    kept = sorted(shard["decoded"].iterdir())
    for path in kept[:2]:
        path.write_bytes(kept[2].read_bytes() if content == "other music" else content)
    assert audio_of(cut(tmp_path / "kept", shard)) == again


def test_the_oldest_make_room(tmp_path, monkeypatch):
    monkeypatch.setattr(decoded, "MOST_BYTES", 500_000)
    names = [f"{hertz}" for hertz in (440, 550, 660, 770)]
    paths = {}
    for name in names:
        song = write_wav(tmp_path / f"{name}.wav", tone(5, int(name)))
        paths[name] = encode(song, tmp_path / f"{name}.flac")
    tracks, _, shard = inspect(tmp_path, paths, decoded=tmp_path / "decoded")
    expected = {f"{tracks[name]['audio_sha256']}.wav" for name in names[2:]}
    assert {path.name for path in shard["decoded"].iterdir()} == expected
    assert len(list(cut(tmp_path / "cut", shard).iterdir())) == 12


def test_a_nearly_full_disk_keeps_none(tmp_path, monkeypatch):
    monkeypatch.setattr(decoded, "_LEAST_FREE", 1 << 62)
    song = encode(write_wav(tmp_path / "song.wav", tone(5, 440)), tmp_path / "song.flac")
    _, _, shard = inspect(tmp_path, {"song": song}, decoded=tmp_path / "decoded")
    assert not list(shard["decoded"].iterdir()) and len(list(cut(tmp_path / "cut", shard).iterdir())) == 3
