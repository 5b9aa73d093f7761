"""Tensors of a weights file, and the error for a file that cannot be used."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from songwise.errors import InputError

# Caps that all networks of these kinds are far below: a forged file must not fill the memory.
LARGEST_FILE = 2 << 30  # bytes
MOST_TENSORS = 10_000

_SHOWN = 3  # tensors named in one message


def unusable(path: Path, problem: str) -> InputError:
    """Return the error for a weights file that is corrupt, hostile, or of another network.

    Parameters
    ----------
    path : Path
        The file.
    problem : str
        What is wrong with it, as the end of "FILE: ...".
    """
    return InputError(f"{path}: {problem}. Get the file again from its publisher, or correct the network's file")


def check_size(path: Path) -> None:
    """Raise an error unless the path is a file below 2 GiB.

    Parameters
    ----------
    path : Path
        A weights file.

    Raises
    ------
    InputError
        If the file is missing, empty or too large.
    """
    if not path.is_file():
        raise InputError(
            f"{path}: file not found. Get the weights again (songwise weights NETWORK), or correct the network's file"
        )
    size = path.stat().st_size
    if not 0 < size <= LARGEST_FILE:
        raise unusable(path, f"has {size:,} bytes; weights have 1 to {LARGEST_FILE:,} bytes")


class Tensors:
    """The tensors of one network, each of which must be used with the right shape.

    Parameters
    ----------
    path : Path
        Where they come from, for messages.
    tensors : mapping of str to ndarray
        By name.
    """

    def __init__(self, path: Path, tensors: Mapping[str, np.ndarray]):
        self.path = path
        self._tensors = tensors
        self._used: set[str] = set()

    def __contains__(self, name: str) -> bool:
        return name in self._tensors

    def take(self, name: str, *shape: int | None) -> np.ndarray:
        """Return a tensor after a check of its shape and values.

        Parameters
        ----------
        name : str
            Its name.
        *shape : int or None
            Its size along each axis; None means any size from 1.

        Returns
        -------
        ndarray of float32
            Finite values.

        Raises
        ------
        InputError
            If the tensor is missing, has another shape or type, or contains infinity or NaN.
        """
        if name not in self._tensors:
            raise unusable(self.path, f"lacks the tensor {name}, so it is of another network")
        tensor = self._tensors[name]
        fits = len(shape) == tensor.ndim and all(
            size == wanted or (wanted is None and size > 0) for size, wanted in zip(tensor.shape, shape, strict=True)
        )
        if not fits:
            wanted = ", ".join("any" if size is None else str(size) for size in shape)
            raise unusable(self.path, f"tensor {name} has shape {tensor.shape} instead of ({wanted})")
        if tensor.dtype.kind != "f" or not np.isfinite(tensor).all():
            raise unusable(self.path, f"tensor {name} contains values that are not finite numbers")
        self._used.add(name)
        return tensor.astype(np.float32, copy=False)

    def check_all_used(self, ignored: Iterable[str] = ()) -> None:
        """Raise an error if a tensor was not taken: the network has a part that the graph lacks.

        Parameters
        ----------
        ignored : iterable of str
            Ends of names that do not count.

        Raises
        ------
        InputError
            If there is such a tensor.
        """
        ends = tuple(ignored)
        unused = [name for name in self._tensors if name not in self._used and not name.endswith(ends or "\0")]
        if unused:
            names = ", ".join(ascii(name[:80]) for name in sorted(unused)[:_SHOWN])
            raise unusable(self.path, f"has {len(unused)} unknown tensors ({names}), so it is of another network")
