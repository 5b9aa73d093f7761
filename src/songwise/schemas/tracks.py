"""NAME.tracks.csv: the columns of a track sheet.

Columns of the user's own are allowed. One that looks like a misspelt column of this list is an error.
"""

from pydantic import BaseModel, ConfigDict, Field

_SECONDS = r"^([0-9]+(\.[0-9]*)?)?$"


class TrackRow(BaseModel):
    """One row of a track sheet; every value is text, and unknown values are empty."""

    model_config = ConfigDict(frozen=True, extra="allow", defer_build=True)

    track_id: str = Field(pattern=r"^[^@\x00-\x1f]{1,200}$", description="unique; any text without @")
    label: str = Field(
        pattern=r"^[^@\x00-\x1f]{1,200}$",
        description="the class; a slash makes a path (`Rock/Punk`), which is scored at each level",
    )
    song: str = Field(
        "",
        pattern=r"^[^\x00-\x1f]{0,300}$",
        description="rows with the same song never cross a split, however many they are. Default: the track_id",
    )
    artist: str = Field("", description="for by-artist, which keeps an artist on one side of every split")
    album: str = Field("", description="for by-album, which keeps an album on one side of every split")
    path: str = Field(
        "", description="audio file; relative to the sheet (manifest), to the mirror (http) or in the archive"
    )
    url: str = Field("", pattern="^(https?://.*)?$", description="where the audio is: http:// or https://")
    query: str = Field("", description="what to search for if there is no `url` or it is gone (source `youtube`)")
    sha256: str = Field("", pattern="^([0-9a-f]{64})?$", description="of the file; a file that differs is refused")
    seconds: str = Field("", pattern=_SECONDS, description="length of the track")
    fault: str = Field(
        "",
        description="what is known to be wrong with the track: it is not downloaded and counts as "
        "[quarantined](../docs/glossary.md#quarantined)",
    )
    license: str = Field("", description="licence of the track, for ATTRIBUTION.md")
    attribution: str = Field("", description="who must be credited, for ATTRIBUTION.md")
    start: str = Field(
        "", pattern=_SECONDS, description="seconds; clips start here rather than at the data set's start"
    )
    stop: str = Field("", pattern=_SECONDS, description="seconds; clips end here rather than at the data set's stop")
    fold: str = Field(
        "",
        pattern="^([0-9]+)?$",
        description="for predefined-folds: numbers from 0 or 1, without a gap. Editing it redoes splits and models, "
        "not features",
    )
    role: str = Field("", pattern="^(train|valid|test)?$", description="for train-valid-test: train, valid or test")


# The columns that every sheet has, and for each column what its values must match. The sheet's reader checks values by
# itself: a large sheet has a million of them.
REQUIRED = [name for name, field in TrackRow.model_fields.items() if field.is_required()]
PATTERNS = {
    name: "".join(rule.pattern for rule in field.metadata if hasattr(rule, "pattern"))
    for name, field in TrackRow.model_fields.items()
}
