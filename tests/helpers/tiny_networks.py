"""Small networks that tests make on the spot, and the content of their files."""

from pathlib import Path

import onnx
from onnx import TensorProto, helper

from songwise.schemas.network import Network
from songwise.schemas.read import validate

MEL = {
    "type": "mel",
    "sample_rate": 16_000,
    "n_fft": 512,
    "hop_length": 256,
    "bands": 40,
    "compression": {"kind": "log", "offset": 1e-6},
}
WAVEFORM = {"type": "waveform", "sample_rate": 16_000}
PICTURE = {"type": "picture", "sample_rate": 16_000, "n_fft": 512, "hop_length": 256, "bands": 40}
PICTURE |= {"height": 32, "width": 48}
_LAYOUTS = {
    "mel": ["batch", "frames", "bands"],
    "waveform": ["batch", "samples"],
    "picture": ["batch", 3, "height", "width"],
}


def content(front_end: dict, **changes) -> dict:
    """Return the content of a network's file as YAML would have it.

    Parameters
    ----------
    front_end : dict
        The key front_end.
    **changes
        Other keys.
    """
    weights = {"format": "onnx", "path": "tiny.onnx", "license": "none", "attribution": "this test"}
    plain = {"name": "tiny", "weights": weights, "front_end": front_end, "outputs": {"means": 40}}
    return plain | {"layout": _LAYOUTS[front_end["type"]], "patch": {"frames": 50, "short": "repeat"}} | changes


def network(front_end: dict, **changes) -> dict:
    """Return the same content with the defaults filled in."""
    return validate(content(front_end, **changes), Network, "config/networks/tiny.yaml").model_dump()


def write_onnx(path: Path, outputs: dict[str, tuple], shape: list | None = None, **options) -> Path:
    """Write a network, and return its path.

    Parameters
    ----------
    path : Path
        The file.
    outputs : dict of str to tuple
        Per output, the operator that computes it of the input, its attributes, and its shape.
    shape : list, optional
        Shape of the input, batch x frames x 40 by default. Text is an axis of any length.
    **options
        `constants`, further inputs of every operator by name; `kind`, the type of the input.
    """
    constants = options.get("constants", {})
    nodes, ends = [], []
    for name, (operator, attributes, size) in outputs.items():
        more = ["axes"] if operator.startswith("Reduce") else list(constants)
        nodes.append(helper.make_node(operator, ["sound", *more], [name], **attributes))
        ends.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, size))
    kind = options.get("kind", TensorProto.FLOAT)
    start = helper.make_tensor_value_info("sound", kind, shape or ["batch", "frames", 40])
    tensors = [helper.make_tensor(name, TensorProto.FLOAT, [len(values)], values) for name, values in constants.items()]
    tensors.append(helper.make_tensor("axes", TensorProto.INT64, [1], [options.get("axis", 1)]))
    graph = helper.make_graph(nodes, "tiny", [start], ends, tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.save(model, path)
    return path


MEANS = {"means": ("ReduceMean", {"keepdims": 0}, ["batch", 40])}
