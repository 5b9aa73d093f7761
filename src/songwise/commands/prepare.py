"""`songwise prepare`: the lists and metadata that name a data set's tracks."""

import argparse
from pathlib import Path

from songwise.acquire.download import check_mirror
from songwise.acquire.metadata import prepare
from songwise.commands.project import CONFIG, require_folder
from songwise.commands.say import say
from songwise.datasets.dataset import load_dataset
from songwise.datasets.sheet import read_tracks
from songwise.runtime.lock import claim


def run(arguments: argparse.Namespace) -> None:
    """Fetch what is missing, and print how many tracks there are.

    Parameters
    ----------
    arguments : argparse.Namespace
        Of the command line: dataset, mirror.
    """
    if not Path(arguments.dataset).is_file():
        require_folder(CONFIG)
    check_mirror(arguments.mirror)
    dataset, path = load_dataset(arguments.dataset, Path())
    with claim(Path()):
        prepare(dataset, Path(), mirror=arguments.mirror, say=say)
    tracks = read_tracks(dataset, path, Path(), say=say)
    say(f"{dataset['name']} has {len(tracks)} tracks of {len({track.label for track in tracks})} classes")
