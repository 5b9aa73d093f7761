"""What must be on this machine before it is known which tracks there are: lists of a split, metadata of FMA.

Tracks are known when Snakemake reads the Snakefile, so this runs there, before any job; the music itself is fetched by
jobs. What is prepared is kept under a name that follows from what the data set's file says, and is never made twice.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from songwise.files import checksum_of, digest, safe_name


def prepared_sheet(dataset: Mapping, root: Path) -> Path:
    """Where the track sheet lies that is made of FMA's metadata."""
    fma = dataset["source"]["fma"]
    return _folder(dataset, root) / f"fma-{fma['subset']}-{digest(fma)}.tracks.csv"


def prepared_lists(dataset: Mapping, here: Path, root: Path) -> dict[str, Path]:
    """The file of each role's list: relative to `here`, the data set file's folder, or downloaded."""
    lists = dataset["source"]["lists"]
    return {
        role: here / entry if isinstance(entry, str) else downloaded_path(entry, dataset, root)
        for role, entry in lists.items()
    }


def missing(dataset: Mapping, root: Path) -> list[str]:
    """What must be fetched before the tracks are known, in words; nothing for most data sets."""
    found = [f"{name} ({entry['url']})" for name, entry, path in wanted_files(dataset, root) if not path.is_file()]
    if "fma" in dataset["source"] and not prepared_sheet(dataset, root).is_file():
        found.append("the track sheet made of it")
    return found


def wanted_files(dataset: Mapping, root: Path) -> Iterator[tuple[str, Mapping, Path]]:
    source = dataset["source"]
    for role, entry in source.get("lists", {}).items():
        if not isinstance(entry, str):
            yield f"the {role} list", entry, downloaded_path(entry, dataset, root)
    if "fma" in source and not prepared_sheet(dataset, root).is_file():
        yield "the metadata", source["fma"]["metadata"], downloaded_path(source["fma"]["metadata"], dataset, root)


def _folder(dataset: Mapping, root: Path) -> Path:
    return root / "data" / "raw" / dataset["name"] / "metadata"


def downloaded_path(entry: Mapping, dataset: Mapping, root: Path) -> Path:
    name = safe_name(Path(urlsplit(entry["url"]).path).name)
    return _folder(dataset, root) / f"{checksum_of(entry).digits[:12]}-{name}"
