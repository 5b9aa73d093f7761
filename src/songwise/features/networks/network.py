"""A pretrained network in ONNX Runtime: from a clip's samples to the network's outputs over time."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from songwise.errors import InputError
from songwise.features.embedding_presets import INPUT, least_samples
from songwise.features.networks.front_end import front_end, picture
from songwise.features.networks.session import open_session
from songwise.text import clean_text

_MOST_VALUES = 80_000  # in a batch's input; larger batches take more memory and more time
_NATURAL = {  # axes of a batch of patches before the layout
    "mel": ("batch", "frames", "bands"),
    "waveform": ("batch", "samples"),
    "picture": ("batch", 3, "height", "width"),
}
_MESSAGE = 300  # characters of a message of ONNX Runtime


class Network:
    """A network with its front end; all networks of one file in a process share a session.

    Parameters
    ----------
    network : dict
        The content of the network's file.
    onnx : Path
        The network in ONNX.

    Raises
    ------
    InputError
        If ONNX Runtime cannot read the file, or its input or outputs are not as the network's file says.
    """

    def __init__(self, network: dict, onnx: Path):
        self._network, self._front_end = network, front_end(network)
        self._where = f"config/networks/{network['name']}.yaml"
        self._natural = _NATURAL[network["front_end"]["type"]]
        self._layout = network["layout"]
        try:
            self._session = open_session(onnx)
        except Exception as error:  # ONNX Runtime's exceptions have no common class
            raise InputError(f"{self._where}: weights: ONNX Runtime cannot read {onnx}: {_reason(error)}") from error
        self._input = self._check_input()
        self._check_outputs()
        self._try_lengths()

    def __call__(self, samples: np.ndarray) -> dict[str, np.ndarray]:
        """Compute the outputs of the network over a clip.

        Parameters
        ----------
        samples : ndarray of float32, shape (n,)
            Samples of one channel at the network's rate, at least one. A clip that is too short is repeated.

        Returns
        -------
        dict of str to ndarray of float32, shape (size, positions)
            Each output of the network's file: one position per patch, or several if the network has a time axis. For
            a front end of type mel also `input`: the mel spectrogram that the network is fed, one position per frame.

        Raises
        ------
        InputError
            If an output is not finite.
        """
        least = least_samples(self._network)
        rows = self._front_end(samples if len(samples) >= least else np.resize(samples, least))
        parts = {name: [] for name in self._network["outputs"]}
        for batch in self._batches(rows):
            for name, values in self._run(batch).items():
                parts[name].append(values)
        outputs = {name: np.ascontiguousarray(np.concatenate(values, axis=1)) for name, values in parts.items()}
        for name, values in outputs.items():
            if not np.isfinite(values).all():
                raise InputError(
                    f"{self._where}: outputs: {name} is not finite for a clip, so the network cannot be used; check "
                    "that the front end is the one that it was trained with"
                )
        if self._network["front_end"]["type"] == "mel":
            outputs[INPUT] = np.ascontiguousarray(rows.T)
        return outputs

    def _batches(self, rows: np.ndarray) -> Iterator[np.ndarray]:
        """Yield the patches of a clip in batches of bounded size, with the axes of _NATURAL."""
        settings = self._network["front_end"]
        patch = self._network["patch"]
        starts = patch_starts(len(rows), patch["frames"], patch.get("hop"))
        length = patch["frames"] or len(rows)
        patches = [rows[start : start + length] for start in starts]
        if settings["type"] == "picture":
            patches = [picture(energies, settings) for energies in patches]
        most = max(1, _MOST_VALUES // patches[0].size) if "batch" in self._layout else 1
        for first in range(0, len(patches), most):
            yield np.stack(patches[first : first + most])

    def _run(self, batch: np.ndarray) -> dict[str, np.ndarray]:
        """Return the outputs for a batch, each of shape (size, positions)."""
        names = list(self._network["outputs"])
        values = self._session.run(names, {self._input: self._arranged(batch)})
        return {name: self._over_time(name, array, len(batch)) for name, array in zip(names, values, strict=True)}

    def _arranged(self, batch: np.ndarray) -> np.ndarray:
        """Return a batch with the axes of the layout."""
        order = [self._natural.index(axis) for axis in self._layout if axis != 1]
        if "batch" not in self._layout:
            batch, order = batch[0], [place - 1 for place in order]
        arranged = batch.transpose(order)
        for place, axis in enumerate(self._layout):
            if axis == 1:
                arranged = np.expand_dims(arranged, place)
        return np.ascontiguousarray(arranged)

    def _over_time(self, name: str, array: np.ndarray, count: int) -> np.ndarray:
        """Return an output of a batch as (size, positions)."""
        size, values = self._network["outputs"][name], np.asarray(array, np.float32)
        if "batch" not in self._layout:
            values = values[np.newaxis]
        while values.ndim > 3 and 1 in values.shape[1:]:
            values = values.squeeze(1 + values.shape[1:].index(1))
        if values.shape == (count, size) or values.ndim == 1:
            values = values.reshape(len(values), 1, -1)
        elif values.ndim == 2 and size == 1:
            values = values[:, :, np.newaxis]
        elif values.ndim == 3 and values.shape[2] != size:
            values = values.transpose(0, 2, 1)
        if values.ndim != 3 or values.shape[0] != count or values.shape[2] != size:
            shape = " x ".join(map(str, np.shape(array))) or "a single number"
            wanted = f"(batch, {size}), (batch, time, {size}) or (batch, {size}, time)"
            if "batch" not in self._layout:
                wanted = wanted.replace("batch, ", "")
            raise InputError(
                f"{self._where}: outputs: {name} has the shape {shape} for a batch of {count}, which is not {wanted}; "
                "correct the number of columns, or name another output of the graph"
            )
        return values.reshape(-1, size).T

    def _check_input(self) -> str:
        """Return the name of the graph's input, if it fits the layout."""
        inputs = {node.name: node for node in self._session.get_inputs()}
        name = self._network["input"] or next(iter(inputs), "")
        if name not in inputs or (self._network["input"] is None and len(inputs) > 1):
            raise InputError(
                f"{self._where}: input: the graph's inputs are {', '.join(inputs) or 'none'}; name the one that takes "
                "the front end's output"
            )
        others = [other for other in inputs if other != name]
        if others:
            raise InputError(
                f"{self._where}: input: the graph also needs {', '.join(others)}, which songwise cannot give; export "
                "the network with one input"
            )
        node = inputs[name]
        if node.type != "tensor(float)":
            raise InputError(
                f"{self._where}: input: {name} is a {node.type}, but songwise gives numbers of type float; export the "
                "network in float32"
            )
        return name

    def _check_outputs(self) -> None:
        known = [node.name for node in self._session.get_outputs()]
        for name in self._network["outputs"]:
            if name not in known:
                raise InputError(
                    f"{self._where}: outputs: the graph has no output '{name}' (it has {', '.join(known)}); a tensor "
                    "inside the graph must be added to its outputs first (docs/pretrained.md)"
                )

    def _try_lengths(self) -> None:
        """Run the shortest and the longest patch, so that a network that cannot take them is found before any clip."""
        shortest = self._front_end(np.zeros(least_samples(self._network), np.float32))
        for length in sorted({len(shortest), self._network["patch"]["frames"] or len(shortest)}):
            rows = np.zeros((length, *shortest.shape[1:]), np.float32)
            patch = next(self._batches(rows))
            try:
                self._run(np.repeat(patch, 2, axis=0) if "batch" in self._layout else patch)
            except InputError:
                raise
            except Exception as error:
                unit = "samples" if rows.ndim == 1 else "frames"
                raise InputError(
                    f"{self._where}: layout, patch: the network cannot take a patch of {length:,} {unit} as "
                    f"{' x '.join(map(str, self._layout))}; correct the layout, the front end, or patch (least is the "
                    f"shortest length that the network takes). ONNX Runtime says: {_reason(error)}"
                ) from error


def patch_starts(length: int, frames: int | None, hop: int | None) -> list[int]:
    """Return where the patches of a clip begin.

    Parameters
    ----------
    length : int
        Length of the clip, in frames or samples, at least 1.
    frames : int or None
        Length of a patch. None for the whole clip.
    hop : int or None
        From the start of a patch to the start of the next. None for the length of a patch.

    Returns
    -------
    list of int
        A clip that is not longer than a patch has one. What remains at the end is dropped, unless it is at least half a
        patch: then one more patch ends with the clip. Many data sets have clips of 29.98 s instead of 30 s.
    """
    if frames is None or length <= frames:
        return [0]
    starts = list(range(0, length - frames + 1, hop or frames))
    if 2 * (length - frames - starts[-1]) >= frames:
        starts.append(length - frames)
    return starts


def _reason(error: Exception) -> str:
    return clean_text(error, _MESSAGE)
