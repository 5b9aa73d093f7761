"""`songwise pull`: fetch and check what others shared."""

import argparse

from songwise.commands.project import require_project
from songwise.commands.say import say
from songwise.sharing.remote import pull


def run(arguments: argparse.Namespace) -> None:
    """Fetch the files of a data set, or of all that are shared.

    Parameters
    ----------
    arguments : argparse.Namespace
        Of the command line: dataset, features, remote.
    """
    require_project()
    pull(arguments.dataset, features=arguments.features, remote=arguments.remote, say=say)
