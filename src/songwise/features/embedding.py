"""Embeddings: one row of numbers per clip and preset, statistics of a pretrained network's outputs over the clip."""

import json
import time
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from songwise.runtime.numba_cache import fill_cache  # isort: skip  (sets numba's cache before numba is imported)

import numpy as np

from songwise.audio.decode import samples_of
from songwise.clips.cut import GoodClips
from songwise.features.dsp.moments import summarise
from songwise.features.networks.convert import onnx_of
from songwise.features.networks.network import Network
from songwise.features.standardise import standardised
from songwise.features.tables import TableWriter
from songwise.runtime.progress import Progress


class Embedder:
    """Computes the numbers of some embedding presets, with one pass of a network per clip and kind of audio.

    Parameters
    ----------
    presets : list of dict
        Resolved presets, each with a network.
    onnx : dict of str to Path
        Per name of a network, the network in ONNX.

    Raises
    ------
    InputError
        If a network does not fit its file.
    """

    def __init__(self, presets: list[dict], onnx: dict[str, Path]):
        networks = {
            name: Network(network, onnx[name])
            for name, network in {preset["network"]["name"]: preset["network"] for preset in presets}.items()
        }
        self._passes: dict[str, _Pass] = {}
        for preset in presets:
            name, audio = preset["network"]["name"], preset["audio"]
            key = json.dumps([name, audio], sort_keys=True)
            one = self._passes.setdefault(key, _Pass(networks[name], audio, {}, []))
            for output in preset["outputs"]:
                wanted = one.statistics.setdefault(output["output"], [])
                wanted += [statistic for statistic in output["statistics"] if statistic not in wanted]
            one.presets.append(preset)

    def __call__(self, samples: np.ndarray, sample_rate: int) -> dict[str, np.ndarray]:
        """Compute the numbers of one clip.

        Parameters
        ----------
        samples : ndarray of float32, shape (n,)
            Samples of one channel, at least one.
        sample_rate : int
            Sample rate in Hz.

        Returns
        -------
        dict of str to ndarray of float64
            Per preset, its numbers in the order of `presets.column_names`.
        """
        numbers = {}
        for one in self._passes.values():
            prepared, _ = standardised(samples, sample_rate, one.audio)
            outputs = one.network(prepared if len(prepared) else np.zeros(1, np.float32))
            summaries = {name: summarise(outputs[name], statistics) for name, statistics in one.statistics.items()}
            for preset in one.presets:
                numbers[preset["name"]] = np.concatenate(
                    [
                        summaries[output["output"]][statistic]
                        for output in preset["outputs"]
                        for statistic in output["statistics"]
                    ]
                )
        return numbers


class _Pass(NamedTuple):
    """Presets that share a network and their audio.

    Attributes
    ----------
    network : Network
        The network.
    audio : dict
        How clips are prepared for it.
    statistics : dict of str to list of str
        Per output, all statistics that a preset wants.
    presets : list of dict
        The presets.
    """

    network: Network
    audio: dict
    statistics: dict[str, list[str]]
    presets: list[dict]


def embed_shard(
    clips: GoodClips,
    *,
    presets: list[dict],
    weights: dict[str, Path],
    cache: Path,
    tables: dict[str, Path],
    title: str,
) -> None:
    """Write one table of embeddings per preset, with one row per clip.

    Each table is Parquet: clip_id, then the preset's columns as float32.

    Parameters
    ----------
    clips : GoodClips
        Pairs of clip_id and audio.
    presets : list of dict
        Resolved presets, each with a network.
    weights : dict of str to Path
        Per name of a network, the file of its weights.
    cache : Path
        Folder of the networks in ONNX. One that is missing is made of its weights.
    tables : dict of str to Path
        Per preset, the table to write.
    title : str
        For the progress display.

    Raises
    ------
    InputError
        If the weights cannot be used, or the network does not fit its file.
    """
    networks = {preset["network"]["name"]: preset["network"] for preset in presets}
    onnx = {name: onnx_of(network, weights[name], cache) for name, network in networks.items()}
    warm_up()
    embedder, progress = Embedder(presets, onnx), Progress(f"embeddings {title}", len(clips), "clips")
    seconds = 0.0
    with ExitStack() as stack:
        writers = {
            preset["name"]: stack.enter_context(TableWriter(tables[preset["name"]], preset)) for preset in presets
        }
        for clip_id, piece in clips:
            start = time.perf_counter()
            numbers = embedder(*samples_of(piece))
            seconds += time.perf_counter() - start
            for name, values in numbers.items():
                writers[name].add(clip_id, values)
            progress.step()
    print(f"{len(clips)} clips, {seconds:.3f} s of embeddings")


def warm_up() -> None:
    """Compile the statistics unless numba's cache has them already."""
    fill_cache("statistics of embeddings", lambda: summarise(np.ones((2, 3), np.float32), ["mean"]))
