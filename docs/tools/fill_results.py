"""Write the measured figures into README.md and the pages of docs, from the files in docs/measured.

    python docs/tools/fill_results.py          # after an edit of a template in docs/tools/results
    python docs/tools/fill_results.py --copy   # after the default runs: `make results` does both

A page has marked blocks. What is between the marks comes from docs/tools/results/NAME.md, a template of Jinja:

    <!-- begin results: NAME -->
    <!-- end results: NAME -->
"""

import re
import sys
import textwrap
from collections.abc import Iterable
from pathlib import Path

import jinja2
from measured_facts import DATASETS, MEASURED, copy_facts

from songwise.errors import InputError
from songwise.files import read_rows, write_text
from songwise.paths import run_of
from songwise.report.headline import headline, standardised_answer
from songwise.report.summary import Share, Summary, read_summary
from songwise.splits.protocols import RANDOM_CLIPS
from songwise.text import format_names

PAGES = ("README.md", "docs/results.md")

_TEMPLATES = Path("docs/tools/results")
_BLOCK = re.compile(r"(<!-- begin results: ([\w-]+) -->\n)(.*?)(<!-- end results: \2 -->)", re.DOTALL)


class Measured:
    """The figures of one default run, for the templates.

    Parameters
    ----------
    folder : Path
        docs/measured/DATASET.

    Attributes
    ----------
    summary : Summary
        What the run's last screen shows.
    weights : dict of str to float
        Mean weight of each member of the best model, if that is a fusion.
    """

    def __init__(self, folder: Path):
        self._folder = folder
        self.summary: Summary = read_summary(folder)
        self.weights = {row["member"]: float(row["weight"]) for row in read_rows(folder / "weights.csv")}
        self._honest = {str(run_of(row)): row for row in read_rows(folder / "leaderboard.csv")}
        self._leaking = {
            str(run_of(row)): row for row in read_rows(folder / "leakage.csv") if row["protocol"] == RANDOM_CLIPS
        }

    def screen(self) -> str:
        """Return the last screen of the run, indented as code."""
        lines = headline(self.summary, self._folder).splitlines()
        return textwrap.indent("\n".join(_fill(line, 116) for line in lines), " " * 4)

    def songs(self, run: str) -> Share:
        """Return the song accuracy of MODEL@PRESET on new songs."""
        return _share(self._honest[run], "song_accuracy")

    def clips(self, run: str) -> Share:
        """Return the clip accuracy of MODEL@PRESET on new songs."""
        return _share(self._honest[run], "clip_accuracy")

    def leaking_songs(self, run: str) -> Share:
        """Return the song accuracy of MODEL@PRESET on random clips."""
        return _share(self._leaking[run], "song_accuracy")

    def leaking_clips(self, run: str) -> Share:
        """Return the clip accuracy of MODEL@PRESET on random clips."""
        return _share(self._leaking[run], "clip_accuracy")

    def table(self, runs: Iterable[str] = ()) -> str:
        """Return the leaderboard beside what random clips would have claimed, all rows or those of some runs."""
        header = ["model", "songs", "clips", "songs, random clips", "clips, random clips", "inflation"]
        lines = [header, ["---"] * len(header)]
        for run in runs or self._honest:
            shares = [self.clips(run), self.leaking_songs(run), self.leaking_clips(run)]
            songs = self.songs(run)
            inflation = _points(_share(self._leaking[run], "inflation"))
            bold = f"**{songs.percent}** {songs.interval}"
            lines.append([f"`{run}`", bold, *map(str, shares), inflation])
        return _table(lines)

    def standardised(self) -> str:
        """Return the table of models on raw and on standardised audio."""
        rows = read_rows(self._folder / "standardised.csv")
        baseline = rows[0]["baseline"]
        leads = [f"lead over `{baseline}`, raw", "the same, standardised"]
        header = ["model", "raw audio", "standardised audio", "difference", *leads]
        lines = [header, ["---"] * len(header)]
        for row in rows:
            run = str(run_of(row))
            accuracies = [Share(float(row[name])).percent for name in ("raw", "standardised")]
            difference = Share(*(float(row[name]) for name in ("difference", "low", "high")))
            leads = [_share(row, name) for name in ("gain", "standardised_gain")] if row["gain"] else []
            lines.append([f"`{run}`", *accuracies, *map(_points, [difference, *leads]), *[""] * (2 - len(leads))])
        return _table(lines)


def _share(row: dict, name: str) -> Share:
    return Share(*(float(row[f"{name}{bound}"]) for bound in ("", "_low", "_high")))


def _points(difference: Share) -> str:
    value, low, high = (f"{100 * value + 0.0:.0f}" for value in (difference.value, difference.low, difference.high))
    return f"{value} [{low}, {high}]".replace("-0", "0")


def _table(lines: Iterable[Iterable[str]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def fill(root: Path, page: str) -> str:
    """Return a page with its figures.

    Parameters
    ----------
    root : Path
        The project's folder.
    page : str
        Path of the page below it.

    Returns
    -------
    str
        The page's text, in which only marked blocks have changed.

    Raises
    ------
    InputError
        If a block has no template.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(root / _TEMPLATES), undefined=jinja2.StrictUndefined, keep_trailing_newline=True
    )
    environment.filters |= {"names": format_names, "wrap": _wrap}
    runs = {dataset.replace("-", "_"): Measured(root / MEASURED / dataset) for dataset in DATASETS}

    def render(block: re.Match) -> str:
        begin, name, _, end = block.groups()
        try:
            template = environment.get_template(f"{name}.md")
        except jinja2.TemplateNotFound:
            raise InputError(f"{page}: the block {name} has no template {_TEMPLATES / name}.md") from None
        return f"{begin}\n{template.render(**runs, standardised_answer=standardised_answer).strip(chr(10))}\n\n{end}"

    return _BLOCK.sub(render, (root / page).read_text(encoding="utf-8"))


def _wrap(text: str) -> str:
    """Return a paragraph or a list in lines of at most 120 characters."""
    parts = re.split(r"\n(?=- )", text.strip())
    return "\n".join(_fill(part, 120, subsequent_indent="  " if part.startswith("- ") else "") for part in parts)


def _fill(text: str, width: int, **options: str) -> str:
    """Wrap a paragraph, with a number and its per cent sign on one line."""
    joined = text.replace(" %", "\N{NO-BREAK SPACE}%")
    filled = textwrap.fill(joined, width, break_long_words=False, break_on_hyphens=False, **options)
    return filled.replace("\N{NO-BREAK SPACE}", " ")


def main() -> None:
    """Fill every page."""
    root = Path(__file__).parents[2]
    try:
        if sys.argv[1:] == ["--copy"]:
            for dataset in DATASETS:
                copy_facts(root, dataset)
        for page in PAGES:
            text = fill(root, page)
            if text != (root / page).read_text(encoding="utf-8"):
                write_text(root / page, text)
                print(f"wrote {page}")
    except InputError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
