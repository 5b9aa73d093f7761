"""Check of an ONNX file that songwise did not write, without running it.

ONNX Runtime executes only the operators that it contains, but a file can name others (of a library to load) and other
files to read. Both are refused, as is a graph without the inputs and outputs that the network's file describes.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from songwise.errors import suggestion
from songwise.features.networks.weights import check_size, unusable

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto

# Versions of operators by domain, and of the format, that ONNX Runtime 1.31 runs. It supports opsets from 7.
_OPSETS = {"": (7, 26), "ai.onnx": (7, 26), "ai.onnx.ml": (1, 5)}
_FORMATS = (3, 13)
_SHOWN = 8  # names in a message
_FLOAT = 1  # TensorProto.FLOAT
_EXTERNAL = 1  # TensorProto.EXTERNAL


class _Refusal(Exception):  # noqa: N818 - it is not an error of ours
    """What is wrong with a file, as the end of a sentence."""


def check_onnx(path: Path, network: Mapping) -> None:
    """Check that an ONNX file can serve as a network, without running it.

    Parameters
    ----------
    path : Path
        The ONNX file.
    network : mapping
        Content of the network's file: its keys name, input, layout, patch, front_end and outputs.

    Raises
    ------
    InputError
        If the file is missing, corrupt or above 2 GiB, refers to other files or to operators that are not ONNX's own,
        is too new for ONNX Runtime, or lacks an input or output of the stated size.
    """
    path = Path(path)
    check_size(path)
    try:
        model = _parse(path)
        _check_versions(model)
        _check_contents(model)
        check_ends(path, model, network)
        _check_validity(model)
    except _Refusal as error:
        raise unusable(path, str(error)) from None


def check_ends(path: Path, model: "ModelProto", network: Mapping) -> None:
    """Check that a graph has the input and the outputs that a network's file describes.

    Parameters
    ----------
    path : Path
        The file of weights, for messages.
    model : ModelProto
        The graph.
    network : mapping
        As in `check_onnx`.

    Raises
    ------
    InputError
        If the input or an output is missing, or has another size or type.
    """
    try:
        _check_input(model.graph, network)
        _check_outputs(model.graph, network)
    except _Refusal as error:
        raise unusable(path, str(error)) from None


def _parse(path: Path) -> "ModelProto":
    import onnx
    from google.protobuf.message import DecodeError

    model = onnx.ModelProto()
    try:
        # onnx.load would also read other formats, chosen by the file's name, and the files that it refers to.
        model.ParseFromString(path.read_bytes())
    except (DecodeError, RuntimeError, MemoryError):
        raise _Refusal("is not an ONNX file, or is corrupt") from None
    if not model.graph.node:
        raise _Refusal("is an ONNX file without a graph, or is corrupt")
    return model


def _check_versions(model: "ModelProto") -> None:
    lowest, highest = _FORMATS
    if not lowest <= model.ir_version <= highest:
        raise _Refusal(f"has ONNX format version {model.ir_version}; ONNX Runtime reads {lowest} to {highest}")
    if not model.opset_import:
        raise _Refusal("does not name the version of its operators, or is corrupt")
    for opset in model.opset_import:
        if opset.domain not in _OPSETS:
            continue  # an unused domain is harmless; a used one is refused below
        lowest, highest = _OPSETS[opset.domain]
        if not lowest <= opset.version <= highest:
            domain = opset.domain or "ai.onnx"
            raise _Refusal(f"has opset {opset.version} of {domain}; ONNX Runtime has {lowest} to {highest}")


def _check_contents(model: "ModelProto") -> None:
    if model.functions:
        raise _Refusal("defines operators of its own; export it with these inlined")
    for item in _parts(model.graph):
        if hasattr(item, "op_type"):
            if item.domain not in _OPSETS:
                name = f"{item.domain[:60]}.{item.op_type[:60]}"
                raise _Refusal(f"needs the operator {name!a}; songwise runs only the standard operators of ONNX")
        elif item.data_location == _EXTERNAL or item.external_data:
            raise _Refusal("refers to another file for its weights; export it as one file")


def _parts(graph: "GraphProto") -> "Iterator[NodeProto | TensorProto]":
    """Yield all nodes and tensors of a graph and of the graphs within it."""
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield from (sparse.values, sparse.indices)
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            yield from (attribute.t, *attribute.tensors)
            for sparse in (attribute.sparse_tensor, *attribute.sparse_tensors):
                yield from (sparse.values, sparse.indices)
            # Protocol buffers limit how deep these can be nested.
            for inner in (attribute.g, *attribute.graphs):
                yield from _parts(inner)


def _check_validity(model: "ModelProto") -> None:
    from onnx import checker

    for value in (*model.graph.input, *model.graph.output):
        # The checker demands a shape, ONNX Runtime does not. An empty one is not compared with anything.
        if value.type.HasField("tensor_type"):
            value.type.tensor_type.shape.SetInParent()
    try:
        checker.check_model(model)
    except Exception as error:  # of several types, by what is wrong
        first = str(error).strip().splitlines() or [type(error).__name__]
        raise _Refusal(f"is not a valid ONNX graph ({first[0][:120]!a})") from None


def _check_input(graph: "GraphProto", network: Mapping) -> None:
    constants = {tensor.name for tensor in graph.initializer}
    inputs = {name: value for name, value in _by_name(graph.input).items() if name not in constants}
    if len(inputs) != 1:
        raise _Refusal(f"has {len(inputs)} inputs ({_names(inputs)}); songwise feeds networks with one input")
    [(name, value)] = inputs.items()
    if network.get("input") not in (None, name):
        raise _Refusal(f"has the input {name!a}; the network's file has input: {network['input']}")
    if value.type.tensor_type.elem_type != _FLOAT:
        raise _Refusal(f"has the input {name!a} of another type than float32")
    sizes, layout = _sizes(value), network["layout"]
    if sizes is None:
        return
    if len(sizes) != len(layout):
        raise _Refusal(f"has the input {name!a} with {len(sizes)} axes; layout in the network's file has {len(layout)}")
    for number, (size, axis) in enumerate(zip(sizes, layout, strict=True), start=1):
        _check_axis(number, size, axis, network)


def _check_axis(number: int, size: int | None, axis: str | int, network: Mapping) -> None:
    """Check the size of an axis of the input, unless the graph takes any."""
    if size is None:
        return
    where = f"has the size {size} on axis {number} of its input"
    if axis == "batch":
        raise _Refusal(f"{where}; write 1 instead of batch in layout" if size == 1 else f"{where}, which is the batch")
    if axis in ("frames", "samples"):
        patch = network.get("patch") or {}
        if patch.get("short") == "keep" or patch.get("frames") != size:
            raise _Refusal(f"{where}; the network's file needs patch: {{frames: {size}, short: repeat or refuse}}")
    else:
        wanted = axis if isinstance(axis, int) else network["front_end"].get(axis, size)
        if size != wanted:
            raise _Refusal(f"{where}; the network's file has {wanted}")


def _check_outputs(graph: "GraphProto", network: Mapping) -> None:
    outputs = _by_name(graph.output)
    for name, columns in network["outputs"].items():
        if name not in outputs:
            raise _Refusal(
                f"does not have the output {name!a}{suggestion(name, [each[:60] for each in outputs][:_SHOWN])}"
            )
        if outputs[name].type.tensor_type.elem_type != _FLOAT:
            raise _Refusal(f"has the output {name!a} of another type than float32")
        sizes = _sizes(outputs[name])
        if sizes is None:
            continue
        # Besides the columns, an output may have axes for batch and positions in time. One column needs no axis.
        without_batch = sizes["batch" in network["layout"] :] or [1]
        if None not in without_batch and columns not in without_batch:
            known = " x ".join("any" if size is None else str(size) for size in sizes)
            raise _Refusal(f"has the output {name!a} of size {known}; the network's file has {columns} columns")


def _by_name(values: "Iterable[ValueInfoProto]") -> "dict[str, ValueInfoProto]":
    named = {value.name: value for value in values}
    # Protocol buffers give bytes for text that is not UTF-8.
    if not all(
        isinstance(name, str) and name.isascii() and name.isprintable() and 0 < len(name) <= 100 for name in named
    ):
        raise _Refusal("has inputs or outputs with names that are not printable ASCII")
    return named


def _sizes(value: "ValueInfoProto") -> list[int | None] | None:
    """Return the size per axis, None where the graph takes any; None if even the number of axes is not stated."""
    kind = value.type.tensor_type
    if not kind.HasField("shape"):
        return None
    return [axis.dim_value if axis.HasField("dim_value") and axis.dim_value > 0 else None for axis in kind.shape.dim]


def _names(values: Mapping[str, object]) -> str:
    return ", ".join(ascii(name[:60]) for name in list(values)[:_SHOWN]) or "none"
