"""Raw and standardised audio: the same models on both, side by side."""

from collections.abc import Sequence
from pathlib import Path

from songwise.evaluation.bootstrap import mean_with_interval
from songwise.evaluation.predictions import song_hits
from songwise.evaluation.votes import by_vote, read_units, vote_draws
from songwise.files import write_rows
from songwise.paths import Run, verdicts_table

STANDARDISED_COLUMNS = (
    *("model", "features", "standardised_features"),
    *("raw", "standardised", "difference", "low", "high", "baseline"),
    *("gain", "gain_low", "gain_high", "standardised_gain", "standardised_gain_low", "standardised_gain_high"),
)
_DECIMALS = 4


def compare_standardised(
    pairs: Sequence[tuple[str, str]],
    *,
    tracks_csv: Path,
    duplicates_csv: Path,
    splits_csv: Path,
    protocol: str,
    seed: int,
    results: Path,
    output: Path,
) -> None:
    """Write the song accuracy of models on raw audio beside that of the same models on standardised audio.

    The first pair is the baseline. How much better another model is, on raw and on standardised audio, shows how much
    of its gain does not come from encoding and mastering.

    Parameters
    ----------
    pairs : sequence of tuple of str
        MODEL@PRESET on raw and on standardised audio.
    tracks_csv, duplicates_csv, splits_csv : Path
        Tables of `gather` and `make_splits`.
    protocol : str
        The honest one.
    seed : int
        Seed of the bootstrap.
    results : Path
        Folder results/DATASET, with songs.csv of every model under `protocol`.
    output : Path
        CSV to write, with STANDARDISED_COLUMNS. `low` and `high` are the 95 % interval of the difference, standardised
        minus raw, paired on the same songs. `gain` is raw minus the raw baseline, `standardised_gain` is standardised
        minus the standardised baseline, in the same way. Both are empty for the baseline.
    """
    units = read_units(tracks_csv=tracks_csv, duplicates_csv=duplicates_csv, splits_csv=splits_csv, protocol=protocol)
    rows, baseline = [], None
    for pair in pairs:
        hits = [song_hits(verdicts_table(results, run, protocol)) for run in pair]
        raw, standardised = (by_vote(of_song, units) for of_song in hits)
        draws = vote_draws(hits[0].index, units, seed)
        runs = [Run.parse(run) for run in pair]
        row = (
            {"model": runs[0].model, "features": runs[0].preset, "standardised_features": runs[1].preset}
            | {"raw": round(raw.mean(), _DECIMALS), "standardised": round(standardised.mean(), _DECIMALS)}
            | mean_with_interval("difference", standardised - raw, draws, bounds=("low", "high"))
        )
        if baseline is None:
            baseline = pair[0], raw, standardised
        else:
            row["baseline"] = baseline[0]
            row |= mean_with_interval("gain", raw - baseline[1], draws)
            row |= mean_with_interval("standardised_gain", standardised - baseline[2], draws)
        rows.append(row)
    rows.sort(key=lambda row: -row["raw"])
    write_rows(output, STANDARDISED_COLUMNS, rows)
