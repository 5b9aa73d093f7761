"""The command `songwise`: tasks besides a run of the workflow."""

import argparse
import atexit
import gc
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

from songwise.errors import InputError
from songwise.paths import champion_folder


def run() -> None:
    """Run the command line's command, and end the process at once: taking down its modules takes half a second."""
    code = main()
    atexit._run_exitfuncs()
    with suppress(BrokenPipeError):  # the reader has seen enough, as in `songwise classify --json ... | head`
        sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


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
    except BrokenPipeError:
        return 0
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

    classify = commands.add_parser("classify", help="say what new files sound like, by the model of a finished run")
    classify.add_argument("paths", nargs="+", metavar="PATH", help="files, folders, or - for a list on standard input")
    formats = classify.add_mutually_exclusive_group()
    formats.add_argument("--json", action="store_true", help="print one JSON object per file, with the timeline")
    formats.add_argument("--csv", action="store_true", help="print one row per file, with all probabilities")
    classify.add_argument("--cores", type=_count, help="files that are classified at once; default: all cores")
    classify.set_defaults(run=_classify)

    similar = commands.add_parser("similar", help="find the tracks of a data set that are nearest to a file")
    similar.add_argument("path", type=Path, metavar="PATH", help="an audio file")
    similar.add_argument("-n", type=_count, default=10, help="how many tracks; default: 10")
    similar.add_argument("--artist-filter", action="store_true", help="leave out tracks of the file's own artist")
    similar.add_argument("--artist", help="the file's artist, if its tags do not name it")
    similar.add_argument("--playlist", type=Path, metavar="FILE.m3u8", help="also write the tracks as a playlist")
    similar.add_argument("--json", action="store_true", help="print one JSON object per track")
    similar.set_defaults(run=_similar)

    serve = commands.add_parser("serve", help="the same in a browser, and as an HTTP API, on this machine only")
    serve.add_argument("--port", type=int, default=8808, help="default: 8808")
    serve.add_argument("--workers", type=_count, help="files that are classified at once; default: all cores, up to 8")
    serve.set_defaults(run=_serve)
    for command in (classify, similar, serve):
        command.add_argument("--dataset", help="a data set that has run; default: the one that ran last")
        command.add_argument(
            "--model",
            help="MODEL@PRESET of its leaderboard, a model's folder, or models:/NAME@champion in MLflow; default: its "
            "champion",
        )
    for command in (classify, similar):
        command.add_argument(
            "--max-seconds", type=float, help="longest file that is accepted; default: that of the data set"
        )

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


def _count(word: str) -> int:
    number = int(word)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{word} is not 1 or more")
    return number


def _classify(arguments: argparse.Namespace) -> None:
    gc.disable()  # while modules are imported, which takes a sixth less time; `answer_files` enables it again
    from songwise.predict.card import read_card
    from songwise.predict.inputs import list_files
    from songwise.predict.many import answer_files
    from songwise.predict.output import introduce, print_csv, print_json, print_table

    files, folder = list_files(arguments.paths), _model_folder(arguments)
    card = read_card(folder)
    _say(introduce(card))
    cores = arguments.cores or os.cpu_count() or 1
    answers = answer_files(folder, files, cores=cores, max_seconds=arguments.max_seconds)
    if arguments.csv:
        print_csv(answers, card["classes"])
    else:
        (print_json if arguments.json else print_table)(answers)


def _similar(arguments: argparse.Namespace) -> None:
    from songwise.library.tags import read_tags
    from songwise.predict.model import SongModel
    from songwise.predict.similar import find_similar, print_similar, write_similar

    artist = arguments.artist
    if arguments.artist_filter and not artist and arguments.path.is_file():
        (tags,) = read_tags([arguments.path])
        artist = tags.artist or tags.albumartist
    model = SongModel.read(_model_folder(arguments), max_seconds=arguments.max_seconds)
    is_filtered = arguments.artist_filter or bool(arguments.artist)
    tracks = find_similar(model, arguments.path, arguments.n, artist=artist, is_filtered=is_filtered)
    print_similar(tracks, as_json=arguments.json)
    if arguments.playlist:
        write_similar(arguments.playlist, tracks, model.card["dataset"], say=_say)


def _serve(arguments: argparse.Namespace) -> None:
    from songwise.serve.server import serve

    serve(_model_folder(arguments), port=arguments.port, workers=arguments.workers, say=_say)


def _model_folder(arguments: argparse.Namespace) -> Path:
    """Return the folder of the model that the options --dataset and --model name."""
    from songwise.predict.load import choose_dataset, fetch_registered, find_folder

    model = arguments.model
    if model and model.startswith("models:/"):
        return fetch_registered(model)
    if model and Path(model).is_dir():
        return find_folder(Path(model))
    results, others = choose_dataset(arguments.dataset)
    if others and not arguments.dataset:
        _say(f"by the last run, {results.name}; for another one: --dataset {' or '.join(others)}")
    if not model:
        return champion_folder(results)
    from songwise.studies.usable import usable_model

    return usable_model(results, model, say=_say)


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
