"""Fixed seeds, one thread and deterministic algorithms, for the duration of a fit."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

_CUBLAS = "CUBLAS_WORKSPACE_CONFIG"  # without it, cuBLAS is not deterministic


@contextmanager
def reproducible(seed: int, device: torch.device) -> Iterator[None]:
    """Make what torch computes depend on the seed alone, and leave its global state as it was.

    There is one thread, so that figures do not depend on the number of cores. Some algorithms of a GPU have no
    deterministic version; torch then warns.

    Parameters
    ----------
    seed : int
        Seed of torch's global generators.
    device : device
        The device that computes.

    Yields
    ------
    None
        While the settings hold.
    """
    on_gpu = device.type == "cuda"
    threads, workspace = torch.get_num_threads(), os.environ.get(_CUBLAS)
    deterministic, warn_only = (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )
    with torch.random.fork_rng(devices=[device] if on_gpu else []):
        torch.default_generator.manual_seed(seed)
        if on_gpu:
            torch.cuda.manual_seed(seed)
            os.environ.setdefault(_CUBLAS, ":4096:8")
        torch.set_num_threads(1)
        torch.use_deterministic_algorithms(True, warn_only=on_gpu)
        try:
            yield
        finally:
            torch.use_deterministic_algorithms(deterministic, warn_only=warn_only)
            torch.set_num_threads(threads)
            if on_gpu and workspace is None:
                del os.environ[_CUBLAS]
