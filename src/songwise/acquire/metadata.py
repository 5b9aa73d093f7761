"""Fetching what says which tracks a data set has: published lists, FMA's metadata."""

from collections.abc import Callable, Mapping
from pathlib import Path

from songwise.acquire.download import UnavailableError, fetch_file, origins
from songwise.datasets.metadata import downloaded_path, missing, prepared_sheet, wanted_files
from songwise.errors import InputError
from songwise.files import checksum_of
from songwise.runtime.progress import ByteProgress

_LARGEST = 1 << 30  # bytes; FMA's metadata have a third of it


def prepare(dataset: Mapping, root: Path, *, mirror: str | None, say: Callable[[str], None]) -> None:
    """Fetch what tells the tracks of a data set, if it is not there yet.

    Parameters
    ----------
    dataset : the data set file's content (`config.load_dataset`).
    root : the folder that holds data/.
    mirror : a folder or base URL tried first, or None.
    say : is given a line for each file that is fetched.

    Raises
    ------
    InputError : a file cannot be had, or is not what it should be.
    """
    if not missing(dataset, root):
        return
    for name, entry, path in wanted_files(dataset, root):
        if path.is_file():
            continue
        say(f"fetching {name} of {dataset['name']}{_size(entry)}: {entry['url']}")
        places = origins(entry["url"], "", mirror)
        try:
            fetch_file(places, path, checksum=checksum_of(entry), largest=_LARGEST, told=ByteProgress(name).reach)
        except UnavailableError as error:
            raise InputError(f"{dataset['name']}: {name} cannot be had, {error}") from error
        except OSError as error:
            raise InputError(f"{dataset['name']}: {name} cannot be written, {error}") from error
    if "fma" in dataset["source"] and not prepared_sheet(dataset, root).is_file():
        from songwise.datasets.fma import write_sheet

        fma = dataset["source"]["fma"]
        metadata = downloaded_path(fma["metadata"], dataset, root)
        say(f"reading which tracks {dataset['name']} has")
        write_sheet(metadata, fma, prepared_sheet(dataset, root), say=say)
        metadata.unlink()  # what is shared of a data set should not carry 342 MiB of which a thousandth is used


def _size(entry: Mapping) -> str:
    size = entry.get("bytes", 0)
    return f", {size / 1e6:.0f} MB" if size >= 1e6 else f", {size / 1e3:.0f} kB" if size else ""
