"""The words of the command line: every command's options, help and example, in groups.

Light: it is imported at every start. What a command needs is imported when it runs.
"""

import argparse
import textwrap
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from songwise.errors import suggestion

_WIDTH = 100
_COLUMN = 13  # where the help of a command begins
_ABOUT = """\
songwise classifies music, and measures how well that works on songs the model has never heard.
`snakemake` runs the workflow; these commands are for everything else. Use them in the project's folder.

  snakemake                              run the demo, offline
  snakemake --config dataset=open-music  run another data set"""
_NAME = "data set; default: the one that ran last"


class Command(NamedTuple):
    """A command.

    Attributes
    ----------
    name : str
        Its first word.
    module : str
        Module of `songwise.commands` whose `run` takes its arguments.
    help : str
        What it does, in a few words.
    example : str
        A command line that a user could type.
    add : callable
        Adds its arguments to a parser.
    """

    name: str
    module: str
    help: str
    example: str
    add: Callable[[argparse.ArgumentParser], None]


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line; `module` of its result names the module that runs."""
    parser = _Program(prog="songwise", add_help=False)
    parser.add_argument("-h", "--help", action="help", help="show this help")
    parser.add_argument("--version", action="version", version=f"songwise {version('songwise')}")
    subparsers = parser.add_subparsers(metavar="COMMAND", parser_class=argparse.ArgumentParser)
    for commands in GROUPS.values():
        for command in commands:
            own = subparsers.add_parser(
                command.name,
                help=command.help,
                description=f"{command.help[0].upper()}{command.help[1:]}.",
                epilog=f"example:\n  {command.example}",
                formatter_class=argparse.RawDescriptionHelpFormatter,
            )
            command.add(own)
            own.set_defaults(module=command.module)
    return parser


def unknown_command(words: list[str]) -> str:
    """Return what is wrong with the first word of a command line, or "".

    Parameters
    ----------
    words : list of str
        The words after "songwise".
    """
    names = [command.name for commands in GROUPS.values() for command in commands]
    if not words or words[0].startswith("-") or words[0] in names:
        return ""
    hint = suggestion(words[0], names)
    return f"there is no command '{words[0]}'{hint if 'did you mean' in hint else '; songwise --help lists all'}"


class _Program(argparse.ArgumentParser):
    def format_help(self) -> str:
        """Return the commands in groups, which argparse itself cannot show."""
        blocks = [_ABOUT]
        for title, commands in GROUPS.items():
            blocks.append("\n".join([f"{title}:", *(_line(command) for command in commands)]))
        blocks.append("songwise COMMAND --help shows a command's options and an example. --version shows the version.")
        return "\n\n".join(blocks) + "\n"


def _line(command: Command) -> str:
    indent = " " * _COLUMN
    return textwrap.fill(
        command.help, _WIDTH, initial_indent=f"  {command.name:{_COLUMN - 2}}", subsequent_indent=indent
    )


def _count(word: str) -> int:
    number = int(word)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{word} is not 1 or more")
    return number


def _name(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", metavar="NAME", help=_NAME)


def _json(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument("--json", action="store_true", help=what)


def _show(parser: argparse.ArgumentParser) -> None:
    _name(parser)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--all", action="store_true", help="print the whole leaderboard")
    form.add_argument("--json", action="store_true", help="print the result as one JSON object")


def _errors(parser: argparse.ArgumentParser) -> None:
    _name(parser)
    parser.add_argument("--model", metavar="MODEL@PRESET", help="a row of the leaderboard; default: the best model")
    parser.add_argument("-n", type=_count, default=20, help="songs to print; default: 20")
    parser.add_argument("--playlist", type=Path, metavar="FILE.m3u8", help="also write all of them as a playlist")
    _json(parser, "print one JSON object per song, all of them")


def _compare(parser: argparse.ArgumentParser) -> None:
    for name in ("first", "second"):
        parser.add_argument(name, metavar="MODEL@PRESET", help="a row of the leaderboard; MODEL if it has one preset")
    parser.add_argument("--dataset", metavar="NAME", help=_NAME)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--latex", action="store_true", help="print a table for a paper (package booktabs)")
    form.add_argument("--json", action="store_true", help="print one JSON object")


def _report(parser: argparse.ArgumentParser) -> None:
    _name(parser)
    parser.add_argument("--open", action="store_true", help="open it in a browser")


def _ui(parser: argparse.ArgumentParser) -> None:
    _name(parser)
    parser.add_argument("--port", type=int, help="default: 5000, or the next free one")
    parser.add_argument("--no-open", action="store_true", help="do not open a browser")


def _methods(parser: argparse.ArgumentParser) -> None:
    _name(parser)
    parser.add_argument("--bibtex", action="store_true", help="print only the references")


def _classify(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="+", metavar="PATH", help="files, folders, or - for a list on standard input")
    formats = parser.add_mutually_exclusive_group()
    formats.add_argument("--json", action="store_true", help="print one JSON object per file, with the timeline")
    formats.add_argument("--csv", action="store_true", help="print one row per file, with all probabilities")
    parser.add_argument("--cores", type=_count, help="files that are classified at once; default: all cores")
    _model(parser)
    _longest(parser)


def _similar(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", type=Path, metavar="PATH", help="an audio file")
    parser.add_argument("-n", type=_count, default=10, help="how many tracks; default: 10")
    parser.add_argument("--artist-filter", action="store_true", help="leave out tracks of the file's own artist")
    parser.add_argument("--artist", help="the file's artist, if its tags do not name it")
    parser.add_argument("--playlist", type=Path, metavar="FILE.m3u8", help="also write the tracks as a playlist")
    _json(parser, "print one JSON object per track")
    _model(parser)
    _longest(parser)


def _serve(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--port", type=int, default=8808, help="default: 8808")
    parser.add_argument("--workers", type=_count, help="files that are classified at once; default: all cores, up to 8")
    _model(parser)


def _model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dataset", metavar="NAME", help=_NAME)
    parser.add_argument(
        "--model",
        help="MODEL@PRESET of its leaderboard, a model's folder, or models:/NAME@champion in MLflow; default: its "
        "champion",
    )


def _longest(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--max-seconds", type=float, help="longest file that is accepted; default: that of the data set"
    )


def _list(parser: argparse.ArgumentParser) -> None:
    kinds = ("datasets", "groups", "models", "presets")
    parser.add_argument("kind", nargs="?", choices=kinds, default="datasets", help="default: datasets")
    _json(parser, "print one JSON object per line")


def _explain(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="MODEL|PRESET", help="a file in config/models or config/features")


def _init(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, help="one subfolder per class, or tags that name the classes")
    parser.add_argument("--name", help="name of the data set; default: the folder's name")
    parser.add_argument(
        "--label", help="what names the class: folder, genre, artist, album, albumartist, composer, year"
    )
    parser.add_argument("--song", help="regular expression that finds the song's name in the path below the folder")
    parser.add_argument("--out", type=Path, help="folder to write to; default: config/datasets")
    parser.add_argument("--copy", action="store_true", help="copy the files to data/raw/NAME/audio, to share them")
    parser.add_argument("--force", action="store_true", help="replace an existing data set of this name")


def _prepare(parser: argparse.ArgumentParser) -> None:
    _dataset(parser)
    _mirror(parser)


def _weights(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("network", nargs="*", help="a name in config/networks; default: all that can be downloaded")
    _mirror(parser)


def _clean(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="data set")
    parser.add_argument("--yes", action="store_true", help="do not ask")


def _push(parser: argparse.ArgumentParser) -> None:
    _dataset(parser)
    _remote(parser)


def _pull(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dataset", nargs="?", help="as for push; default: every data set with a pointer in data/raw")
    _remote(parser)


def _dataset(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dataset", help="a name in config/datasets, or the path of a data set file")


def _mirror(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--mirror", help="a folder, base URL or s3://BUCKET/PREFIX to try first")


def _remote(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--features", action="store_true", help="include the tables of clips and features")
    parser.add_argument("--remote", help="name of the DVC remote; default: DVC's default remote")


def _nothing(parser: argparse.ArgumentParser) -> None:
    pass


_TWO = "logistic_regression@mfcccov svm_rbf@mfcccov"
GROUPS = {
    "Look at results": (
        Command("show", "show", "the result of a finished run, as at its end", "songwise show demo --all", _show),
        Command(
            "errors", "errors", "the songs that a model gets wrong", "songwise errors demo --playlist e.m3u8", _errors
        ),
        Command(
            "compare", "compare", "two models on the same songs, with an interval", f"songwise compare {_TWO}", _compare
        ),
        Command("report", "report", "where the report is, or open it", "songwise report demo --open", _report),
        Command("ui", "ui", "all runs in MLflow, on the right page", "songwise ui demo", _ui),
        Command("methods", "methods", "a paragraph and references for a paper", "songwise methods demo", _methods),
    ),
    "Use a finished run on new files": (
        Command(
            "classify",
            "classify",
            "say what new files sound like, by the model of a finished run",
            "songwise classify ~/Music/new --csv > new.csv",
            _classify,
        ),
        Command(
            "similar",
            "similar",
            "find the tracks of a data set that are nearest to a file",
            "songwise similar song.mp3 -n 50 --playlist mix.m3u8",
            _similar,
        ),
        Command(
            "serve",
            "serve",
            "the same in a browser, and as an HTTP API, on this machine only",
            "songwise serve --dataset demo",
            _serve,
        ),
    ),
    "Data sets, models and features": (
        Command("list", "listing", "data sets, groups, models or presets", "songwise list models", _list),
        Command(
            "explain", "explain", "what a model or a preset is, and its results", "songwise explain svm_rbf", _explain
        ),
        Command(
            "init", "init", "make a data set from a folder of your own music", "songwise init ~/Music/genres", _init
        ),
        Command(
            "prepare",
            "prepare",
            "fetch the lists and metadata that name a data set's tracks",
            "songwise prepare fma-small",
            _prepare,
        ),
        Command(
            "weights",
            "weights",
            "fetch the weights of pretrained networks, for use without network",
            "songwise weights musicnn",
            _weights,
        ),
        Command("clean", "clean", "remove what songwise generated for a data set", "songwise clean demo", _clean),
    ),
    "Share": (
        Command("push", "push", "share a data set's files through DVC", "songwise push my-music --features", _push),
        Command("pull", "pull", "fetch and check what others shared", "songwise pull my-music", _pull),
    ),
    "This machine": (Command("doctor", "doctor", "check this machine and this folder", "songwise doctor", _nothing),),
}
