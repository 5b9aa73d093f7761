"""Portraits of tracks for the report: what a few of them look like as waveform, mel spectrogram and chroma."""

import warnings
from pathlib import Path

from songwise.features.numba_cache import fill_cache  # isort: skip  (sets numba's cache before librosa wakes numba)

import librosa
import numpy as np
import soxr
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from songwise.audio.decode import UndecodableError, decode
from songwise.features.families import rows_of
from songwise.features.spectra import Clip
from songwise.files import read_json, read_rows, replacing, safe_name, write_json
from songwise.runtime.progress import Progress

_MOST = 12  # figures that are drawn without being asked for by name
_SECONDS = 30.0
_RATE = 22_050  # Hz
_FRAME = {"n_fft": 2048, "hop_length": 512}  # samples, as the presets have them
_COLUMNS, _MELS = 293, 96  # cells of the pictures: two pixels each way, so that a file stays small
_DECIBELS = 80.0  # below the loudest
_SHADES = 64
_HERTZ = (250, 500, 1000, 2000, 4000, 8000)
_PITCHES = {0: "C", 2: "D", 4: "E", 5: "F", 7: "G", 9: "A", 11: "B"}
_TITLE = 90  # characters
# Inches: margins by hand, since matplotlib's own layout takes longer than the drawing.
_WIDTH, _LEFT, _RIGHT, _TOP, _BOTTOM, _GAP = 7.3, 0.62, 0.82, 0.36, 0.46, 0.1
_HEIGHTS = {"waveform": 0.8, "mel": 1.92, "chroma": 1.32}
_DOTS = 100  # an inch


def draw_tracks(
    *, tracks_csv: Path, states: list[Path], show: str | list[str], max_seconds: float, folder: Path
) -> None:
    """Draw the portraits that the report shows.

    Parameters
    ----------
    tracks_csv : results/DATASET/tracks.csv.
    states : what `acquire_shard` wrote, all shards; they say where each track's file is.
    show : "per-class" for the first good track of each class, 12 at most, or a list of track_ids.
    max_seconds : of the data set; nothing longer is decoded.
    folder : to write: a PNG a track, and index.json, a list of {track_id, label, file} in the order to show them.
        A track that is not good, or whose file is gone by now, is not drawn, and the log says so.
    """
    files = {name: row["path"] for state in states for name, row in read_json(state)["tracks"].items()}
    rows = chosen(read_rows(tracks_csv), show)
    progress = Progress("portraits", len(rows), "tracks")
    noise = np.random.default_rng(0).normal(size=_RATE).astype(np.float32)
    fill_cache("portraits", lambda: _views(noise))
    index = []
    with replacing(folder) as building:
        building.mkdir()
        for row in rows:
            name = f"{safe_name(row['track_id'])}.png"
            title = f"{row['track_id']}  ({row['label']})"
            try:
                if row["status"] != "ok":
                    raise UndecodableError(row["reason"])
                draw_track(Path(files[row["track_id"]]), building / name, title=title, max_seconds=max_seconds)
                index.append({"track_id": row["track_id"], "label": row["label"], "file": name})
                print(row["track_id"], name, sep="\t")
            except UndecodableError as error:
                print(row["track_id"], "not drawn", error, sep="\t")
            progress.step()
        write_json(building / "index.json", index)


def chosen(tracks: list[dict], show: str | list[str]) -> list[dict]:
    """The rows of tracks.csv to draw: those named, in that order, or the first good one of each class, by label."""
    if not isinstance(show, str):
        by_name = {row["track_id"]: row for row in tracks}
        return [by_name[name] for name in show]
    first: dict[str, dict] = {}
    for row in tracks:
        if row["status"] == "ok":
            first.setdefault(row["label"], row)
    return [first[label] for label in sorted(first)][:_MOST]


def draw_track(path: Path, output: Path, *, title: str, max_seconds: float) -> None:
    """Waveform, log-mel spectrogram and chroma of 30 s of one track, above one another on one axis of time.

    The 30 s are those in the middle, since songs begin and end with what is not typical of them; the axis counts from
    the beginning of the track. The same file gives the same bytes with the same libraries.

    Parameters
    ----------
    path : any audio file.
    output : PNG to write, below 150 kB.
    title : above the figure; cut after 90 characters.
    max_seconds : nothing longer is decoded.

    Raises
    ------
    UndecodableError : the file holds no usable audio, or is gone.
    """
    samples, start = _middle(path, max_seconds)
    mel, chroma = _views(samples)
    span = (start, start + len(samples) / _RATE)
    height = _TOP + sum(_HEIGHTS.values()) + 2 * _GAP + _BOTTOM
    figure = Figure(figsize=(_WIDTH, height))
    FigureCanvasAgg(figure)
    axes, bottom = {}, height - _TOP
    for name, inches in _HEIGHTS.items():
        bottom -= inches
        box = (_LEFT / _WIDTH, bottom / height, 1 - (_LEFT + _RIGHT) / _WIDTH, inches / height)
        axes[name] = figure.add_axes(box, xlim=span)
        axes[name].tick_params(labelsize=8, labelbottom=name == "chroma")
        bottom -= _GAP
    _draw_waveform(axes["waveform"], samples, span)
    _draw_mel(axes["mel"], mel, span)
    _draw_chroma(axes["chroma"], chroma, span)
    shown = title if len(title) <= _TITLE else f"{title[: _TITLE - 3]}..."
    axes["waveform"].set_title(shown, fontsize=9, loc="left", parse_math=False)
    with replacing(output) as temporary, warnings.catch_warnings():
        # The one font that every machine has knows no Hangul or kanji and shows boxes; the page has the name in words.
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        figure.savefig(temporary, dpi=_DOTS, metadata={"Software": None}, pil_kwargs={"optimize": True})


def _middle(path: Path, max_seconds: float) -> tuple[np.ndarray, float]:
    decoded = decode(path, max_seconds=max_seconds)
    start = max(0.0, (decoded.seconds - _SECONDS) / 2)
    segment = decoded.segment[round(1000 * start) : round(1000 * (start + _SECONDS))]
    samples = np.frombuffer(segment.raw_data, "<i2").reshape(-1, segment.channels)
    mono = samples.mean(axis=1, dtype=np.float32) / np.float32(32768)
    return soxr.resample(mono, segment.frame_rate, _RATE, quality="HQ"), start


def _views(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mel spectrogram in dB below the loudest, shape (_MELS, columns), and chroma, shape (12, columns)."""
    clip = Clip(samples.astype(np.float32), _RATE, separating=False)
    mel = rows_of(clip, "mel", frame=_FRAME, options={"n": _MELS, "part": "whole"})
    chroma = rows_of(clip, "chroma_stft", frame=_FRAME, options={"power": 2})
    mel = _columns(mel)
    # A silent part has no loudest to refer to; full scale then makes it as dark as silence is elsewhere.
    return librosa.power_to_db(mel, ref=mel.max() or 1.0, top_db=_DECIBELS), _columns(chroma)


def _columns(rows: np.ndarray) -> np.ndarray:
    # Means of neighbouring frames: finer than a pixel, frames would be noise to the eye and bytes in the file.
    edges = np.linspace(0, rows.shape[1], min(_COLUMNS, rows.shape[1]), endpoint=False).astype(int)
    counts = np.diff([*edges, rows.shape[1]])
    return np.add.reduceat(rows, edges, axis=1) / counts


def _draw_waveform(axes: Axes, samples: np.ndarray, span: tuple[float, float]) -> None:
    edges = np.linspace(0, len(samples), min(2 * _COLUMNS, len(samples)), endpoint=False).astype(int)
    low, high = np.minimum.reduceat(samples, edges), np.maximum.reduceat(samples, edges)
    axes.fill_between(np.linspace(*span, len(edges)), low, high, color="#1f6fb2", linewidth=0.4)
    axes.set_ylim(-1, 1)
    axes.set_yticks([-1, 0, 1])
    axes.set_ylabel("amplitude", fontsize=8)


def _draw_mel(axes: Axes, decibels: np.ndarray, span: tuple[float, float]) -> None:
    image = _draw_cells(axes, decibels, (*span, 0, librosa.hz_to_mel(_RATE / 2)), "magma", (-_DECIBELS, 0))
    axes.set_yticks(librosa.hz_to_mel(np.array(_HERTZ)), [f"{hertz:,}" for hertz in _HERTZ])
    axes.set_ylabel("Hz (mel scale)", fontsize=8)
    left, bottom, width, height = axes.get_position().bounds
    scale = axes.figure.add_axes((left + width + 0.012, bottom, 0.014, height))
    axes.figure.colorbar(image, cax=scale)
    scale.tick_params(labelsize=8)
    scale.set_ylabel("dB", fontsize=8, labelpad=3)


def _draw_chroma(axes: Axes, chroma: np.ndarray, span: tuple[float, float]) -> None:
    _draw_cells(axes, chroma, (*span, -0.5, 11.5), "Blues", (0, 1))
    axes.set_yticks(list(_PITCHES), list(_PITCHES.values()), fontsize=7)
    axes.set_ylabel("chroma", fontsize=8)
    axes.set_xlabel("seconds of the track", fontsize=8)


def _draw_cells(axes: Axes, cells: np.ndarray, extent: tuple, colours: str, limits: tuple[float, float]) -> AxesImage:
    shades = colormaps[colours].resampled(_SHADES)
    image = axes.imshow(cells, origin="lower", aspect="auto", extent=extent, cmap=shades, interpolation="nearest")
    image.set_clim(*limits)
    return image
