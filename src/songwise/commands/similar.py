"""`songwise similar`: the tracks of a data set that are nearest to a file."""

import argparse

from songwise.commands.chosen_model import chosen_model
from songwise.commands.say import say
from songwise.library.tags import read_tags
from songwise.predict.model import SongModel
from songwise.predict.similar import find_similar, print_similar, write_similar


def run(arguments: argparse.Namespace) -> None:
    """Print the nearest tracks, and write them as a playlist if asked to.

    Parameters
    ----------
    arguments : argparse.Namespace
        Of the command line: path, n, artist, artist_filter, playlist, json, max_seconds, dataset, model.
    """
    artist = arguments.artist
    if arguments.artist_filter and not artist and arguments.path.is_file():
        (tags,) = read_tags([arguments.path])
        artist = tags.artist or tags.albumartist
    model = SongModel.read(chosen_model(arguments), max_seconds=arguments.max_seconds)
    is_filtered = arguments.artist_filter or bool(arguments.artist)
    tracks = find_similar(model, arguments.path, arguments.n, artist=artist, is_filtered=is_filtered)
    print_similar(tracks, as_json=arguments.json)
    if arguments.playlist:
        write_similar(arguments.playlist, tracks, model.card["dataset"], say=say)
