"""ONNX Runtime, the only library that runs networks: one session per file and process, on one thread."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onnxruntime import InferenceSession


@cache
def open_session(onnx: Path) -> "InferenceSession":
    """Open a network; every session of songwise is opened here.

    Numbers below 1e-38 (denormals) are computed in software, and some networks produce many: musicnn takes 40 times as
    long with them. They are set to zero, in the whole process. ONNX Runtime does so only if the first session of the
    process asks for it.

    Parameters
    ----------
    onnx : Path
        The network in ONNX.

    Returns
    -------
    InferenceSession
        The same object for the same path.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # shards run in parallel, not operators
    options.enable_cpu_mem_arena = False  # the arena keeps the memory of the largest batch
    options.log_severity_level = 3
    options.add_session_config_entry("session.set_denormal_as_zero", "1")
    return onnxruntime.InferenceSession(str(onnx), options, providers=["CPUExecutionProvider"])
