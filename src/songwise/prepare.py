"""What must be on this machine before it is known which tracks there are: lists of a split, metadata of FMA.

Tracks are known when Snakemake reads the Snakefile, so this runs there, before any job; the music itself is fetched by
jobs. What is prepared is kept under a name that follows from what the data set's file says, and is never made twice.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from songwise.download import UnavailableError, checksum_of, fetch_file, origins
from songwise.errors import InputError
from songwise.files import digest, safe_name
from songwise.jobs import ByteProgress

_LARGEST = 1 << 30  # bytes; FMA's metadata have a third of it


def prepared_sheet(dataset: Mapping, root: Path) -> Path:
    """Where the track sheet lies that is made of FMA's metadata."""
    fma = dataset["source"]["fma"]
    return _folder(dataset, root) / f"fma-{fma['subset']}-{digest(fma)}.tracks.csv"


def prepared_lists(dataset: Mapping, here: Path, root: Path) -> dict[str, Path]:
    """The file of each role's list: relative to `here`, the data set file's folder, or downloaded."""
    lists = dataset["source"]["lists"]
    return {
        role: here / entry if isinstance(entry, str) else _downloaded(entry, dataset, root)
        for role, entry in lists.items()
    }


def missing(dataset: Mapping, root: Path) -> list[str]:
    """What must be fetched before the tracks are known, in words; nothing for most data sets."""
    found = [f"{name} ({entry['url']})" for name, entry, path in _wanted(dataset, root) if not path.is_file()]
    if "fma" in dataset["source"] and not prepared_sheet(dataset, root).is_file():
        found.append("the track sheet made of it")
    return found


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
    for name, entry, path in _wanted(dataset, root):
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
        from songwise.fma import write_sheet

        fma = dataset["source"]["fma"]
        metadata = _downloaded(fma["metadata"], dataset, root)
        say(f"reading which tracks {dataset['name']} has")
        write_sheet(metadata, fma, prepared_sheet(dataset, root), say=say)
        metadata.unlink()  # what is shared of a data set should not carry 342 MiB of which a thousandth is used


def _wanted(dataset: Mapping, root: Path) -> Iterator[tuple[str, Mapping, Path]]:
    source = dataset["source"]
    for role, entry in source.get("lists", {}).items():
        if not isinstance(entry, str):
            yield f"the {role} list", entry, _downloaded(entry, dataset, root)
    if "fma" in source and not prepared_sheet(dataset, root).is_file():
        yield "the metadata", source["fma"]["metadata"], _downloaded(source["fma"]["metadata"], dataset, root)


def _folder(dataset: Mapping, root: Path) -> Path:
    return root / "data" / "raw" / dataset["name"] / "metadata"


def _downloaded(entry: Mapping, dataset: Mapping, root: Path) -> Path:
    name = safe_name(Path(urlsplit(entry["url"]).path).name)
    return _folder(dataset, root) / f"{checksum_of(entry).digits[:12]}-{name}"


def _size(entry: Mapping) -> str:
    size = entry.get("bytes", 0)
    return f", {size / 1e6:.0f} MB" if size >= 1e6 else f", {size / 1e3:.0f} kB" if size else ""
