"""Data set files: source, clips and splits of one data set, read and checked."""

from collections.abc import Mapping
from pathlib import Path

from songwise.errors import InputError
from songwise.schemas import check, load_named, read_yaml


def load_dataset(name_or_path: str, root: Path, clip: Mapping | None = None) -> tuple[dict, Path]:
    """A data set by its name in config/datasets or by its file's path, checked, with defaults filled in.

    Parameters
    ----------
    clip : config's own clip keys, which go before the file's; with `seconds`, the file's hop and min_seconds go too.
    """
    if name_or_path.endswith((".yaml", ".yml")):
        path = Path(name_or_path)
        if not path.is_file():
            raise InputError(f"dataset: there is no file {path}")
        dataset = check(read_yaml(path), "dataset", root, where=str(path))
    else:
        folder = root / "config" / "datasets"
        dataset = load_named("dataset", name_or_path, folder, root)
        path = folder / f"{name_or_path}.yaml"
    if dataset["source"]["type"] == "table":
        return dataset | {"shards": 1, "clip": None}, path  # nothing to deal out or to cut
    if clip:
        kept = dataset["clip"].keys() - ({"hop", "min_seconds"} if "seconds" in clip else set())
        dataset["clip"] = {key: dataset["clip"][key] for key in kept} | clip
    clip = dataset["clip"]
    clip.setdefault("hop", clip["seconds"])
    clip.setdefault("min_seconds", clip["seconds"] / 2)
    if clip["min_seconds"] > clip["seconds"]:
        raise InputError(
            f"{path}: clip.min_seconds ({clip['min_seconds']}) is longer than clip.seconds ({clip['seconds']})"
        )
    if clip["stop"] is not None and clip["stop"] - clip["start"] < clip["min_seconds"]:
        raise InputError(f"{path}: between clip.start and clip.stop there is no room for a clip")
    return dataset, path
