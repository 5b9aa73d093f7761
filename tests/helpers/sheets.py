"""A track sheet of three classes, with the tables that splits are made from."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path

import pandas as pd

from songwise.clips.columns import CLIP_COLUMNS, TRACK_COLUMNS
from songwise.datasets.track import Track
from songwise.files import read_json, write_rows
from songwise.splits.duplicates import DUPLICATE_COLUMNS
from songwise.splits.gate import check_splits
from songwise.splits.make import make_splits

LABELS = ("x", "y", "z")
NEAR = ("y-4-v0", "y-6-v0")  # the same recording, encoded twice
COPIED = ("x-3", "x-7")  # songs with the same samples
SPLIT = {"folds": 3, "repeats": 3, "held_out": 2}


@dataclass(frozen=True)
class Sheet:
    """A track sheet and the folder with tracks.csv, clips.csv and duplicates.csv."""

    folder: Path
    tracks: list[Track]

    @property
    def tables(self) -> dict[str, Path]:
        """The tables that `make_splits` and the gate read."""
        return {f"{name}_csv": self.folder / f"{name}.csv" for name in ("tracks", "duplicates")}

    def with_fold(self, track_id: str, fold: str) -> "Sheet":
        """The same sheet, except for the fold of one track."""
        changed = [replace(track, fold=fold) if track.track_id == track_id else track for track in self.tracks]
        return Sheet(self.folder, changed)


def make_sheet(folder: Path) -> Sheet:
    """Three classes of eight songs, two per artist. The first song of a class has two tracks. Two songs of class x have
    the same samples, and two of class y nearly the same.
    """
    tracks = [_track(label, number, v) for label in LABELS for number in range(8) for v in range(1 + (number == 0))]
    sheet = Sheet(folder, tracks)
    write_tables(sheet)
    pair = dict(zip(DUPLICATE_COLUMNS, (*NEAR, "0.97", "true", "5.08", "54.80"), strict=True))
    write_rows(folder / "duplicates.csv", DUPLICATE_COLUMNS, [pair])
    return sheet


def _track(label: str, number: int, version: int) -> Track:
    return Track(
        f"{label}-{number}-v{version}",
        label,
        f"{label}-{number}",
        artist=f"{label} artist {number // 2}",
        album=f"{label} album {number % 4}",
        fold=str(1 + number % 4 if number != 6 else 1),
        role=("train", "train", "valid", "test")[number % 4 if number != 6 else 0],
    )


def write_tables(sheet: Sheet, lost: list[str] | tuple = ()) -> None:
    """Write tracks.csv and clips.csv, in which some tracks have failed."""
    tracks = [
        dict.fromkeys(TRACK_COLUMNS, "")
        | asdict(track)
        | {
            "status": "failed" if track.track_id in lost else "ok",
            "audio_sha256": "shared" if track.song in COPIED else track.track_id,
        }
        for track in sheet.tracks
    ]
    clips = [
        {"clip_id": f"{row['track_id']}@{ms}", "track_id": row["track_id"], "start": ms / 1000, "seconds": 10}
        | {"status": "ok"}
        for row in tracks
        for ms in range(0, 50000, 10000)
        if row["status"] == "ok"
    ]
    write_rows(sheet.folder / "tracks.csv", TRACK_COLUMNS, tracks)
    write_rows(sheet.folder / "clips.csv", CLIP_COLUMNS, clips)


def split(sheet: Sheet, *protocols: str, **changed: int) -> pd.DataFrame:
    """What `make_splits` writes, with some keys of the data set's split changed."""
    make_splits(
        sheet={track.track_id: asdict(track) for track in sheet.tracks},
        **sheet.tables,
        clips_csv=sheet.folder / "clips.csv",
        output=sheet.folder / "splits.csv",
        protocols=list(protocols),
        split=SPLIT | changed,
        seed=0,
    )
    return pd.read_csv(sheet.folder / "splits.csv")


def pass_gate(sheet: Sheet, splits: pd.DataFrame | None = None) -> dict:
    """What `check_splits` writes, for changed splits or those on disk."""
    if splits is not None:
        splits.to_csv(sheet.folder / "splits.csv", index=False)
    output = sheet.folder / "checked.json"
    check_splits(sheet.tracks, **sheet.tables, splits_csv=sheet.folder / "splits.csv", output=output)
    return read_json(output)
