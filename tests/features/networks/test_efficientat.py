"""The graph of EfficientAT equals the published network's reference, and a plain copy for other widths."""

from functools import cache

import numpy as np
import pytest
from helpers import plain_networks
from helpers.networks import efficientat_features, reference_signal, run_onnx, shared_model

from songwise.errors import InputError
from songwise.features.networks.efficientat import efficientat_graph
from songwise.features.networks.torch_checkpoint import read_torch_checkpoint
from songwise.features.networks.weights import Tensors

OUTPUTS = ("blocks", "final", "hidden", "tags")
KERNELS = {**dict.fromkeys(range(1, 16), 3), **dict.fromkeys((4, 5, 6, 13, 14, 15), 5)}
ATTENTION = {4, 5, 6, 11, 12, 13, 14, 15}


def graph(tensors, path="net.pt") -> bytes:
    return efficientat_graph(Tensors(path, tensors)).SerializeToString()


@cache
def published() -> bytes:
    path = shared_model("mn04_as_mAP_432.pt")
    return graph(read_torch_checkpoint(path), path)


def small(**changes) -> dict[str, np.ndarray]:
    """Return random tensors of a network with few channels, some tensors changed."""
    rng = np.random.default_rng(0)
    tensors = {}

    def layer(name, outputs, inputs, size):
        tensors[f"{name}.0.weight"] = rng.normal(size=(outputs, inputs, size, size)) / np.sqrt(inputs * size)
        for part in ("weight", "bias", "running_mean"):
            tensors[f"{name}.1.{part}"] = rng.normal(size=outputs)
        tensors[f"{name}.1.running_var"] = rng.uniform(0.5, 2, size=outputs)
        tensors[f"{name}.1.num_batches_tracked"] = np.array(3)

    def dense(name, outputs, inputs):
        tensors[f"{name}.weight"] = rng.normal(size=(outputs, inputs)) / np.sqrt(inputs)
        tensors[f"{name}.bias"] = rng.normal(size=outputs)

    width = 4
    layer("features.0", width, 1, 3)
    for number in range(1, 16):
        prefix, position = f"features.{number}.block", 0
        inputs, expanded, outputs = width, width, (4 if number < 4 else 5 if number < 9 else 6)
        if number > 1:
            expanded, position = 7 + number % 3, 1
            layer(f"{prefix}.0", expanded, inputs, 1)
        layer(f"{prefix}.{position}", expanded, 1, KERNELS[number])
        if number in ATTENTION:
            position += 1
            dense(f"{prefix}.{position}.conc_se_layers.0.fc1", 3, expanded)
            dense(f"{prefix}.{position}.conc_se_layers.0.fc2", expanded, 3)
        layer(f"{prefix}.{position + 1}", outputs, expanded, 1)
        width = outputs
    layer("features.16", 9, width, 1)
    dense("classifier.2", 8, 9)
    dense("classifier.5", 11, 8)
    tensors |= changes
    return {
        name: tensor if tensor.dtype.kind == "i" else tensor.astype(np.float32)
        for name, tensor in tensors.items()
        if tensor is not None
    }


def test_outputs_equal_the_reference():
    reference = np.load(shared_model("reference.npz"))
    features = efficientat_features(reference["mn04_input"])
    assert features.shape == (int(reference["mn04_frames"]), 128)
    np.testing.assert_allclose(features.mean(0), reference["mn04_spectrogram_mean"], atol=1e-4)
    outputs = run_onnx(published(), features[None])
    for name in OUTPUTS:
        np.testing.assert_allclose(outputs[name], reference[f"mn04_{name}"], rtol=1e-4, atol=1e-4)


def test_the_reference_was_made_from_the_signal_of_the_tests():
    reference = np.load(shared_model("reference.npz"))
    np.testing.assert_array_equal(reference_signal(32000, 10), reference["mn04_input"])
    np.testing.assert_array_equal(reference_signal(16000, 12), reference["musicnn_input"])


@pytest.mark.parametrize("frames", [1000, 137, 32, 1])
def test_windows_of_any_length_equal_the_plain_network(frames):
    tensors = read_torch_checkpoint(shared_model("mn04_as_mAP_432.pt"))
    features = efficientat_features(reference_signal(32000, 10))[:frames]
    outputs, expected = run_onnx(published(), features[None]), plain_networks.efficientat(tensors, features)
    for name in OUTPUTS:
        np.testing.assert_allclose(outputs[name][0], expected[name], rtol=1e-4, atol=1e-4)


def test_other_widths_are_read_from_the_tensors():
    tensors = small()
    features = np.random.default_rng(1).normal(size=(3, 77, 128)).astype(np.float32)
    outputs = run_onnx(graph(tensors), features)
    assert {name: outputs[name].shape[1] for name in OUTPUTS} == {"blocks": 184, "final": 9, "hidden": 8, "tags": 11}
    for number, window in enumerate(features):
        expected = plain_networks.efficientat(tensors, window)
        for name in OUTPUTS:
            np.testing.assert_allclose(outputs[name][number], expected[name], rtol=1e-4, atol=1e-4)


def test_a_single_frame_has_a_deviation_of_zero():
    features = np.random.default_rng(1).normal(size=(2, 1, 128)).astype(np.float32)
    outputs = run_onnx(graph(small()), features)
    assert all(np.isfinite(output).all() for output in outputs.values())
    np.testing.assert_array_equal(outputs["blocks"][:, 4:8], 0)


def test_a_window_does_not_depend_on_the_others_of_its_batch():
    features = np.random.default_rng(1).normal(size=(5, 64, 128)).astype(np.float32)
    together, alone = run_onnx(graph(small()), features), run_onnx(graph(small()), features[2:3])
    for name in OUTPUTS:
        np.testing.assert_allclose(together[name][2:3], alone[name], rtol=1e-5, atol=1e-5)


def test_equal_weights_give_equal_bytes():
    assert graph(small()) == graph(small())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"features.0.0.weight": None}, "lacks the tensor features.0.0.weight"),
        ({"classifier.5.weight": None}, "lacks the tensor classifier.5.weight"),
        ({"extra.weight": np.zeros(3)}, "unknown tensors ('extra.weight')"),
        ({"features.0.0.weight": np.zeros((4, 2, 3, 3))}, "shape (4, 2, 3, 3) instead of (any, 1, any, any)"),
        ({"features.0.0.weight": np.zeros((0, 1, 3, 3))}, "shape"),
        ({"features.0.0.weight": np.zeros(3)}, "shape"),
        ({"features.0.0.weight": np.zeros((4, 1, 4, 4))}, "kernel of (4, 4)"),
        ({"features.0.0.weight": np.full((4, 1, 3, 3), np.nan)}, "not finite"),
        ({"features.0.0.weight": np.zeros((4, 1, 3, 3), dtype=int)}, "not finite"),
        ({"features.0.1.running_var": np.full(4, -1.0)}, "negative"),
        ({"features.3.block.1.0.weight": np.zeros((3, 1, 3, 3))}, "shape"),
        ({"features.4.block.2.conc_se_layers.0.fc2.weight": np.zeros((1, 3))}, "shape"),
        ({"features.4.block.2.conc_se_layers.0.fc2.weight": np.zeros((8, 5))}, "shape (8, 5) instead of (8, 3)"),
        ({"features.4.block.2.conc_se_layers.1.fc1.weight": np.zeros((1, 3))}, "unknown tensors"),
    ],
)
def test_tensors_of_another_network_are_refused(changes, words):
    with pytest.raises(InputError, match=r"^net\.pt: ") as caught:
        graph(small(**changes))
    assert words in str(caught.value)
