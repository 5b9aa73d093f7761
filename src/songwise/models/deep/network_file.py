"""A trained network in two files without executable content: weights as safetensors, and a description as JSON.

https://huggingface.co/docs/safetensors describes the format: names, shapes and numbers, nothing else.
"""

import json
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load, save

from songwise.errors import InputError
from songwise.files import write_json
from songwise.models.deep.estimator import DeepClassifier
from songwise.models.deep.training import FrameNetwork
from songwise.models.trained_networks import NETWORK_WEIGHTS

DESCRIPTION = "network.json"
_FORMAT = 1
_MOST = {"crop": 10_000_000, "rows": 512, "classes": 10_000}
_LARGEST_CROP = 10_000_000  # values: 20 minutes of samples at 8 kHz
_WHAT_TO_DO = "train the model again, or pull its bundle again"


def save_network(classifier: DeepClassifier, folder: Path) -> None:
    """Write network.safetensors and network.json.

    Parameters
    ----------
    classifier : DeepClassifier
        Fitted to classes 0 to k - 1.
    folder : Path
        An existing folder.
    """
    network = classifier.network_
    weights = {name: tensor.contiguous() for name, tensor in network.state_dict().items()}
    (folder / NETWORK_WEIGHTS).write_bytes(save(weights))
    sizes = {"crop": network.crop, "rows": len(network.mean), "classes": len(classifier.classes_)}
    write_json(folder / DESCRIPTION, {"format": _FORMAT, "parameters": classifier.get_params()} | sizes)


def load_network(folder: Path) -> DeepClassifier:
    """Read what `save_network` wrote, without executing anything from the files.

    Parameters
    ----------
    folder : Path
        A bundle's folder.

    Returns
    -------
    DeepClassifier
        Fitted; its classes are 0 to k - 1.

    Raises
    ------
    InputError
        If a file is missing, truncated or forged, or if the two do not belong together.
    """
    try:
        description, content = (folder / DESCRIPTION).read_bytes(), (folder / NETWORK_WEIGHTS).read_bytes()
    except OSError as error:
        raise InputError(f"{error.filename}: {error.strerror}; {_WHAT_TO_DO}") from None
    try:
        classifier, sizes = _described(json.loads(description))
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise _invalid(folder / DESCRIPTION, error) from None
    try:
        classifier.network_ = _network(classifier, sizes, content)
    # Forged and truncated content can fail in many ways, and each of them is a message about this file.
    except Exception as error:
        raise _invalid(folder / NETWORK_WEIGHTS, error) from None
    classifier.classes_ = np.arange(sizes["classes"])
    return classifier


def _described(content: dict) -> tuple[DeepClassifier, dict[str, int]]:
    if content["format"] != _FORMAT:
        raise ValueError(f"its format is {content['format']!r}, and this version of songwise reads {_FORMAT}")
    classifier = DeepClassifier(**content["parameters"])
    classifier.check_parameters()
    sizes = {name: content[name] for name in _MOST}
    for name, size in sizes.items():
        if type(size) is not int or not 1 <= size <= _MOST[name]:
            raise ValueError(f"{name} is {size!r}, not a number from 1 to {_MOST[name]}")
    if sizes["crop"] * sizes["rows"] > _LARGEST_CROP:
        raise ValueError(f"crop x rows is {sizes['crop'] * sizes['rows']}, more than {_LARGEST_CROP}")
    return classifier, sizes


def _network(classifier: DeepClassifier, sizes: dict[str, int], content: bytes) -> FrameNetwork:
    # Nothing is allocated for the description's sizes: the tensors of the file must have them.
    with torch.device("meta"):
        network = FrameNetwork(classifier, **sizes)
    weights = load(content)
    for name, tensor in network.state_dict().items():
        if name in weights and (weights[name].dtype != tensor.dtype or not weights[name].isfinite().all()):
            raise ValueError(f"{name} is not {tensor.dtype}, or is not finite")
    network.load_state_dict(weights, assign=True)
    return network.eval()


def _invalid(path: Path, error: Exception) -> InputError:
    why = " ".join(str(error).split())[:200]
    return InputError(f"{path}: is not a network of songwise ({why}); {_WHAT_TO_DO}")
