"""config/datasets/NAME.yaml: where the music comes from, how it is cut and split."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, model_validator

from songwise.schemas.config import WholeSongs
from songwise.schemas.section import AS_WRITTEN, Name, Section, Text, UniqueList, optional

_FAULTS = "track_id to what is wrong with it; such a track is quarantined without decoding"
_LISTS = "a published split, see [lists](#lists-a-published-split)"
_CHECKSUMS = ("sha256", "sha1", "md5")
_SHEET = "the track sheet, relative to this file"


class Download(Section):
    """A file to be downloaded, with its checksum."""

    model_config = ConfigDict(json_schema_extra={"anyOf": [{"required": [name]} for name in _CHECKSUMS]})

    url: str = Field(pattern="^https?://[^ ]+$", description="where the file is: http:// or https://")
    bytes: int = optional("its size", ge=1)
    sha256: str = optional("its checksum, 64 hexadecimal digits", pattern="^[0-9a-f]{64}$")
    sha1: str = optional("its checksum, 40 hexadecimal digits", pattern="^[0-9a-f]{40}$")
    md5: str = optional("its checksum, 32 hexadecimal digits", pattern="^[0-9a-f]{32}$")

    @model_validator(mode="after")
    def _check_checksum(self) -> "Download":
        if self.model_fields_set.isdisjoint(_CHECKSUMS):
            raise ValueError(f"the download {self.url} needs a checksum; add sha256, sha1 or md5")
        return self


_List = Text | Download
_LIST = "a file's path relative to this file, or a download (url, sha256)"


class Lists(Section):
    """A published split as text files with one path per line."""

    train: _List = Field(description=f"{_LIST}. Its tracks are for training")
    valid: _List = optional(f"{_LIST}. Its tracks are for validation")
    test: _List = Field(description=f"{_LIST}. Its tracks are for testing")


class Fma(Section):
    """The track sheet of FMA, made from FMA's own metadata."""

    subset: Literal["small", "medium", "large"] = Field(
        description="`small`, `medium` or `large`; each contains the one before"
    )
    label: Literal["top", "sub"] = Field(
        "top",
        description="`top`: the top genre. `sub`: `Rock/Punk`, the deepest of the track's own genres below its top "
        "genre; of several equally deep ones, the one with most tracks in all of FMA. A track without one has the top "
        "genre only: `Rock`",
    )
    genres: UniqueList[str] = optional("top genres, by FMA's names. Default: all", min_length=2)
    metadata: Download = Field(description="the download of FMA's metadata")


class Folder(Section):
    """Music in one folder per class."""

    type: Literal["folder"] = Field(
        description="a folder with one subfolder per class, and audio anywhere below. `song` is a regular expression "
        "for the path below the class folder; its first group (or the whole match) names the song. Default: each file "
        "is a song"
    )
    folder: Text = Field(description="contains one folder per class; relative to this file")
    song: str = optional(
        "regular expression; its first group (or the whole match) in the path below the class folder names the song"
    )
    lists: Lists = optional(_LISTS)


class _Sheet(Section):
    tracks: Text = Field(description=_SHEET)
    faults: dict[str, Text] = optional(_FAULTS)
    lists: Lists = optional(_LISTS)


class Manifest(_Sheet):
    """Files that a track sheet lists."""

    type: Literal["manifest"] = Field(
        description="your own track sheet; each row has a `path` (relative to the sheet) or a `url`"
    )


class Http(_Sheet):
    """Files that are downloaded one by one."""

    type: Literal["http"] = Field(
        description="a track sheet whose rows have a `url`; `path` is then the file's place below the mirror"
    )


class Archive(Section):
    """Files of published archives."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["tracks"]}, {"required": ["fma"]}]})

    type: Literal["archive"] = Field(
        description="published archives and a sheet whose `path` is the track's path in them, see "
        "[archive](#archive-published-archives)"
    )
    archives: UniqueList[Download] = Field(
        min_length=1,
        description="a list; each has a `url`, one of `sha256`, `sha1` and `md5`, and may have `bytes`, its size. "
        "tar (plain, gz, bz2, xz) or zip (stored, deflated, bzip2; zip64)",
    )
    tracks: Text = optional(f"{_SHEET}; if two archives contain the same path, the first one is used")
    fma: Fma = optional(
        "instead of `tracks`: the track sheet is made from FMA's metadata, see [fma](#fma-the-track-sheet-of-fma)"
    )
    faults: dict[str, Text] = optional(f"{_FAULTS}, and not unpacked")
    lists: Lists = optional(_LISTS)

    @model_validator(mode="after")
    def _check_sheet(self) -> "Archive":
        if (self.tracks is None) == (self.fma is None):
            raise ValueError("the source archive needs exactly one of the keys tracks and fma")
        return self


class Youtube(_Sheet):
    """Videos."""

    type: Literal["youtube"] = Field(
        description="a track sheet whose rows have the `url` of a video, a `query` to search for, or both; see "
        "[youtube](#youtube-videos)"
    )
    tracks: Text = Field(
        description=f"{_SHEET}. Its columns `url`, `query`, `seconds` and `sha256` (of the FLAC file) are used for the "
        "download"
    )
    search: str = Field(
        "ytsearch5:{query}",
        pattern=r"\{query\}",
        description="the search that yt-dlp runs for a query, or the URL of an RSS feed with `{query}` in it",
    )
    shortest: Annotated[float, Field(ge=0), AS_WRITTEN] = Field(
        30, description="seconds; a shorter video is not accepted. The upper bound is `max_seconds`"
    )
    pause: list[Annotated[float, Field(ge=0, le=3600), AS_WRITTEN]] = Field(
        [5, 10],
        min_length=2,
        max_length=2,
        description="seconds between two requests of all jobs together, drawn at random between these two values; "
        "one video at a time",
    )


class Synthetic(Section):
    """Invented music."""

    type: Literal["synthetic"] = Field(description="invented music, made here: `bands` or `genres`")
    recipe: Literal["bands", "genres"] = Field(description="which music is invented")
    seed: int = Field(0, ge=0, description="another seed gives other music")


class Table(Section):
    """Existing features."""

    type: Literal["table"] = Field(
        description="no audio, but a CSV of features with one row per clip, see [table](#table-existing-features)"
    )
    table: Text = Field(
        description="CSV, one row per clip, relative to this file; every column that no other key names is a feature "
        "and must contain finite numbers"
    )
    song: Text = Field(
        description="regular expression; its first group (or the whole match) in the clip's file name names the song"
    )
    track: Text = optional("the same for the track, if a song has several. Default: `song`")
    clip: str = Field("filename", description="the column of file names, which must be unique")
    label: str = Field("label", description="the column of classes")
    drop: UniqueList[str] = Field([], description="columns that are not features")
    tracks: Text = optional(
        "CSV with `track_id` or `song` and any of `artist`, `album`, `fold`, `role`; one row for every track"
    )
    lists: Lists = optional(_LISTS)


Source = Folder | Manifest | Http | Archive | Youtube | Synthetic | Table


class Clip(Section):
    """How tracks are cut."""

    seconds: Annotated[float, Field(ge=0.1, le=600), AS_WRITTEN] = Field(10, description="length of a clip, in seconds")
    hop: Annotated[float, Field(ge=0.1), AS_WRITTEN] = Field(
        default_factory=lambda clip: clip["seconds"],
        description="seconds from the start of a clip to the start of the next; a smaller value makes clips overlap. "
        "Default: the length of a clip",
    )
    start: Annotated[float, Field(ge=0), AS_WRITTEN] = Field(
        0, description="second of the track at which clips begin; the sheet's `start` overrides it"
    )
    stop: Annotated[float, Field(gt=0), AS_WRITTEN] | None = Field(
        None,
        description="second of the track at which clips end; the sheet's `stop` overrides it. Default: the end of the "
        "track",
    )
    min_seconds: Annotated[float, Field(gt=0), AS_WRITTEN] = Field(
        default_factory=lambda clip: clip["seconds"] / 2,
        description="a shorter last clip is dropped. Default: half a clip",
    )

    @model_validator(mode="after")
    def _check_lengths(self) -> "Clip":
        if self.min_seconds > self.seconds:
            raise ValueError(f"min_seconds ({self.min_seconds}) is longer than seconds ({self.seconds})")
        if self.stop is not None and self.stop - self.start < self.min_seconds:
            raise ValueError(
                f"there is no room for a clip between start ({self.start}) and stop ({self.stop}); "
                f"min_seconds is {self.min_seconds}"
            )
        return self


class Split(Section):
    """How songs are divided between training and test sets."""

    protocol: WholeSongs = Field(
        "by-song",
        description="by-song, by-artist, by-album, predefined-folds, train-valid-test or hold-out: see "
        "[docs/evaluation.md](../docs/evaluation.md#protocols)",
    )
    held_out: int | None = Field(None, ge=1, description="songs of each class that `hold-out` tests")
    folds: int = Field(
        5,
        ge=2,
        le=100,
        description="of by-song, by-artist and by-album; every class needs at least as many songs (artists, albums)",
    )
    repeats: int = Field(
        3, ge=1, le=100, description="each with another shuffle; they make figures steadier, but add no songs"
    )


class Dataset(Section):
    """A data set: its source, clips and splits."""

    name: Name = Field(description="letters, digits, - and _, as the file; names the folder `results/NAME`")
    title: str = optional("what the report calls it")
    label: str = Field("label", description="what the classes are, for titles and axes (artist, genre, band, ...)")
    license: str = optional("licence of the music as a whole, for tracks without a licence in the sheet")
    homepage: str = optional("where the data set is described", pattern="^https?://")
    citation: str = optional("what its authors ask to be cited")
    source: Source = Field(discriminator="type", description="see [below](#source); paths are relative to this file")
    shards: int = Field(
        8,
        ge=1,
        le=4096,
        description="jobs that share the tracks. Do not change it for speed alone: features are stored by "
        "[shard](../docs/glossary.md#shard). About 20 to 500 tracks per shard",
    )
    max_seconds: Annotated[float, Field(gt=0, le=7200), AS_WRITTEN] = Field(
        1800, description="a longer track is refused as too_long"
    )
    clip: Clip = Field(default_factory=Clip, description="how tracks are cut")
    split: Split = Field(default_factory=Split, description="how songs are divided")
    models: Text | Annotated[UniqueList[str], Field(min_length=1)] = optional(
        "what `models: default` of config.yaml is for this data set: a group, a model or a list of models"
    )
