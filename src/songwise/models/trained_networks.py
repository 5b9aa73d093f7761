"""Which models are networks that are trained on frames, and how to import their code.

The code of `models.deep` is imported by name. So an edit of it retrains networks only, because no other model depends
on it (`runtime.provenance`).

Light (no torch): this module is imported at every start of Snakemake.
"""

import importlib
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

NETWORK = "songwise.models.deep.estimator.DeepClassifier"
# What a network's figures depend on besides `models.cross_validation`, for `code_of`.
NETWORK_CODE = ("models.deep.estimator", "models.deep.network_file")
NETWORK_LIBRARIES = ("torch", "safetensors")
NETWORK_WEIGHTS = "network.safetensors"  # in a bundle


def is_network(model: Mapping) -> bool:
    """Return whether a model file's estimator is a network that is trained on frames.

    Parameters
    ----------
    model : mapping
        The model file's content.
    """
    return model["estimator"] == NETWORK


def is_network_bundle(folder: Path) -> bool:
    """Return whether a bundle contains a network instead of a scikit-learn pipeline.

    Parameters
    ----------
    folder : Path
        The bundle's folder.
    """
    return (folder / NETWORK_WEIGHTS).is_file()


def import_deep(module: str) -> ModuleType:
    """Import a module of `songwise.models.deep`.

    Parameters
    ----------
    module : str
        Its name in that package, such as "clip_frames".

    Returns
    -------
    module
        Imported.
    """
    return importlib.import_module(f"songwise.models.deep.{module}")
