"""Helpers of the tests of downloads."""

import threading

import pytest

from songwise.acquire import session


@pytest.fixture
def short_pauses(monkeypatch):
    """Let downloads retry after hundredths of a second."""
    monkeypatch.setattr(session, "_BACKOFF", 0.01)
    monkeypatch.setattr(session, "_THREAD", threading.local())  # a session keeps the pauses it was made with
