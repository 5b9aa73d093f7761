"""A data set with its tracks, as a run reads them."""

from pathlib import Path

from songwise.datasets.dataset import load_dataset
from songwise.datasets.sheet import read_tracks
from songwise.datasets.track import Track


def load_tracks(name_or_path: str, root: Path = Path()) -> tuple[dict, list[Track]]:
    """Return the content of a data set file, and its tracks."""
    dataset, path = load_dataset(name_or_path, root)
    return dataset, read_tracks(dataset, path, root)
