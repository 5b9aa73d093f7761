"""Stage 3, features: one row of named numbers a clip, for every preset, from spectra that all presets share."""

import json
import time
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from songwise.features.numba_cache import fill_cache  # isort: skip  (sets numba's cache before librosa wakes numba)

import numpy as np

from songwise.audio.decode import samples_of
from songwise.clips.cut import GoodClips
from songwise.features.dsp.moments import summarised
from songwise.features.families import rows_of, separates
from songwise.features.frames import FramesWriter
from songwise.features.presets import FAMILIES, column_names, names_of
from songwise.features.spectra import Clip
from songwise.features.standardise import standardised
from songwise.features.tables import TableWriter
from songwise.runtime.progress import Progress


class Extractor:
    """Turns clips into the numbers of some presets, each family and statistic computed once a clip.

    Parameters
    ----------
    presets : resolved, as `config.load_preset` gives them.
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
        """The numbers and the frames of one clip.

        Parameters
        ----------
        samples : mono, float32, shape (n,), n >= 1.
        sample_rate : Hz.

        Returns
        -------
        Preset name to its numbers, float64, in the order of `column_names`; and name to {family: (rows, frames)} for
        the presets that ask for frames.
        """
        numbers, frames = {}, {}
        for group in self._groups.values():
            separating = any(separates(family["family"], family["options"]) for family in group.families.values())
            clip = Clip(*standardised(samples, sample_rate, group.audio), separating=separating)
            answers = {key: _summary(clip, family) for key, family in group.families.items()}
            for preset, sources, kept in group.members:
                numbers[preset["name"]] = np.concatenate([answers[key][name] for key, name in sources])[kept]
                if "frames" in preset:
                    frames[preset["name"]] = _frames(clip, preset)
        return numbers, frames


class _Group(NamedTuple):
    """Presets that see the same samples.

    Attributes
    ----------
    audio : how clips are prepared for them.
    families : what is computed, by `_rows_key`, each with every statistic that any preset wants.
    members : each preset, where its numbers come from in order, and which of them are kept.
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


def _key(content: dict) -> str:
    return json.dumps(content, sort_keys=True)


def _rows_key(family: dict) -> str:
    return _key({name: family[name] for name in ("family", "frame", "options", "pool")})


def _summary(clip: Clip, family: dict) -> dict[str, np.ndarray]:
    rows = rows_of(clip, family["family"], frame=family["frame"], options=family["options"])
    if not FAMILIES[family["family"]].statistics:
        return {"": rows.ravel()}
    count = 1 if family["pool"] == "all" else len(rows) // family["pool"]
    return summarised(rows.reshape(count, -1), family["statistics"])


def _frames(clip: Clip, preset: dict) -> dict[str, np.ndarray]:
    spectra = clip.spectra(**preset["frame"])
    make = {"log_mel": lambda n: spectra.mel_db(n).T, "mfcc": spectra.mfcc}
    return {family: make[family](options["n"]) for family, options in preset["frames"]["families"].items()}


def extract(samples: np.ndarray, sample_rate: int, presets: list[dict]) -> dict[str, dict[str, float]]:
    """The features of one clip by name: preset to column to value. `Extractor` is for many clips."""
    values, _ = Extractor(presets)(samples, sample_rate)
    return {
        preset["name"]: dict(zip(column_names(preset), values[preset["name"]].tolist(), strict=True))
        for preset in presets
    }


def extract_shard(
    clips: GoodClips, *, presets: list[dict], tables: dict[str, Path], frames: dict[str, Path], title: str
) -> None:
    """Write one Parquet table a preset: clip_id, then the preset's columns as float32, a row a clip.

    Parameters
    ----------
    clips : pairs of clip_id and audio.
    presets : resolved.
    tables : preset name to the file to write.
    frames : the same for the matrices of the presets that ask for them.
    title : for the progress display.

    Raises
    ------
    ArithmeticError : a feature is not finite, which no audible clip should give.
    """
    warm_up()
    extractor, progress = Extractor(presets), Progress(f"features {title}", len(clips), "clips")
    seconds = 0.0
    with ExitStack() as stack:
        writers = {
            preset["name"]: stack.enter_context(TableWriter(tables[preset["name"]], preset)) for preset in presets
        }
        framers = {
            preset["name"]: stack.enter_context(FramesWriter(frames[preset["name"]], preset))
            for preset in presets
            if "frames" in preset
        }
        for clip_id, piece in clips:
            start = time.perf_counter()
            numbers, matrices = extractor(*samples_of(piece))
            seconds += time.perf_counter() - start
            for name, values in numbers.items():
                writers[name].add(clip_id, values)
            for name, families in matrices.items():
                framers[name].add(clip_id, families)
            progress.step()
    print(f"{len(clips)} clips, {seconds:.3f} s of extraction")


def warm_up() -> None:
    """Have every family compiled, so that later processes find all in numba's cache: about a minute the first time."""
    families = [
        {"prefix": name, "family": name, "frame": {"n_fft": 2048, "hop_length": 512}, "pool": 1}
        | {"options": {key: _first(value) for key, value in family.options.items()}}
        | {"statistics": ["mean", "skew", "median"] if family.statistics else []}
        for name, family in FAMILIES.items()
    ]
    extractor = Extractor([{"name": "every", "audio": {"sample_rate": 22050}, "families": families}])
    noise = np.random.default_rng(0).normal(size=22050).astype(np.float32)
    fill_cache(_key(families), lambda: extractor(noise, 22050))


def _first(value):
    return value[0] if isinstance(value, tuple) else value
