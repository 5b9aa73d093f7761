"""The parts of the server that need no server: pictures, reasons, and files on a full or forbidden disk."""

import asyncio
import base64
import itertools

import numpy as np
import pytest
from helpers.sound import tone

from songwise.audio.decode import AudioSegment
from songwise.errors import InputError
from songwise.serve.api_error import ApiError
from songwise.serve.guard import GoneError
from songwise.serve.limits import Limits
from songwise.serve.picture import draw
from songwise.serve.rejections import explain
from songwise.serve.uploads import UploadFolder, store_body


def segment(samples: np.ndarray, rate: int) -> AudioSegment:
    content = np.atleast_2d(samples).T
    data = (content * 32767).astype("<i2").tobytes()
    return AudioSegment(data=data, sample_width=2, frame_rate=rate, channels=content.shape[1])


def shades_of(mel: dict) -> np.ndarray:
    return np.frombuffer(base64.b64decode(mel["data"]), np.uint8).reshape(mel["bands"], mel["frames"])


@pytest.mark.parametrize("rate", [1000, 8000, 22_050, 44_100, 192_000])
@pytest.mark.parametrize("channels", [1, 2, 16])
@pytest.mark.parametrize("length", [1, 100, 50_000])
def test_every_song_has_a_picture(rate, channels, length):
    samples = np.random.default_rng(0).uniform(-1, 1, (channels, length))
    picture = draw(segment(samples, rate))
    peaks = np.array(picture["peaks"])
    assert peaks.shape == (min(800, length), 2) and np.abs(peaks).max() <= 1
    assert shades_of(picture["mel"]).max() == 255 and 1 <= picture["mel"]["frames"] <= 800


def test_peaks_are_those_of_the_mean_of_the_channels():
    left = tone(10, 440)
    picture = draw(segment(np.stack([left, -left]), 22_050))
    assert np.array(picture["peaks"]).any() == 0
    peaks = np.array(draw(segment(np.stack([left, left]), 22_050))["peaks"])
    edges = np.linspace(0, len(left), 801).astype(int)
    parts = [left[start:stop] for start, stop in itertools.pairwise(edges)]
    assert np.allclose(peaks[:, 1], [part.max() for part in parts], atol=2e-3)
    assert np.allclose(peaks[:, 0], [part.min() for part in parts], atol=2e-3)


@pytest.mark.parametrize("seconds", [3, 300])
def test_bright_bands_are_where_the_tone_is(seconds):
    t = np.arange(seconds * 22_050) / 22_050
    brightest = []
    for hertz in (100, 1000, 5000):
        shades = shades_of(draw(segment(0.5 * np.sin(2 * np.pi * hertz * t), 22_050))["mel"])
        assert len(set(shades[:, 5:-5].argmax(axis=0))) == 1
        brightest.append(int(shades[:, shades.shape[1] // 2].argmax()))
    assert brightest[0] < brightest[1] < brightest[2]
    assert abs(brightest[1] - 64 * 15 / 50) < 3  # 1 kHz is at mel 15, the top of 11,025 Hz at mel 50


def test_silence_has_a_picture():
    picture = draw(segment(np.zeros(50_000), 22_050))
    assert not np.array(picture["peaks"]).any()
    assert len(set(shades_of(picture["mel"]).ravel())) == 1


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ("empty: the file has no bytes", "empty"),
        ("a video: its video stream is h264, not a cover picture", "video"),
        ("undecodable: not an audio format that ffmpeg knows", "unreadable"),
        ("undecodable: truncated, only 1.0 s of the declared 3.0 s can be decoded", "truncated"),
        ("too_long: more than 900 s (max_seconds in the data set's file)", "too_long"),
        ("too short: no clip of 5 s fits", "too_short"),
        ("silent: no sample above -60 dBFS", "silent"),
        ("unreadable: Permission denied", "unreadable"),
        ("something new", "unreadable"),
    ],
)
def test_each_reason_of_a_run_has_a_code_and_a_sentence(reason, code):
    found, message = explain(reason, max_seconds=900)
    assert found == code and message.endswith(".") and "max_seconds" not in message and ": :" not in message
    if code == "too_long":
        assert "15 minutes" in message


def body(*chunks: bytes):
    """Return ASGI's `receive` for a body, after which the client leaves."""
    messages = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    messages.append({"type": "http.disconnect"})
    return iter(messages)


def store(path, messages, **options) -> None:
    async def receive():
        return next(messages)

    asyncio.run(store_body(receive, path, declared=options.pop("declared", None), limits=Limits(**options)))


def test_a_nearly_full_disk_is_refused_before_and_during_an_upload(tmp_path):
    for options in ({"spare_bytes": 1 << 60}, {"declared": str(1 << 50), "max_bytes": 1 << 51}):
        with pytest.raises(ApiError) as caught:
            store(tmp_path / "upload", body(b"a"), **options)
        assert (caught.value.status, caught.value.code) == (503, "disk_full")
    with pytest.raises(ApiError) as caught:
        store(tmp_path.parent / "dev-full", body(b"a" * (1 << 20)), spare_bytes=1 << 60)
    assert not (tmp_path.parent / "dev-full").exists()


@pytest.mark.parametrize("declared", ["", "-5", "1e9", "²", "x", "9" * 5000])
def test_a_declared_size_that_is_no_number_is_not_trusted(tmp_path, declared):
    with pytest.raises((GoneError, ApiError)):
        store(tmp_path / "upload", body(b"a" * (1 << 20)), declared=declared)


def test_a_client_that_leaves_in_the_middle_is_noticed(tmp_path):
    with pytest.raises(GoneError):
        store(tmp_path / "upload", body(b"a", b"b"))


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nothing"))
    with pytest.raises(InputError, match="Set TMPDIR to another folder"):
        UploadFolder()


def test_an_upload_has_a_name_of_the_server_and_only_a_known_suffix(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    uploads = UploadFolder()
    names = ["a.mp3", "../../x.FLAC", "a.php", "-rf.wav;rm", "\0.ogg", "a.tar.opus", ""]
    paths = [uploads.new_file(name) for name in names]
    assert [path.name for path in paths] == [
        "upload-1.mp3",
        "upload-2.flac",
        "upload-3",
        "upload-4",
        "upload-5.ogg",
        "upload-6.opus",
        "upload-7",
    ]
    assert {path.parent for path in paths} == {uploads.path}
    uploads.close()
    assert not list(tmp_path.iterdir())
