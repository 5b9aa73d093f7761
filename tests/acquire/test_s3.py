"""Music in object storage as a mirror: found with the keys that all tools for S3 use, resumed and checked."""

import hashlib
from pathlib import Path

import pytest
from helpers.object_store import bucket, client_of

from songwise.acquire import s3
from songwise.acquire.archives import fetch_archives
from songwise.acquire.download import UnavailableError, check_mirror, fetch_file, origins
from songwise.acquire.shard import acquire_shard
from songwise.datasets.track import Track
from songwise.errors import InputError
from songwise.files import Checksum, read_json

MIRROR = "s3://bucket/my music"
SONG = bytes(range(256)) * 4096
SHA256 = hashlib.sha256(SONG).hexdigest()


@pytest.fixture(scope="module")
def store():
    """Run an S3 server with a song and an archive below a prefix."""
    with bucket() as settings:
        client_of(settings).put_object(Bucket="bucket", Key="my music/low/song 1.mp3", Body=SONG)
        yield settings


@pytest.fixture(autouse=True)
def _keys(store, monkeypatch, tmp_path):
    for name, value in store.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setattr(s3, "_THREAD", type(s3._THREAD)())


def place(name: str) -> list[str]:
    return origins(f"http://127.0.0.1:9/{name}", name, MIRROR)


def test_a_file_comes_from_the_bucket_and_an_interrupted_download_is_resumed(tmp_path):
    path = tmp_path / "song.mp3"
    (tmp_path / ".song.mp3.part").write_bytes(SONG[:100_000])
    arrived = []
    fetch_file(
        place("low/song 1.mp3"), path, checksum=Checksum("sha256", SHA256), report=lambda done, _: arrived.append(done)
    )
    assert path.read_bytes() == SONG and arrived[0] > 100_000


def test_a_wrong_checksum_names_the_file_and_shows_no_signature(tmp_path):
    with pytest.raises(UnavailableError, match=r"s3://bucket/my music/low/song 1\.mp3 does not match") as caught:
        fetch_file(place("low/song 1.mp3")[:1], tmp_path / "song.mp3", checksum=Checksum("sha256", "0" * 64))
    assert "Signature" not in str(caught.value)
    with pytest.raises(UnavailableError, match="is larger than 1,000 bytes") as caught:
        fetch_file(place("low/song 1.mp3")[:1], tmp_path / "song.mp3", largest=1000)
    assert "Signature" not in str(caught.value)


def test_a_track_that_the_bucket_lacks_is_a_row_with_a_reason(tmp_path):
    tracks = [
        Track(track_id=name, label="low", song=name, path=f"low/{name}.mp3", url="http://127.0.0.1:9/x", sha256="")
        for name in ("song 1", "song 2")
    ]
    record = tmp_path / "0.json"
    acquire_shard(
        tracks, {"name": "mine", "source": {"type": "http"}}, folder=tmp_path / "audio", mirror=MIRROR, cookies=None,
        access="", attempt=1, record=record,
    )  # fmt: skip
    rows = read_json(record)["tracks"]
    assert rows["song 1"]["status"] == "ok" and rows["song 1"]["sha256"] == SHA256
    assert rows["song 2"]["status"] == "failed" and "mirror: gone: 127.0.0.1" in rows["song 2"]["reason"]


def test_an_archive_comes_from_the_bucket(store, tmp_path):
    import io
    import zipfile

    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("low/a.mp3", b"music")
    client_of(store).put_object(Bucket="bucket", Key="my music/songs.zip", Body=packed.getvalue())
    entry = {
        "url": "http://127.0.0.1:9/songs.zip",
        "sha256": hashlib.sha256(packed.getvalue()).hexdigest(),
    }
    dataset = {"name": "mine", "source": {"type": "archive", "archives": [entry]}}
    tracks = [Track(track_id="a", label="low", song="a", path="low/a.mp3", url="", sha256="")]
    fetch_archives(dataset, tracks, folder=tmp_path, mirror=MIRROR, state=tmp_path / "archives.json")
    assert (tmp_path / "audio/low/a.mp3").read_bytes() == b"music"


def test_a_bucket_that_cannot_be_read_is_reported_before_any_work(monkeypatch):
    check_mirror(MIRROR)
    with pytest.raises(InputError, match=r"config: mirror: s3://other: there is no bucket 'other'"):
        check_mirror("s3://other")
    with pytest.raises(InputError, match=r"config: weights: 's3:///x' has no bucket"):
        check_mirror("s3:///x", key="weights")
    monkeypatch.setattr(s3, "_THREAD", type(s3._THREAD)())
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(InputError, match=r"there are no keys for S3\. Set AWS_ACCESS_KEY_ID"):
        check_mirror(MIRROR)


def test_without_an_answer_and_without_the_extra_the_message_says_what_to_do(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(InputError, match=r"AWS_ENDPOINT_URL names servers other than Amazon's"):
        check_mirror(MIRROR)
    monkeypatch.setattr(s3, "_THREAD", type(s3._THREAD)())
    monkeypatch.setitem(__import__("sys").modules, "boto3", None)
    with pytest.raises(InputError, match=r"pip install -e '\.\[s3\]'"):
        check_mirror(MIRROR)


def test_other_mirrors_do_not_import_boto3(tmp_path):
    import subprocess
    import sys

    program = "import sys; from songwise.acquire.download import check_mirror; check_mirror('/tmp'); "
    program += "sys.exit('boto3' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], cwd=Path.cwd()).returncode == 0
