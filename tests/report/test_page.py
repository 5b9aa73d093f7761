"""The page explains everything that it names."""

import pytest
from helpers.project import ROOT

from songwise.splits.protocols import PROTOCOLS, RANDOM_CLIPS


@pytest.mark.parametrize("name", [*PROTOCOLS, RANDOM_CLIPS])
def test_every_protocol_has_a_meaning_on_the_page(name):
    section = (ROOT / "workflow/report/page/leakage.html").read_text()
    assert f'"{name}": "' in section, f"add {name} to the meanings in workflow/report/page/leakage.html"
