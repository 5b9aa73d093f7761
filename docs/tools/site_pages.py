"""Hooks of MkDocs: pages of the site that are outside docs, and Markdown as GitHub reads it.

`make docs` runs them (mkdocs.yml). A link from one page to another leads to the site's page. A link to
another file of the repository, such as a data set, leads to a copy of it.
"""

import re
from pathlib import Path
from posixpath import dirname, normpath, relpath
from posixpath import join as join_path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

PAGES = {  # of the site, by their place in the repository
    "README.md": "index.md",
    "config/README.md": "manual.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
}
_PLACES = {page: place for place, page in PAGES.items()}
_LINK = re.compile(r"\[([^\[\]]*)\]\(([^()\s]+)\)")
_FOREIGN = re.compile(r"[a-z]+:|#")
_INTERVAL = re.compile(r"(?<=\d|%|\*) \[([-+]?\d+), ([-+]?\d+)\]")
_ITEM = re.compile(r"(\d+\. |- )")
_INDENT = 4  # of Python-Markdown, for what belongs to an item of a list


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are outside docs."""
    for place, page in PAGES.items():
        content = (_root(config) / place).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=content))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Let links lead to pages of the site, and indent lists as Python-Markdown expects."""
    here = page.file.src_uri
    place = _PLACES.get(here, f"docs/{here}")

    def rewrite(link: re.Match) -> str:
        text, target = link.groups()
        if _FOREIGN.match(target):
            return link[0]
        path, _, anchor = target.partition("#")
        uri = _uri(normpath(join_path(dirname(place), path)), config, files)
        if uri is None:
            return text
        return f"[{text}]({relpath(uri, dirname(here) or '.')}{'#' + anchor if anchor else ''})"

    return join_intervals(indent_lists(_LINK.sub(rewrite, markdown)))


def _uri(place: str, config: MkDocsConfig, files: Files) -> str | None:
    """Return where a file of the repository is in the site; None for a folder, which the site does not show."""
    if place in PAGES:
        return PAGES[place]
    if place.startswith("docs/"):
        return place.removeprefix("docs/")
    path = _root(config) / place
    if path.is_dir():
        return None
    uri = f"files/{place}.txt"  # browsers show .txt, and download .yaml
    if path.is_file() and uri not in files.src_uris:
        files.append(File.generated(config, uri, abs_src_path=str(path)))
    return uri


def _root(config: MkDocsConfig) -> Path:
    return Path(config.config_file_path).parent


def indent_lists(markdown: str) -> str:
    """Return Markdown in which all that belongs to an item of a list is indented by four spaces.

    Parameters
    ----------
    markdown : str
        GitHub's Markdown, where the width of the item's mark is enough: two or three spaces.

    Returns
    -------
    str
        The same for Python-Markdown.
    """
    lines, width = [], 0
    for line in markdown.splitlines():
        if item := _ITEM.match(line):
            width = len(item[0])
        elif line.strip() and not line.startswith(" " * width):
            width = 0
        is_inside = width and not item and line.strip()
        lines.append(" " * (_INDENT - width) + line if is_inside else line)
    return "\n".join(lines)


def join_intervals(markdown: str) -> str:
    """Return Markdown whose tables do not break a line inside an interval, such as 22 [16, 28].

    Parameters
    ----------
    markdown : str
        A page.

    Returns
    -------
    str
        The same, with no-break spaces in rows of tables.
    """
    lines = markdown.splitlines()
    return "\n".join(_INTERVAL.sub(r"&nbsp;[\1,&nbsp;\2]", line) if line.startswith("|") else line for line in lines)
