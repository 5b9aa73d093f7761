"""Write the measured figures into README.md and the pages of docs, from the files in docs/measured.

    python docs/tools/fill_results.py          # after an edit of a template in docs/tools/results
    python docs/tools/fill_results.py --copy   # after the default runs: `make results` does both

A page has marked blocks. What is between the marks comes from docs/tools/results/NAME.md, a template of Jinja:

    <!-- begin results: NAME -->
    <!-- end results: NAME -->
"""

import re
import sys
from pathlib import Path

import jinja2
from measured_facts import DATASETS, MEASURED, copy_facts
from measured_run import Measured, fill_paragraph

from songwise.errors import InputError
from songwise.files import write_text
from songwise.report.headline import standardised_answer

PAGES = ("README.md", "docs/results.md", "docs/evaluation.md", "docs/pretrained.md", "docs/use.md", "docs/commands.md")

_TEMPLATES = Path("docs/tools/results")
_BLOCK = re.compile(r"(<!-- begin results: ([\w-]+) -->\n)(.*?)(<!-- end results: \2 -->)", re.DOTALL)


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
    environment.filters["wrap"] = _wrap
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
    return "\n".join(
        fill_paragraph(part, 120, subsequent_indent="  " if part.startswith("- ") else "") for part in parts
    )


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
