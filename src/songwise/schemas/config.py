"""config/config.yaml, and what --config changes of it."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, SerializerFunctionWrapHandler, model_serializer

from songwise.schemas.recipe import Recipe
from songwise.schemas.section import AS_WRITTEN, Section, Text, UniqueList


def _refuse_random_clips(protocol: object) -> object:
    if protocol == "random-clips":
        raise ValueError(
            "'random-clips' is not allowed here. It tests songs that it was trained on, so it can be audited and never "
            "leads; list it in audit"
        )
    return protocol


WholeSongs = Annotated[
    Literal["by-song", "by-artist", "by-album", "predefined-folds", "train-valid-test", "hold-out"],
    BeforeValidator(_refuse_random_clips),
]
Protocol = Literal[
    "by-song", "by-artist", "by-album", "predefined-folds", "train-valid-test", "hold-out", "random-clips"
]


def _split_names(models: object) -> object:
    """Return the list that "a,b" means, which needs no quotes on a command line; anything else as it is."""
    if not isinstance(models, str) or "," not in models:
        return models
    names = [name.strip() for name in models.split(",")]
    if "" in names:
        raise ValueError(f"'{models}' has a comma with no model beside it")
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"'{models}' names {name} more than once")
    return names


Models = Annotated[Text | Annotated[UniqueList[str], Field(min_length=1)], BeforeValidator(_split_names)]


class ClipChanges(Section):
    """Keys of a data set's `clip` that a configuration overrides. Only those that are given count."""

    seconds: Annotated[float, Field(ge=0.1, le=600), AS_WRITTEN] = Field(
        None, description="length of a clip, in seconds"
    )
    hop: Annotated[float, Field(ge=0.1), AS_WRITTEN] = Field(
        None, description="seconds between the starts of two clips"
    )
    start: Annotated[float, Field(ge=0), AS_WRITTEN] = Field(
        None, description="second of the track at which clips begin"
    )
    stop: Annotated[float, Field(gt=0), AS_WRITTEN] | None = Field(
        None, description="second of the track at which clips end; null for the end of the track"
    )
    min_seconds: Annotated[float, Field(gt=0), AS_WRITTEN] = Field(None, description="a shorter last clip is dropped")

    @model_serializer(mode="wrap")
    def _dump_given(self, dump: SerializerFunctionWrapHandler) -> dict:
        return {key: value for key, value in dump(self).items() if key in self.model_fields_set}


class Config(Section):
    """What to compute: the keys of config/config.yaml, which --config can change."""

    dataset: Text = Field(description="a name in `datasets/`, or the path of your own file (ends in .yaml)")
    models: Models = Field(
        description="a group of model_groups.yaml, a model, or a list of models. `MODEL@PRESET` is one model on "
        "one preset. On the command line, `models=a,b` is a list too"
    )
    protocol: WholeSongs | None = Field(
        None,
        description="the protocol of the leaderboard: by-song, by-artist, by-album, predefined-folds, "
        "train-valid-test or hold-out. Default: `split.protocol` of the data set",
    )
    audit: Literal["auto"] | UniqueList[Protocol] = Field(
        "auto",
        description="auto, or a list of by-song, by-artist, by-album, predefined-folds, train-valid-test, hold-out and "
        "random-clips. These protocols run as well, to show what they would have claimed. `auto` is random-clips and "
        "those of by-song, by-artist and by-album that the sheet supports; `[]` saves their time",
    )
    seed: int = Field(
        0,
        ge=0,
        le=2147483647,
        description="of splits, models and bootstrap; the same seed gives the same figures on any number of cores",
    )
    min_songs: int = Field(
        5,
        ge=2,
        description="usable songs that every class must keep, or the run stops; never fewer than the folds",
    )
    mirror: str | None = Field(
        None,
        description="a folder, base URL or s3://BUCKET/PREFIX that is tried before each file's own URL. Checksums are "
        "checked in either case",
    )
    weights: str | None = Field(
        None,
        description="a folder, base URL or s3://BUCKET/PREFIX with the weights of pretrained networks, by file name. "
        "It is tried before `mirror` and the address in config/networks; checksums are checked in either case",
    )
    cookies: str | None = Field(
        None,
        description="a cookies.txt (Netscape's format) for videos that require a login, source `youtube`. It is read "
        "and never written. The browser's own cookies are not touched",
    )
    champion: Text = Field(
        "cheapest-tied",
        description="the model that `songwise classify`, `similar` and `serve` use: best, cheapest-tied or a "
        "`MODEL@PRESET` of this run. `best` is the first row of the leaderboard. `cheapest-tied` is, of all models "
        "that are statistically tied with it, the one that costs least CPU time",
    )
    keep_clips: bool = Field(
        False,
        description="write the clips' audio to `data/clips` (16-bit WAV); on the command line `keep_clips=True`",
    )
    show_tracks: Literal["per-class", "none"] | Annotated[UniqueList[str], Field(min_length=1, max_length=48)] = Field(
        "per-class",
        description="per-class, none, or a list of at most 48 track_ids (numbers in quotes). The report shows "
        "waveform, mel spectrogram and chroma of these tracks, 30 s from the middle of each. `per-class` is the first "
        "good track of each class, at most 12",
    )
    clip: ClipChanges | None = Field(
        None,
        description="clip keys that override the data set's; with `seconds`, its `hop` and `min_seconds` are "
        "dropped too",
    )
    recipe: Recipe | None = Field(None, description="what a published system reported, see [below](#recipesnameyaml)")
