"""results/NAME/champion/card.json: what a model is, what it was trained on, and how good it is."""

from typing import Annotated

from pydantic import Field

from songwise.schemas.section import Section, Text

# What the config key `champion` may be besides a MODEL@PRESET.
BEST = "best"
CHEAPEST_TIED = "cheapest-tied"
FORMAT = 1  # of the folder; raised when an older songwise could not use a newer folder

_Share = Annotated[float, Field(ge=0, le=1)]
_Digits = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
# Names of files in the folder: nothing outside of it, nothing hidden.
_File = Annotated[str, Field(pattern=r"^(bundle/)?[A-Za-z0-9_][A-Za-z0-9_.-]*$", max_length=100)]


class Calibration(Section):
    """How the probabilities of songs, or of clips, were corrected, and what that changed."""

    temperature: float = Field(ge=1e-3, le=1e3, description="the logarithms of probabilities are divided by it")
    ece_before: _Share | None = Field(description="expected calibration error without the correction")
    ece_after: _Share | None = Field(description="with it, each song corrected by the temperature of other songs")
    log_loss_before: float | None = Field(description="log-loss without the correction")
    log_loss_after: float | None = Field(description="with it, each song corrected by the temperature of other songs")


class Calibrations(Section):
    """The corrections of both levels."""

    song: Calibration = Field(description="for the verdict on a song")
    clip: Calibration = Field(description="for each segment of the timeline")


class NoveltyFigures(Section):
    """How well songs of a class that the model does not know are recognised."""

    refused: _Share | None = Field(description="share of the songs of an unknown class that are refused")
    auroc: _Share | None = Field(description="area under the ROC curve, mean over classes that are left out in turn")
    auroc_low: _Share | None = Field(description="lower end of its 95 % interval")
    auroc_high: _Share | None = Field(description="upper end of its 95 % interval")


class Card(Section):
    """A model card: the content of card.json."""

    format: int = Field(description="format of the folder")
    dataset: Text = Field(description="name of the data set")
    title: Text = Field(description="title of the data set")
    label: Text = Field(description="what the classes are: artist, genre, band")
    classes: list[str] = Field(min_length=2, max_length=10_000, description="all classes, sorted")
    model: Text = Field(description="MODEL@PRESET")
    setting: Text = Field(description="the config key `champion` by which it was chosen")
    reason: Text = Field(description="why this model was chosen, in a sentence")
    protocol: Text = Field(description="the protocol of all figures below")
    n_songs: int = Field(ge=1, description="number of songs")
    n_clips: int = Field(ge=1, description="number of clips")
    song_accuracy: _Share = Field(description="share of songs never heard that the model gets right")
    song_accuracy_low: _Share = Field(description="lower end of its 95 % interval")
    song_accuracy_high: _Share = Field(description="upper end of its 95 % interval")
    best: Text = Field(description="first row of the leaderboard")
    best_song_accuracy: _Share = Field(description="its song accuracy")
    corrected_song_accuracy: _Share | None = Field(
        description="the best model's song accuracy, corrected for having been chosen as the best; null if there was "
        "only one model"
    )
    tied: list[str] = Field(description="models that are statistically tied with the best")
    guessing: _Share = Field(description="song accuracy of guessing the most common class")
    file_facts: _Share | None = Field(
        description="song accuracy of bit rate, length and other facts of the files alone, without music"
    )
    random_clips_song_accuracy: _Share | None = Field(
        description="what this model would have claimed with clips of the same song in training and test set"
    )
    milliseconds: float | None = Field(
        ge=0, description="CPU time per second of music for features and prediction, measured when it was chosen"
    )
    clip: dict[str, float | int | None] | None = Field(
        description="how songs are cut into clips; null if the data set is a table of features"
    )
    max_seconds: float = Field(gt=0, le=7200, description="length of the longest song that is accepted")
    calibration: Calibrations = Field(description="correction of the probabilities")
    novelty: NoveltyFigures = Field(description="how well unknown music is recognised")
    licenses: list[str] = Field(description="licences of the music, the most common first")
    citation: str | None = Field(description="what the authors of the data ask to be cited")
    homepage: str | None = Field(description="where the data set is described")
    data_version: str = Field(description="hash of the data that the model was trained on")
    run_key: str = Field(description="the model's run in MLflow")
    git_commit: str | None = Field(description="commit of songwise and the configuration")
    versions: dict[str, str] = Field(description="versions of the libraries that the model was trained with")
    files: dict[_File, _Digits] = Field(description="SHA-256 of every other file in the folder")
