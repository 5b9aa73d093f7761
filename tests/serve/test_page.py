"""The page of `songwise serve` in a real browser, as people use it."""

import base64
import re
import shutil
import socket
from pathlib import Path

import numpy as np
import pytest
from helpers.browser import Watch, accessibility_findings, browsers, missing_browser, wait_until
from helpers.champions import crown
from helpers.serving import Server, wait_for
from helpers.sound import RATE, encode, tone, write_wav

pytestmark = pytest.mark.skipif(bool(missing_browser()), reason=missing_browser())

PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1400, "height": 900}
MARKUP = "<img src=x onerror=alert(1)><script>alert(2)<script>"
LONG = "a_very_long_name_without_any_space" * 5 + ".wav"


CARD = {
    "title": f"Tones {MARKUP}",
    "file_facts": 0.84,
    "random_clips_song_accuracy": 0.99,
    "corrected_song_accuracy": 0.85,
    "calibration": {
        level: {
            "temperature": 1.5,
            "ece_before": 0.09,
            "ece_after": 0.04,
            "log_loss_before": 0.5,
            "log_loss_after": 0.4,
        }
        for level in ("song", "clip")
    },
    "novelty": {"refused": 0.33, "auroc": 0.81, "auroc_low": 0.75, "auroc_high": 0.87},
}


@pytest.fixture(scope="module")
def site(project, tmp_path_factory):
    """A server for one client at a time, whose model has a full card, hostile names and knows what it does not know."""
    changed = Path(shutil.copytree(project, tmp_path_factory.mktemp("site") / "project"))
    champion = changed / "results/tones/champion"
    tracks, novelty = champion / "tracks.csv", champion / "novelty.npz"
    tracks.write_text(tracks.read_text().replace("T 196", MARKUP))
    np.savez(novelty, **{**np.load(novelty), "held_out": np.linspace(0, 50, 20)})
    crown(champion.parent, **CARD)
    server = Server(changed, changed.parent / "tmp", workers=1, max_bytes=2 << 20, at_once=1).wait()
    yield server
    assert server.stop() == 0, server.text


@pytest.fixture(scope="module")
def launch():
    with browsers() as launch:
        yield launch


@pytest.fixture(scope="module")
def browser(launch):
    return launch(microphone=True)


@pytest.fixture
def open_page(browser, site):
    """Open the page in a fresh profile; at the end, no request left this machine and no script failed."""
    watch, contexts = Watch(), []

    def open_page(address=site.url, *, viewport=DESKTOP, **options):
        context = browser.new_context(viewport=viewport, **options)
        context.set_default_timeout(10_000)
        contexts.append(context)
        page = context.new_page()
        watch.attach(page)
        # Playwright intercepts file choosers from the first listener on, a moment after it was added.
        page.on("filechooser", lambda chooser: None)
        page.goto(address)
        page.wait_for_selector("#about-classes:not([hidden])")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert watch.foreign == []
    assert watch.errors == []


@pytest.fixture
def page(open_page):
    return open_page()


@pytest.fixture(scope="module")
def music(tmp_path_factory):
    """A folder of uploads: songs as in the training music, one unlike it, and files that are not usable."""
    folder = tmp_path_factory.mktemp("music")
    write_wav(folder / "low.wav", tone(8, 210))
    write_wav(folder / f"{MARKUP}.wav", tone(8, 210))
    write_wav(folder / LONG, tone(8, 210))
    write_wav(folder / "sweep.wav", 0.9 * np.sin(np.cumsum(np.linspace(0, 2, 8 * RATE))))
    write_wav(folder / "silent.wav", np.zeros(8 * RATE))
    (folder / "notes.mp3").write_text("This is a text." * 1000)
    (folder / "empty.mp3").touch()
    encode(folder / "low.wav", folder / "low.aiff")
    with (folder / "huge.wav").open("wb") as stream:
        stream.truncate(3 << 20)
    return folder


def classify(page, file):
    page.set_input_files("#file", file)
    page.wait_for_selector("#result:not([hidden]), #problem:not([hidden])")
    assert page.is_hidden("#working")


def text_of(page, selector):
    return page.inner_text(selector).replace("\u00a0", " ")


def open_details(page):
    page.evaluate("for (const details of document.querySelectorAll('details')) details.open = true")


def focused(page):
    return page.evaluate("document.activeElement.id")


def has_sideways_scroll(page):
    return page.evaluate("document.documentElement.scrollWidth > window.innerWidth")


def test_a_chosen_file_gets_a_verdict_beside_the_models_honest_accuracy(page, music):
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose a file").click()
    chooser.value.set_files(music / "low.wav")
    page.wait_for_selector("#result:not([hidden])")
    assert text_of(page, "#verdict-title") == "low"
    assert re.fullmatch(r"(over )?\d+ % probability", text_of(page, "#verdict-probability"))
    accuracy = r"On songs it has never heard, this model is right for .*\d+ % \[\d+, \d+\]\."
    assert re.fullmatch(accuracy, text_of(page, "#trust-accuracy"))
    assert text_of(page, "#verdict-file") == "low.wav · 0:08"
    assert page.locator("#classes li").count() == 2


def test_the_verdict_is_the_largest_text_and_is_seen_without_scrolling(open_page, music):
    for viewport in (DESKTOP, PHONE):
        page = open_page(viewport=viewport)
        classify(page, music / "low.wav")
        sizes = page.evaluate(
            "[...document.querySelectorAll('main *')].filter(e => e.checkVisibility() && e.id !== 'verdict-title')"
            ".map(e => parseFloat(getComputedStyle(e).fontSize))"
        )
        title = page.locator("#verdict-title")
        assert title.evaluate("e => parseFloat(getComputedStyle(e).fontSize)") > max(sizes)
        box = title.bounding_box()
        assert 0 <= box["y"] < box["y"] + box["height"] < viewport["height"] / 2


def test_the_result_takes_the_focus_and_is_announced(page, music):
    classify(page, music / "low.wav")
    assert focused(page) == "verdict-title"
    assert text_of(page, "#announcer").startswith("Verdict: low, ")
    assert page.title().startswith("low, ")


def test_a_song_unlike_the_training_music_is_said_so_where_a_class_would_be(page, music):
    classify(page, music / "low.wav")
    known = page.locator("#verdict-title").evaluate("e => getComputedStyle(e).fontSize")
    classify(page, music / "sweep.wav")
    assert text_of(page, "#verdict-title") == "Unlike anything in the training music"
    assert page.locator("#verdict-title").evaluate("e => getComputedStyle(e).fontSize") == known
    assert re.fullmatch(r"Nearest class: \w+, .*\d+ %", text_of(page, "#verdict-probability"))
    assert "Unlike anything in the training music" in text_of(page, "#announcer")


def test_a_file_can_be_dropped_anywhere(page, music):
    page.evaluate(
        """content => {
            const bytes = Uint8Array.from(atob(content), (character) => character.charCodeAt(0));
            const data = new DataTransfer();
            data.items.add(new File([bytes], "dropped.wav", {type: "audio/wav"}));
            for (const type of ["dragenter", "dragover", "drop"]) {
                const event = new DragEvent(type, {dataTransfer: data, bubbles: true, cancelable: true});
                document.querySelector("footer").dispatchEvent(event);
            }
        }""",
        base64.b64encode((music / "low.wav").read_bytes()).decode(),
    )
    page.wait_for_selector("#result:not([hidden])")
    assert page.is_hidden("#drop")
    assert text_of(page, "#verdict-file") == "dropped.wav · 0:08"


def test_a_recording_is_classified_and_can_be_played(open_page):
    page = open_page(permissions=["microphone"])
    page.get_by_role("button", name="Record").click()
    wait_until(page, "elapsed.textContent === '0:03'")
    assert focused(page) == "recording-title"
    page.get_by_role("button", name="Stop and classify").click()
    page.wait_for_selector("#result:not([hidden])")
    assert text_of(page, "#verdict-file").startswith("recording.webm · 0:0")
    page.wait_for_selector("#play:enabled")
    page.locator(".segment").nth(1).click()
    wait_until(page, "audio.currentTime > 1.1 && !audio.paused")


def test_a_recording_can_be_cancelled(open_page):
    page = open_page(permissions=["microphone"])
    requests = []
    page.on("request", lambda request: requests.append(request.method))
    page.get_by_role("button", name="Record").click()
    page.locator("#discard").click()
    assert page.is_visible("#source")
    assert focused(page) == "choose"
    assert "POST" not in requests


def test_a_refused_microphone_is_explained(launch, site):
    browser = launch(microphone=False)
    page = browser.new_page()
    page.goto(site.url)
    page.get_by_role("button", name="Record").click()
    page.wait_for_selector("#problem:not([hidden])")
    assert text_of(page, "#problem-text").startswith("The microphone is blocked. Allow it")
    assert page.get_by_role("button", name="Choose a file").is_visible()
    browser.close()


def test_a_segment_of_the_timeline_plays_that_segment_and_stops(page, music):
    classify(page, music / "low.wav")
    page.wait_for_selector("#play:enabled")
    segments = page.locator(".segment")
    assert segments.count() == 4
    assert text_of(page, ".segment:nth-child(3)").split() == ["Play", "0:04", "to", "0:06:", "low", ",", *mark(page, 3)]
    segments.nth(2).click()
    wait_until(page, "audio.currentTime > 4.2 && !audio.paused")
    assert segments.nth(2).get_attribute("aria-current") == "true"
    wait_until(page, "audio.paused")
    assert page.evaluate("audio.currentTime") == pytest.approx(6, abs=0.05)
    page.locator("summary", has_text="Timeline as a table").click()
    assert page.locator("#timeline-rows tr").count() == 4


def mark(page, number):
    return text_of(page, f".segment:nth-child({number}) .digits:last-child").split()


def test_a_click_on_the_pictures_moves_the_position(page, music):
    classify(page, music / "low.wav")
    page.wait_for_selector("#play:enabled")
    box = page.locator("#waveform").bounding_box()
    page.mouse.click(box["x"] + 0.3 * box["width"], box["y"] + 10)
    wait_until(page, "Math.abs(audio.currentTime - 2.4) < 0.1")
    assert text_of(page, "#time") == "0:02 / 0:08"
    for canvas in ("waveform", "spectrogram"):
        shades = page.evaluate(
            f"new Set({canvas}.getContext('2d').getImageData(0, 0, {canvas}.width, {canvas}.height).data).size"
        )
        assert shades > 2, canvas


def test_the_nearest_tracks_play_one_at_a_time(page, music):
    classify(page, music / "low.wav")
    page.wait_for_selector("#play:enabled")
    assert page.locator("#tracks li").count() == 8
    assert "low" in text_of(page, "#tracks li:first-child")
    page.click("#play")
    wait_until(page, "!audio.paused")
    page.locator("#tracks button").first.click()
    wait_until(page, "!document.querySelector('#tracks audio').paused && audio.paused")


def test_a_format_that_the_browser_cannot_play_still_gets_its_verdict(page, music):
    classify(page, music / "low.aiff")
    page.wait_for_selector("#player-note:not([hidden])")
    assert text_of(page, "#player-note").startswith("Your browser cannot play this file's format.")
    assert text_of(page, "#verdict-title") == "low"
    assert page.is_disabled("#play")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("silent.wav", "The file is silent."),
        ("notes.mp3", "The file cannot be read as audio"),
        ("empty.mp3", "This file is empty. Choose another file."),
        ("huge.wav", "This file is too big: 3 MiB. At most 2 MiB are allowed."),
    ],
)
def test_a_bad_file_is_refused_in_a_sentence(page, music, name, message):
    uploads = []
    page.on("request", lambda request: uploads.append(request.url) if request.method == "POST" else None)
    classify(page, music / name)
    assert text_of(page, "#problem-text").startswith(message)
    assert text_of(page, "#problem-file") == name
    assert focused(page) == "problem-title"
    assert page.is_hidden("#again")
    assert bool(uploads) == (name not in ("empty.mp3", "huge.wav"))
    classify(page, music / "low.wav")
    assert text_of(page, "#verdict-title") == "low"


def test_a_busy_server_is_waited_for(page, site, music):
    with socket.create_connection(("127.0.0.1", site.port)) as other:
        head = f"POST /classify HTTP/1.1\r\nHost: 127.0.0.1:{site.port}\r\nContent-Length: 1000\r\n\r\nRIFF"
        other.sendall(head.encode())
        wait_for(site.uploads)
        classify(page, music / "low.wav")
        assert re.match(r"You can try again in \d seconds?\.", text_of(page, "#problem-wait"))
        assert page.is_disabled("#again")
    page.click("#again")  # waits until the button is enabled
    page.wait_for_selector("#result:not([hidden])")


def test_a_server_that_ended_is_named_as_the_reason(page, music):
    page.context.set_offline(True)
    classify(page, music / "low.wav")
    assert text_of(page, "#problem-text").startswith("The server does not answer. Check that `songwise serve`")
    page.context.set_offline(False)
    page.click("#again")
    page.wait_for_selector("#result:not([hidden])")


def test_work_can_be_cancelled(page, music):
    page.route("**/classify*", lambda route: None)  # never answered
    page.set_input_files("#file", music / "low.wav")
    page.get_by_role("button", name="Cancel").click()
    assert page.is_hidden("#working")
    assert text_of(page, "#announcer") == "Cancelled."
    assert focused(page) == "choose"


def test_names_with_markup_stay_text(page, music):
    classify(page, music / f"{MARKUP}.wav")
    for place in ("#dataset", "#verdict-file", "#tracks"):
        assert MARKUP in text_of(page, place)
    assert page.locator("main script, main img").count() == 0


def test_the_model_card_is_told_in_sentences(page):
    page.get_by_text("Model card").click()
    card = text_of(page, "#facts")
    for sentence in (
        "8 songs",
        "logistic@mfcccov",
        "by-song",
        "On songs it has never heard, this model is right for 90 % [80, 100].",
        "Guessing would be right for 50 %. It is the best of several models. Corrected for this choice, expect 85 %.",
        "99 % if clips of the same song are in both the training and the test set.",
        "Bit rate, length and sample rate alone identify the register of 84 % of the training songs.",
        "Probabilities differ from how often the model is right by 4 % on average (9 % before calibration).",
        "About 5 % of songs of known classes are called unlike the training music, and 33 % of songs of unknown",
        "in 81 % of pairs",
        "CC0-1.0",
    ):
        assert sentence in card


def test_a_phone_needs_no_sideways_scrolling(open_page, music):
    page = open_page(viewport=PHONE, has_touch=True)
    assert not has_sideways_scroll(page)
    for name in (f"{MARKUP}.wav", LONG, "sweep.wav", "notes.mp3"):
        classify(page, music / name)
        open_details(page)
        assert not has_sideways_scroll(page), name


def test_everything_works_with_the_keyboard_alone(page, music):
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Tab")
    assert focused(page) == "choose"
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files(music / "low.wav")
    page.wait_for_selector("#result:not([hidden])")
    page.wait_for_selector("#play:enabled")
    tab_to(page, "play")
    page.keyboard.press("Space")
    wait_until(page, "!audio.paused")
    page.keyboard.press("Space")
    wait_until(page, "audio.paused")
    tab_to(page, "seek")
    page.keyboard.press("End")
    wait_until(page, "audio.currentTime > 7.9")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    wait_until(page, "audio.currentTime > 2.1 && audio.currentTime < 4 && !audio.paused")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.is_visible("#timeline-rows")


def tab_to(page, name):
    for _ in range(20):
        if focused(page) == name:
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{name} cannot be reached with the Tab key")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_in_any_state(open_page, music, scheme):
    page = open_page(color_scheme=scheme, permissions=["microphone"])
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(19, 18, 23)") == (scheme == "dark")
    findings = accessibility_findings(page)
    for name in ("low.wav", "sweep.wav", "silent.wav"):
        classify(page, music / name)
        open_details(page)
        findings += accessibility_findings(page)
    page.click("#record")
    page.wait_for_selector("#recording:not([hidden])")
    findings += accessibility_findings(page)
    page.route("**/classify*", lambda route: None)
    page.set_input_files("#file", music / "low.wav")
    page.wait_for_selector("#working:not([hidden])")
    findings += accessibility_findings(page)
    assert findings == []


def test_nothing_moves_for_people_who_ask_for_reduced_motion(open_page):
    page = open_page(reduced_motion="reduce", permissions=["microphone"])
    page.click("#record")
    page.wait_for_selector("#recording:not([hidden])")
    assert page.evaluate("getComputedStyle(document.querySelector('.dot')).animationName") == "none"
