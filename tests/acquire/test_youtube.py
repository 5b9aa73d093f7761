"""Videos: yt-dlp against a server on loopback whose search is an RSS feed; there are no requests to YouTube."""

import csv
import functools
import itertools
import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import sysconfig
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yt_dlp.utils
from helpers.project import ROOT, copy_project, snakemake
from helpers.sound import encode, tone, write_wav
from helpers.tracks import load_tracks

from songwise.acquire import youtube, ytdlp
from songwise.acquire.javascript import check_runtime
from songwise.acquire.record import read_record
from songwise.acquire.shard import acquire_shard
from songwise.acquire.youtube import check_videos, fetch_videos
from songwise.audio.decode import decode
from songwise.datasets.track import Track
from songwise.errors import InputError
from songwise.files import file_digest, read_json

SECONDS = 12
LOST = 80_000  # bytes of a download that a cut or a kill may cost
FORMATS = ("ogg", "opus", "mp3", "m4a", "webm", "flac", "wav")


@pytest.fixture(scope="module")
def music(tmp_path_factory):
    """Return files of one tone by suffix, and of tones of other lengths by their seconds."""
    folder = tmp_path_factory.mktemp("music")
    whole = write_wav(folder / "whole.wav", tone(SECONDS, 440))
    files = {suffix: encode(whole, folder / f"tone.{suffix}").read_bytes() for suffix in FORMATS}
    for seconds in (3, 40):
        wav = write_wav(folder / f"{seconds}.wav", tone(seconds, 300, rate=8000), rate=8000)
        files[seconds] = encode(wav, folder / f"{seconds}.ogg").read_bytes()
    return files


class Server(ThreadingHTTPServer):
    """Answers by path; `asked` and `times` record the requests."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers, self.asked, self.times, self.cookies = {}, [], [], []
        self.address = f"http://127.0.0.1:{self.server_port}"
        self.released = threading.Event()

    def handle_error(self, request, client_address):
        pass  # the tests kill clients, or make them give up

    def url(self, path, answer=None):
        """Return the URL of a path; `answer` is a file's bytes, an HTTP status, or a function of the handler."""
        if answer is not None:
            self.answers[f"/{path}"] = answer
        return f"{self.address}/{path}"

    def feed(self, *hits):
        """Make these pairs of a URL and a length the results of any search."""
        items = "".join(
            f"<item><title>hit</title><enclosure url='{url}'/>"
            + (f"<itunes:duration>{seconds}</itunes:duration>" if seconds else "")
            + "</item>"
            for url, seconds in hits
        )
        text = f"<rss xmlns:itunes='http://www.itunes.com/dtds/podcast-1.0.dtd'><channel>{items}</channel></rss>"
        self.answers["/feed"] = lambda handler: handler.send(text.encode(), kind="application/rss+xml")

    def count(self):
        """Return how often each path was requested since the last call."""
        counts = Counter(path.partition("?")[0].strip("/") for path, _ in self.asked)
        self.asked.clear()
        return counts


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"

    def do_GET(self):
        self.server.asked.append((self.path, self.headers["Range"]))
        self.server.times.append(time.monotonic())
        self.server.cookies.append(self.headers["Cookie"])
        answer = self.server.answers.get(self.path.partition("?")[0], 404)
        if callable(answer):
            answer(self)
        elif isinstance(answer, int):
            self.send(b"", status=answer)
        else:
            self.send_file(answer)

    def send(self, body, *, status=200, kind="audio/ogg", **headers):
        self.send_response(status)
        for name, value in ({"Content-Type": kind, "Content-Length": len(body)} | headers).items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def send_file(self, body, *, until=None):
        """Send a file or the requested part; only the bytes before `until`, as if the connection were cut there."""
        start = int(self.headers["Range"].removeprefix("bytes=").rstrip("-")) if self.headers["Range"] else 0
        self.send_response(206 if start else 200)
        self.send_header("Content-Type", "audio/ogg")
        self.send_header("Content-Length", str(len(body) - start))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        self.end_headers()
        self.wfile.write(body[start:until])
        self.wfile.flush()

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(ytdlp, "_FIRST_PAUSE", 0.01)
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield running
        running.released.set()
        running.shutdown()
        thread.join()


def dataset_of(server, **changes):
    source = {"type": "youtube", "search": server.url("feed?q={query}"), "pause": [0, 0], "shortest": 5} | changes
    return {"name": "music", "max_seconds": 30, "source": source}


def fetch(tracks, server, folder, *, now=time.time, cookies=None, **changes):
    results = fetch_videos(
        tracks, dataset_of(server, **changes), folder=folder / "music" / "audio", cookies=cookies, now=now
    )
    return {track.track_id: result for track, result in results}


def fetch_one(track, server, folder, **options):
    return fetch([track], server, folder, **options)[track.track_id]


def resumed_at(asked):
    return int(asked[1].removeprefix("bytes=").rstrip("-"))


def note_of(result):
    return read_json(Path(result.path).with_suffix(".json"))


def test_every_format_becomes_flac_of_the_same_rate_and_channels(server, music, tmp_path):
    tracks = [Track(name, "a", url=server.url(f"-{name}.{name}", music[name])) for name in FORMATS]
    results = fetch(tracks, server, tmp_path)
    for name in FORMATS:
        result = results[name]
        assert (result.status, result.reason, result.url) == ("ok", "", f"{server.address}/-{name}.{name}")
        assert result.sha256 == file_digest(result.path)
        decoded = decode(Path(result.path), max_seconds=60)
        segment = decoded.segment
        assert (decoded.codec, segment.frame_rate, segment.channels) == ("flac", 44_100, 2)
        assert decoded.seconds == pytest.approx(SECONDS, abs=0.1) == result.seconds
        (tmp_path / name).write_bytes(music[name])
        came = decode(tmp_path / name, max_seconds=60).segment
        assert segment.dBFS == pytest.approx(came.dBFS, abs=0.05)
    lines = (tmp_path / "music" / "archive.txt").read_text().splitlines()
    assert lines == [f"generic -{name}" for name in FORMATS]


def test_any_track_id_is_a_file_name_and_never_a_path_or_a_template(server, music, tmp_path):
    url = server.url("a.ogg", music["ogg"])
    names = ["../../up", "-o", "%(id)s", "$HOME", "~", "a/b", "[x]*", "\u6b4c", "n" * 200, "a%%b{}", "x.part"]
    results = fetch([Track(name, "a", url=url) for name in names], server, tmp_path)
    assert [result.reason for result in results.values()] == [""] * len(names)
    folder = tmp_path / "music" / "audio"
    assert len(list(folder.iterdir())) == 2 * len(names)
    assert all(Path(result.path).parent == folder for result in results.values())


def test_text_from_strangers_stays_on_one_line():
    assert ytdlp.short_text("a\nsongwise: \x1b[31mb\u202ec" + "d" * 500) == "a songwise: [31mb c" + "d" * 181


def test_each_failure_is_a_row_with_its_known_word_and_the_others_continue(server, music, tmp_path):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{nobody.getsockname()[1]}/a.ogg"
    html = b"<html><body>Come in</body></html>"
    urls = {
        "gone: 127.0.0.1:N answers 404": server.url("a", 404),
        "gone: 127.0.0.1:N answers 410": server.url("b", 410),
        "blocked: 127.0.0.1:N answers 403": server.url("c", 403),
        "blocked: 127.0.0.1:N answers 451": server.url("d", 451),
        "failed: 127.0.0.1:N answers 500": server.url("e", 500),
        "failed: the connection was refused": closed,
        "failed: the page has no video": server.url("f", lambda handler: handler.send(html, kind="text/html")),
        "failed: undecodable, not an audio format that ffmpeg knows": server.url("g.ogg", b"no audio " * 500),
        "failed: 3 s long, shorter than 5 s (shortest in the data set file)": server.url("h.ogg", music[3]),
        "too_long: longer than 30 s (max_seconds in the data set file)": server.url("i.ogg", music[40]),
        "": server.url("j.ogg", music["ogg"]),
    }
    results = fetch([Track(url, "a", url=url) for url in urls.values()], server, tmp_path)
    reasons = [result.reason.replace(str(server.server_port), "N") for result in results.values()]
    assert reasons == list(urls)
    assert server.count()["e"] == 4  # one request and three retries; a refusal is final
    left = {path.name for path in (tmp_path / "music" / "audio").iterdir()}
    assert left == {Path(results[urls[""]].path).name, Path(results[urls[""]].path).with_suffix(".json").name}


SAID = {
    "gone": [
        "Private video. Sign in if you've been granted access to this video",
        "Video unavailable. This video has been removed by the uploader",
        "Video unavailable. This video is no longer available because the YouTube account associated with this video "
        "has been terminated.",
        "Video unavailable",
        "This video isn't available anymore",
    ],
    "blocked": [
        "Sign in to confirm your age. This video may be inappropriate for some users.",
        "Join this channel to get access to members-only content like this video, and other exclusive perks.",
        "Video unavailable. The uploader has not made this video available in your country",
        "Video unavailable. This video contains content from X, who blocked it in your country on copyright grounds",
        "This video is DRM protected",
        "This video is only available for registered users. Use --cookies for the authentication",
    ],
    "rate_limited": [
        "Sign in to confirm you\u2019re not a bot. Use --cookies-from-browser or --cookies for the authentication.",
        "This content isn't available, try again later. The current session has been rate-limited by YouTube for up to "
        "an hour.",
        "Video unavailable. YouTube is requiring a captcha challenge before playback",
        "All player responses are invalid. Your IP is likely being blocked by Youtube",
    ],
    "failed": ["Requested format is not available", "Premieres in 3 hours", "Unable to extract yt initial data"],
}


@pytest.mark.parametrize(("word", "text"), [(word, text) for word, texts in SAID.items() for text in texts])
def test_answers_of_youtube_are_classified(word, text):
    error = yt_dlp.utils.DownloadError(f"ERROR: [youtube] abc: {text}")
    error.__context__ = yt_dlp.utils.ExtractorError(text, expected=True, video_id="abc", ie="youtube")
    explained = ytdlp.explain(error)
    answer = text.partition(" Use --")[0].removesuffix(".") if " Use --" in text else text
    if word == "rate_limited":
        assert isinstance(explained, ytdlp.RateLimitedError) and str(explained).startswith(
            f"the site answers: {answer}"
        )
        assert ("cookies in config" in str(explained)) == ("bot" in text)
    else:
        assert str(explained) == f"{word}: {answer}"
        assert isinstance(explained, ytdlp.RefusedError) == (word != "failed")


def test_a_country_restriction_is_recognised_by_its_type():
    error = yt_dlp.utils.DownloadError("ERROR: no")
    error.__context__ = yt_dlp.utils.GeoRestrictedError("Not here", countries=["FR"])
    assert str(ytdlp.explain(error)) == "blocked: Not here"


def test_a_full_disk_is_not_the_video_s_fault():
    error = yt_dlp.utils.DownloadError("ERROR: unable to write data")
    error.__context__ = OSError(28, "No space left on device")
    with pytest.raises(OSError, match="No space left"):
        ytdlp.explain(error)


@pytest.mark.parametrize(("wait", "seconds"), [("900", 900), ("soon", 3600), ("", 3600), ("9" * 12, 24 * 3600)])
def test_a_rate_limit_stops_all_requests_until_its_end(server, music, tmp_path, capsys, wait, seconds):
    start = 1_800_000_000.0
    server.url("b.ogg", lambda handler: handler.send(b"", status=429, **({"Retry_After": wait} if wait else {})))
    tracks = [Track(name, "a", url=server.url(f"{name}.ogg"), query="a b") for name in "abcd"]
    server.url("a.ogg", music["ogg"])
    first, other = tracks[:3], tracks[3:]  # two shards
    results = fetch(first, server, tmp_path, now=lambda: start)
    clock = time.strftime("%Y-%m-%d %H:%M", time.localtime(start + seconds))
    assert results["a"].status == "ok"
    for name in "bc":
        reason = f"rate_limited: 127.0.0.1:{server.server_port} answers 429; try again after {clock}"
        assert (results[name].reason, results[name].again_at) == (reason, start + seconds)
    assert server.count() == {"a.ogg": 2, "b.ogg": 1}  # and no search for the query
    assert fetch_one(other[0], server, tmp_path, now=lambda: start + seconds - 1).again_at == start + seconds
    assert not server.count()
    assert capsys.readouterr().err.count("songwise:") == 1
    for name in "bcd":
        server.url(f"{name}.ogg", music["opus"])
    again = fetch(tracks, server, tmp_path, now=lambda: start + seconds + 1)
    assert [result.status for result in again.values()] == ["ok"] * 4


def test_a_rate_limit_does_not_apply_to_requests_with_other_cookies(server, music, tmp_path):
    server.url("a.ogg", 429)
    track = Track("a", "a", url=server.url("a.ogg"))
    assert fetch_one(track, server, tmp_path).reason.startswith("rate_limited: ")
    server.url("a.ogg", music["ogg"])
    (tmp_path / "cookies.txt").write_text("# Netscape HTTP Cookie File\n")
    assert fetch_one(track, server, tmp_path, cookies=str(tmp_path / "cookies.txt")).status == "ok"


def test_a_shard_is_tried_again_when_the_rate_limit_is_over_and_not_before(server, tmp_path):
    server.url("a.ogg", lambda handler: handler.send(b"", status=429, Retry_After="60"))
    path = tmp_path / "0.json"
    acquire_shard(
        [Track("a", "a", url=server.url("a.ogg"))],
        dataset_of(server),
        folder=tmp_path / "music" / "audio",
        mirror=None,
        cookies=None,
        access="",
        attempt=1,
        record=path,
    )
    assert read_json(path)["tracks"]["a"]["status"] == "failed"
    assert [read_record(path).attempt(time.time() + later) for later in (0, 61)] == [1, 2]


def test_a_stalled_download_fails_in_time_and_the_next_run_resumes_it(server, music, tmp_path, monkeypatch):
    monkeypatch.setattr(ytdlp, "_TIMEOUT", 0.3)
    monkeypatch.setattr(ytdlp, "_RETRIES", 1)
    body = music["flac"]
    half = len(body) // 2

    def stall(handler):
        handler.send_file(body, until=half)
        server.released.wait(10)

    server.answers["/a.flac"] = lambda handler: handler.send_file(body) if len(server.asked) == 1 else stall(handler)
    track = Track("a", "a", url=server.url("a.flac"))
    assert fetch_one(track, server, tmp_path).reason.startswith("failed: no answer in time")
    server.asked.clear()
    server.url("a.flac", body)
    result = fetch_one(track, server, tmp_path)
    assert result.status == "ok"
    assert server.asked[0][1] is None and half - LOST < resumed_at(server.asked[1]) <= half


def test_a_cut_download_is_resumed_where_it_stopped(server, music, tmp_path):
    body = music["flac"]
    half = len(body) // 2

    def cut_once(handler):
        is_first = [part for _, part in server.asked].count(None) == 2 and not handler.headers["Range"]
        handler.send_file(body, until=half if is_first else None)

    server.answers["/a.flac"] = cut_once
    result = fetch_one(Track("a", "a", url=server.url("a.flac")), server, tmp_path)
    assert result.status == "ok" and result.seconds == pytest.approx(SECONDS, abs=0.1)
    assert [part for _, part in server.asked[:2]] == [None, None]
    assert half - LOST < resumed_at(server.asked[2]) <= half


@pytest.mark.parametrize("where", ["page", "audio"])
def test_a_server_that_sends_a_few_bytes_at_a_time_cannot_block_the_run(server, music, tmp_path, monkeypatch, where):
    monkeypatch.setattr(youtube, "_DEADLINE", 1.0)

    def trickle(handler):
        if where == "audio" and len(server.asked) == 1:
            return handler.send_file(music["ogg"])
        handler.send_response(200)
        handler.send_header("Content-Type", "text/html" if where == "page" else "audio/ogg")
        handler.end_headers()
        for _ in range(100):
            handler.wfile.write(b"<p>")
            handler.wfile.flush()
            if server.released.wait(0.1):
                break

    server.answers["/a.ogg"] = trickle
    start = time.monotonic()
    results = fetch(
        [Track("a", "a", url=server.url("a.ogg")), Track("b", "a", url=server.url("b.ogg", music["ogg"]))],
        server,
        tmp_path,
    )
    assert results["a"].reason == "failed: not finished after 0.0166667 minutes"
    assert results["b"].status == "ok"
    assert time.monotonic() - start < 4


def test_an_endless_file_and_an_endless_page_are_abandoned(server, tmp_path, monkeypatch):
    monkeypatch.setattr(ytdlp, "_LARGEST", 1 << 20)
    monkeypatch.setattr(ytdlp, "_LARGEST_PAGE", 1 << 20)
    sent = Counter()

    def endless(handler, kind):
        handler.send_response(200)
        handler.send_header("Content-Type", kind)
        handler.end_headers()
        for _ in range(1000):
            handler.wfile.write(b"<p> " * (1 << 14))
            sent[kind] += 1 << 16

    for name, kind in (("a.ogg", "audio/ogg"), ("b", "text/html")):
        server.answers[f"/{name}"] = functools.partial(endless, kind=kind)
    results = fetch([Track(name, "a", url=server.url(name)) for name in ("a.ogg", "b")], server, tmp_path)
    assert results["a.ogg"].reason == "too_long: the file is larger than 1 MiB"
    assert results["b"].reason == "failed: the site sends a page of more than 1 MiB"
    assert max(sent.values()) < 20 << 20


def test_a_video_whose_length_differs_from_the_sheet_is_refused(server, music, tmp_path):
    url = server.url("a.ogg", music["ogg"])
    lengths = {"12": "", "21": "", "23": "failed: 12 s long, the track sheet has 23 s", "1": "too_long: 12 s long"}
    for stated, reason in lengths.items():
        result = fetch_one(Track("a", "a", url=url, seconds=stated), server, tmp_path / stated)
        assert result.reason.startswith(reason) and (result.status == "ok") == (reason == "")


@pytest.mark.parametrize("trouble", ["gone", "blocked", "too_long"])
def test_if_the_url_fails_for_good_the_query_is_tried_and_the_note_records_it(server, music, tmp_path, trouble):
    answer = {"gone": 404, "blocked": 403, "too_long": music[40]}[trouble]
    server.feed((server.url("hit.ogg", music["ogg"]), None))
    track = Track("a", "a", url=server.url("a.ogg", answer), query="GROUP song & more lyrics")
    result = fetch_one(track, server, tmp_path)
    assert (result.status, result.url) == ("ok", server.url("hit.ogg"))
    assert "/feed?q=GROUP%20song%20%26%20more%20lyrics" in [path for path, _ in server.asked]
    note = note_of(result)
    assert note["found_by"] == "query" and note["instead_of"].startswith(f"{trouble}: ")
    assert note["asked"] == {"url": track.url, "query": track.query}


def test_a_temporary_failure_does_not_start_the_query(server, music, tmp_path):
    server.feed((server.url("hit.ogg", music["ogg"]), None))
    track = Track("a", "a", url=server.url("a.ogg", 503), query="a")
    assert fetch_one(track, server, tmp_path).reason.startswith("failed: 127.0.0.1")
    assert set(server.count()) == {"a.ogg"}


def test_a_search_takes_the_first_hit_that_fits_and_requests_no_other(server, music, tmp_path):
    long, short = server.url("long.ogg", music["ogg"]), server.url("short.ogg", music["ogg"])
    liar, right = server.url("liar.ogg", music[40]), server.url("right.ogg", music["opus"])
    server.feed((long, 36_000), (short, 2), ("file:///etc/passwd", None), (liar, 12), (right, 12), (long, 12))
    result = fetch_one(Track("a", "a", query="a"), server, tmp_path)
    assert (result.status, result.url) == ("ok", right)
    assert server.count() == {"feed": 1, "liar.ogg": 2, "right.ogg": 2}


def test_a_search_without_a_usable_result_gives_the_reason(server, music, tmp_path):
    track = Track("a", "a", query="a song")
    server.feed()
    assert fetch_one(track, server, tmp_path).reason == "failed: the search for 'a song' has no results"
    long = server.url("long.ogg")
    server.feed((long, 36_000), (long, 7_200))
    assert fetch_one(track, server, tmp_path).reason.startswith("too_long: none of the 2 search results fits")
    gone = Track("a", "a", url=server.url("a.ogg", 404), query="a song")
    reason = fetch_one(gone, server, tmp_path).reason
    assert reason.startswith("gone: ") and "; with its query: too_long: none of the 2 search results fits" in reason


def test_a_hit_that_is_another_track_s_video_is_skipped(server, music, tmp_path):
    one, two = server.url("one.ogg", music["ogg"]), server.url("two.ogg", music["opus"])
    server.feed((one, None), (two, None))
    results = fetch([Track("b", "a", query="x"), Track("a", "a", url=one)], server, tmp_path)
    assert (results["a"].url, results["b"].url) == (one, two)
    other = fetch_one(Track("c", "a", query="x"), server, tmp_path)  # another shard
    assert (
        other.reason
        == "failed: none of the 2 search results fits; the first one: failed: the video belongs to another track"
    )


def test_a_video_is_identified_by_its_own_address_whatever_led_to_it(server, music, tmp_path):
    one = server.url("one.ogg", music["ogg"])
    alias = server.url("alias.ogg", lambda handler: handler.send(b"", status=302, Location=one))
    server.feed((alias, None))
    results = fetch([Track("a", "a", url=one), Track("b", "a", query="x")], server, tmp_path)
    assert results["b"].reason == "failed: the video belongs to another track"
    server.feed((one, None))
    results = fetch([Track("b", "a", query="x"), Track("a", "a", url=alias)], server, tmp_path / "other")
    assert (results["a"].url, results["b"].status) == (one, "failed")


def test_the_site_s_facts_of_a_video_are_checked_before_the_download_and_kept(server, music, tmp_path):
    audio = server.url("audio.ogg", music["ogg"])

    def page(handler, length):
        facts = {"@context": "https://schema.org", "@type": "VideoObject", "name": "A\nsong", "contentUrl": audio}
        facts |= {"duration": length, "author": "A group", "uploadDate": "2019-01-01"}
        text = f"<html><title>x</title><script type='application/ld+json'>{json.dumps(facts)}</script></html>"
        handler.send(text.encode(), kind="text/html")

    right = server.url("right", functools.partial(page, length=f"PT{SECONDS}S"))
    long = server.url("long", functools.partial(page, length="PT10H"))
    cut = server.url("cut", functools.partial(page, length="PT29S"))
    results = fetch(
        [Track(name, "a", url=url) for name, url in (("r", right), ("l", long), ("c", cut))], server, tmp_path
    )
    assert (results["r"].status, results["r"].title, note_of(results["r"])["uploader"]) == ("ok", "A song", "A group")
    assert results["l"].reason.startswith("too_long: ")
    assert results["c"].reason == "failed: incomplete, only 12 of 29 s"
    assert server.count() == {
        "right": 1,
        "long": 1,
        "cut": 1,
        "audio.ogg": 5,
    }  # two per download, one without a download


def test_a_complete_track_is_never_requested_again(server, music, tmp_path):
    server.feed((server.url("hit.ogg", music["opus"]), None))
    url = server.url("a.ogg", music["ogg"])
    tracks = [
        Track("a", "a", url=url),
        Track("b", "a", query="b"),
        Track("c", "a", url=server.url("no", 404), query="c"),
    ]
    server.feed((server.url("hit.ogg"), None), (server.url("more.ogg", music["mp3"]), None))
    first = fetch(tracks, server, tmp_path)
    assert server.count().total() == 9
    assert fetch(tracks, server, tmp_path) == first
    assert not server.count()
    edited = [Track("a", "a", url=url, query="more words", seconds="12"), *tracks[1:]]
    assert fetch(edited, server, tmp_path) == first
    assert not server.count()


@pytest.mark.parametrize("lost", ["audio", "note", "no note", "damaged", "url", "sha256", "length"])
def test_a_lost_or_unsuitable_file_is_downloaded_although_the_archive_lists_it(server, music, tmp_path, lost):
    track = Track("a", "a", url=server.url("a.ogg", music["ogg"]))
    result = fetch_one(track, server, tmp_path)
    server.count()
    path = Path(result.path)
    if lost == "audio":
        path.unlink()
    elif lost == "note":
        path.with_suffix(".json").unlink()
    elif lost == "no note":
        path.with_suffix(".json").write_text('{"url": ["of a stranger"]}')
    elif lost == "damaged":
        path.write_bytes(path.read_bytes()[:-1000])
    elif lost == "url":
        track = Track("a", "a", url=server.url("b.ogg", music["opus"]))
    elif lost == "sha256":
        track = Track("a", "a", url=track.url, sha256="0" * 64)
    else:
        track = Track("a", "a", url=track.url, seconds="30")
    again = fetch_one(track, server, tmp_path)
    assert server.count()
    assert again.reason.startswith({"sha256": "failed: wrong sha256", "length": "failed: 12 s long"}.get(lost, ""))
    assert (again.sha256 == result.sha256) == (lost in ("audio", "note", "no note", "damaged"))
    archive = (tmp_path / "music" / "archive.txt").read_text().splitlines()
    assert archive == ["generic a", "generic b"][: 2 if lost == "url" else 1]


FETCH = """
import sys, time, json
from pathlib import Path
from songwise.datasets.track import Track
from songwise.acquire.youtube import fetch_videos
dataset, tracks = json.loads(sys.argv[1])
tracks = [Track(**track) for track in tracks]
for track, result in fetch_videos(tracks, dataset, folder=Path(sys.argv[2]), cookies=None, now=time.time):
    print(track.track_id, result.status, result.reason, flush=True)
"""


def start(server, tracks, folder, environment=None, **changes):
    rows = [{"track_id": track.track_id, "label": track.label, "url": track.url} for track in tracks]
    words = [sys.executable, "-c", FETCH, json.dumps([dataset_of(server, **changes), rows]), folder / "music" / "audio"]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")} | (environment or {})
    return subprocess.Popen(words, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def test_after_kill_9_in_a_download_the_same_call_completes_and_downloads_nothing_twice(server, music, tmp_path):
    body = music["flac"]
    half = len(body) // 2

    def stall(handler):
        handler.send_file(body, until=half)
        server.released.wait(20)

    server.answers["/b.flac"] = lambda handler: handler.send_file(body) if len(server.asked) == 3 else stall(handler)
    tracks = [
        Track("a", "a", url=server.url("a.ogg", music["ogg"])),
        Track("b", "a", url=server.url("b.flac")),
        Track("c", "a", url=server.url("c.ogg", music["opus"])),
    ]
    process = start(server, tracks, tmp_path)
    deadline = time.monotonic() + 20
    while not any(path.stat().st_size > half - LOST for path in (tmp_path / "music").glob("audio/.b.*.part")):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    server.asked.clear()
    server.url("b.flac", body)
    results = fetch(tracks, server, tmp_path)
    assert [result.status for result in results.values()] == ["ok"] * 3
    assert server.asked[0] == ("/b.flac", None) and half - LOST < resumed_at(server.asked[1]) <= half
    assert server.count() == {"b.flac": 2, "c.ogg": 2}
    undisturbed = fetch(tracks[1:2], server, tmp_path / "other")
    assert undisturbed["b"].sha256 == results["b"].sha256
    assert {path.suffix for path in (tmp_path / "music" / "audio").iterdir()} == {".flac", ".json"}


def test_there_is_a_pause_between_two_requests_of_different_jobs(server, music, tmp_path, monkeypatch):
    monkeypatch.setattr(ytdlp, "_BETWEEN_PAGES", 0)  # yt-dlp's own pause, within one video
    server.feed((server.url("hit.ogg", 404), None))
    for track in (Track("a", "a", url=server.url("a.ogg", 404), query="x"), Track("b", "a", url=server.url("b.ogg"))):
        fetch_one(track, server, tmp_path, pause=[0.3, 0.35])  # one shard each
    assert [path.partition("?")[0] for path, _ in server.asked] == ["/a.ogg", "/feed", "/hit.ogg", "/b.ogg"]
    assert all(later - earlier > 0.29 for earlier, later in itertools.pairwise(server.times))


def test_all_jobs_together_request_one_video_at_a_time(server, music, tmp_path):
    def slowly(handler):
        time.sleep(0.4)
        handler.send_file(music["ogg"])

    jobs = [[Track(name, "a", url=server.url(f"{name}.ogg", slowly)) for name in names] for names in ("ab", "cd")]
    for process in [start(server, tracks, tmp_path) for tracks in jobs]:
        assert process.communicate()[0].count(" ok ") == 2
    # The page of a video and its audio follow each other.
    assert [len(list(group)) for _, group in itertools.groupby(path for path, _ in server.asked)] == [2, 2, 2, 2]


def test_the_user_s_own_yt_dlp_configuration_and_plugins_are_ignored(server, music, tmp_path):
    home = tmp_path / "home"
    plugin = home / "yt-dlp" / "plugins" / "mine" / "yt_dlp_plugins" / "extractor" / "mine.py"
    plugin.parent.mkdir(parents=True)
    plugin.write_text(f"open({str(tmp_path / 'touched')!r}, 'w')\n")
    (home / "yt-dlp" / "config").write_text(f"--exec 'touch {tmp_path / 'touched'}'\n--proxy http://127.0.0.1:9\n")
    track = Track("a", "a", url=server.url("a.ogg", music["ogg"]))
    environment = {"XDG_CONFIG_HOME": str(home), "HOME": str(home), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    assert start(server, [track], tmp_path, environment).communicate()[0] == "a ok \n"
    assert not (tmp_path / "touched").exists() and not (tmp_path / "cache").exists()


def test_cookies_are_sent_and_their_file_stays_unchanged(server, music, tmp_path):
    cookies = tmp_path / "cookies.txt"
    text = "# Netscape HTTP Cookie File\n127.0.0.1\tFALSE\t/\tFALSE\t4102444800\tkey\tmine\n"
    cookies.write_text(text)
    url = server.url("a.ogg", lambda handler: handler.send(music["ogg"], Set_Cookie="key=other"))
    assert fetch_one(Track("a", "a", url=url), server, tmp_path, cookies=str(cookies)).status == "ok"
    assert server.cookies[0] == "key=mine"
    assert cookies.read_text() == text
    cookies.write_text("no cookies")
    with pytest.raises(InputError, match=r"not a cookies\.txt in Netscape format"):
        fetch_one(Track("b", "a", url=url), server, tmp_path, cookies=str(cookies))
    with pytest.raises(InputError, match="config: cookies: cannot read"):
        fetch_one(Track("b", "a", url=url), server, tmp_path, cookies=str(tmp_path / "none.txt"))
    with pytest.raises(InputError, match="there is no file"):
        check_videos([Track("b", "a", url=url)], dataset_of(server), tmp_path, str(tmp_path / "none.txt"))


def test_a_rate_limit_in_the_middle_of_a_stream_ends_it_at_once(server, music, tmp_path):
    text = b"#EXTM3U\n#EXT-X-TARGETDURATION:12\n#EXTINF:12,\n0.mp3\n#EXTINF:9,\n1.mp3\n#EXT-X-ENDLIST\n"
    server.url("0.mp3", music["mp3"])
    server.url("1.mp3", 429)
    url = server.url("a.m3u8", lambda handler: handler.send(text, kind="application/x-mpegurl"))
    assert fetch_one(Track("a", "a", url=url), server, tmp_path).reason.startswith("rate_limited: ")
    assert server.count()["1.mp3"] == 1


def test_a_stream_in_parts_is_complete_or_refused(server, music, tmp_path):
    head = "#EXTM3U\n#EXT-X-TARGETDURATION:12\n#EXTINF:12,\n"
    lists = {
        "whole": "0.mp3\n#EXT-X-ENDLIST\n",
        "lacking": "0.mp3\n#EXTINF:9,\nno.mp3\n#EXT-X-ENDLIST\n",
        "live": "0.mp3\n",
    }
    server.url("0.mp3", music["mp3"])
    for name, end in lists.items():
        text = (head + end).encode()
        server.answers[f"/{name}.m3u8"] = lambda handler, text=text: handler.send(text, kind="application/x-mpegurl")
    results = fetch([Track(name, "a", url=server.url(f"{name}.m3u8")) for name in lists], server, tmp_path)
    assert results["whole"].status == "ok" and results["whole"].seconds == pytest.approx(SECONDS, abs=0.2)
    assert results["lacking"].reason.startswith("gone: ")
    assert results["live"].reason == "failed: a live stream"


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """Make an empty folder the whole PATH; return a function that adds a program which prints its version."""
    if (Path(sysconfig.get_path("scripts")) / "deno").exists():
        pytest.skip("the environment has its own runtime, which yt-dlp finds first")
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def put(name, text):
        (folder / name).write_text(f"#!/bin/sh\necho '{text}'\n")
        (folder / name).chmod((folder / name).stat().st_mode | stat.S_IXUSR)

    return put


def test_a_missing_or_old_javascript_runtime_is_named_before_any_request_to_youtube(programs, server, tmp_path):
    video = Track("a", "a", url="https://www.youtube.com/watch?v=-Abm0pewwLo")
    query = Track("b", "a", query="a song")
    searching = dataset_of(server, search="ytsearch5:{query}")
    with pytest.raises(InputError, match=r"none that works \(none found\).*deno>=2.3,<3.*Node 22"):
        check_videos([video], dataset_of(server), tmp_path, None)
    programs("node", "v20.1.0")
    for track in (video, query):
        with pytest.raises(InputError, match=r"node 20\.1\.0"):
            check_videos([track], searching, tmp_path, None)
        with pytest.raises(InputError, match=r"node 20\.1\.0"):
            list(fetch_videos([track], searching, folder=tmp_path / "audio", cookies=None, now=time.time))
    check_videos([query], dataset_of(server), tmp_path, None)  # it uses another site
    programs("deno", "deno 2.3.0 (stable)")
    check_runtime()


def test_a_run_names_the_missing_runtime_before_any_job(programs, tmp_path):
    folder = tmp_path / "project"
    for name in ("config", "workflow", "profiles"):
        shutil.copytree(ROOT / name, folder / name)
    shutil.copy(ROOT / "Snakefile", folder)
    done = snakemake(folder, "--cores", "1", "--config", "dataset=kpop", PYTHONPATH=str(ROOT / "src"))
    assert done.returncode and "YouTube needs a JavaScript runtime" in done.stdout
    assert "Traceback" not in done.stdout and not (folder / "data").exists()


@pytest.mark.workflow
def test_a_rate_limited_run_continues_by_itself_after_the_time_and_does_nothing_before(server, music, tmp_path):
    folder = copy_project(tmp_path / "project")
    sheet = "".join(f"{name},{label},{server.url(f'{name}.ogg')}\n" for name, label in zip("abcd", "xyxy", strict=True))
    (folder / "mine.tracks.csv").write_text(f"track_id,label,url\n{sheet}")
    (folder / "mine.yaml").write_text(
        "name: mine\nshards: 2\nmax_seconds: 30\nsplit: {folds: 2}\n"
        "source: {type: youtube, tracks: mine.tracks.csv, pause: [0, 0], shortest: 5}\n"
    )
    words = ["--cores", "2", "data/raw/mine/shards/0.json", "data/raw/mine/shards/1.json"]
    words += ["--config", "dataset=mine.yaml"]
    for name in "abcd":
        server.answers[f"/{name}.ogg"] = lambda handler: handler.send(b"", status=429, Retry_After="1800")
    first = snakemake(folder, *words)
    assert first.returncode == 0 and first.stdout.count("rate_limited: ") == 1
    assert server.count().total() == 1
    before = snakemake(folder, *words)
    assert "Nothing to be done" in before.stdout and not server.count()
    raw = folder / "data" / "raw" / "mine"
    for path in (raw / ".requests.stopped.json", *raw.glob("shards/*.json")):  # as if half an hour had passed
        path.write_text(re.sub(r"(?<=\d)\d{8}\.\d+", "00000000.0", path.read_text()))
    for name in "abcd":
        server.url(f"{name}.ogg", music["ogg"])
    assert snakemake(folder, *words).returncode == 0
    assert server.count() == {f"{name}.ogg": 2 for name in "abcd"}


def test_the_k_pop_sheet_has_the_sixty_tracks():
    dataset, tracks = load_tracks("kpop", ROOT)
    assert len({track.track_id for track in tracks}) == len({track.url for track in tracks}) == len(tracks) == 60
    assert set(Counter(track.label for track in tracks).values()) == {10}
    for track in tracks:
        assert track.artist == track.label and track.song == track.track_id
        base, _, video = track.url.partition("?v=")
        assert base == "https://www.youtube.com/watch" and len(video) == 11
        assert track.query.startswith(f"{track.label} ") and track.query.endswith(" lyrics")
    recipe = (ROOT / "config" / "recipes" / "kpop.yaml").read_text()
    clip = dataset["clip"]
    assert f"clip: {{seconds: {clip['seconds']}, hop: {clip['hop']}, start: 0, stop: {clip['stop']}" in recipe
    with (ROOT / "config" / "datasets" / "kpop.tracks.csv").open() as stream:
        assert next(csv.reader(stream)) == ["track_id", "label", "artist", "url", "query"]
