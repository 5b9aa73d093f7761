"""The command `songwise`: tasks besides a run of the workflow."""

import argparse
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from songwise.errors import InputError


def main(words: Sequence[str] | None = None) -> int:
    """Run one command; its messages go to stderr, without a traceback.

    Parameters
    ----------
    words : sequence of str, optional
        The words after "songwise"; those of the command line by default.

    Returns
    -------
    int
        The exit code: 0, 1 if the input cannot be used, 130 after Ctrl-C.
    """
    arguments = _parser().parse_args(words)
    try:
        arguments.run(arguments)
    except InputError as error:
        print(f"songwise: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("songwise: stopped", file=sys.stderr)
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="songwise",
        description="Commands beside `snakemake`, which runs the workflow. Use them in the project's folder.",
    )
    parser.add_argument("--version", action="version", version=f"songwise {version('songwise')}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    prepare = commands.add_parser("prepare", help="fetch the lists and metadata that name a data set's tracks")
    prepare.add_argument("dataset", help="a name in config/datasets, or the path of a data set file")
    prepare.add_argument("--mirror", help="a folder or base URL to try first")
    prepare.set_defaults(run=_prepare)

    weights = commands.add_parser("weights", help="fetch the weights of pretrained networks, for use without network")
    weights.add_argument("network", nargs="*", help="a name in config/networks; default: all that can be downloaded")
    weights.add_argument("--mirror", help="a folder or base URL to try first")
    weights.set_defaults(run=_weights)

    init = commands.add_parser("init", help="make a data set from a folder of your own music")
    init.add_argument("folder", type=Path, help="one subfolder per class, or tags that name the classes")
    init.add_argument("--name", help="name of the data set; default: the folder's name")
    init.add_argument("--label", help="what names the class: folder, genre, artist, album, albumartist, composer, year")
    init.add_argument("--song", help="regular expression that finds the song's name in the path below the folder")
    init.add_argument("--out", type=Path, default=Path("config/datasets"), help="folder to write to")
    init.add_argument("--copy", action="store_true", help="copy the files to data/raw/NAME/audio, to share them")
    init.add_argument("--force", action="store_true", help="replace an existing data set of this name")
    init.set_defaults(run=_init)

    push = commands.add_parser("push", help="share a data set's files through DVC")
    push.add_argument("dataset", help="a name in config/datasets, or the path of a data set file")
    push.set_defaults(run=_push)
    pull = commands.add_parser("pull", help="fetch and check what others shared")
    pull.add_argument("dataset", nargs="?", help="as for push; default: every data set with a pointer in data/raw")
    pull.set_defaults(run=_pull)
    for command in (push, pull):
        command.add_argument("--features", action="store_true", help="include the tables of clips and features")
        command.add_argument("--remote", help="name of the DVC remote; default: DVC's default remote")
    return parser


def _init(arguments: argparse.Namespace) -> None:
    from songwise.library.init import init_library

    init_library(
        arguments.folder,
        **{name: getattr(arguments, name) for name in ("name", "label", "song", "out", "copy", "force")},
        say=lambda line: print(line, file=sys.stderr),
    )


def _prepare(arguments: argparse.Namespace) -> None:
    from songwise.acquire.download import check_mirror
    from songwise.acquire.metadata import prepare
    from songwise.datasets.dataset import load_dataset
    from songwise.datasets.sheet import read_tracks
    from songwise.runtime.lock import claim

    check_mirror(arguments.mirror)
    dataset, path = load_dataset(arguments.dataset, Path())
    with claim(Path()):
        prepare(dataset, Path(), mirror=arguments.mirror, say=_say)
    tracks = read_tracks(dataset, path, Path(), say=_say)
    _say(f"{dataset['name']} has {len(tracks)} tracks of {len({track.label for track in tracks})} classes")


def _weights(arguments: argparse.Namespace) -> None:
    from songwise.plan.weights import fetch_networks

    fetch_networks(arguments.network, root=Path(), mirror=arguments.mirror, say=_say)


def _push(arguments: argparse.Namespace) -> None:
    from songwise.sharing.remote import push

    push(arguments.dataset, features=arguments.features, remote=arguments.remote, say=_say)


def _pull(arguments: argparse.Namespace) -> None:
    from songwise.sharing.remote import pull

    pull(arguments.dataset, features=arguments.features, remote=arguments.remote, say=_say)


def _say(line: str) -> None:
    print(f"songwise: {line}", file=sys.stderr)
