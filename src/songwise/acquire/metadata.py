"""Downloads of what defines the tracks of a data set: published lists, FMA's metadata."""

from collections.abc import Callable, Mapping
from pathlib import Path

from songwise.acquire.download import UnavailableError, fetch_file, origins
from songwise.datasets.metadata import downloaded_path, missing, prepared_sheet, wanted_files
from songwise.errors import InputError
from songwise.files import checksum_of
from songwise.runtime.progress import ByteProgress

_LARGEST = 1 << 30  # bytes; FMA's metadata have a third of it


def prepare(dataset: Mapping, root: Path, *, mirror: str | None, say: Callable[[str], None]) -> None:
    """Download the lists and metadata that define the tracks of a data set, if they are not here yet.

    Parameters
    ----------
    dataset : mapping
        Content of the data set file (`datasets.dataset.load_dataset`).
    root : Path
        Folder that contains data/.
    mirror : str, optional
        A folder or base URL that is tried first.
    say : callable
        Receives one line per file that is downloaded.

    Raises
    ------
    InputError
        If a file cannot be downloaded, or its content is not as expected.
    """
    if not missing(dataset, root):
        return
    for name, entry, path in wanted_files(dataset, root):
        if not path.is_file():
            _fetch(name, entry, path, dataset["name"], mirror, say)
    if "fma" in dataset["source"] and not prepared_sheet(dataset, root).is_file():
        from songwise.datasets.fma import write_sheet

        fma = dataset["source"]["fma"]
        metadata = downloaded_path(fma["metadata"], dataset, root)
        say(f"reading the tracks of {dataset['name']} from the metadata")
        write_sheet(metadata, fma, prepared_sheet(dataset, root), say=say)
        metadata.unlink()  # a shared data set should not carry 342 MiB of which a thousandth is used


def _fetch(name: str, entry: Mapping, path: Path, dataset: str, mirror: str | None, say: Callable) -> None:
    say(f"downloading {name} of {dataset}{_size(entry)}: {entry['url']}")
    places = origins(entry["url"], "", mirror)
    try:
        fetch_file(places, path, checksum=checksum_of(entry), largest=_LARGEST, report=ByteProgress(name).reach)
    except UnavailableError as error:
        raise InputError(f"{dataset}: cannot download {name}: {error}") from error
    except OSError as error:
        raise InputError(f"{dataset}: cannot write {name}: {error}") from error


def _size(entry: Mapping) -> str:
    size = entry.get("bytes", 0)
    return f", {size / 1e6:.0f} MB" if size >= 1e6 else f", {size / 1e3:.0f} kB" if size else ""
