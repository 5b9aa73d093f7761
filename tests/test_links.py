"""Links between the pages of the documentation lead somewhere, on GitHub and on the site."""

import importlib.util
import re
import subprocess
import sys

import pytest

_CODE = re.compile(r"^ {4,}.*$", re.M)
_LINK = re.compile(r"\]\(([^()\s]+)\)")
_HEADING = re.compile(r"^#+ +(.*)$", re.M)


def pages(root) -> list:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "*.md"], cwd=root, capture_output=True, text=True, check=True
    )
    return [root / name for name in listed.stdout.split() if not name.startswith("docs/tools/")]


def anchors(page) -> set[str]:
    """GitHub's: lower case, without punctuation, a hyphen for each space, and a number for a repeated heading."""
    found: dict[str, int] = {}
    named = set()
    for heading in _HEADING.findall(page.read_text(encoding="utf-8")):
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        anchor = re.sub(r"[^\w\- ]", "", text).replace(" ", "-")
        named.add(f"{anchor}-{found[anchor]}" if anchor in found else anchor)
        found[anchor] = found.get(anchor, 0) + 1
    return named


def test_every_relative_link_and_anchor_resolves(root):
    broken = []
    for page in pages(root):
        for target in _LINK.findall(_CODE.sub("", page.read_text(encoding="utf-8"))):
            if re.match(r"[a-z]+:", target):
                continue
            path, _, anchor = target.partition("#")
            file = (page.parent / path).resolve() if path else page
            if not file.exists() or (anchor and file.suffix == ".md" and anchor not in anchors(file)):
                broken.append(f"{page.relative_to(root)}: {target}")
    assert not broken


def test_every_page_can_be_reached_from_the_readme(root):
    seen, waiting = set(), [root / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in seen or page.suffix != ".md" or not page.is_file():
            continue
        seen.add(page)
        targets = _LINK.findall(page.read_text(encoding="utf-8"))
        waiting += [(page.parent / target.partition("#")[0]).resolve() for target in targets if ":" not in target]
    assert {page for page in pages(root) if "docs" in page.parts[-2:]} <= seen


@pytest.mark.skipif(
    importlib.util.find_spec("mkdocs") is None, reason="not installed: mkdocs-material; see `make docs`"
)
def test_the_site_has_every_page_and_needs_no_other_machine(root, tmp_path):
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for name in ("index", "manual", "contributing", "changelog", "tutorial", "troubleshooting", "glossary"):
        page = (tmp_path / f"{name}.html").read_text(encoding="utf-8")
        assert not re.findall(r"<(?:script|link|img|iframe)[^>]+(?:src|href)=.?(?:https?:)?//", page)
    assert 'href="manual.html' in (tmp_path / "index.html").read_text(encoding="utf-8")
    assert (tmp_path / "files/config/config.yaml.txt").read_bytes() == (root / "config/config.yaml").read_bytes()
    assert "statistically tied" in (tmp_path / "search/search_index.json").read_text(encoding="utf-8")


def test_what_belongs_to_a_list_item_is_indented_for_the_site():
    pytest.importorskip("mkdocs")
    from site_pages import indent_lists

    text = "1. Write it:\n\n       name: x\n\n2. Try.\n   Again.\n\nThe end\n- a\n  b\n    not code"
    assert indent_lists(text) == (
        "1. Write it:\n\n        name: x\n\n2. Try.\n    Again.\n\nThe end\n- a\n    b\n      not code"
    )
