"""`songwise init`: a data set from a folder of the user's own music."""

import argparse
import sys

from songwise.commands.project import CONFIG, DATASETS, require_folder
from songwise.library.init import init_library


def run(arguments: argparse.Namespace) -> None:
    """Write a data set file and its track sheet.

    Parameters
    ----------
    arguments : argparse.Namespace
        Of the command line: folder, name, label, song, out, copy, force.
    """
    if arguments.out is None:
        require_folder(CONFIG)
    init_library(
        arguments.folder,
        **{name: getattr(arguments, name) for name in ("name", "label", "song", "copy", "force")},
        out=arguments.out or DATASETS,
        say=lambda line: print(line, file=sys.stderr),
    )
