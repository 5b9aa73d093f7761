"""Preset files: a feature preset of config/features, read and checked.

Light: it runs at every start of Snakemake.
"""

from functools import cache
from pathlib import Path

from songwise.errors import InputError
from songwise.features.embedding_presets import resolve_embedding
from songwise.features.joined import resolve_joined
from songwise.features.presets import resolve
from songwise.files import file_digest
from songwise.schemas.network import Network
from songwise.schemas.preset import Preset
from songwise.schemas.read import load_named


def load_preset(name: str, root: Path) -> dict:
    """Return a feature preset with every option of its families, or with its network, filled in.

    Parameters
    ----------
    name : str
        Name of a file in config/features.
    root : Path
        The folder that contains config/.

    Returns
    -------
    dict
        The resolved preset: of `presets.resolve`, `embedding_presets.resolve_embedding` or `joined.resolve_joined`.

    Raises
    ------
    InputError
        If there is no such preset, or if its file or its network's is invalid. The message names the file and the key.
    """
    folder = root / "config" / "features"
    preset = load_named(Preset, name, folder, root)
    where = f"config/features/{name}.yaml"
    if preset.join:
        return _joined(preset, root)
    if preset.network:
        return resolve_embedding(preset.model_dump(), load_network(preset.network, root), where)
    union = [] if preset.families else preset.union or []
    members = {member: load_named(Preset, member, folder, root) for member in union}
    for member, content in members.items():
        if content.union:
            raise InputError(f"{where}: union: {member} is a union itself; name its members instead")
        if content.join:
            raise InputError(f"{where}: union: {member} is a joined preset; use join here, and name its presets")
        if content.network:
            return _twin(preset, content, root, where)
        if not content.families:
            raise InputError(f"{where}: union: {member} has frames only, and no columns to combine; remove it")
    return resolve(preset.model_dump(), {member: content.model_dump() for member, content in members.items()}, where)


def _joined(preset: Preset, root: Path) -> dict:
    where = f"config/features/{preset.name}.yaml"
    for key in sorted(preset.model_fields_set - {"name", "title", "columns", "join"}):
        raise InputError(f"{where}: {key}: a preset with join has no key '{key}'; set it in the presets that it joins")
    for member in preset.join:  # before any of them is resolved: a preset that joins itself would never end
        if load_named(Preset, member, root / "config" / "features", root).join:
            raise InputError(f"{where}: join: {member} is joined itself; name its presets instead")
    parts = {member: load_preset(member, root) for member in preset.join}
    return resolve_joined(preset.model_dump(include={"name", "title", "columns"}), parts, where)


def _twin(preset: Preset, member: Preset, root: Path, where: str) -> dict:
    """Return a preset of the same network and outputs as another, on audio of its own."""
    if len(preset.union) > 1:
        raise InputError(
            f"{where}: union: {member.name} has a network, so it cannot be combined with other presets; list it alone"
        )
    for key in ("frame", "frames"):
        if key in preset.model_fields_set:
            raise InputError(f"{where}: {key}: the network of {member.name} determines the frames; remove the key")
    if "sample_rate" in preset.audio.model_fields_set:
        raise InputError(f"{where}: audio.sample_rate: the network of {member.name} has its own rate; remove the key")
    own = {key: value for key, value in preset.model_dump().items() if key != "union"}
    return resolve_embedding(own | {"outputs": member.outputs}, load_network(member.network, root), where)


def load_network(name: str, root: Path) -> dict:
    """Return the content of a network's file.

    Parameters
    ----------
    name : str
        Name of a file in config/networks.
    root : Path
        The folder that contains config/.

    Returns
    -------
    dict
        The keys of `songwise.schemas.network.Network`, with defaults filled in. The checksum of your own weights
        (`weights.path`) is that of the file, if there is one and the network's file states none.

    Raises
    ------
    InputError
        If there is no such network, or if its file is invalid.
    """
    network = load_named(Network, name, root / "config" / "networks", root).model_dump()
    path = own_weights(network, root)
    if path and "sha256" not in network["weights"] and path.is_file():
        status = path.stat()
        network["weights"]["sha256"] = _sha256(path, status.st_size, status.st_mtime_ns)
    return network


@cache
def _sha256(path: Path, size: int, modified: int) -> str:
    # Several presets and members load the same network. `size` and `modified` are there for the cache: an edited file
    # is read again.
    return file_digest(path)


def own_weights(network: dict, root: Path) -> Path | None:
    """Return the user's own file of a network's weights, or None if the weights are downloaded.

    Parameters
    ----------
    network : dict
        The content of the network's file.
    root : Path
        The folder that contains config/.
    """
    path = network["weights"].get("path")
    return root / "config" / "networks" / path if path else None


def check_own_weights(network: dict, root: Path) -> None:
    """Check that the user's own file of a network's weights exists.

    Parameters
    ----------
    network : dict
        The content of the network's file.
    root : Path
        The folder that contains config/.

    Raises
    ------
    InputError
        If the network has `weights.path` and there is no such file.
    """
    path = own_weights(network, root)
    if path and not path.is_file():
        raise InputError(
            f"config/networks/{network['name']}.yaml: weights.path: there is no file {path}; put an ONNX network there "
            "or change the path (docs/pretrained.md, How to add a network)"
        )
