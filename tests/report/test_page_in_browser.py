"""The page of a run in a real browser: on a phone, by keyboard, in the dark, and with hostile names."""

import pytest
from helpers.browser import Watch, accessibility_findings, browsers, missing_browser
from helpers.report import LABELS, make_results, render
from helpers.tables import rows

pytestmark = pytest.mark.skipif(bool(missing_browser()), reason=missing_browser())

PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1400, "height": 900}
EVIL = "</script><img src=x onerror=alert(1)>"
TWENTY = tuple(f"a_model_with_a_long_name_{number}@a_preset_{number}" for number in range(20))


@pytest.fixture(scope="module")
def browser():
    with browsers() as launch:
        yield launch(microphone=False)


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Pages by name: an ordinary one, one of twenty models with hostile labels, and one of many classes."""
    folder = tmp_path_factory.mktemp("pages")
    many = [f"Electronic / subgenre {number:02d}" for number in range(26)]
    results = {
        "plain": make_results(folder / "plain", per_class=8),
        "twenty": make_results(folder / "twenty", labels=[EVIL, *LABELS, *"abcdefgh"], per_class=10, runs=TWENTY),
        "many": make_results(folder / "many", labels=many, per_class=4, runs=("best@a", "other@b")),
    }
    titles = {run: [f"A title of some length, number {run} {EVIL}", "and of its preset"] for run in TWENTY}
    return {name: render(found, titles=titles) for name, found in results.items()}


@pytest.fixture
def open_page(browser, pages):
    """Open a page by name; at the end, it asked for nothing and no script failed."""
    watch, contexts = Watch(), []

    def open_page(name="plain", *, viewport=DESKTOP, **options):
        contexts.append(browser.new_context(viewport=viewport, **options))
        page = contexts[-1].new_page()
        page.set_default_timeout(10_000)
        watch.attach(page)
        page.on("request", lambda request: requests.append(request.url))
        page.goto(pages[name].as_uri())
        return page

    requests: list[str] = []
    yield open_page
    for context in contexts:
        context.close()
    assert watch.errors == []
    assert all(address.startswith("file:") for address in requests) and len(set(requests)) <= 1


def open_all(page):
    page.evaluate("for (const details of document.querySelectorAll('details')) details.open = true")


def cell(place: int, row: int, column: int) -> str:
    return f".place:nth-child({place + 1}) .matrix tbody tr:nth-child({row + 1}) td:nth-child({column + 2})"


def songs_of(page, place: int = 0) -> str:
    return page.inner_text(f".place:nth-child({place + 1}) .songs")


def mistakes_of(pages, name: str, run: str) -> dict[tuple[str, str], set[str]]:
    found = {}
    for row in rows(pages[name].parent / f"models/{run}/by-song/songs.csv"):
        found.setdefault((row["label"], row["predicted"]), set()).add(row["song"])
    return found


@pytest.mark.parametrize(
    ("name", "scheme"), [("plain", "light"), ("twenty", "light"), ("twenty", "dark"), ("many", "dark")]
)
def test_no_serious_findings_and_no_sideways_scrolling(open_page, name, scheme):
    for viewport in (PHONE, DESKTOP):
        page = open_page(name, viewport=viewport, color_scheme=scheme, reduced_motion="reduce")
        assert page.evaluate("document.documentElement.scrollWidth") == viewport["width"]
        open_all(page)
        assert page.evaluate("document.documentElement.scrollWidth") == viewport["width"]
        assert accessibility_findings(page) == []


def test_dark_and_light_differ_and_charts_follow(open_page):
    colours = "[document.documentElement, document.querySelector('.plot .series')].map(e => getComputedStyle(e).color)"
    stroke = "getComputedStyle(document.querySelector('.plot .curve')).stroke"
    pages = [open_page(color_scheme=scheme) for scheme in ("light", "dark")]
    assert len({str(page.evaluate(colours)) for page in pages}) == 2
    assert len({page.evaluate(stroke) for page in pages}) == 2


def test_pointing_at_a_cell_shows_its_songs_in_both_models(open_page, pages):
    page = open_page()
    for place, run in enumerate(("best@a", "other@b")):
        found = mistakes_of(pages, "plain", run)
        for (label, predicted), songs in found.items():
            page.hover(cell(place, LABELS.index(label), LABELS.index(predicted)))
            shown = songs_of(page, place)
            assert all(song in shown for song in songs)
            assert f"{label}, taken for {predicted}" in shown or label == predicted
            assert "of 8 songs" in shown and "%" in shown
            other = songs_of(page, 1 - place)
            assert other.partition(":")[0] == shown.partition(":")[0]
    assert "repeats)" in songs_of(page)


def test_the_matrix_works_by_keyboard(open_page):
    page = open_page(reduced_motion="reduce")
    page.focus(".place:first-child select")
    page.keyboard.press("Tab")
    page.keyboard.press("Home")
    for _ in range(3):
        page.keyboard.press("ArrowUp")
        page.keyboard.press("ArrowLeft")
    assert songs_of(page).startswith("jazz, recognised")
    page.keyboard.press("ArrowRight")
    assert songs_of(page).startswith("jazz, taken for metal") and songs_of(page, 1).startswith("jazz, taken for metal")
    page.keyboard.press("ArrowDown")
    assert songs_of(page).startswith("metal, recognised") and "precision 50 %, recall 60 %, F1 0.55" in songs_of(page)
    assert page.evaluate("document.activeElement.getAttribute('aria-selected')") == "true"
    assert page.locator(".place:first-child [tabindex='0']").count() == 2  # one cell, and the list of songs


def test_another_model_and_clips_change_the_matrix(open_page, pages):
    page = open_page()
    numbers = "[...document.querySelectorAll('.place:nth-child(2) .matrix td')].map(cell => cell.textContent)"
    before = page.evaluate(numbers)
    page.select_option(".place:nth-child(2) select", label="3. third@a, " + share_of(pages, 2))
    after = page.evaluate(numbers)
    assert after != before
    third = rows(pages["plain"].parent / "models/third@a/confusion_song.csv")
    expected = [round(100 * float(row[name]) / 8) for row in third for name in LABELS]
    assert [int(text or 0) for text in after] == pytest.approx(expected, abs=1)
    assert "of songs" in page.inner_text(".place:nth-child(2) .which")
    page.check("input[value=clip]")
    assert "of clips" in page.inner_text(".place:nth-child(2) .which") and "of 80 clips" in songs_of(page, 1)


def share_of(pages, place: int) -> str:
    row = rows(pages["plain"].parent / "leaderboard.csv")[place]
    value, low, high = (100 * float(row[f"song_accuracy{bound}"]) for bound in ("", "_low", "_high"))
    return f"{value:.0f} % [{low:.0f}, {high:.0f}]"


def test_models_are_side_by_side_where_there_is_room(open_page):
    tops = "[...document.querySelectorAll('.place')].map(place => place.getBoundingClientRect().top)"
    first, second = open_page().evaluate(tops)
    assert first == second
    first, second = open_page(viewport=PHONE).evaluate(tops)
    assert first < second


def test_a_heat_map_of_many_classes_shows_its_cells(open_page, pages):
    page = open_page("many", reduced_motion="reduce")
    (label, predicted), songs = next(
        (pair, songs) for pair, songs in mistakes_of(pages, "many", "best@a").items() if pair[0] != pair[1]
    )
    row, column = (int(name[-2:]) for name in (label, predicted))
    heat = page.locator(".heat").first
    side = heat.bounding_box()["width"] / 26
    heat.hover(position={"x": (column + 0.5) * side, "y": (row + 0.5) * side})
    assert f"{label}, taken for {predicted}" in songs_of(page) and all(song in songs_of(page) for song in songs)
    heat.focus()
    page.keyboard.press("ArrowDown" if row < 25 else "ArrowUp")
    assert label not in songs_of(page).partition(",")[0]
    assert page.locator(".heat").first.get_attribute("role") == "application"


def test_tables_are_sorted_by_their_headers(open_page):
    page = open_page()
    models = "[...document.querySelectorAll('#leaderboard .box:first-of-type tbody th code')].map(e => e.textContent)"
    board = page.locator("#leaderboard table").first
    assert page.evaluate(models)[:3] == ["best@a", "other@b", "third@a"]
    header = board.locator("th", has_text="song accuracy")
    header.locator("button").click()
    assert header.get_attribute("aria-sort") == "descending" and page.evaluate(models)[0] == "best@a"
    header.locator("button").focus()
    page.keyboard.press("Enter")
    assert header.get_attribute("aria-sort") == "ascending" and page.evaluate(models)[0] == "third@a"
    name = board.locator("th", has_text="model").first
    name.locator("button").click()
    assert page.evaluate(models)[0] == "best@a" and header.get_attribute("aria-sort") is None


def test_contents_lead_to_sections_and_open_what_is_folded(open_page):
    page = open_page(reduced_motion="reduce")
    page.click(".contents a[href='#mistakes']")
    page.wait_for_timeout(200)
    top = page.evaluate("document.getElementById('mistakes').getBoundingClientRect().top")
    assert 0 <= top < 300
    assert not page.evaluate("document.getElementById('champion').open")
    page.evaluate("scrollTo(0, 0)")
    page.click("#result a[href='#champion']")
    page.wait_for_timeout(200)
    assert page.evaluate("document.getElementById('champion').open")


def test_hostile_names_are_only_text(open_page):
    page = open_page("twenty")
    open_all(page)
    page.hover(cell(0, 0, 0))
    assert EVIL in songs_of(page) and EVIL in page.inner_text("#data")
    assert page.evaluate("document.images.length") == 0


def test_even_markup_that_escapes_does_not_run(browser, pages):
    page = browser.new_page()
    page.goto(pages["plain"].as_uri())
    errors = []
    page.on("console", lambda message: errors.append(message.text))
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<i onclick=\"document.title=1\">x</i>')")
    page.evaluate("document.body.lastElementChild.click()")
    assert page.title() == "My songs: songwise report" and "Content Security Policy" in errors[0]
    page.close()


def test_without_scripts_the_best_matrix_is_there(open_page):
    page = open_page(java_script_enabled=False)
    assert page.locator(".matrix").count() == 1 and page.locator("#matrix-tools").is_hidden()
    assert page.locator("#leaderboard tbody tr").first.is_visible()


def test_printing_shows_what_is_folded(open_page):
    page = open_page()
    page.emulate_media(media="print", color_scheme="dark")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details:not([open])").count() == 0 and page.locator(".contents").is_hidden()
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("details[open]").count() == 0


def test_twenty_models_take_less_than_a_megabyte(pages):
    assert pages["twenty"].stat().st_size < 500_000 and pages["many"].stat().st_size < 500_000
