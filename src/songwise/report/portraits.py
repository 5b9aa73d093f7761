"""Portraits of tracks for the report: waveform, mel spectrogram and chroma of a few of them."""

import warnings
from pathlib import Path

from songwise.runtime.numba_cache import fill_cache  # isort: skip  (sets numba's cache before librosa imports numba)

import librosa
import numpy as np
import soxr
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.image import AxesImage

from songwise.audio.decode import UndecodableError, decode
from songwise.features.families import rows_of
from songwise.features.spectra import Clip
from songwise.figures.canvas import BLUE, SMALL_SIZE, TEXT_SIZE, add_panel, new_figure, save_figure
from songwise.files import read_json, read_rows, replacing, safe_name, write_json
from songwise.runtime.progress import Progress

_MOST = 12  # tracks that are drawn if none are named
_SECONDS = 30.0
_RATE = 22_050  # Hz
_FRAME = {"n_fft": 2048, "hop_length": 512}  # samples, as in the presets
_COLUMNS, _MELS = 293, 96  # cells of the pictures: two by two pixels, so that the file stays small
_DECIBELS = 80.0  # below the loudest
_SHADES = 64
_HERTZ = (250, 500, 1000, 2000, 4000, 8000)
_PITCHES = {0: "C", 2: "D", 4: "E", 5: "F", 7: "G", 9: "A", 11: "B"}
_TITLE = 90  # characters
# Inches.
_WIDTH, _LEFT, _RIGHT, _TOP, _BOTTOM, _GAP = 7.3, 0.62, 0.82, 0.36, 0.46, 0.1
_HEIGHTS = {"waveform": 0.8, "mel": 1.92, "chroma": 1.32}
_DOTS = 100  # per inch


def draw_tracks(
    *, tracks_csv: Path, states: list[Path], show: str | list[str], max_seconds: float, folder: Path
) -> None:
    """Draw the portraits that the report shows.

    A track that is not good, or whose file is gone by now, is not drawn, and the log names the reason.

    Parameters
    ----------
    tracks_csv : Path
        Table results/DATASET/tracks.csv.
    states : list of Path
        Records that `acquire_shard` wrote for all shards, with the file of each track.
    show : str or list of str
        "per-class" for the first good track of each class, 12 at most, or a list of track_ids.
    max_seconds : float
        Longest track of the data set in seconds; nothing after that is decoded.
    folder : Path
        Folder to write: one PNG per track, and index.json, a list of {track_id, label, file} in the order to show them.
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
    """Return the tracks to draw.

    Parameters
    ----------
    tracks : list of dict
        Rows of tracks.csv.
    show : str or list of str
        "per-class" for the first good track of each class, or a list of track_ids.

    Returns
    -------
    list of dict
        Rows of `tracks`: the named ones in that order, or those of the classes by label.
    """
    if not isinstance(show, str):
        by_name = {row["track_id"]: row for row in tracks}
        return [by_name[name] for name in show]
    first: dict[str, dict] = {}
    for row in tracks:
        if row["status"] == "ok":
            first.setdefault(row["label"], row)
    return [first[label] for label in sorted(first)][:_MOST]


def draw_track(path: Path, output: Path, *, title: str, max_seconds: float) -> None:
    """Draw waveform, log-mel spectrogram and chroma of 30 s of one track above one another.

    The 30 s are from the middle, because the beginning and the end of a song are not typical of it. The time axis
    counts from the beginning of the track. The same file gives the same bytes with the same libraries.

    Parameters
    ----------
    path : Path
        Any audio file.
    output : Path
        PNG to write, below 150 kB.
    title : str
        Text above the figure, cut after 90 characters.
    max_seconds : float
        Longest track of the data set in seconds; nothing after that is decoded.

    Raises
    ------
    UndecodableError
        If the file has no usable audio, or is missing.
    """
    samples, start = _middle(path, max_seconds)
    mel, chroma = _views(samples)
    span = (start, start + len(samples) / _RATE)
    height = _TOP + sum(_HEIGHTS.values()) + 2 * _GAP + _BOTTOM
    figure = new_figure(_WIDTH, height)
    axes, bottom = {}, height - _TOP
    for name, inches in _HEIGHTS.items():
        bottom -= inches
        width = _WIDTH - _LEFT - _RIGHT
        axes[name] = add_panel(figure, left=_LEFT, bottom=bottom, width=width, height=inches, xlim=span)
        axes[name].tick_params(labelsize=SMALL_SIZE, labelbottom=name == "chroma")
        bottom -= _GAP
    _draw_waveform(axes["waveform"], samples, span)
    _draw_mel(axes["mel"], mel, span)
    _draw_chroma(axes["chroma"], chroma, span)
    shown = title if len(title) <= _TITLE else f"{title[: _TITLE - 3]}..."
    axes["waveform"].set_title(shown, fontsize=TEXT_SIZE, loc="left", parse_math=False)
    with warnings.catch_warnings():
        # The only font that every machine has shows Hangul and kanji as boxes. The page has the name as text.
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        save_figure(figure, output, dots_per_inch=_DOTS, optimize=True)


def _middle(path: Path, max_seconds: float) -> tuple[np.ndarray, float]:
    decoded = decode(path, max_seconds=max_seconds)
    start = max(0.0, (decoded.seconds - _SECONDS) / 2)
    segment = decoded.segment[round(1000 * start) : round(1000 * (start + _SECONDS))]
    samples = np.frombuffer(segment.raw_data, "<i2").reshape(-1, segment.channels)
    mono = samples.mean(axis=1, dtype=np.float32) / np.float32(32768)
    return soxr.resample(mono, segment.frame_rate, _RATE, quality="HQ"), start


def _views(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mel spectrogram in dB below the loudest, shape (_MELS, columns), and chroma, shape (12, columns)."""
    clip = Clip(samples.astype(np.float32), _RATE, separating=False)
    mel = rows_of(clip, "mel", frame=_FRAME, options={"n": _MELS, "part": "whole"})
    chroma = rows_of(clip, "chroma_stft", frame=_FRAME, options={"power": 2})
    mel = _columns(mel)
    # A silent part has no loudest value. Full scale then makes it as dark as silence elsewhere.
    return librosa.power_to_db(mel, ref=mel.max() or 1.0, top_db=_DECIBELS), _columns(chroma)


def _columns(rows: np.ndarray) -> np.ndarray:
    # Means of neighbouring frames, because details below a pixel would only look like noise and enlarge the file.
    edges = np.linspace(0, rows.shape[1], min(_COLUMNS, rows.shape[1]), endpoint=False).astype(int)
    counts = np.diff([*edges, rows.shape[1]])
    return np.add.reduceat(rows, edges, axis=1) / counts


def _draw_waveform(axes: Axes, samples: np.ndarray, span: tuple[float, float]) -> None:
    edges = np.linspace(0, len(samples), min(2 * _COLUMNS, len(samples)), endpoint=False).astype(int)
    low, high = np.minimum.reduceat(samples, edges), np.maximum.reduceat(samples, edges)
    axes.fill_between(np.linspace(*span, len(edges)), low, high, color=BLUE, linewidth=0.4)
    axes.set_ylim(-1, 1)
    axes.set_yticks([-1, 0, 1])
    axes.set_ylabel("amplitude", fontsize=SMALL_SIZE)


def _draw_mel(axes: Axes, decibels: np.ndarray, span: tuple[float, float]) -> None:
    image = _draw_cells(axes, decibels, (*span, 0, librosa.hz_to_mel(_RATE / 2)), "magma", (-_DECIBELS, 0))
    axes.set_yticks(librosa.hz_to_mel(np.array(_HERTZ)), [f"{hertz:,}" for hertz in _HERTZ])
    axes.set_ylabel("Hz (mel scale)", fontsize=SMALL_SIZE)
    left, bottom, width, height = axes.get_position().bounds
    scale = axes.figure.add_axes((left + width + 0.012, bottom, 0.014, height))
    axes.figure.colorbar(image, cax=scale)
    scale.tick_params(labelsize=SMALL_SIZE)
    scale.set_ylabel("dB", fontsize=SMALL_SIZE, labelpad=3)


def _draw_chroma(axes: Axes, chroma: np.ndarray, span: tuple[float, float]) -> None:
    _draw_cells(axes, chroma, (*span, -0.5, 11.5), "Blues", (0, 1))
    axes.set_yticks(list(_PITCHES), list(_PITCHES.values()), fontsize=7)
    axes.set_ylabel("chroma", fontsize=SMALL_SIZE)
    axes.set_xlabel("seconds of the track", fontsize=SMALL_SIZE)


def _draw_cells(axes: Axes, cells: np.ndarray, extent: tuple, colours: str, limits: tuple[float, float]) -> AxesImage:
    shades = colormaps[colours].resampled(_SHADES)
    image = axes.imshow(cells, origin="lower", aspect="auto", extent=extent, cmap=shades, interpolation="nearest")
    image.set_clim(*limits)
    return image
