"""Where every file of a data set is, in both directions: from names to a path, and from a path to its names.

All paths except the cache's are relative to the project's folder. Light: this module is imported at every start of
Snakemake.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

RAW = Path("data/raw")
ROWS = Path("data/rows")
CLIPS = Path("data/clips")
FEATURES = Path("data/features")
RESULTS = Path("results")
DECODED = Path(".snakemake/songwise.decoded")  # tracks, between two jobs of one run
CLIP_TABLES = ("tracks.csv", "clips.csv", "fingerprints.parquet")


@dataclass(frozen=True)
class Run:
    """One row of the leaderboard: a model on a feature preset.

    Attributes
    ----------
    model : str
        Name of a file in config/models.
    preset : str
        Name of a file in config/features. Empty in a request for all presets of the model.
    """

    model: str
    preset: str

    @classmethod
    def parse(cls, text: str) -> "Run":
        """Return the run that MODEL@PRESET, or MODEL alone, names.

        Parameters
        ----------
        text : str
            MODEL@PRESET, or MODEL for a run without a preset of its own.

        Returns
        -------
        Run
            With an empty preset if the text names none.
        """
        model, _, preset = text.partition("@")
        return cls(model, preset)

    def __str__(self) -> str:
        return f"{self.model}@{self.preset}" if self.preset else self.model


def cache_folder() -> Path:
    """Return the folder of what all projects of the user share: compiled code, weights of networks, passed checks."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "songwise"


def raw_folder(dataset: str) -> Path:
    """Return the folder of everything that was downloaded for a data set."""
    return RAW / dataset


def audio_folder(dataset: str) -> Path:
    """Return the folder of a data set's audio files."""
    return raw_folder(dataset) / "audio"


def metadata_folder(dataset: str) -> Path:
    """Return the folder of the published lists and metadata from which a track sheet is made."""
    return raw_folder(dataset) / "metadata"


def archives_record(dataset: str) -> Path:
    """Return the record of what a data set's archives contained."""
    return raw_folder(dataset) / "archives.json"


def attribution_page(dataset: str) -> Path:
    """Return the page that names the authors and licences of a data set."""
    return raw_folder(dataset) / "ATTRIBUTION.md"


def pointer(dataset: str) -> Path:
    """Return DVC's pointer to a shared data set."""
    return RAW / f"{dataset}.dvc"


def shard_rows(dataset: str, shard: int) -> Path:
    """Return the file with the track sheet's rows for a shard."""
    return ROWS / dataset / f"{shard}.json"


def shard_record(dataset: str, shard: int) -> Path:
    """Return the record of what happened to each track of a shard when it was acquired."""
    return raw_folder(dataset) / "shards" / f"{shard}.json"


def clip_tables(dataset: str, shard: int) -> list[Path]:
    """Return the tables that `inspect_tracks` writes for a shard."""
    return [CLIPS / dataset / f"{shard}.{suffix}" for suffix in CLIP_TABLES]


def feature_table(dataset: str, preset: str, key: str, shard: int | str) -> Path:
    """Return the table of a preset's features for the clips of a shard.

    Parameters
    ----------
    dataset : str
        Name of the data set.
    preset : str
        Name of the preset.
    key : str
        Hash of the preset's content (`features.presets.preset_key`).
    shard : int or str
        Number of the shard.

    Returns
    -------
    Path
        A Parquet file.
    """
    return FEATURES / dataset / preset / key / f"{shard}.parquet"


def frame_table(dataset: str, preset: str, key: str, shard: int | str) -> Path:
    """Return the file of a preset's frame matrices beside its `feature_table`."""
    return feature_table(dataset, preset, key, shard).with_suffix(".frames.arrow")


def preset_of(table: Path) -> str:
    """Return the preset of a `feature_table` or a `frame_table`."""
    return Path(table).parent.parent.name


def shared_features(dataset: str) -> Path:
    """Return the record of what made the features that are shared with a data set."""
    return FEATURES / dataset / "shared.json"


def results_folder(dataset: str) -> Path:
    """Return the folder of all results of a data set."""
    return RESULTS / dataset


def model_folder(results: Path, run: Run | str) -> Path:
    """Return the folder of one model's results below the results of its data set."""
    return results / "models" / str(run)


def results_of(folder: Path) -> Path:
    """Return the results of the data set to which a `model_folder` belongs."""
    return folder.parent.parent


def protocol_folder(results: Path, run: Run | str, protocol: str) -> Path:
    """Return the folder of what one model predicted under one protocol."""
    return model_folder(results, run) / protocol


def protocol_of(prediction_file: Path) -> str:
    """Return the protocol of a file in a `protocol_folder`."""
    return Path(prediction_file).parent.name


def run_of(row: Mapping[str, str]) -> Run:
    """Return the run of a table's row, which has the columns model and features."""
    return Run(row["model"], row["features"])


def columns_of(run: Run | str) -> dict[str, str]:
    """Return the columns model and features of a table's row about a run: the other direction of `run_of`."""
    parsed = Run.parse(str(run))
    return {"model": parsed.model, "features": parsed.preset}


def metrics_file(results: Path, run: Run | str) -> Path:
    """Return the file of one model's metrics."""
    return model_folder(results, run) / "metrics.json"


def confusion_table(results: Path, run: Run | str, level: str) -> Path:
    """Return the confusion matrix of one model's clips or songs; `level` is "clip" or "song"."""
    return model_folder(results, run) / f"confusion_{level}.csv"


def confusion_picture(results: Path, run: Run | str, level: str) -> Path:
    """Return the drawing of a `confusion_table`."""
    return confusion_table(results, run, level).with_suffix(".png")


def verdicts_table(results: Path, run: Run | str, protocol: str) -> Path:
    """Return the table of the songs' labels that one model predicted under one protocol."""
    return protocol_folder(results, run, protocol) / "songs.csv"


def champion_folder(results: Path) -> Path:
    """Return the folder of the model that is used on new files, in the results of a data set."""
    return results / "champion"


def usable_folder(results: Path, run: Run | str) -> Path:
    """Return the folder of another model that was made ready for use on new files."""
    return results / "usable" / str(run)


def clips_folder(dataset: str) -> Path:
    """Return the folder of the `clip_tables` of a data set."""
    return CLIPS / dataset


def features_folder(dataset: str) -> Path:
    """Return the folder of the tables of all presets of a data set."""
    return FEATURES / dataset
