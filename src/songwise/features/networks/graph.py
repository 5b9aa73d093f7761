"""Writing of ONNX graphs (https://onnx.ai/onnx/operators): nodes and constants, one after the other."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from onnx import ModelProto

# Versions that ONNX Runtime knows since 1.12 (2022).
OPSET = 17
_IR_VERSION = 8


class Graph:
    """An ONNX graph under construction.

    Parameters
    ----------
    name : str
        Name of the graph.
    """

    def __init__(self, name: str):
        self._name = name
        self._nodes: list = []
        self._constants: list = []
        self._inputs: list = []
        self._outputs: list = []

    def input(self, name: str, *shape: int | str) -> str:
        """Add an input of float32 and return its name.

        Parameters
        ----------
        name : str
            Its name.
        *shape : int or str
            Size per axis; text names a size that is not fixed.
        """
        self._inputs.append(_declare(name, shape))
        return name

    def constant(self, value: object) -> str:
        """Add a constant and return its name.

        Parameters
        ----------
        value : array_like
            Floating-point numbers become float32, integers int64.
        """
        from onnx import numpy_helper

        array = np.asarray(value)
        array = np.ascontiguousarray(array, dtype=np.float32 if array.dtype.kind == "f" else np.int64)
        name = f"c{len(self._constants)}"
        # ascontiguousarray makes scalars one-dimensional.
        self._constants.append(numpy_helper.from_array(array.reshape(np.shape(value)), name))
        return name

    def add(self, operator: str, *inputs: str, **attributes: object) -> str:
        """Add a node with one output and return the name of the output.

        Parameters
        ----------
        operator : str
            An operator of ONNX's default domain.
        *inputs : str
            Names of what it takes.
        **attributes : object
            The operator's attributes.
        """
        from onnx import helper

        name = f"n{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, list(inputs), [name], **attributes))
        return name

    def output(self, name: str, value: str, *shape: int | str) -> None:
        """Make a value an output of the graph.

        Parameters
        ----------
        name : str
            Name of the output.
        value : str
            What `add` returned.
        *shape : int or str
            Size per axis.
        """
        from onnx import helper

        self._nodes.append(helper.make_node("Identity", [value], [name]))
        self._outputs.append(_declare(name, shape))

    def model(self) -> "ModelProto":
        """Return the checked model."""
        from onnx import checker, helper

        graph = helper.make_graph(self._nodes, self._name, self._inputs, self._outputs, self._constants)
        model = helper.make_model(graph, producer_name="songwise", opset_imports=[helper.make_opsetid("", OPSET)])
        model.ir_version = _IR_VERSION
        checker.check_model(model, full_check=True)
        return model


def _declare(name: str, shape: tuple):
    from onnx import TensorProto, helper

    return helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape))
