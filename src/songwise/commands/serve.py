"""`songwise serve`: classify in a browser, and as an HTTP API, on this machine only."""

import argparse

from songwise.commands.chosen_model import chosen_model
from songwise.commands.say import say
from songwise.serve.server import serve


def run(arguments: argparse.Namespace) -> None:
    """Serve a model until Ctrl-C.

    Parameters
    ----------
    arguments : argparse.Namespace
        Of the command line: dataset, model, port, workers.
    """
    serve(chosen_model(arguments), port=arguments.port, workers=arguments.workers, say=say)
