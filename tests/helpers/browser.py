"""A real headless Chromium for tests of the page, and what a page must never do."""

import importlib.util
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

_PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = (
    "--disable-gpu",
    "--disable-background-networking",
    "--use-fake-device-for-media-stream",  # a beep every second
    "--autoplay-policy=no-user-gesture-required",
)
_MICROPHONE = {True: "--use-fake-ui-for-media-stream", False: "--deny-permission-prompts"}
# Chromium logs each failed request as an error of the console, whatever the page does with it.
_ANSWERED = re.compile(
    r"Failed to load resource: (the server responded with a status of (4|5)\d\d|net::ERR_INTERNET_DISCONNECTED)"
)
_SERIOUS = ("serious", "critical")


def missing_browser() -> str:
    """Return why the page cannot be tested here, or nothing."""
    if not any(map(shutil.which, _PROGRAMS)):
        return "Chromium is not installed: apt-get install chromium"
    packages = ("playwright", "axe_playwright_python")
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    return f"not installed: {', '.join(missing)}; see `make browser`" if missing else ""


@contextmanager
def browsers() -> Iterator[Callable]:
    """Yield a function that starts Chromium with a fresh profile; all are closed at the end.

    Its argument says whether the browser's user allows or refuses the microphone.
    """
    from playwright.sync_api import sync_playwright

    program = next(filter(None, map(shutil.which, _PROGRAMS)))
    with sync_playwright() as playwright:
        yield lambda *, microphone: playwright.chromium.launch(
            executable_path=program, args=[*_FLAGS, _MICROPHONE[microphone]]
        )


def wait_until(page, expression: str, seconds: float = 15) -> None:
    """Wait until an expression is true in the page. Playwright's own waiting is forbidden by the page's policy."""
    end = time.monotonic() + seconds
    while not page.evaluate(expression):
        assert time.monotonic() < end, f"never true: {expression}"
        page.wait_for_timeout(50)


@dataclass
class Watch:
    """What a page did that a page must not do.

    Attributes
    ----------
    foreign : list of str
        Addresses of requests to other machines.
    errors : list of str
        Errors of the console (violations of the content security policy are among them), exceptions and dialogs.
    """

    foreign: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def attach(self, page) -> None:
        """Watch a page from now on."""
        page.on("request", self._note_request)
        page.on("console", lambda message: self._note_message(message))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("dialog", lambda dialog: (self.errors.append(f"dialog: {dialog.message}"), dialog.dismiss()))

    def _note_request(self, request) -> None:
        address = urlsplit(request.url)
        if address.scheme in ("blob", "data"):
            return
        if address.hostname != "127.0.0.1":
            self.foreign.append(request.url)

    def _note_message(self, message) -> None:
        if message.type in ("error", "warning") and not _ANSWERED.match(message.text):
            self.errors.append(message.text)


def accessibility_findings(page) -> list[str]:
    """Return the serious and critical findings of axe-core, each with the elements that it concerns."""
    from axe_playwright_python.sync_playwright import Axe

    violations = Axe().run(page).response["violations"]
    return [
        f"{finding['id']}: {finding['help']} {[node['target'] for node in finding['nodes']]}"
        for finding in violations
        if finding["impact"] in _SERIOUS
    ]
