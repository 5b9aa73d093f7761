"""A project with a small network of its own: its preset, its standardised twin, and a fusion of it with jlaoo26."""

import shutil
from pathlib import Path

import yaml

from helpers.project import ROOT
from helpers.tiny_networks import MEANS, MEL, content, write_onnx
from songwise.files import file_digest

GROUP = ["majority@jlaoo26", "knn@tiny", "knn@tiny_standardised", "hear@heard"]
FILES = {
    "features/tiny": {"network": "tiny", "outputs": {"means": ["mean"]}},
    "features/tiny_standardised": {"audio": {"standardise": True}, "union": ["tiny"]},
    "features/heard": {"join": ["jlaoo26", "tiny"]},
    "models/hear": {
        "estimator": "songwise.models.fusion.Fusion",
        "features": ["heard"],
        "members": ["lda_shrinkage@jlaoo26", "logistic_regression@tiny"],
    },
}


def write_file(folder: Path, name: str, keys: dict) -> None:
    """Write a file of config/, such as "models/hear"."""
    path = folder / "config" / f"{name}.yaml"
    path.write_text(yaml.safe_dump({"name": Path(name).name} | keys, sort_keys=False))


def add_network(folder: Path, **weights: object) -> Path:
    """Add the network to a project, and a group `heard` of models, and return the path of its weights.

    Parameters
    ----------
    folder : Path
        The folder that contains config/.
    **weights
        Keys of `weights` instead of `path`, such as `url`; name, checksum and size are filled in. The file is then
        mirror/tiny.onnx.
    """
    for name, keys in FILES.items():
        write_file(folder, name, keys)
    with (folder / "config" / "model_groups.yaml").open("a") as groups:
        groups.write(f"heard: [{', '.join(GROUP)}]\n")
    path = folder / ("mirror" if weights else "config/networks") / "tiny.onnx"
    path.parent.mkdir(exist_ok=True)
    write_onnx(path, MEANS)
    network = content(MEL)
    if weights:
        facts = {"file": path.name, "sha256": file_digest(path), "bytes": path.stat().st_size}
        del network["weights"]["path"]
        network["weights"] |= facts | weights
    write_file(folder, "networks/tiny", network)
    return path


def copy_config(folder: Path) -> Path:
    """Copy config/ into a folder, and return the folder."""
    shutil.copytree(ROOT / "config", folder / "config")
    return folder


def edit_network(folder: Path, **keys: object) -> None:
    """Change keys of the network's file."""
    path = folder / "config" / "networks" / "tiny.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | keys, sort_keys=False))
