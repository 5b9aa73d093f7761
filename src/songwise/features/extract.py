"""Stage 3, features: one row of named numbers per clip and preset, from spectra that all presets share."""

import json
import time
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from songwise.runtime.numba_cache import fill_cache  # isort: skip  (sets numba's cache before numba is imported)

import numpy as np

from songwise.audio import loudness
from songwise.audio.decode import samples_of
from songwise.clips.cut import GoodClips
from songwise.features.declarations import FAMILIES
from songwise.features.dsp.moments import summarise
from songwise.features.families import rows_of
from songwise.features.frames import FramesWriter
from songwise.features.presets import column_names, names_of
from songwise.features.spectra import Clip
from songwise.features.standardise import standardised
from songwise.features.tables import TableWriter
from songwise.runtime.progress import Progress


class Extractor:
    """Computes the features of some presets, each family and statistic once per clip.

    Parameters
    ----------
    presets : list of dict
        Resolved presets, as `preset_files.load_preset` returns them.
    """

    def __init__(self, presets: list[dict]):
        self._groups: dict[str, _Group] = {}
        for preset in presets:
            group = self._groups.setdefault(_key(preset["audio"]), _Group(preset["audio"], {}, []))
            sources = []
            for family in preset["families"]:
                wanted = group.families.setdefault(_rows_key(family), family | {"statistics": []})["statistics"]
                wanted += [name for name in family["statistics"] if name not in wanted]
                sources += [(_rows_key(family), name) for name in family["statistics"] or [""]]
            group.members.append((preset, sources, _first_of_each(preset)))

    def __call__(self, samples: np.ndarray, sample_rate: int) -> tuple[dict[str, np.ndarray], dict[str, dict]]:
        """Compute the numbers and the frames of one clip.

        Parameters
        ----------
        samples : ndarray of float32, shape (n,)
            Samples of one channel, at least one.
        sample_rate : int
            Sample rate in Hz.

        Returns
        -------
        numbers : dict of str to ndarray of float64
            Per preset, its features in the order of `presets.column_names`.
        frames : dict of str to dict of str to ndarray of float32
            Per preset that asks for frames, each family as (rows, frames).
        """
        numbers, frames = {}, {}
        for group in self._groups.values():
            separating = any(
                FAMILIES[family["family"]].needs_separation(family["options"]) for family in group.families.values()
            )
            clip = Clip(*standardised(samples, sample_rate, group.audio), separating=separating)
            summaries = {key: _summarise(clip, family) for key, family in group.families.items()}
            for preset, sources, kept in group.members:
                columns = [summaries[key][name] for key, name in sources]
                numbers[preset["name"]] = np.concatenate(columns)[kept] if columns else np.empty(0)
                if "frames" in preset:
                    frames[preset["name"]] = _frames(clip, preset)
        return numbers, frames


class _Group(NamedTuple):
    """Presets that are computed from the same samples.

    Attributes
    ----------
    audio : dict
        How clips are prepared for them.
    families : dict of str to dict
        Families by `_rows_key`, each with all statistics that a preset of the group wants.
    members : list
        Each preset, the sources of its numbers in order, and the indices of those to keep.
    """

    audio: dict
    families: dict[str, dict]
    members: list[tuple[dict, list[tuple[str, str]], np.ndarray]]


def _first_of_each(preset: dict) -> np.ndarray:
    # A union's families may repeat columns.
    first: dict[str, int] = {}
    for at, name in enumerate(name for family in preset["families"] for name in names_of(family)):
        first.setdefault(name, at)
    return np.array(list(first.values()))


def _key(content: object) -> str:
    return json.dumps(content, sort_keys=True)


def _rows_key(family: dict) -> str:
    return _key({name: family[name] for name in ("family", "frame", "options", "pool")})


def _summarise(clip: Clip, family: dict) -> dict[str, np.ndarray]:
    rows = rows_of(clip, family["family"], frame=family["frame"], options=family["options"])
    if not FAMILIES[family["family"]].statistics:
        return {"": rows.ravel()}
    count = 1 if family["pool"] == "all" else len(rows) // family["pool"]
    return summarise(rows.reshape(count, -1), family["statistics"])


def _frames(clip: Clip, preset: dict) -> dict[str, np.ndarray]:
    spectra = clip.spectra(**preset["frame"])
    compute = {
        "log_mel": lambda n: spectra.mel_db(n).T,
        "mfcc": spectra.mfcc,
        "waveform": lambda: clip.samples[None, :],
    }
    return {family: compute[family](**options) for family, options in preset["frames"]["families"].items()}


def extract(samples: np.ndarray, sample_rate: int, presets: list[dict]) -> dict[str, dict[str, float]]:
    """Compute the features of one clip by name; use `Extractor` for many clips.

    Parameters
    ----------
    samples : ndarray of float32, shape (n,)
        Samples of one channel, at least one.
    sample_rate : int
        Sample rate in Hz.
    presets : list of dict
        Resolved presets.

    Returns
    -------
    dict of str to dict of str to float
        Per preset, each column and its value.
    """
    numbers, _ = Extractor(presets)(samples, sample_rate)
    return {
        preset["name"]: dict(zip(column_names(preset), numbers[preset["name"]].tolist(), strict=True))
        for preset in presets
    }


def extract_shard(
    clips: GoodClips, *, presets: list[dict], tables: dict[str, Path], frames: dict[str, Path], title: str
) -> None:
    """Write one table of features per preset, with one row per clip.

    Each table is Parquet: clip_id, then the preset's columns as float32.

    Parameters
    ----------
    clips : GoodClips
        Pairs of clip_id and audio.
    presets : list of dict
        Resolved presets.
    tables : dict of str to Path
        Per preset, the table to write.
    frames : dict of str to Path
        Per preset that asks for frames, the file of matrices to write.
    title : str
        For the progress display.

    Raises
    ------
    ArithmeticError
        If a feature is not finite, which does not happen with audible clips.
    """
    warm_up()
    extractor, progress = Extractor(presets), Progress(f"features {title}", len(clips), "clips")
    seconds = 0.0
    with ExitStack() as stack:
        table_writers = {
            preset["name"]: stack.enter_context(TableWriter(tables[preset["name"]], preset)) for preset in presets
        }
        frames_writers = {
            preset["name"]: stack.enter_context(FramesWriter(frames[preset["name"]], preset))
            for preset in presets
            if "frames" in preset
        }
        for clip_id, piece in clips:
            start = time.perf_counter()
            numbers, matrices = extractor(*samples_of(piece))
            seconds += time.perf_counter() - start
            for name, values in numbers.items():
                table_writers[name].add(clip_id, values)
            for name, families in matrices.items():
                frames_writers[name].add(clip_id, families)
            progress.step()
    print(f"{len(clips)} clips, {seconds:.3f} s of extraction")


def warm_up() -> None:
    """Compile every family unless numba's cache has it already; the first time this takes about a minute."""
    families = [
        {"prefix": name, "family": name, "frame": {"n_fft": 2048, "hop_length": 512}, "pool": 1}
        | {"options": {key: value[0] if isinstance(value, tuple) else value for key, value in family.options.items()}}
        | {"statistics": ["mean", "skew", "median"] if family.statistics else []}
        for name, family in FAMILIES.items()
    ]
    extractor = Extractor([{"name": "every", "audio": {"sample_rate": 22050}, "families": families}])
    noise = np.random.default_rng(0).normal(size=22050).astype(np.float32)
    fill_cache(_key(families), lambda: extractor(noise, 22050))
    loudness.warm_up()
