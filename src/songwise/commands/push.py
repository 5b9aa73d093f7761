"""`songwise push`: share a data set's files through DVC."""

import argparse

from songwise.commands.project import require_project
from songwise.commands.say import say
from songwise.sharing.remote import push


def run(arguments: argparse.Namespace) -> None:
    """Share the files of a data set.

    Parameters
    ----------
    arguments : argparse.Namespace
        Of the command line: dataset, features, remote.
    """
    require_project()
    push(arguments.dataset, features=arguments.features, remote=arguments.remote, say=say)
