"""Checks of a model and its preset before a run: that torch is installed, and that the preset has the network's input.

Light (no torch): it runs at every start of Snakemake.
"""

import importlib.util
from collections.abc import Mapping

from songwise.errors import InputError
from songwise.models.trained_networks import NETWORK_LIBRARIES, is_network


def require(model: Mapping) -> None:
    """Check that the packages that a model needs are installed.

    Parameters
    ----------
    model : mapping
        A model (`models.files.load_model`). Only networks need more than songwise's own packages.

    Raises
    ------
    InputError
        With the command that installs them.
    """
    if is_network(model):
        require_for(f"config/models/{model['name']}.yaml")


def require_for(where: object) -> None:
    """Raise InputError with the command that installs them if torch or safetensors is missing; `where` needs them."""
    if not all(map(importlib.util.find_spec, NETWORK_LIBRARIES)):
        raise InputError(
            f"{where}: networks need torch and safetensors, which are not installed; run: make deep (or: "
            "pip install torch safetensors)"
        )


def check_preset(model: Mapping, preset: Mapping) -> None:
    """Check that a preset has what a model is trained on: frames for a network, columns for any other model.

    Parameters
    ----------
    model : mapping
        A model (`models.files.load_model`).
    preset : mapping
        A resolved preset.

    Raises
    ------
    InputError
        If it does not.
    """
    where = f"config/models/{model['name']}.yaml: features: preset {preset['name']}"
    if not is_network(model):
        if preset["columns"] == 0:
            raise InputError(f"{where} has frames only, which only networks can use; choose a preset with columns")
        return
    families = preset.get("frames", {}).get("families", {})
    family = model["parameters"].get("family", "log_mel")
    if family not in families:
        known = ", ".join(families) or "none"
        raise InputError(
            f"{where} has no frames of {family} (it has: {known}); choose a preset whose frames.families has {family}"
        )
