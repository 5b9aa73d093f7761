"""A user's ONNX file is checked without running it: other files, unknown operators and wrong sizes are refused."""

import copy

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from songwise.errors import InputError
from songwise.features.networks.onnx_file import check_onnx

NETWORK = {
    "name": "mine",
    "input": "x",
    "layout": ["batch", "frames", "bands"],
    "front_end": {"type": "mel", "bands": 8},
    "patch": {"frames": 10, "short": "repeat"},
    "outputs": {"embedding": 4},
}
WEIGHTS = np.ones((8, 4), dtype=np.float32)


def declare(name, *shape, kind=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, kind, list(shape) or None)


def model(*, inputs=None, outputs=None, nodes=None, constants=None, opset=17, domain="", version=8) -> onnx.ModelProto:
    """Return a graph that multiplies its input by a matrix and takes the mean over frames."""
    nodes = nodes or [
        helper.make_node("MatMul", ["x", "w"], ["y"]),
        helper.make_node("ReduceMean", ["y"], ["embedding"], axes=[1], keepdims=0),
    ]
    graph = helper.make_graph(
        nodes,
        "graph",
        inputs or [declare("x", "b", "t", 8)],
        outputs or [declare("embedding", "b", 4)],
        constants or [numpy_helper.from_array(WEIGHTS, "w")],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid(domain, opset)])
    made.ir_version = version
    return made


def write(path, content):
    path = path / "net.onnx"
    path.write_bytes(content if isinstance(content, bytes) else content.SerializeToString())
    return path


def refusal(path, **changes) -> str:
    """Return the message for a file, which must be one short sentence that names it and what to do."""
    with pytest.raises(InputError) as caught:
        check_onnx(path, NETWORK | changes)
    message = str(caught.value)
    assert message.startswith(f"{path}: ") and "\n" not in message and len(message) < len(str(path)) + 400
    assert "Get the" in message and message.isascii()
    return message


@pytest.mark.parametrize("opset", [13, 17])
@pytest.mark.parametrize("version", [7, 8, 10])
def test_a_graph_as_the_networks_file_describes_it_is_accepted(opset, version, tmp_path):
    path = write(tmp_path, model(opset=opset, version=version))
    check_onnx(path, NETWORK)
    check_onnx(path, NETWORK | {"input": None})


def test_sizes_that_the_graph_does_not_state_are_accepted(tmp_path):
    # ONNX Runtime finds them out when it runs.
    check_onnx(write(tmp_path, model(inputs=[declare("x")], outputs=[declare("embedding")])), NETWORK)
    check_onnx(write(tmp_path, model(outputs=[declare("embedding", "b", "n")])), NETWORK)
    check_onnx(write(tmp_path, model(inputs=[declare("x", "b", 10, 8)])), NETWORK)


def test_an_output_may_have_positions_in_time_before_or_after_its_columns(tmp_path):
    nodes = [helper.make_node("MatMul", ["x", "w"], ["embedding"])]
    check_onnx(write(tmp_path, model(nodes=nodes, outputs=[declare("embedding", "b", 10, 4)])), NETWORK)
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["y"]),
        helper.make_node("Transpose", ["y"], ["embedding"], perm=[0, 2, 1]),
    ]
    check_onnx(write(tmp_path, model(nodes=nodes, outputs=[declare("embedding", "b", 4, 10)])), NETWORK)


def test_an_output_may_lack_axes_for_the_batch_and_for_time(tmp_path):
    def reduced(*axes: int, shape: tuple) -> onnx.ModelProto:
        nodes = [
            helper.make_node("MatMul", ["x", "w"], ["y"]),
            helper.make_node("ReduceMean", ["y"], ["embedding"], axes=list(axes), keepdims=0),
        ]
        sizes = ("t", 8) if 2 not in axes else ("b", "t", 8)
        return model(nodes=nodes, inputs=[declare("x", *sizes)], outputs=[declare("embedding", *shape)])

    alone = {"layout": ["frames", "bands"]}
    path = write(tmp_path, reduced(0, shape=(4,)))
    check_onnx(path, NETWORK | alone)
    assert "of size 4; the network's file has 5 columns" in refusal(path, **alone, outputs={"embedding": 5})
    path = write(tmp_path, reduced(1, 2, shape=("b",)))
    check_onnx(path, NETWORK | {"outputs": {"embedding": 1}})
    assert "of size any; the network's file has 4 columns" in refusal(path)


@pytest.mark.parametrize(
    ("shape", "changes", "words"),
    [
        (("b", "t"), {}, "2 axes; layout in the network's file has 3"),
        (("b", "t", 9), {}, "size 9 on axis 3 of its input; the network's file has 8"),
        (("b", 99, 8), {}, "size 99 on axis 2 of its input; the network's file needs patch: {frames: 99"),
        (("b", 10, 8), {"patch": {"frames": 10, "short": "keep"}}, "short: repeat or refuse"),
        (("b", 10, 8), {"patch": {"frames": None, "short": "refuse"}}, "needs patch"),
        ((1, "t", 8), {}, "write 1 instead of batch"),
        ((5, "t", 8), {}, "which is the batch"),
        (("b", "t", 8), {"input": "spectrogram"}, "the network's file has input: spectrogram"),
        ((3, "t", 8), {"layout": [1, "frames", "bands"]}, "size 3 on axis 1 of its input; the network's file has 1"),
    ],
)
def test_an_input_of_another_size_or_name_is_refused(shape, changes, words, tmp_path):
    assert words in refusal(write(tmp_path, model(inputs=[declare("x", *shape)])), **changes)


@pytest.mark.parametrize("size", [223, 3])
def test_pictures_have_the_size_of_the_front_end(size, tmp_path):
    network = {
        "layout": ["batch", 3, "height", "width"],
        "front_end": {"type": "picture", "height": 224, "width": 224},
    }
    nodes = [helper.make_node("ReduceMean", ["x"], ["embedding"], axes=[2, 3], keepdims=0)]
    outputs = [declare("embedding", "b", 3)]
    made = model(nodes=nodes, outputs=outputs, inputs=[declare("x", "b", 3, 224, size)])
    assert "the network's file has 224" in refusal(write(tmp_path, made), **network, outputs={"embedding": 3})
    made = model(nodes=nodes, outputs=outputs, inputs=[declare("x", "b", 3, 224, 224)])
    check_onnx(write(tmp_path, made), NETWORK | network | {"outputs": {"embedding": 3}})


def test_inputs_and_outputs_must_exist_as_float32(tmp_path):
    path = write(tmp_path, model())
    assert "did you mean 'embedding'?" in refusal(path, outputs={"embeding": 4})
    assert "of size any x 4; the network's file has 5 columns" in refusal(path, outputs={"embedding": 5})
    two = model(inputs=[declare("x", "b", "t", 8), declare("other", 1)])
    assert "2 inputs ('x', 'other')" in refusal(write(tmp_path, two))
    nodes = [helper.make_node("Cast", ["x"], ["embedding"], to=TensorProto.FLOAT)]
    other = model(nodes=nodes, inputs=[declare("x", "b", "t", 8, kind=TensorProto.INT64)])
    assert "another type" in refusal(write(tmp_path, other))
    nodes = [helper.make_node("Cast", ["x"], ["embedding"], to=TensorProto.INT64)]
    other = model(nodes=nodes, outputs=[declare("embedding", "b", 4, kind=TensorProto.INT64)])
    assert "another type" in refusal(write(tmp_path, other))


def external(name: str = "w") -> TensorProto:
    tensor = numpy_helper.from_array(WEIGHTS, name)
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "../../etc/passwd"
    return tensor


def within(node) -> onnx.ModelProto:
    """Return a graph with a node inside the branches of another."""
    branch = helper.make_graph([node], "branch", [], [declare("z")])
    choice = helper.make_node("If", ["c"], ["y"], then_branch=branch, else_branch=copy.deepcopy(branch))
    constant = helper.make_node("Constant", [], ["c"], value=numpy_helper.from_array(np.array(True)))
    nodes = [constant, choice, helper.make_node("MatMul", ["x", "w"], ["v"])]
    return model(nodes=[*nodes, helper.make_node("ReduceMean", ["v"], ["embedding"], axes=[1], keepdims=0)])


def test_weights_in_another_file_are_refused(tmp_path):
    nodes = [
        helper.make_node("Constant", [], ["w"], value=external()),
        helper.make_node("MatMul", ["x", "w"], ["embedding"]),
    ]
    inner = within(helper.make_node("Constant", [], ["z"], value=external()))
    for made in (model(constants=[external()]), model(nodes=nodes, constants=[external("unused")]), inner):
        assert "another file" in refusal(write(tmp_path, made))


def test_operators_of_other_libraries_are_refused(tmp_path):
    for domain in ("com.microsoft", "ai.onnx.contrib", "mine"):
        foreign = helper.make_node("PythonOp", ["x"], ["y"], domain=domain)
        made = model(nodes=[foreign, helper.make_node("Relu", ["y"], ["embedding"])])
        made.opset_import.append(helper.make_opsetid(domain, 1))
        message = refusal(write(tmp_path, made))
        assert f"'{domain}.PythonOp'" in message and "standard operators" in message
    inner = within(helper.make_node("PythonOp", ["x"], ["z"], domain="mine"))
    assert "'mine.PythonOp'" in refusal(write(tmp_path, inner))


def test_operators_that_the_file_defines_are_refused(tmp_path):
    made = model()
    relu = helper.make_node("Relu", ["a"], ["b"])
    made.functions.append(helper.make_function("", "MatMul", ["a"], ["b"], [relu], [helper.make_opsetid("", 17)]))
    assert "operators of its own" in refusal(write(tmp_path, made))


def test_versions_that_the_runtime_lacks_are_refused(tmp_path):
    assert "opset 99 of ai.onnx; ONNX Runtime has 7 to" in refusal(write(tmp_path, model(opset=99)))
    assert "opset 3 of ai.onnx" in refusal(write(tmp_path, model(opset=3)))
    assert "ONNX format version 99" in refusal(write(tmp_path, model(version=99)))
    made = model()
    made.ClearField("opset_import")
    assert "version of its operators" in refusal(write(tmp_path, made))


def test_corrupt_graphs_are_refused(tmp_path):
    unknown = [helper.make_node("MatMul", ["x", "nowhere"], ["embedding"])]
    assert "not a valid ONNX graph" in refusal(write(tmp_path, model(nodes=unknown)))
    misspelt = [helper.make_node("MatMull", ["x", "w"], ["embedding"])]
    assert "not a valid ONNX graph" in refusal(write(tmp_path, model(nodes=misspelt)))
    short = numpy_helper.from_array(WEIGHTS, "w")
    short.raw_data = bytes(3)
    assert "not a valid ONNX graph" in refusal(write(tmp_path, model(constants=[short])))


def test_missing_empty_large_and_other_files_are_refused(tmp_path):
    path = tmp_path / "net.onnx"
    assert "file not found" in refusal(path)
    for content in (b"", b"PK\x03\x04", b"<html>404</html>", bytes(1000), b"\x0a\xff\xff\xff\xff\x0f", b"\x3a\x00" * 9):
        refusal(write(tmp_path, content))
    with path.open("wb") as stream:
        stream.truncate((2 << 30) + 1)  # no bytes on most disks
    assert "2,147,483,649 bytes" in refusal(path)


def test_deeply_nested_graphs_are_refused(tmp_path):
    content = b""
    for _ in range(5000):  # graph of an attribute of a node of a graph
        for key in (b"\x32", b"\x2a", b"\x0a"):
            content = key + onnx_varint(len(content)) + content
    refusal(write(tmp_path, b"\x08\x08" + b"\x3a" + onnx_varint(len(content)) + content))


def onnx_varint(value: int) -> bytes:
    content = b""
    while value > 127:
        content += bytes([value & 127 | 128])
        value >>= 7
    return content + bytes([value])


def test_truncated_and_edited_files_are_accepted_or_refused_in_one_sentence(tmp_path):
    rng = np.random.default_rng(0)
    content = model().SerializeToString()
    forged = [content[:size] for size in range(len(content))]
    for _ in range(500):
        edited = bytearray(content)
        for position in rng.integers(len(content), size=rng.integers(1, 4)):
            edited[position] = rng.integers(256)
        forged.append(bytes(edited))
    for each in forged:
        path = write(tmp_path, each)
        try:
            check_onnx(path, NETWORK)
        except InputError as error:
            assert str(error).startswith(f"{path}: ") and "\n" not in str(error)
