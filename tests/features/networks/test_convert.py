"""A network's weights become an ONNX file once; weights with another checksum are refused before they are read."""

import shutil
import sys

import numpy as np
import pytest
from helpers.checkpoints import write_torch_checkpoint
from helpers.networks import MUSICNN_SHA256, musicnn_features, musicnn_wheel, reference_signal, run_onnx, shared_model
from helpers.process import run_python

from songwise.errors import InputError
from songwise.features.networks import convert
from songwise.features.networks.convert import onnx_of
from songwise.files import file_digest

EFFICIENTAT = {
    "name": "efficientat_mn04",
    "weights": {
        "format": "efficientat",
        "sha256": "899a8c6217063f6941793102a2780b3dd788ab11fce468d9cf5f0577c453321c",
    },
    "front_end": {"type": "mel", "bands": 128},
    "patch": {"frames": 1000, "hop": 1000, "short": "keep"},
    "input": "features",
    "layout": ["batch", "frames", "bands"],
    "outputs": {"blocks": 1792, "final": 384, "hidden": 512, "tags": 527},
}
MUSICNN = {
    "name": "musicnn",
    "weights": {"format": "musicnn", "sha256": MUSICNN_SHA256},
    "front_end": {"type": "mel", "bands": 96},
    "patch": {"frames": 187, "hop": 187, "short": "refuse"},
    "input": "features",
    "layout": ["batch", "frames", "bands"],
    "outputs": {"penultimate": 200, "mean_pool": 753, "max_pool": 753, "tags": 50},
}
