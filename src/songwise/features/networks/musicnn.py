"""The ONNX graph of musicnn (Pons and Serra, ISMIR 2019 late-breaking demo) from its tensors.

Most filters of the published network are dead: weight decay has driven their weights to about 1e-30, so their output
does not depend on the input. The graph replaces each of them by its constant, which makes the network seven times
faster.
"""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from songwise.features.networks.graph import Graph
from songwise.features.networks.weights import Tensors, unusable

if TYPE_CHECKING:
    from onnx import ModelProto

FRAMES = 187
_BANDS = 96
_EPSILON = 1e-3  # of the batch norm
_MIDDLE = 64  # filters per layer of the middle
_UNITS = 200
_TAGS = 50
# Filters of the first layer: number of the layer, frames, bands, number of filters.
_FRONT = ((0, 7, 38, 204), (1, 7, 67, 204), (2, 128, 1, 51), (3, 64, 1, 51), (4, 32, 1, 51))
_NEGLIGIBLE = 1e-9  # largest change of an output per unit of the input, whose values are below 100
_TINY = 1e-20  # smaller weights become 0: they change nothing, and products with them are slow (denormal)
_OPTIMISER = ("/Adam", "/Adam_1", "beta1_power", "beta2_power")


def musicnn_graph(tensors: Tensors) -> "ModelProto":
    """Return the graph of musicnn.

    Its input is `features`, shape (batch, 187, 96). Its outputs are per patch:

    - `penultimate`: the dense layer after ReLU and batch norm.
    - `mean_pool` and `max_pool`: mean and maximum over time of all layers' features (not interleaved, unlike the
      vector that the network's dense layer takes).
    - `tags`: the logits of the tags.

    Parameters
    ----------
    tensors : Tensors
        Those of the checkpoint MSD_musicnn.

    Returns
    -------
    ModelProto
        The batch is dynamic.

    Raises
    ------
    InputError
        If the tensors are of another network.
    """
    graph = Graph("musicnn")
    value = graph.add("Unsqueeze", graph.input("features", "batch", FRAMES, _BANDS), graph.constant([1]))
    value = _shift(graph, value, *_normalisation(tensors, 0, 1))

    front = [_front_layer(graph, tensors, value, *layer) for layer in _FRONT]
    live = graph.add("Concat", *(layer.live for layer in front), axis=1)
    is_live = np.concatenate([layer.is_live for layer in front])
    constants = np.concatenate([layer.constants for layer in front])
    middle = _middle_layers(graph, tensors, live, is_live, constants)

    features = graph.add("Concat", live, *middle, axis=1)
    is_live = np.concatenate([is_live, np.ones(len(middle) * _MIDDLE, dtype=bool)])
    constants = np.concatenate([constants, np.zeros(len(middle) * _MIDDLE)])
    # Each live feature goes to its column; the others are constants.
    columns = [graph.constant(np.eye(len(is_live))[is_live]), graph.constant(constants)]
    maximum, mean = (
        graph.add("Gemm", graph.add(operator, features, axes=[2], keepdims=0), *columns)
        for operator in ("ReduceMax", "ReduceMean")
    )
    penultimate, tags = _dense_layers(graph, tensors, maximum, mean, len(is_live))
    tensors.check_all_used(ignored=_OPTIMISER)

    graph.output("penultimate", penultimate, "batch", _UNITS)
    graph.output("mean_pool", mean, "batch", len(is_live))
    graph.output("max_pool", maximum, "batch", len(is_live))
    graph.output("tags", tags, "batch", _TAGS)
    return graph.model()


class _FrontLayer(NamedTuple):
    """Filters of the first layer: the live ones' values in the graph, and the constants of the others."""

    live: str
    is_live: np.ndarray
    constants: np.ndarray


def _front_layer(
    graph: Graph, tensors: Tensors, value: str, number: int, frames: int, bands: int, filters: int
) -> _FrontLayer:
    """Add filters over time and frequency: convolution, ReLU, batch norm, maximum over frequency."""
    kernel, bias = _convolution(tensors, number, frames, bands, filters)
    scale, shift = _normalisation(tensors, number + 1, filters)
    reach = np.abs(kernel).sum(axis=(1, 2, 3)) * np.abs(scale)
    is_live = reach >= _NEGLIGIBLE
    is_live[np.argmax(reach)] = True  # a graph needs at least one
    constants = np.where(is_live, 0, np.maximum(bias, 0) * scale + shift)

    # The maximum comes first, because it is fewer values then. A negative scale makes it the minimum of the filter:
    # the maximum of the negative filter.
    sign = np.where(scale[is_live] < 0, -1.0, 1.0)
    weights = (kernel[is_live] * sign[:, None, None, None], bias[is_live] * sign)
    before, after = (frames - 1) // 2, frames // 2
    result = graph.add("Conv", value, *map(graph.constant, weights), pads=[before, 0, after, 0])
    result = graph.add("MaxPool", result, kernel_shape=[1, _BANDS - bands + 1])
    result = graph.add("Squeeze", result, graph.constant([3]))
    result = graph.add("Relu", graph.add("Mul", result, graph.constant(sign[:, None])))
    return _FrontLayer(_shift(graph, result, scale[is_live], shift[is_live]), is_live, constants)


def _middle_layers(
    graph: Graph, tensors: Tensors, live: str, is_live: np.ndarray, constants: np.ndarray
) -> tuple[str, str, str]:
    """Add three convolutions over time, the second and third with residual connections."""
    kernel, bias = _convolution(tensors, 5, 7, len(is_live), _MIDDLE)
    kernel = kernel[:, 0].transpose(0, 2, 1)  # filters, features, frames
    # One feature of ones stands for all constant ones. The padding at the edges applies to it as to them.
    ones = graph.add("Shape", live, start=0, end=1)
    ones = graph.add("Concat", ones, graph.constant([1, FRAMES]), axis=0)
    ones = graph.add("Expand", graph.constant([1.0]), ones)
    joined = np.concatenate([kernel[:, is_live], np.einsum("ofk,f->ok", kernel, constants)[:, None]], axis=1)
    first = _middle_layer(graph, tensors, 5, graph.add("Concat", live, ones, axis=1), joined, bias)

    kernel, bias = _convolution(tensors, 6, 7, _MIDDLE, _MIDDLE)
    second = _middle_layer(graph, tensors, 6, first, kernel[:, 0].transpose(0, 2, 1), bias)
    second = graph.add("Add", second, first)
    kernel, bias = _convolution(tensors, 7, 7, _MIDDLE, _MIDDLE)
    third = _middle_layer(graph, tensors, 7, second, kernel[:, 0].transpose(0, 2, 1), bias)
    return first, second, graph.add("Add", third, second)


def _middle_layer(graph: Graph, tensors: Tensors, number: int, value: str, kernel: np.ndarray, bias: np.ndarray) -> str:
    weights = (graph.constant(kernel), graph.constant(bias))
    value = graph.add("Relu", graph.add("Conv", value, *weights, pads=[3, 3]))
    return _shift(graph, value, *_normalisation(tensors, number + 1, len(bias)))


def _dense_layers(graph: Graph, tensors: Tensors, maximum: str, mean: str, features: int) -> tuple[str, str]:
    """Add the dense layer, which takes maximum and mean of each feature in turn, and the layer of the tags."""
    scale, shift = _normalisation(tensors, 9, 2 * features)
    weight = tensors.take("dense/kernel", 2 * features, _UNITS).astype(np.float64)
    bias = tensors.take("dense/bias", _UNITS) + shift @ weight
    weight = weight * scale[:, None]
    value = graph.add("Gemm", maximum, graph.constant(weight[0::2]), graph.constant(bias))
    value = graph.add("Relu", graph.add("Add", value, graph.add("MatMul", mean, graph.constant(weight[1::2]))))
    scale, shift = _normalisation(tensors, 10, _UNITS)
    penultimate = graph.add("Add", graph.add("Mul", value, graph.constant(scale)), graph.constant(shift))
    weight = graph.constant(tensors.take("dense_1/kernel", _UNITS, _TAGS))
    bias = graph.constant(tensors.take("dense_1/bias", _TAGS))
    return penultimate, graph.add("Gemm", penultimate, weight, bias)


def _convolution(tensors: Tensors, number: int, frames: int, bands: int, filters: int) -> tuple[np.ndarray, np.ndarray]:
    """Return kernels, shape (filters, 1, frames, bands), and biases of a convolution, float64."""
    name = "conv2d" if number == 0 else f"conv2d_{number}"
    kernel = tensors.take(f"{name}/kernel", frames, bands, 1, filters).astype(np.float64)
    kernel[np.abs(kernel) < _TINY] = 0
    return kernel.transpose(3, 2, 0, 1), tensors.take(f"{name}/bias", filters).astype(np.float64)


def _normalisation(tensors: Tensors, number: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a batch norm as scale and shift, float64."""
    name = "batch_normalization" if number == 0 else f"batch_normalization_{number}"
    parts = ("gamma", "beta", "moving_mean", "moving_variance")
    gamma, beta, mean, variance = (tensors.take(f"{name}/{part}", width).astype(np.float64) for part in parts)
    if variance.min() < 0:
        raise unusable(tensors.path, f"tensor {name}/moving_variance has negative values")
    scale = gamma / np.sqrt(variance + _EPSILON)
    return scale, beta - mean * scale


def _shift(graph: Graph, value: str, scale: np.ndarray, shift: np.ndarray) -> str:
    """Add a scale and a shift per feature, which are on the last but one axis."""
    value = graph.add("Mul", value, graph.constant(scale[:, None]))
    return graph.add("Add", value, graph.constant(shift[:, None]))
