"""`songwise report`: the page of a finished run."""

import argparse

from songwise.commands.browser import open_page
from songwise.commands.project import finished_run
from songwise.commands.say import say
from songwise.errors import InputError


def run(arguments: argparse.Namespace) -> None:
    """Print the path of the report, and open it if asked to.

    Parameters
    ----------
    arguments : argparse.Namespace
        Of the command line: name, open.
    """
    results = finished_run(arguments.name, "report")
    page = results / "report.html"
    if not page.is_file():
        raise InputError(f"{page} is missing. Run snakemake --config dataset={results.name}, which makes it")
    print(page)
    if arguments.open and not open_page(page.resolve().as_uri()):
        say("no browser can be opened here; open this file in one, on this machine or a copy")
