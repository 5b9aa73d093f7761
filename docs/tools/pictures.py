"""Make the pictures of README.md, in docs/pictures, from the finished runs: `make pictures`.

The leakage figure comes from docs/measured. The others are screenshots of the report, of the page of `songwise serve`
and of MLflow, taken with Chromium from results/open-music, mlflow.db and data/raw/open-music.
"""

import io
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import matplotlib
from measured_facts import MEASURED
from PIL import Image

from songwise.errors import InputError
from songwise.figures.canvas import BLUE, GREY, GRID, INK, SMALL_SIZE, STRIPE, TEXT_SIZE, TITLE_SIZE, new_axes
from songwise.files import read_rows, replacing
from songwise.paths import run_of
from songwise.report.summary import read_summary
from songwise.splits.protocols import RANDOM_CLIPS

DATASET = "open-music"
PICTURES = Path("docs/pictures")
MOST_BYTES = 300_000  # all pictures together, so that the README stays quick to load

_ORANGE = "#d55e00"  # of random clips, as in the report's figure of leakage
_SONG = "helena_bolan-helena-ride.ogg"
# Buttons that close MLflow's panel of an assistant and its note on shared views.
_MLFLOW_CLUTTER = ("mlflow.assistant.chat_panel.close", "mlflow.experiment_page.shared_view.dismiss")
_COLOURS = 96
_START = 60  # seconds that a server may take to start
# Models of the leakage figure: the best, the best of each kind of features, and two that random clips flatter most.
_RUNS = (
    *("fusion@fused", "logistic_regression@efficientat_mn04", "voting@all", "lda_shrinkage@fma518"),
    *("logistic_regression@mfcccov", "xgboost@mfcccov", "svm_rbf@mfcccov", "knn@mfcccov"),
)


def draw_leakage(facts: Path, output: Path) -> None:
    """Draw, per model, the share of songs that are right: songs never heard, and random clips.

    Parameters
    ----------
    facts : Path
        docs/measured/DATASET.
    output : Path
        SVG to write.
    """
    summary = read_summary(facts)
    found = {(str(run_of(row)), row["protocol"]): row for row in read_rows(facts / "leakage.csv")}
    axes = new_axes(4.6, 0.32 * len(_RUNS), left=2.5, right=0.25, bottom=0.55, top=0.75)
    for index, run in enumerate(_RUNS):
        if index % 2:
            axes.axhspan(index - 0.5, index + 0.5, color=STRIPE, zorder=0)
        heard, claimed = (_percent(found[run, protocol]) for protocol in (summary.protocol, RANDOM_CLIPS))
        axes.plot([heard[0], claimed[0]], [index, index], color=GRID, linewidth=2.5, zorder=1)
        axes.plot(heard[1:], [index, index], color=BLUE, linewidth=1.6, alpha=0.6, zorder=2)
        axes.plot(heard[0], index, "o", color=BLUE, markersize=6, zorder=3)
        axes.plot(claimed[0], index, "X", color=_ORANGE, markersize=6.5, zorder=3)
        axes.text(heard[0], index - 0.22, f"{heard[0]:.0f}", color=INK, fontsize=SMALL_SIZE - 1, ha="center")
    for share, name in ((summary.guessing, "guessing"), (summary.file_facts, "file facts, without music")):
        axes.axvline(100 * share.value, color=GREY, linewidth=1, linestyle=":", zorder=1)
        axes.text(100 * share.value - 1, len(_RUNS) - 0.3, name, color=GREY, fontsize=SMALL_SIZE, ha="right")
    axes.set_xlim(0, 103)
    axes.set_ylim(len(_RUNS) - 0.2, -0.6)
    axes.set_yticks(range(len(_RUNS)), _RUNS, fontsize=SMALL_SIZE, parse_math=False)
    axes.tick_params(axis="x", labelsize=SMALL_SIZE)
    axes.tick_params(axis="y", length=0)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.set_xlabel(f"songs with the right {summary.label}, in per cent", fontsize=TEXT_SIZE)
    labels = (("o", BLUE, "songs never heard, with 95 % interval"), ("X", _ORANGE, "what random clips would claim"))
    for place, (marker, colour, label) in zip((0.0, 0.58), labels, strict=True):
        axes.plot(place, 1.06, marker, color=colour, markersize=6, transform=axes.transAxes, clip_on=False)
        axes.text(place + 0.02, 1.06, label, fontsize=SMALL_SIZE, color=INK, va="center", transform=axes.transAxes)
    title = f"{summary.n_songs} songs of {DATASET}: the same models, tested twice"
    axes.text(0, 1.17, title, fontsize=TITLE_SIZE, color=INK, weight="bold", transform=axes.transAxes)
    # Without a date and with fixed ids, the same figures give the same file.
    with matplotlib.rc_context({"svg.hashsalt": "songwise"}), replacing(output) as temporary:
        axes.figure.savefig(temporary, format="svg", metadata={"Date": None, "Creator": None}, facecolor="white")


def _percent(row: dict) -> list[float]:
    return [100 * float(row[f"song_accuracy{bound}"]) for bound in ("", "_low", "_high")]


def shoot_report(browser, root: Path, output: Path) -> None:
    """Write a picture of the top of the report of open-music."""
    with _page(browser, 1200, 900) as page:
        page.goto((root / "results" / DATASET / "report.html").as_uri())
        _save(page, output)


def shoot_serve(browser, root: Path, output: Path) -> None:
    """Write a picture of the page of `songwise serve` with a song of the data set."""
    with _songwise(root, "serve", "--port", "0", "--dataset", DATASET) as address, _page(browser, 1000, 980) as page:
        page.goto(address)
        page.set_input_files("#file", root / "data" / "raw" / DATASET / "audio" / _SONG)
        page.locator("#result").wait_for()
        page.wait_for_timeout(3000)  # waveform, spectrogram and nearest tracks follow the verdict
        page.evaluate("window.scrollTo(0, 0)")
        _save(page, output)


def shoot_mlflow(browser, root: Path, output: Path) -> None:
    """Write a picture of MLflow's list of runs, as `songwise ui` opens it."""
    with _songwise(root, "ui", DATASET, "--no-open") as address, _page(browser, 1300, 620) as page:
        page.goto(address)
        page.get_by_text("fusion@fused").first.wait_for()
        for part in _MLFLOW_CLUTTER:
            if (button := page.locator(f"[data-component-id='{part}']")).count():
                button.first.click()
        page.wait_for_timeout(2000)
        _save(page, output)


SHOTS = {"report.png": shoot_report, "serve.png": shoot_serve, "mlflow.png": shoot_mlflow}


@contextmanager
def _browser() -> Iterator:
    programs = ("chromium", "chromium-browser", "google-chrome")
    program = next(filter(None, map(shutil.which, programs)), None)
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        program = None
    if program is None:
        raise InputError("screenshots need Chromium (apt-get install chromium) and playwright (make browser)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--disable-gpu"])
        yield browser
        browser.close()


@contextmanager
def _page(browser, width: int, height: int) -> Iterator:
    page = browser.new_page(viewport={"width": width, "height": height}, bypass_csp=True, color_scheme="light")
    yield page
    page.close()


@contextmanager
def _songwise(root: Path, *words: str) -> Iterator[str]:
    """Run a command of songwise that serves a page, and yield the address that it prints."""
    command = [sys.executable, "-u", "-m", "songwise", *words]
    process = subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        yield _address(process)
    finally:
        process.terminate()
        process.wait(timeout=20)


def _address(process: subprocess.Popen) -> str:
    printed, end = [], time.monotonic() + _START
    for line in process.stdout:
        printed.append(line)
        if found := re.search(r"http://\S+", line):
            return found[0].rstrip(".,;)")
        if time.monotonic() > end:
            break
    raise InputError(f"{' '.join(process.args[3:])} printed no address:\n{''.join(printed)}")


def _save(page, output: Path) -> None:
    """Write a screenshot with few colours, which is a fraction of the size."""
    with Image.open(io.BytesIO(page.screenshot())) as picture, replacing(output) as temporary:
        picture.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE).save(temporary, format="PNG", optimize=True)


def main() -> None:
    """Make all pictures, or those that are named."""
    root = Path(__file__).parents[2]
    folder = root / PICTURES
    folder.mkdir(exist_ok=True)
    wanted = sys.argv[1:] or ["leakage.svg", *SHOTS]
    try:
        if "leakage.svg" in wanted:
            draw_leakage(root / MEASURED / DATASET, folder / "leakage.svg")
        if shots := [name for name in wanted if name in SHOTS]:
            if not (root / "results" / DATASET / "report.html").is_file():
                raise InputError(f"results/{DATASET}: has no report; run snakemake --config dataset={DATASET} first")
            with _browser() as browser:
                for name in shots:
                    SHOTS[name](browser, root, folder / name)
    except InputError as error:
        sys.exit(str(error))
    total = sum(path.stat().st_size for path in folder.iterdir())
    if total > MOST_BYTES:
        sys.exit(f"{folder}: {total:,} bytes are more than {MOST_BYTES:,}; use fewer colours or smaller windows")
    print(f"{PICTURES}: {total:,} bytes")


if __name__ == "__main__":
    main()
