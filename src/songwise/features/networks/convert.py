"""A network's weights as an ONNX file, made once and kept in a cache."""

from collections.abc import Mapping
from pathlib import Path

from songwise.errors import InputError
from songwise.features.networks.efficientat import efficientat_graph
from songwise.features.networks.musicnn import musicnn_graph
from songwise.features.networks.onnx_file import check_ends, check_onnx
from songwise.features.networks.tensorflow_checkpoint import read_tensorflow_checkpoint
from songwise.features.networks.torch_checkpoint import read_torch_checkpoint
from songwise.features.networks.weights import Tensors, check_size
from songwise.files import digest, file_digest, replacing
from songwise.runtime.provenance import code_of

_MUSICNN = "musicnn/MSD_musicnn/"  # the checkpoint inside the wheel: trained on the Million Song Dataset

_CHECKED = ("input", "layout", "patch", "front_end", "outputs")  # keys of a network's file

_CONVERTERS = {
    "efficientat": lambda path: efficientat_graph(Tensors(path, read_torch_checkpoint(path))),
    "musicnn": lambda path: musicnn_graph(Tensors(path, read_tensorflow_checkpoint(path, _MUSICNN))),
}


def onnx_of(network: Mapping, weights: Path, cache: Path) -> Path:
    """Return the ONNX file for a network's weights, which is made if the cache lacks it.

    Parameters
    ----------
    network : mapping
        Content of the network's file: its keys weights (format and sha256), outputs, and those of `check_onnx`.
    weights : Path
        The file of weights, as its publisher offers it.
    cache : Path
        A folder. Its files are named by the hash of the weights and of the code that made them.

    Returns
    -------
    Path
        A file in the cache; the weights themselves if they are an ONNX file.

    Raises
    ------
    InputError
        If the weights are missing or corrupt, have another checksum, or are of another network.
    """
    weights = Path(weights)
    checksum = _checked_sha256(network, weights)
    convert = _CONVERTERS.get(network["weights"]["format"])
    if convert is None:
        check_onnx(weights, network)
        return weights
    # What the check compares is part of the name, so that it is repeated after an edit of the network's file.
    key = digest([code_of("features.networks.convert"), {name: network.get(name) for name in _CHECKED}])
    path = Path(cache) / f"{checksum[:16]}-{key}.onnx"
    if not path.is_file():
        model = convert(weights)
        check_ends(weights, model, network)
        with replacing(path) as temporary:
            temporary.write_bytes(model.SerializeToString(deterministic=True))
    return path


def _checked_sha256(network: Mapping, weights: Path) -> str:
    check_size(weights)
    checksum, listed = file_digest(weights), network["weights"].get("sha256")
    if listed not in (None, checksum):
        raise InputError(
            f"{weights}: has the sha256 {checksum} instead of {listed}, so it is corrupt or another file. "
            + (
                f"Get the right file, or correct weights.sha256 in config/networks/{network['name']}.yaml"
                if "path" in network["weights"]
                else f"To get it again: songwise weights {network['name']}"
            )
        )
    return checksum
