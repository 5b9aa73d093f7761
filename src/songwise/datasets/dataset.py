"""Data set files: source, clips and splits of one data set, read and checked.

Light: it runs at every start of Snakemake.
"""

import shlex
from collections.abc import Mapping
from pathlib import Path

from songwise.errors import InputError
from songwise.schemas.dataset import Dataset
from songwise.schemas.read import load_named, read_yaml, shown, validate


def load_dataset(name_or_path: str, root: Path, clip: Mapping | None = None) -> tuple[dict, Path]:
    """Return a data set's checked content and its file.

    Parameters
    ----------
    name_or_path : str
        A name in config/datasets, or the path of a data set file.
    root : Path
        The folder that contains config/.
    clip : mapping, optional
        Clip keys of the configuration. They override the file's. If `seconds` is among them, the file's `hop` and
        `min_seconds` are dropped.

    Returns
    -------
    dataset : dict
        The keys of `songwise.schemas.dataset.Dataset`, with defaults filled in. A table of features has no clips, so
        its `clip` is None and it has one shard.
    path : Path
        The data set file.

    Raises
    ------
    InputError
        If there is no such data set, or if its file is invalid. The message names the file and the key.
    """
    if name_or_path.endswith((".yaml", ".yml")):
        path = Path(name_or_path)
        if not path.is_file():
            raise InputError(f"dataset: there is no file {path}")
        dataset = validate(read_yaml(path), Dataset, where=str(path))
    else:
        folder = root / "config" / "datasets"
        _refuse_music(name_or_path, folder)
        dataset = load_named(Dataset, name_or_path, folder, root)
        path = folder / f"{name_or_path}.yaml"
    if dataset.source.type == "table":
        return dataset.model_dump() | {"shards": 1, "clip": None}, path
    if clip:
        dataset = _override_clip(dataset, clip, where=shown(path, root))
    return dataset.model_dump(), path


def _refuse_music(name: str, folder: Path) -> None:
    """Say what to do with a folder of music, which is not a data set yet."""
    if (folder / f"{name}.yaml").is_file() or not Path(name).expanduser().is_dir():
        return
    raise InputError(
        f"dataset: {name} is a folder, and a run needs a data set of it. Make one with songwise init "
        f"{shlex.quote(name)}, which says how to run it"
    )


def _override_clip(dataset: Dataset, clip: Mapping, where: str) -> Dataset:
    content = dataset.model_dump(exclude_unset=True)
    dropped = {"hop", "min_seconds"} if "seconds" in clip else set()
    kept = {key: value for key, value in content.get("clip", {}).items() if key not in dropped}
    return validate(content | {"clip": kept | dict(clip)}, Dataset, where=f"{where}, with the clip keys of the config")
