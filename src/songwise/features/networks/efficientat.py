"""The ONNX graph of an EfficientAT network (mn01 to mn40) from its tensors.

EfficientAT (Schmid, Koutini, Widmer: "Efficient Large-scale Audio Tagging via Transformer-to-CNN Knowledge
Distillation", ICASSP 2023) is MobileNetV3-Large (Howard et al., ICCV 2019) on log-mel spectrograms. Widths and kernels
follow from the tensors; strides and activations are those of MobileNetV3-Large.
"""

from typing import TYPE_CHECKING

import numpy as np

from songwise.features.networks.graph import Graph
from songwise.features.networks.weights import Tensors, unusable

if TYPE_CHECKING:
    from onnx import ModelProto

_EPSILON = 1e-3  # of the batch norm
_BANDS = 128
_BLOCKS = 15
_HALVING = {2, 4, 7, 13}  # blocks with stride 2
_FIRST_HARD_SWISH = 7  # earlier blocks have ReLU


def efficientat_graph(tensors: Tensors) -> "ModelProto":
    """Return the graph of an EfficientAT network with an MLP head.

    Its input is `features`, shape (batch, frames, 128). Its outputs are per window:

    - `blocks`: for each module of the network's `features`, the mean over frequency; of it the mean over time of each
      channel, then the standard deviation over time (n - 1 in the denominator; 0 for a single frame).
    - `final`: the mean of the last feature map.
    - `hidden`: the classifier's hidden layer after its activation.
    - `tags`: the logits of the classes.

    Parameters
    ----------
    tensors : Tensors
        The network's state dictionary.

    Returns
    -------
    ModelProto
        Batch and frames are dynamic.

    Raises
    ------
    InputError
        If the tensors are of another network.
    """
    graph = Graph("efficientat")
    value = graph.input("features", "batch", "frames", _BANDS)
    value = graph.add("Transpose", graph.add("Unsqueeze", value, graph.constant([1])), perm=[0, 1, 3, 2])
    statistics = _Statistics(graph)

    value, width = _convolve(graph, tensors, "features.0", value, stride=2)
    value = graph.add("HardSwish", value)
    statistics.add(value, width)
    for number in range(1, _BLOCKS + 1):
        value, width = _block(graph, tensors, number, value, width)
        statistics.add(value, width)
    value, width = _convolve(graph, tensors, f"features.{_BLOCKS + 1}", value, inputs=width)
    value = graph.add("HardSwish", value)
    statistics.add(value, width)

    final = graph.add("ReduceMean", value, axes=[2, 3], keepdims=0)
    hidden, units = _dense(graph, tensors, "classifier.2", final, width)
    hidden = graph.add("HardSwish", hidden)
    tags, classes = _dense(graph, tensors, "classifier.5", hidden, units)
    tensors.check_all_used(ignored=["num_batches_tracked"])

    graph.output("blocks", statistics.joined(), "batch", statistics.columns)
    graph.output("final", final, "batch", width)
    graph.output("hidden", hidden, "batch", units)
    graph.output("tags", tags, "batch", classes)
    return graph.model()


class _Statistics:
    """Mean and standard deviation over time of each module's channels."""

    def __init__(self, graph: Graph):
        self._graph = graph
        self._values: list[str] = []
        self.columns = 0

    def add(self, value: str, width: int) -> None:
        """Add a feature map, shape (batch, channels, bands, frames)."""
        add, constant = self._graph.add, self._graph.constant
        rows = add("ReduceMean", value, axes=[2], keepdims=0)
        mean = add("ReduceMean", rows, axes=[2])
        frames = add("Cast", add("Shape", rows, start=2, end=3), to=1)
        others = add("Max", add("Sub", frames, constant([1.0])), constant([1.0]))
        squares = add("ReduceSumSquare", add("Sub", rows, mean), axes=[2], keepdims=0)
        deviation = add("Sqrt", add("Div", squares, others))
        self._values += [add("Squeeze", mean, constant([2])), deviation]
        self.columns += 2 * width

    def joined(self) -> str:
        return self._graph.add("Concat", *self._values, axis=1)


def _block(graph: Graph, tensors: Tensors, number: int, value: str, inputs: int) -> tuple[str, int]:
    """Add an inverted residual block: expansion (unless it has the same width), depthwise, attention, projection."""
    prefix = f"features.{number}.block"
    activation = "Relu" if number < _FIRST_HARD_SWISH else "HardSwish"
    stride = 2 if number in _HALVING else 1
    result, width, layer = value, inputs, 0
    # A depthwise convolution has one input channel per group, and an expansion a kernel of one point.
    if tensors.take(f"{prefix}.0.0.weight", None, None, None, None).shape[2] == 1:
        result, width = _convolve(graph, tensors, f"{prefix}.0", result, inputs=inputs)
        result = graph.add(activation, result)
        layer = 1
    result, width = _convolve(graph, tensors, f"{prefix}.{layer}", result, stride=stride, groups=width)
    result = graph.add(activation, result)
    if f"{prefix}.{layer + 1}.conc_se_layers.0.fc1.weight" in tensors:
        layer += 1
        result = _attend(graph, tensors, f"{prefix}.{layer}.conc_se_layers.0", result, width)
    result, outputs = _convolve(graph, tensors, f"{prefix}.{layer + 1}", result, inputs=width)
    if stride == 1 and inputs == outputs:
        result = graph.add("Add", result, value)
    return result, outputs


def _attend(graph: Graph, tensors: Tensors, prefix: str, value: str, width: int) -> str:
    """Weight the channels by squeeze and excitation (Hu et al., CVPR 2018)."""
    scale, inputs = graph.add("GlobalAveragePool", value), width
    for layer, outputs, activation in (("fc1", None, "Relu"), ("fc2", width, "Sigmoid")):
        weight = tensors.take(f"{prefix}.{layer}.weight", outputs, inputs)
        bias = tensors.take(f"{prefix}.{layer}.bias", len(weight))
        kernel = graph.constant(weight[:, :, None, None])
        scale, inputs = graph.add(activation, graph.add("Conv", scale, kernel, graph.constant(bias))), len(weight)
    return graph.add("Mul", value, scale)


def _convolve(
    graph: Graph, tensors: Tensors, prefix: str, value: str, *, inputs: int = 1, stride: int = 1, groups: int = 1
) -> tuple[str, int]:
    """Add a convolution with its batch norm folded into it; return the value and its number of channels."""
    kernel = tensors.take(f"{prefix}.0.weight", None if groups == 1 else groups, inputs, None, None)
    width, _, size, _ = kernel.shape
    if kernel.shape[2:] not in ((1, 1), (3, 3), (5, 5)):
        raise unusable(tensors.path, f"tensor {prefix}.0.weight has a kernel of {kernel.shape[2:]} points")
    scale, shift = _normalise(tensors, f"{prefix}.1", width)
    weights = (kernel * scale[:, None, None, None], shift)
    padding = [size // 2] * 4
    constants = [graph.constant(weight.astype(np.float32)) for weight in weights]
    return graph.add("Conv", value, *constants, strides=[stride] * 2, pads=padding, group=groups), width


def _normalise(tensors: Tensors, prefix: str, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a batch norm as scale and shift, float64."""
    names = ("weight", "bias", "running_mean", "running_var")
    gamma, beta, mean, variance = (tensors.take(f"{prefix}.{name}", width).astype(np.float64) for name in names)
    if variance.min() < 0:
        raise unusable(tensors.path, f"tensor {prefix}.running_var has negative values")
    scale = gamma / np.sqrt(variance + _EPSILON)
    return scale, beta - mean * scale


def _dense(graph: Graph, tensors: Tensors, prefix: str, value: str, inputs: int) -> tuple[str, int]:
    weight = tensors.take(f"{prefix}.weight", None, inputs)
    bias = tensors.take(f"{prefix}.bias", len(weight))
    return graph.add("Gemm", value, graph.constant(weight), graph.constant(bias), transB=1), len(weight)
