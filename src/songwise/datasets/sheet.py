"""Track sheets: which tracks a data set has, what they are called, and which rows are the same song."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path

from songwise.datasets.demo import catalogue
from songwise.datasets.feature_table import read_feature_table
from songwise.datasets.folder import scan_folder
from songwise.datasets.metadata import prepared_lists, prepared_sheet
from songwise.datasets.published_split import assign_roles, read_lists
from songwise.datasets.sheet_file import add_faults, read_sheet
from songwise.datasets.table_facts import add_facts
from songwise.datasets.track import Track
from songwise.errors import InputError, raise_all


def read_tracks(
    dataset: Mapping, dataset_path: Path, root: Path, say: Callable[[str], None] = lambda line: None
) -> list[Track]:
    """Read the tracks of a data set and check them.

    Parameters
    ----------
    dataset : mapping
        The content of the data set file (`dataset.load_dataset`).
    dataset_path : Path
        That file. Its paths are relative to its folder.
    root : Path
        The folder that contains workflow/schemas and data.
    say : callable, optional
        Gets lines for the user: which tracks a published split leaves out.

    Returns
    -------
    list of Track
        The tracks, in the order of their source.

    Raises
    ------
    InputError
        If the sheet, the folder or the table is invalid. The message names the rows.
    """
    source = dataset["source"]
    tracks, place = _READERS[source["type"]](dataset, dataset_path, root)
    if "lists" in source:
        lists = prepared_lists(dataset, dataset_path.parent, root)
        tracks = assign_roles(tracks, read_lists(lists), str(place), say)
    _check_songs(tracks, place)
    return tracks


# Each reader returns the tracks and the file or folder that they were read from.


def _read_demo(dataset: Mapping, dataset_path: Path, root: Path) -> tuple[list[Track], Path]:
    source = dataset["source"]
    rows = catalogue.track_rows(source["recipe"], seed=source["seed"])
    return [Track(**row) for row in rows], dataset_path


def _read_folder(dataset: Mapping, dataset_path: Path, root: Path) -> tuple[list[Track], Path]:
    source = dataset["source"]
    folder = dataset_path.parent / source["folder"]
    return scan_folder(folder, source.get("song"), dataset_path), folder


def _read_table(dataset: Mapping, dataset_path: Path, root: Path) -> tuple[list[Track], Path]:
    source = dataset["source"]
    table = dataset_path.parent / source["table"]
    tracks = [Track(**row) for row in read_feature_table(table, source, dataset_path).track_rows()]
    if "tracks" in source:
        tracks = add_facts(tracks, dataset_path.parent / source["tracks"])
    return tracks, table


def _read_sheet(dataset: Mapping, dataset_path: Path, root: Path) -> tuple[list[Track], Path]:
    source = dataset["source"]
    faults = source.get("faults", {})
    if "fma" not in source:
        sheet = dataset_path.parent / source["tracks"]
        tracks = read_sheet(sheet, source["type"])
    else:
        sheet = prepared_sheet(dataset, root)
        tracks = read_sheet(sheet, source["type"])
        # A choice of genres may leave out a track whose fault is known.
        faults = {track.track_id: faults[track.track_id] for track in tracks if track.track_id in faults}
    return add_faults(tracks, faults, dataset_path), sheet


_READERS: dict[str, Callable[[Mapping, Path, Path], tuple[list[Track], Path]]] = {
    "synthetic": _read_demo,
    "folder": _read_folder,
    "table": _read_table,
    "manifest": _read_sheet,
    "http": _read_sheet,
    "archive": _read_sheet,
    "youtube": _read_sheet,
}


def _check_songs(tracks: list[Track], place: Path) -> None:
    """Check that every song has one label, and that there are at least two labels."""
    labels = defaultdict(set)
    for track in tracks:
        labels[track.song].add(track.label)
    raise_all(
        place,
        [
            f"song '{song}' has more than one label: {', '.join(sorted(own))}; give all its tracks the same label"
            for song, own in labels.items()
            if len(own) > 1
        ],
    )
    if len(set.union(*labels.values())) < 2:
        raise InputError(f"{place}: all tracks have the label '{tracks[0].label}'; at least two classes are needed")
