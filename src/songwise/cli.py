"""The command `songwise`: what is done beside a run of the workflow."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from songwise.errors import InputError


def main(words: Sequence[str] | None = None) -> int:
    """Run a command as typed; its messages go to stderr, without a traceback.

    Returns
    -------
    The exit code: 0, 1 if what was given cannot be used, 130 if it was stopped by Ctrl-C.
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
        description="Commands beside a run, which is `snakemake --cores all`. Run them in the project's folder.",
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    prepare = commands.add_parser("prepare", help="fetch what tells which tracks a data set has")
    prepare.add_argument("dataset", help="a name in config/datasets, or the path of a data set file")
    prepare.add_argument("--mirror", help="a folder or base URL tried first")
    prepare.set_defaults(run=_prepare)

    init = commands.add_parser("init", help="make a data set of a folder of your own music")
    init.add_argument("folder", type=Path, help="music, in a folder a class or with tags that name the classes")
    init.add_argument("--name", help="of the data set; default: the folder's")
    init.add_argument("--label", help="what names a class: folder, genre, artist, album, albumartist, composer, year")
    init.add_argument("--song", help="regular expression that finds a song's name in a file's path below the folder")
    init.add_argument("--out", type=Path, default=Path("config/datasets"), help="default: config/datasets")
    init.add_argument("--copy", action="store_true", help="put the files into data/raw/NAME/audio, to share them")
    init.add_argument("--force", action="store_true", help="replace the data set of this name")
    init.set_defaults(run=_init)

    push = commands.add_parser("push", help="share a data set's files by DVC")
    push.add_argument("dataset", help="a name in config/datasets, or the path of a data set file")
    push.set_defaults(run=_push)
    pull = commands.add_parser("pull", help="fetch and check what others shared")
    pull.add_argument("dataset", nargs="?", help="as for push; without it, all that data/raw has pointers to")
    pull.set_defaults(run=_pull)
    for command in (push, pull):
        command.add_argument("--features", action="store_true", help="its tables of clips and features too")
        command.add_argument("--remote", help="the name of a DVC remote other than the default one")
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


def _push(arguments: argparse.Namespace) -> None:
    from songwise.sharing.remote import push

    push(arguments.dataset, features=arguments.features, remote=arguments.remote, say=_say)


def _pull(arguments: argparse.Namespace) -> None:
    from songwise.sharing.remote import pull

    pull(arguments.dataset, features=arguments.features, remote=arguments.remote, say=_say)


def _say(line: str) -> None:
    print(f"songwise: {line}", file=sys.stderr)
