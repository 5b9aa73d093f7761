"""The graph of musicnn equals the published network's reference, dead filters or not."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from helpers import plain_networks
from helpers.networks import musicnn_features, musicnn_wheel, reference_signal, run_onnx, shared_model

from songwise.errors import InputError
from songwise.features.networks.musicnn import musicnn_graph
from songwise.features.networks.tensorflow_checkpoint import read_tensorflow_checkpoint
from songwise.features.networks.weights import Tensors

OUTPUTS = {"penultimate": "penult", "mean_pool": "mean", "max_pool": "max", "tags": "tag"}  # name in reference.npz
SIZES = {"penultimate": 200, "mean_pool": 753, "max_pool": 753, "tags": 50}
# A part of reference.npz: every eighth column of the pooled features, for clones without shared/.
SMALL = Path(__file__).with_name("reference_small.npz")
FRONT = ((7, 38, 204), (7, 67, 204), (128, 1, 51), (64, 1, 51), (32, 1, 51))  # frames, bands, filters
CONVOLUTIONS = (*FRONT, (7, 561, 64), (7, 64, 64), (7, 64, 64))


def graph(tensors, path="net.whl") -> bytes:
    return musicnn_graph(Tensors(path, tensors)).SerializeToString()


@cache
def published_tensors() -> dict[str, np.ndarray]:
    return read_tensorflow_checkpoint(musicnn_wheel(), "musicnn/MSD_musicnn/")


@cache
def published() -> bytes:
    return graph(published_tensors())


def random_tensors(*, dead: float = 0.5, **changes) -> dict[str, np.ndarray]:
    """Return random tensors, with a part of the filters dead, and a part of the scales negative."""
    rng = np.random.default_rng(0)
    tensors = {"beta1_power": np.array(0.9), "conv2d/kernel/Adam": np.zeros(3)}

    def normalise(number, width):
        name = "batch_normalization" + (f"_{number}" if number else "")
        for part in ("gamma", "beta", "moving_mean"):
            tensors[f"{name}/{part}"] = rng.normal(size=width)
        tensors[f"{name}/moving_variance"] = rng.uniform(0.5, 2, size=width)

    normalise(0, 1)
    for number, (frames, bands, filters) in enumerate(CONVOLUTIONS):
        name = "conv2d" + (f"_{number}" if number else "")
        kernel = rng.normal(size=(frames, bands, 1, filters)) / np.sqrt(frames * bands)
        kernel[..., rng.uniform(size=filters) < dead] *= 1e-30
        tensors[f"{name}/kernel"], tensors[f"{name}/bias"] = kernel, rng.normal(size=filters)
        normalise(number + 1, filters)
    normalise(9, 1506)
    normalise(10, 200)
    tensors["dense/kernel"], tensors["dense/bias"] = rng.normal(size=(1506, 200)) / 40, rng.normal(size=200)
    tensors["dense_1/kernel"], tensors["dense_1/bias"] = rng.normal(size=(200, 50)) / 14, rng.normal(size=50)
    tensors |= changes
    return {name: tensor.astype(np.float32) for name, tensor in tensors.items() if tensor is not None}


def test_outputs_equal_the_reference():
    reference = np.load(shared_model("reference.npz"))
    patches = musicnn_features(reference["musicnn_input"])
    assert len(patches) == int(reference["musicnn_patches"])
    np.testing.assert_allclose(patches[0], reference["musicnn_first_patch"], atol=1e-4)
    outputs = run_onnx(published(), patches)
    for name, short in OUTPUTS.items():
        np.testing.assert_allclose(outputs[name], reference[f"musicnn_{short}"], rtol=1e-4, atol=1e-4)


def test_outputs_equal_the_part_of_the_reference_in_the_repository():
    reference = np.load(SMALL)
    outputs = run_onnx(published(), musicnn_features(reference_signal(16000, 12)))
    for name in OUTPUTS:
        step = 8 if "pool" in name else 1
        np.testing.assert_allclose(outputs[name][:, ::step], reference[name], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", ["silence", "noise", "loud"])
def test_dead_filters_change_nothing(kind):
    noise = np.random.default_rng(0).uniform(0, 8, size=(187, 96))
    patch = {"silence": 0 * noise, "noise": noise, "loud": noise + 8}[kind].astype(np.float32)
    outputs, expected = run_onnx(published(), patch[None]), plain_networks.musicnn(published_tensors(), patch)
    for name in OUTPUTS:
        np.testing.assert_allclose(outputs[name][0], expected[name], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("dead", [0, 0.5, 1])
def test_other_weights_equal_the_plain_network(dead):
    tensors = random_tensors(dead=dead)
    patches = np.random.default_rng(1).uniform(0, 5, size=(2, 187, 96)).astype(np.float32)
    outputs = run_onnx(graph(tensors), patches)
    assert {name: output.shape[1] for name, output in outputs.items()} == SIZES
    for number, patch in enumerate(patches):
        expected = plain_networks.musicnn(tensors, patch)
        for name in OUTPUTS:
            np.testing.assert_allclose(outputs[name][number], expected[name], rtol=1e-4, atol=1e-4)


def test_equal_weights_give_equal_bytes():
    assert graph(random_tensors()) == graph(random_tensors())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"conv2d/kernel": None}, "lacks the tensor conv2d/kernel"),
        ({"conv2d/kernel": np.zeros((7, 38, 1, 9))}, "shape (7, 38, 1, 9) instead of (7, 38, 1, 204)"),
        ({"conv2d/bias": np.full(204, np.inf)}, "not finite"),
        ({"batch_normalization_3/moving_variance": np.full(51, -1.0)}, "negative"),
        ({"conv2d_8/kernel": np.zeros(3)}, "unknown tensors ('conv2d_8/kernel')"),
    ],
)
def test_tensors_of_another_network_are_refused(changes, words):
    with pytest.raises(InputError, match=r"^net\.whl: ") as caught:
        graph(random_tensors(**changes))
    assert words in str(caught.value)
