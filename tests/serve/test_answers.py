"""The server answers what the model answers, to the client that asked."""

import base64
import json
import subprocess
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import requests
from helpers.process import start
from helpers.project import ordinary_environment
from helpers.serving import wav
from helpers.sound import encode, tone, write_wav


def ask_model(project, path) -> dict:
    """Return what the model itself says, from a process of its own, which may use numba's cache."""
    code = f"""
        import json, songwise
        model = songwise.load("results/tones")
        answer = model.answer("{path}", "song.ogg")
        print(json.dumps([answer.as_dict(), model.similar(answer.vector, 3), model.card]))
    """
    process = start(code, project, stdout=subprocess.PIPE, env=ordinary_environment())
    return json.loads(process.communicate()[0])


def test_an_answer_is_that_of_the_model_itself(server, project, tmp_path):
    path = encode(write_wav(tmp_path / "song.wav", tone(5, 1700)), tmp_path / "song.ogg", "-c:a", "libvorbis")
    answer = server.post("/classify?name=song.ogg&similar=3", path.read_bytes()).json()
    similar = answer.pop("similar")
    expected, nearest, card = ask_model(project, path)
    assert answer == expected and answer["label"] == "high" and len(answer["timeline"]) == 3
    shown = ("track", "track_id", "label", "artist", "title", "distance")
    addresses = [track.pop("audio") for track in similar]
    assert similar == [{name: track[name] for name in shown} for track in nearest]
    assert addresses == [f"/tracks/{track['track']}/audio" for track in nearest]
    public = requests.get(f"{server.url}/card", timeout=10).json()
    assert public.pop("limits") == {"max_bytes": 2 << 20, "max_seconds": 60}
    assert public == {name: value for name, value in card.items() if name != "files"}


def test_similar_tracks_can_be_heard(server, project, song):
    (track,) = server.post("/similar?n=1&name=a.wav", song).json()["tracks"]
    assert track["label"] == "high" and track["audio"] == f"/tracks/{track['track']}/audio"
    original = (project / f"data/raw/tones/audio/{track['track_id'].split()[1]}.wav").read_bytes()
    whole = requests.get(server.url + track["audio"], timeout=10)
    assert whole.content == original and whole.headers["Content-Type"] == "audio/wav"
    part = requests.get(server.url + track["audio"], headers={"Range": "bytes=100-199"}, timeout=10)
    assert part.status_code == 206 and part.content == original[100:200]
    assert part.headers["Content-Range"] == f"bytes 100-199/{len(original)}"
    for unit in ("bytes=99999999-", "bytes=5-1", "lines=1-2"):
        wrong = requests.get(server.url + track["audio"], headers={"Range": unit}, timeout=10)
        assert wrong.status_code in (400, 416) and "error" in wrong.json()


def artists(response: requests.Response) -> list[str]:
    return [track["artist"] for track in response.json()["tracks"]]


def test_an_artist_filter_leaves_out_the_artist(server, project, song):
    assert sorted(artists(server.post("/similar?n=8", song))) == ["A0"] * 4 + ["A1"] * 4
    assert artists(server.post("/similar?n=8&artist_filter=true&artist=a0", song)) == ["A1"] * 4
    unknown = server.post("/similar?n=8&artist_filter=true", song)
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (400, "artist_unknown")
    own = (project / "data/raw/tones/audio/1568.wav").read_bytes()
    assert artists(server.post("/similar?n=8&artist_filter=true", own)) == ["A1"] * 4


def test_a_track_of_the_data_set_is_not_similar_to_itself(server, project):
    own = (project / "data/raw/tones/audio/1568.wav").read_bytes()
    for path, key in (("/similar?n=8", "tracks"), ("/classify?similar=8", "similar")):
        tracks = [track["track_id"] for track in server.post(path, own).json()[key]]
        assert len(tracks) == 7 and "high 1568" not in tracks


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("song.mp3", "song.mp3"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Music\\a.mp3", "a.mp3"),
        ("a\nb\x1b[2J\u202ec\ud800.mp3".encode("utf-8", "surrogatepass"), "a b [2J c"),
        ("<b>é</b>🎵", "b>🎵"),
        ("x" * 500, "x" * 200),
        ("", "upload"),
        ("\0", "upload"),
    ],
)
def test_names_are_shown_without_folders_and_invisible_characters(server, song, name, shown):
    file = server.post("/similar", song, params={"name": name}).json()["file"]
    assert file.startswith(shown) and len(file) <= 200 and file.isprintable()


def test_the_picture_shows_the_song(server, tmp_path):
    path = write_wav(tmp_path / "song.wav", np.concatenate([tone(2, 440), 0.01 * tone(2, 3000)]))
    picture = server.post("/classify?picture=true", path.read_bytes()).json()["picture"]
    peaks = np.array(picture["peaks"])
    assert peaks.shape == (800, 2) and np.all(peaks[:, 0] <= peaks[:, 1]) and np.abs(peaks).max() <= 1
    assert np.abs(peaks[:390]).mean() > 10 * np.abs(peaks[410:]).mean()
    mel = picture["mel"]
    shades = np.frombuffer(base64.b64decode(mel["data"]), np.uint8).reshape(mel["bands"], mel["frames"])
    assert mel["bands"] == 64 and 100 < mel["frames"] <= 800
    middle = mel["frames"] // 2
    first, second = shades[:, : middle - 9].sum(axis=1).argmax(), shades[:, middle + 9 :].sum(axis=1).argmax()
    assert shades.max() == 255 and second > first + 10


def bad_files(folder) -> dict[str, tuple[bytes, str]]:
    good = write_wav(folder / "good.wav", tone(3, 440))
    ogg = encode(good, folder / "good.ogg", "-c:a", "libvorbis").read_bytes()
    video = ("-f", "lavfi", "-i", "testsrc=d=2:s=64x64", "-map", "0", "-map", "1")
    return {
        "silence.wav": (write_wav(folder / "silence.wav", np.zeros(66_150)).read_bytes(), "silent"),
        "short.wav": (wav(0.5, 440, folder), "too_short"),
        "long.wav": (write_wav(folder / "long.wav", tone(61, 440, 8000), 8000).read_bytes(), "too_long"),
        "page.mp3": (b"<!DOCTYPE html><html><title>404 Not Found</title>" * 100, "unreadable"),
        "list.m3u8": (b"#EXTM3U\n#EXTINF:3,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n", "unreadable"),
        "noise.mp3": (np.random.default_rng(0).bytes(100_000), "unreadable"),
        "half.wav": (good.read_bytes()[:40_000], "truncated"),
        "half.ogg": (ogg[:40], "unreadable"),
        "film.mp4": (encode(good, folder / "film.mp4", *video).read_bytes(), "video"),
    }


def test_each_bad_file_is_refused_with_its_reason(server, tmp_path):
    for name, (content, code) in bad_files(tmp_path).items():
        response = server.post("/classify", content, params={"name": name})
        error = response.json()["error"]
        assert (response.status_code, error["code"]) == (422, code), (name, error)
        assert error["message"].endswith(".") and str(server.temporary) not in error["message"]
        assert "upload-" not in error["message"]


def test_twenty_clients_at_once_each_get_the_answer_to_their_own_file(server, tmp_path):
    files = [(name, content) for name, (content, _) in bad_files(tmp_path).items()]
    files += [(f"{n}.wav", wav(1.5 + n / 10, 200 + 150 * n, tmp_path)) for n in range(11)]

    def ask(number: int) -> dict:
        name, content = files[number % 20]
        headers = {"User-Agent": f"client {number}"}
        response = server.post("/classify?similar=2", content, params={"name": name}, headers=headers)
        return {"status": response.status_code, **response.json()}

    alone = [ask(number) for number in range(20)]
    assert len({answer.get("seconds") for answer in alone}) == 12  # each good file has a length of its own
    with ThreadPoolExecutor(20) as clients:
        assert list(clients.map(ask, range(60))) == 3 * alone
    assert not server.uploads()
    health = server.health()
    assert (health["busy"], health["waiting"], health["workers"]) == (0, 0, 2)


def test_the_docs_describe_every_address_and_load_nothing_from_elsewhere(server):
    api = requests.get(f"{server.url}/openapi.json", timeout=10).json()
    assert api["openapi"].startswith("3.1") and set(api["paths"]) == {
        "/classify",
        "/similar",
        "/card",
        "/health",
        "/tracks/{number}/audio",
    }
    for address, operations in api["paths"].items():
        for method in operations:
            path = server.url + address.format(number=0)
            assert requests.request(method, path, timeout=10).status_code in (200, 400)
    page = requests.get(f"{server.url}/docs", timeout=10).text
    assert "http://" not in page and "https://" not in page and "<script" not in page
    assert all(address in page for address in api["paths"])


def test_references_of_the_description_exist(server):
    text = requests.get(f"{server.url}/openapi.json", timeout=10).text
    api = json.loads(text)
    names = {part.partition('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert names and names <= set(api["components"]["schemas"])
