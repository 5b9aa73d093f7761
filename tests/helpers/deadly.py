"""A file that kills the process that listens to it. A module of its own, so that processes of a pool can import it."""

import os
from pathlib import Path

from songwise.predict import many
from songwise.predict.answer import Answer


def answer_or_die(path: Path) -> Answer:
    """Answer a file, unless it is called deadly.wav."""
    if path.name == "deadly.wav":
        os._exit(1)
    return many._model.answer(path)
