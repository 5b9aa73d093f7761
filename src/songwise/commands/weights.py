"""`songwise weights`: the weights of pretrained networks."""

import argparse
from pathlib import Path

from songwise.commands.say import say
from songwise.plan.weights import fetch_networks


def run(arguments: argparse.Namespace) -> None:
    """Fetch weights, and make ONNX files of them.

    Parameters
    ----------
    arguments : argparse.Namespace
        Of the command line: network, mirror.
    """
    fetch_networks(arguments.network, root=Path(), mirror=arguments.mirror, say=say)
