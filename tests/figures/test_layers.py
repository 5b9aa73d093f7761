"""Figures are drawn from files, so that a colour or a version of matplotlib changes no result."""

import pytest
from helpers.project import ROOT

PACKAGE = ROOT / "src" / "songwise"


@pytest.mark.parametrize("folder", ["evaluation", "studies", "models"])
def test_packages_that_compute_do_not_draw(folder):
    sources = list((PACKAGE / folder).glob("*.py"))
    drawing = [path.name for path in sources if {"matplotlib", "songwise.figures"} & set(imports(path.read_text()))]
    assert sources and not drawing


def imports(source: str) -> list[str]:
    """Return the modules that a source imports: the first part of a library, the package of a module of ours."""
    words = [line.split() for line in source.splitlines() if line.split()[:1] in (["import"], ["from"])]
    return [".".join(word[1].split(".")[: 2 if word[1].startswith("songwise") else 1]) for word in words]
