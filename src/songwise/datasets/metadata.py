"""Published lists and metadata that define the tracks of a data set: which files are needed, and their paths.

Snakemake needs to know the tracks while it reads the Snakefile, before any job. Each file's name contains its checksum
or a hash of its settings, so that a file is never made twice. `acquire.metadata` downloads the files.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from songwise.files import checksum_of, digest, safe_name
from songwise.paths import metadata_folder


def prepared_sheet(dataset: Mapping, root: Path) -> Path:
    """Return the path of the track sheet that is made from FMA's metadata.

    Parameters
    ----------
    dataset : mapping
        The content of a data set file with source.fma.
    root : Path
        The project's folder.

    Returns
    -------
    Path
        A CSV, which may not exist yet.
    """
    fma = dataset["source"]["fma"]
    return root / metadata_folder(dataset["name"]) / f"fma-{fma['subset']}-{digest(fma)}.tracks.csv"


def prepared_lists(dataset: Mapping, here: Path, root: Path) -> dict[str, Path]:
    """Return the files that list the tracks of each role of a published split.

    Parameters
    ----------
    dataset : mapping
        The content of a data set file with source.lists.
    here : Path
        The folder of the data set file, which contains lists that are not downloaded.
    root : Path
        The project's folder, for lists that are downloaded.

    Returns
    -------
    dict of str to Path
        Text file per role. A file may not exist yet.
    """
    lists = dataset["source"]["lists"]
    return {
        role: here / entry if isinstance(entry, str) else downloaded_path(entry, dataset, root)
        for role, entry in lists.items()
    }


def missing(dataset: Mapping, root: Path) -> list[str]:
    """Return the names of what must be prepared before the tracks are known.

    Parameters
    ----------
    dataset : mapping
        The content of a data set file.
    root : Path
        The project's folder.

    Returns
    -------
    list of str
        Names for a message. Empty for most data sets.
    """
    names = [f"{name} ({entry['url']})" for name, entry, path in wanted_files(dataset, root) if not path.is_file()]
    if "fma" in dataset["source"] and not prepared_sheet(dataset, root).is_file():
        names.append("the track sheet made from it")
    return names


def wanted_files(dataset: Mapping, root: Path) -> Iterator[tuple[str, Mapping, Path]]:
    """Yield the files to download before the tracks are known.

    FMA's metadata is not needed any more when the track sheet is there.

    Parameters
    ----------
    dataset : mapping
        The content of a data set file.
    root : Path
        The project's folder.

    Yields
    ------
    tuple of str, mapping and Path
        The file's name for messages, its entry in the data set file (url and checksum), and its path.
    """
    source = dataset["source"]
    for role, entry in source.get("lists", {}).items():
        if not isinstance(entry, str):
            yield f"the {role} list", entry, downloaded_path(entry, dataset, root)
    if "fma" in source and not prepared_sheet(dataset, root).is_file():
        yield "the metadata", source["fma"]["metadata"], downloaded_path(source["fma"]["metadata"], dataset, root)


def downloaded_path(entry: Mapping, dataset: Mapping, root: Path) -> Path:
    """Return the path of a downloaded file.

    Parameters
    ----------
    entry : mapping
        Its url and checksum.
    dataset : mapping
        The content of the data set file.
    root : Path
        The project's folder.

    Returns
    -------
    Path
        A file in the data set's metadata folder. Its name starts with the checksum.
    """
    name = safe_name(Path(urlsplit(entry["url"]).path).name)
    return root / metadata_folder(dataset["name"]) / f"{checksum_of(entry).digits[:12]}-{name}"
