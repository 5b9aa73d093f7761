"""Embedding presets: statistics of a pretrained network's outputs, checked and resolved.

Light (no numpy): this module is imported at every start of Snakemake.
"""

import math
import re

from songwise.errors import InputError, suggestion
from songwise.features.presets import column_names

INPUT = "input"  # in a preset's outputs: what the front end feeds to the network
_MOST_COVARIANCE = 256  # rows; their covariance has 32,896 columns


def resolve_embedding(preset: dict, network: dict, where: str) -> dict:
    """Return a preset of a network with the content of the network's file and a list of outputs.

    Parameters
    ----------
    preset : dict
        The preset file's content, with the schema's defaults.
    network : dict
        The content of the network's file, with the schema's defaults.
    where : str
        The preset's file, for messages.

    Returns
    -------
    dict
        With `network` as the network's content; `outputs` as a list of {prefix, family, output, size, statistics};
        `audio` at the network's sample rate; `frame` as None; and `columns`.

    Raises
    ------
    InputError
        If the network has no such output, or the number of columns is not as stated.
    """
    sizes = dict(network["outputs"])
    if network["front_end"]["type"] == "mel":
        sizes[INPUT] = network["front_end"]["bands"]
    outputs = []
    for name, statistics in preset["outputs"].items():
        at = f"{where}: outputs"
        if name not in sizes:
            raise InputError(f"{at}: network {network['name']} has no output '{name}'{suggestion(name, list(sizes))}")
        if "covariance" in statistics and sizes[name] > _MOST_COVARIANCE:
            raise InputError(
                f"{at}.{name}: covariance: {sizes[name]:,} rows have too many pairs; the maximum is {_MOST_COVARIANCE} "
                "rows"
            )
        prefix = _prefix(name)
        if any(prefix == output["prefix"] for output in outputs):
            raise InputError(f"{at}.{name}: another output has the same column names; list one of the two")
        output = {"prefix": prefix, "family": prefix, "output": name, "size": sizes[name]}
        outputs.append(output | {"statistics": statistics})
    resolved = {
        **preset,
        "audio": preset["audio"] | {"sample_rate": network["front_end"]["sample_rate"]},
        "frame": None,
        "network": {key: value for key, value in network.items() if key != "title"},
        "outputs": outputs,
    }
    count = len(column_names(resolved))
    if preset.get("columns", count) != count:
        raise InputError(f"{where}: columns: {preset['columns']} is stated, but the outputs give {count}")
    return resolved | {"columns": count}


def _prefix(output: str) -> str:
    # Graphs name their outputs in any way: "495", "StatefulPartitionedCall:1".
    name = re.sub(r"\W+", "_", output, flags=re.ASCII).strip("_")
    return name if name[:1].isalpha() else f"output_{name}"


def shortest_seconds(network: dict) -> float:
    """Return the length that a clip needs to fill a patch, in seconds; 0 if the network takes any length.

    Parameters
    ----------
    network : dict
        The content of a network's file.
    """
    return least_samples(network) / network["front_end"]["sample_rate"]


def least_samples(network: dict) -> int:
    """Return the number of samples below which a clip is repeated before a network takes it.

    Parameters
    ----------
    network : dict
        The content of a network's file.

    Returns
    -------
    int
        At the network's sample rate. At least 1.
    """
    front_end, patch = network["front_end"], network["patch"]
    keeps = patch["short"] == "keep" or patch["frames"] is None
    frames = patch.get("least", 1) if keeps else patch["frames"]
    if front_end["type"] == "waveform":
        return frames
    # A centred frame needs its centre only, and one sample on either side to be mirrored.
    first = 2 if front_end["center"] else front_end["n_fft"]
    last = (frames - 1) * front_end["hop_length"]
    return max(first, last if front_end["center"] else last + first) + (front_end["preemphasis"] is not None)


def check_clip(preset: dict, clip: dict, where: str) -> None:
    """Check that a data set's clips fill the patches of an embedding preset's network.

    Parameters
    ----------
    preset : dict
        A resolved preset. Presets without a network are not checked.
    clip : dict
        The data set's `clip`, with `min_seconds`.
    where : str
        The data set's file, for the message.

    Raises
    ------
    InputError
        If clips may be shorter than a patch and the network's file refuses that.
    """
    network = preset.get("network")
    if not network or network["patch"]["short"] != "refuse" or network["patch"]["frames"] is None:
        return
    needed = math.ceil(100 * shortest_seconds(network)) / 100
    if clip["min_seconds"] < needed:
        raise InputError(
            f"{where}: clip.min_seconds: clips may be as short as {clip['min_seconds']:g} s, but the network "
            f"{network['name']} of preset {preset['name']} needs {needed:g} s; set clip.min_seconds to that or more, "
            f"or write `short: repeat` below patch in config/networks/{network['name']}.yaml"
        )
