"""config/features/NAME.yaml: one feature preset, the numbers that describe a clip."""

from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from songwise.schemas.section import AS_WRITTEN, Name, Section, UniqueList, optional

Statistic = Literal["mean", "std", "var", "min", "max", "median", "skew", "kurtosis", "covariance"]


class Standardise(Section):
    """Steps that remove traces of encoding and mastering from a clip; null leaves a step out."""

    low_pass: Annotated[float, Field(ge=100, le=96000), AS_WRITTEN] | None = Field(
        8000,
        description="Hz. A linear-phase filter, -6 dB there and -100 dB from 5 % above; at most 0.9 of half the rate. "
        "It hides an encoder only if it is below the cutoff of the worst file",
    )
    trim: Annotated[float, Field(gt=0, le=200), AS_WRITTEN] | None = Field(
        60,
        description="dB. Beginning and end that are this far below the loudest frame are removed, as in "
        "librosa.effects.trim",
    )
    loudness: Annotated[float, Field(ge=-70, le=0), AS_WRITTEN] | None = Field(
        -23,
        description="LUFS by ITU-R BS.1770-4, of one channel, per clip. For clips below 0.4 s it is the K-weighted "
        "level. Below -70 LUFS a clip is silence and stays so",
    )


def _fill(standardise: "bool | Standardise") -> "bool | Standardise":
    return Standardise() if standardise is True else standardise


class Audio(Section):
    """What happens to a clip before any feature is computed."""

    sample_rate: Literal["native"] | Annotated[int, Field(ge=2000, le=192000)] = Field(
        22050,
        description="a rate in Hz from 2000 to 192000, or native. `native` keeps each file's own rate, which may "
        "identify its class as well",
    )
    standardise: Annotated[bool | Standardise, AfterValidator(_fill)] = Field(
        False, description="true, false or the keys low_pass, trim and loudness. `true` is every default"
    )


class Frame(Section):
    """The frames of a spectrogram."""

    n_fft: int = Field(2048, ge=64, le=65536, description="length of a frame, in samples")
    hop_length: int = Field(512, ge=1, le=65536, description="samples between the starts of two frames")


class FrameChanges(Section):
    """Keys of `frame` that a family overrides."""

    n_fft: int = optional("length of a frame, in samples", ge=64, le=65536)
    hop_length: int = optional("samples between the starts of two frames", ge=1, le=65536)


class Family(Section):
    """A family of features. Which options and values a family has is defined in `songwise.features.presets`."""

    family: str = optional("the family, if the key is a name of your own")
    frame: FrameChanges = optional("`n_fft` and `hop_length`, if they differ from the preset's")
    pool: Literal["all"] | Annotated[int, Field(ge=1)] = optional(
        "all or a number of neighbouring rows. They are treated as one row"
    )
    statistics: UniqueList[Statistic] = optional("statistics over frames", min_length=1)
    n: int = optional("number of coefficients or bands", ge=1, le=512)
    part: str = optional("of the clip: whole, harmonic or percussive")
    power: int = optional("of the spectrogram: 1 for magnitude, 2 for power")
    bins_per_octave: int = optional("of the constant-Q transform")
    chroma: str = optional("the chroma that tonnetz is computed from")
    source: str = optional("what rms is computed from: samples or spectrum")
    aggregate: str = optional("over mel bands: mean or median")


class LogMel(Section):
    """A mel spectrogram in dB."""

    n: int = Field(128, ge=1, le=512, description="number of mel bands")


class Mfcc(Section):
    """Mel-frequency cepstral coefficients."""

    n: int = Field(20, ge=1, le=128, description="number of coefficients")


class Waveform(Section):
    """The samples of one channel."""


class FrameFamilies(Section):
    """The matrices of each clip."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    log_mel: LogMel = optional("`n` (128) mel bands in dB, the loudest 80 dB of the clip")
    mfcc: Mfcc = optional("the first `n` (20) MFCC of log_mel")
    waveform: Waveform = optional("the samples at the preset's sample rate, one per frame: `waveform: {}`")

    @model_validator(mode="after")
    def _check_any(self) -> "FrameFamilies":
        if not self.model_fields_set:
            raise ValueError("needs at least one of the keys log_mel, mfcc and waveform")
        return self


class Frames(Section):
    """Matrices of each clip, for models of sequences and images."""

    dtype: Literal["float16", "float32"] = Field(
        "float16",
        description="float16 keeps 11 binary digits: decibels to 1/32 between 64 and 128 dB, an MFCC to 1/2048 of its "
        "value",
    )
    families: FrameFamilies = Field(description="what is written: log_mel, mfcc, waveform")


_Prefix = Annotated[str, Field(pattern="^[A-Za-z][A-Za-z0-9_]*$")]


class Preset(Section):
    """A feature preset: audio, frames and families, a union of other presets, or other presets joined."""

    name: Name = Field(description="letters, digits, - and _, as the file")
    title: str = optional("what the preset is, in words. Nothing is extracted or trained again when it changes")
    columns: int = optional("how many columns the preset has; checked, so that nobody changes it by accident", ge=1)
    audio: Audio = Field(
        default_factory=Audio,
        description="how a clip is prepared before features are computed, see [below](#audiostandardise)",
    )
    frame: Frame = Field(
        default_factory=Frame,
        description="`n_fft` (2048) samples per frame, and `hop_length` (512) samples between the starts of two frames",
    )
    union: UniqueList[str] = optional("presets whose columns are combined, instead of `families`", min_length=1)
    join: UniqueList[str] = optional(
        "presets whose tables are joined, instead of `families`. Each keeps its own audio and columns, and nothing is "
        "computed again. For ensembles with members on several presets",
        min_length=2,
    )
    families: dict[_Prefix, Family | None] = optional("what the columns are, see [families](#families)", min_length=1)
    network: str = optional(
        "a network of `networks/`, whose outputs are the columns, instead of `families`, see "
        "[embeddings](#embeddings-outputs-of-pretrained-networks)"
    )
    outputs: dict[str, Annotated[UniqueList[Statistic], Field(min_length=1)]] = optional(
        "for `network`: its outputs, and the statistics of each over the clip's patches. `input` is the mel "
        "spectrogram that the network is fed",
        min_length=1,
    )
    frames: Frames = optional(
        "matrices of each clip for models of sequences and images, see [frames](#frames-matrices-for-networks)"
    )

    @model_validator(mode="after")
    def _check_network(self) -> "Preset":
        if (self.network is None) != (self.outputs is None):
            present, missing = ("outputs", "network") if self.network is None else ("network", "outputs")
            raise ValueError(f"has {present}, but key '{missing}' is missing")
        if self.network is not None:
            for key in ("families", "union", "frame", "frames"):
                if key in self.model_fields_set:
                    raise ValueError(f"has both network and {key}; the network's file determines how clips are read")
            if "sample_rate" in self.audio.model_fields_set:
                raise ValueError("audio.sample_rate: the network's own rate is used; remove the key")
        return self
