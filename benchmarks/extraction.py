"""Compare feature extraction on one thread: songwise, plain librosa, FMA's recipe, openSMILE and Essentia.

    python benchmarks/extraction.py                               12 clips of 30 s of invented songs
    python benchmarks/extraction.py --audio FOLDER --clips 40     real music: any files below FOLDER
    python benchmarks/extraction.py --without peers               any of ours, plain, recipe, peers
    python benchmarks/extraction.py --floor                       also librosa's own rounding errors (takes longer)

Every system reads the same 22,050 Hz mono WAV file and computes one row of numbers. The systems take turns clip by
clip, so that a busy machine affects all of them equally. Each system starts with warm-up clips, which are not measured.
Plain librosa (tests/plain.py) and FMA's recipe call librosa, and the same run compares the values of songwise with
theirs.

The peers, openSMILE and Essentia, are installed on the first run into an environment of their own,
benchmarks/out/peers, and run as child processes. They are not part of songwise and have their own licences (openSMILE:
research only; Essentia: AGPL). If a peer cannot be installed or started, its row gives the reason.

It prints a Markdown table. Wall and CPU times are medians over clips in ms. `Times ours` is the median over clips of
the system's wall time divided by that of songwise for the same preset. For peers, it is divided by the time of songwise
for all six presets together.

A second table compares the values with those of plain librosa: |difference| / (|plain| + the column's standard
deviation). Some columns are ill-conditioned, such as a minimum near zero, or the chroma of digital silence, where
rounding noise is normalised to 1. --floor shows these columns: it compares plain librosa with itself on samples that
differ by a relative 1e-7, the rounding error of float32.
"""

import argparse
import json
import os
import platform
import random
import shlex
import shutil
import subprocess
import sys
import time
import venv
import warnings
import wave
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from pathlib import Path

# Numpy and numba read these variables when they are imported, and the peers inherit them.
os.environ.update({f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "NUMBA", "VECLIB_MAXIMUM")})
sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from songwise.runtime.numba_cache import fill_cache  # isort: skip  (sets numba's cache before librosa imports numba)

import librosa
import numpy as np
import scipy.stats
from plain import plain, plain_columns, unite

ROOT = Path(__file__).parents[1]
RATE = 22_050
SECONDS = 30
WARM_UP = 2  # clips
PRESETS = ["jlaoo26", "mfcccov", "kaggle57", "fma518", "kelly", "capstone"]
UNION = "all"
SUFFIXES = {".wav", ".flac", ".ogg", ".opus", ".mp3", ".m4a", ".webm"}
OUT = ROOT / "benchmarks" / "out"
PEERS = {
    "emobase": ("opensmile==2.6.0", "openSMILE emobase"),
    "ComParE_2016": ("opensmile==2.6.0", "openSMILE ComParE 2016"),
    "MusicExtractor": ("essentia==2.1b6.dev1389", "Essentia MusicExtractor"),
}


@dataclass
class System:
    """A system that is measured.

    Attributes
    ----------
    title, what : str
        Name and features, for the table.
    run : callable
        Takes the path of a WAV file. Returns wall and CPU time in seconds, and the columns by name or their number.
    against : str
        The preset of songwise whose time is the unit.
    times : list of tuple of float
        Wall and CPU time per clip, in seconds.
    columns : int
        Number of columns.
    failed : str
        Why it did not run to the end. Empty if it did.
    """

    title: str
    what: str
    run: Callable[[Path], tuple[float, float, dict | int]]
    against: str
    times: list[tuple[float, float]] = field(default_factory=list)
    columns: int = 0
    failed: str = ""


def main(words: list[str]) -> None:
    options = _options(words)
    clips = list(synthetic_clips(options.clips) if options.audio is None else real_clips(options.audio, options.clips))
    if len(clips) < 2:
        sys.exit("benchmarks/extraction.py: at least two clips of 30 s are needed")
    systems = chosen_systems(set(options.without))
    values = measure(systems, clips)
    print(f"\n{len(clips)} clips of {SECONDS} s, {RATE:,} Hz mono; one thread of {cpu_model()};")
    print(f"Python {platform.python_version()}, librosa {version('librosa')}, numpy {np.__version__}")
    print(f"`{shlex.join(['python', 'benchmarks/extraction.py', *words])}`\n")
    print_times(systems)
    if options.floor:
        values |= {f"floor {preset}": [rounded(path, preset) for path in clips] for preset in PRESETS}
    print_differences(values)


def _options(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--audio", type=Path, help="folder of audio files, cut to 30 s; default: invented songs")
    parser.add_argument("--clips", type=int, default=12)
    parser.add_argument("--without", nargs="*", default=[], choices=["ours", "plain", "recipe", "peers"])
    parser.add_argument(
        "--floor", action="store_true", help="also compare librosa with itself on slightly changed samples"
    )
    return parser.parse_args(words)


# Clips


def synthetic_clips(count: int) -> list[Path]:
    """Return clips of the first 30 s of invented songs, of all bands in turn."""
    from songwise.datasets.demo.catalogue import track_rows
    from songwise.datasets.demo.synth import render

    labels: dict[str, list[str]] = {}
    for row in track_rows("bands", seed=0):
        labels.setdefault(row["label"], []).append(row["track_id"])
    folder = _emptied(OUT / "extraction" / "synthetic")
    paths = []
    for index in range(max(map(len, labels.values()))):
        for ids in labels.values():
            if index < len(ids) and len(paths) < count:
                samples = render("bands", ids[index], seed=0)[: SECONDS * RATE]
                if samples.any():
                    paths.append(_write(folder / f"{len(paths):03d}.wav", samples))
    return paths


def real_clips(source: Path, count: int) -> list[Path]:
    """Return clips of 30 s of random files below `source`, starting at 0:30 if a file is long enough."""
    import imageio_ffmpeg

    files = sorted(path for path in source.rglob("*") if path.suffix.lower() in SUFFIXES)
    folder = _emptied(OUT / "extraction" / "real")
    paths = []
    for path in random.Random(0).sample(files, len(files)):
        if len(paths) == count:
            break
        for start in (SECONDS, 0):
            command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", "-ss", str(start), "-i", path]
            command += ["-t", str(SECONDS), "-ac", "1", "-ar", str(RATE), "-f", "s16le", "pipe:1"]
            samples = np.frombuffer(subprocess.run(command, capture_output=True, check=False).stdout, "<i2")
            if len(samples) == SECONDS * RATE and not _falls_silent(samples):
                paths.append(_write(folder / f"{len(paths):03d}.wav", samples))
                break
    return paths


def _falls_silent(samples: np.ndarray) -> bool:
    # For digital silence, librosa's CQT is rounding noise, which its chroma scales to 1, so values cannot be compared.
    sounding = np.flatnonzero(np.concatenate([[1], samples, [1]]))
    return bool(np.diff(sounding).max() > 2048)


def _emptied(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _write(path: Path, samples: np.ndarray) -> Path:
    # int16, shape (n,)
    with wave.open(str(path), "wb") as stream:
        stream.setnchannels(1)
        stream.setsampwidth(2)
        stream.setframerate(RATE)
        stream.writeframes(samples.astype("<i2").tobytes())
    return path


# Systems


def chosen_systems(without: set[str]) -> dict[str, System]:
    """Return all systems to measure by key, ready to run."""
    systems: dict[str, System] = {}
    if "ours" not in without:
        for preset in [*PRESETS, UNION]:
            systems[f"ours {preset}"] = System("songwise", preset, _timed(ours, preset), preset)
    if "plain" not in without:
        for preset in PRESETS:
            systems[f"plain {preset}"] = System("plain librosa", preset, _timed(by_hand, preset), preset)
    if "recipe" not in without:
        systems["recipe"] = System("librosa, FMA's recipe", "fma518: one STFT, one CQT", _timed(fma_recipe), "fma518")
    if "peers" not in without:
        for name, (package, title) in PEERS.items():
            systems[name] = _peer_system(name, package, title)
    return systems


def _peer_system(name: str, package: str, title: str) -> System:
    system = System(title, f"{package.replace('==', ' ')}, its own features", _not_started, UNION)
    try:
        system.run = peer(name, package)
    except (OSError, subprocess.CalledProcessError, RuntimeError) as error:
        system.failed = _reason(error)
    return system


def _not_started(path: Path) -> tuple[float, float, dict]:
    raise RuntimeError("not started")


@cache
def our_extractor(name: str) -> tuple:
    from songwise.features.extract import Extractor
    from songwise.features.preset_files import load_preset
    from songwise.features.presets import column_names

    preset = load_preset(name, ROOT)
    return Extractor([preset]), column_names(preset)


def ours(path: Path, preset: str) -> dict[str, float]:
    """Return a WAV file's columns of a preset, by songwise."""
    from songwise.audio.decode import AudioSegment, samples_of

    extractor, names = our_extractor(preset)
    numbers, _ = extractor(*samples_of(AudioSegment.from_wav(str(path))))
    return dict(zip(names, numbers[preset].tolist(), strict=True))


def by_hand(path: Path, preset: str) -> dict[str, float]:
    """Return a WAV file's columns of a preset, by tests/plain.py."""
    y, sr = librosa.load(path, sr=None)
    return plain(preset, y, sr)


def rounded(path: Path, preset: str) -> dict[str, float]:
    """Return the same columns as `by_hand`, of samples that are changed by a relative 1e-7."""
    y, sr = librosa.load(path, sr=None)
    noise = 1e-7 * np.random.default_rng(0).standard_normal(len(y))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return plain(preset, (y * (1 + noise)).astype(np.float32), sr)


def fma_recipe(path: Path) -> dict[str, float]:
    """Return FMA's 518 numbers as its own script computes them, with one CQT for three families and one STFT for seven.

    The columns are those of preset fma518. The default of librosa was 12 bins per octave then, and is 36 today.
    """
    y, sr = librosa.load(path, sr=None)
    rows = {"zero_crossing_rate": librosa.feature.zero_crossing_rate(y, frame_length=2048, hop_length=512)}
    cqt = np.abs(librosa.cqt(y, sr=sr, hop_length=512, bins_per_octave=12, n_bins=84, tuning=None))
    rows["chroma_cqt"] = librosa.feature.chroma_cqt(C=cqt, n_chroma=12, n_octaves=7, bins_per_octave=12)
    rows["chroma_cens"] = librosa.feature.chroma_cens(C=cqt, n_chroma=12, n_octaves=7, bins_per_octave=12)
    rows["tonnetz"] = librosa.feature.tonnetz(chroma=rows["chroma_cens"])
    magnitude = np.abs(librosa.stft(y, n_fft=2048, hop_length=512))
    rows["chroma_stft"] = librosa.feature.chroma_stft(S=magnitude**2, sr=sr)
    rows["rms"] = librosa.feature.rms(S=magnitude)
    rows["spectral_centroid"] = librosa.feature.spectral_centroid(S=magnitude, sr=sr)
    rows["spectral_bandwidth"] = librosa.feature.spectral_bandwidth(S=magnitude, sr=sr)
    rows["spectral_contrast"] = librosa.feature.spectral_contrast(S=magnitude, sr=sr, n_bands=6)
    rows["spectral_rolloff"] = librosa.feature.spectral_rolloff(S=magnitude, sr=sr)
    mel = librosa.feature.melspectrogram(S=magnitude**2, sr=sr)
    rows["mfcc"] = librosa.feature.mfcc(S=librosa.power_to_db(mel), n_mfcc=20)
    statistics = {"mean": np.mean, "std": np.std, "skew": scipy.stats.skew, "kurtosis": scipy.stats.kurtosis}
    statistics |= {"median": np.median, "min": np.min, "max": np.max}
    found: dict[str, float] = {}
    for family, values in rows.items():
        for name, statistic in statistics.items():
            column = np.nan_to_num(statistic(values, axis=1))
            for row, value in enumerate(column.tolist(), start=1):
                found[f"{family}_{row:02d}_{name}" if len(column) > 1 else f"{family}_{name}"] = value
    return {name: found[name] for name in plain_columns("fma518")}


def _timed(function: Callable, *arguments) -> Callable[[Path], tuple[float, float, dict]]:
    def run(path: Path) -> tuple[float, float, dict]:
        wall, cpu = time.perf_counter(), time.process_time()
        columns = function(path, *arguments)
        return time.perf_counter() - wall, time.process_time() - cpu, columns

    return run


def peer(name: str, package: str) -> Callable[[Path], tuple[float, float, int]]:
    """Start a peer's process, and return a function that sends it a path and waits for its answer.

    Raises
    ------
    OSError, subprocess.CalledProcessError
        If its environment cannot be created.
    RuntimeError
        If it does not start.
    """
    python = _installed(package)
    command = [python, ROOT / "benchmarks" / "peers.py", name]
    log = (OUT / "peers" / f"{name}.log").open("w+")
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True)

    def answer() -> dict:
        line = child.stdout.readline()
        if not line:
            log.seek(0)
            raise RuntimeError((log.read().strip().splitlines() or ["it exited without an error message"])[-1])
        return json.loads(line)

    def run(path: Path) -> tuple[float, float, int]:
        child.stdin.write(f"{path}\n")
        child.stdin.flush()
        measured = answer()
        return measured["wall"], measured["cpu"], measured["columns"]

    answer()
    return run


def _installed(package: str) -> Path:
    folder = OUT / "peers"
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
    done = folder / f"{package}.installed"
    if not done.exists():
        print(f"Installing {package} into {folder.relative_to(ROOT)}", file=sys.stderr, flush=True)
        command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary=:all:"]
        subprocess.run([*command, package], check=True, capture_output=True, text=True)
        done.touch()
    return python


def _reason(error: Exception) -> str:
    lines = (getattr(error, "stderr", None) or str(error)).strip().splitlines()
    wrong = [line for line in lines if "ERROR" in line] or lines
    return wrong[-1][:150] if wrong else type(error).__name__


# Measuring and printing


def _turn_all(systems: dict[str, System], clips: list[Path]) -> None:
    for path in clips:
        for system in systems.values():
            _turn(system, path)


def measure(systems: dict[str, System], clips: list[Path]) -> dict[str, list[dict[str, float]]]:
    """Measure every system on every clip, in turns, and store times, columns and failures in the systems.

    Returns
    -------
    dict of str to list of dict
        The columns of each clip per system, for the systems that name their columns.
    """
    values: dict[str, list] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fill_cache("benchmark of extraction", lambda: _turn_all(systems, clips[:WARM_UP]))
        _turn_all(systems, clips[:WARM_UP])
        for system in systems.values():
            system.times.clear()
        for done, path in enumerate(clips, start=1):
            for key, system in systems.items():
                columns = _turn(system, path)
                if isinstance(columns, dict):
                    values.setdefault(key, []).append(columns)
            print(f"\rclip {done} of {len(clips)}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return values


def _turn(system: System, path: Path) -> dict | int | None:
    if system.failed:
        return None
    try:
        wall, cpu, columns = system.run(path)
    except (OSError, RuntimeError) as error:
        if system.title not in {title for _, title in PEERS.values()}:
            raise
        system.failed = _reason(error)
        return None
    system.times.append((wall, cpu))
    system.columns = columns if isinstance(columns, int) else len(columns)
    return columns


def print_times(systems: dict[str, System]) -> None:
    """Print one row per system, and one for all presets of plain librosa."""
    rows = list(systems.values())
    plains = [systems[f"plain {name}"] for name in PRESETS if f"plain {name}" in systems]
    if plains:
        together = System("plain librosa", "the six presets, one after the other", _not_started, UNION)
        together.times = np.sum([system.times for system in plains], axis=0).tolist()
        together.columns = len(plain_columns(UNION))
        rows.insert(rows.index(plains[-1]) + 1, together)
    print(
        "| system | features | columns | wall, ms per clip | CPU, ms per clip | times ours |\n|---|---|---|---|---|---|"
    )
    for system in rows:
        if system.failed:
            print(f"| {system.title} | not run: {system.failed} | | | | |")
            continue
        wall, cpu = 1000 * np.median(system.times, axis=0)
        divisor = systems.get(f"ours {system.against}")
        ratio = "" if divisor is None else f"{np.median(_walls(system) / _walls(divisor)):.1f}"
        print(f"| {system.title} | {system.what} | {system.columns} | {wall:.0f} | {cpu:.0f} | {ratio} |")


def _walls(system: System) -> np.ndarray:
    return np.array(system.times)[:, 0]


def print_differences(values: dict[str, list[dict[str, float]]]) -> None:
    """Print how much the values of `measure` differ from those of plain librosa, by preset."""
    reference = {name: values[f"plain {name}"] for name in PRESETS if f"plain {name}" in values}
    if len(reference) == len(PRESETS):
        clips = zip(*reference.values(), strict=True)
        reference[UNION] = [unite(UNION, dict(zip(PRESETS, rows, strict=True))) for rows in clips]
    pairs = [(f"ours {name}", "songwise", name) for name in [*PRESETS, UNION]]
    pairs += [("recipe", "FMA's recipe", "fma518")]
    pairs += [(f"floor {name}", "plain librosa, changed samples", name) for name in PRESETS]
    pairs = [(key, title, name) for key, title, name in pairs if key in values and name in reference]
    if not pairs:
        return
    print("\n| compared with plain librosa | columns | beyond 1e-4 | beyond 1e-3 | largest difference | in |")
    print("|---|---|---|---|---|---|")
    for key, title, name in pairs:
        names = list(reference[name][0])
        theirs, mine = _table(reference[name], names), _table(values[key], names)
        difference = np.abs(mine - theirs)
        scale = np.abs(theirs) + theirs.std(axis=0)
        relative = np.divide(difference, scale, out=np.where(difference > 0, np.inf, 0.0), where=scale > 0)
        columns = np.nan_to_num(relative, nan=np.inf).max(axis=0)
        beyond = [np.count_nonzero(columns > limit) for limit in (1e-4, 1e-3)]
        worst = names[np.argmax(columns)] if columns.any() else ""
        print(f"| {title}, {name} | {len(names)} | {beyond[0]} | {beyond[1]} | {columns.max():.1e} | {worst} |")


def _table(rows: list[dict[str, float]], names: list[str]) -> np.ndarray:
    # Shape (clips, columns).
    if list(rows[0]) != names:
        odd = sorted(set(rows[0]) ^ set(names))[:5]
        raise SystemExit(f"columns differ from those of plain librosa: {odd or 'in their order'}")
    return np.array([[row[name] for name in names] for row in rows], np.float64)


def cpu_model() -> str:
    """Return the name of the processor."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


if __name__ == "__main__":
    main(sys.argv[1:])
