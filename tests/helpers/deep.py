"""Tests that need torch, which is an extra."""

from importlib.util import find_spec

import pytest

needs_torch = pytest.mark.skipif(not find_spec("torch"), reason="torch is not installed (make deep)")
