"""The feature families that a preset can name: their rows, options and limits.

`features.families` has the function that computes each of them. tests/features/test_families.py fails if a family is
in one of the two modules only, or if they disagree about its options or its number of rows.

Light (no numpy): this module is imported at every start of Snakemake.
"""

from dataclasses import dataclass, field

_PARTS = ("whole", "harmonic", "percussive")
_MEL_BANDS = 128  # librosa's default, from which cepstral coefficients are computed


@dataclass(frozen=True)
class Family:
    """What a preset may ask of a feature family.

    Attributes
    ----------
    rows : int or str
        Rows per frame; or the option that sets their number; or "bins" for one row per bin of the spectrum.
    options : dict
        Name of each option to its default. A tuple lists all allowed values, the default first.
    statistics : bool
        Whether statistics over time are taken. Otherwise the family is one number per clip.
    lowest_rate : int
        Lowest sample rate in Hz at which the family is defined.
    hop_multiple : int
        The hop_length must be a multiple of this number of samples.
    most_rows : int or None
        Largest number of rows that the option may set.
    nested : bool
        Whether the first rows stay the same if more rows are asked for.
    separated : bool
        Whether the family always needs the harmonic or the percussive part.
    """

    rows: int | str
    options: dict = field(default_factory=dict)
    statistics: bool = True
    lowest_rate: int = 0
    hop_multiple: int = 1
    most_rows: int | None = None
    nested: bool = False
    separated: bool = False

    def needs_separation(self, options: dict) -> bool:
        """Return whether the family needs the harmonic or the percussive part.

        Parameters
        ----------
        options : dict
            The family's options in a preset.

        Returns
        -------
        bool
            True also if the option `part` asks for a part.
        """
        return self.separated or options.get("part", "whole") != "whole"


_CEPSTRUM = {"options": {"n": 20, "part": _PARTS}, "most_rows": _MEL_BANDS, "nested": True}
_BINS_PER_OCTAVE = (36, 12, 24, 48, 60)
_CQT = {
    "lowest_rate": 9_000,  # above twice the upper end of the highest filter, whatever the tuning
    "hop_multiple": 64,  # halved six times in seven octaves
}

FAMILIES = {
    "mfcc": Family("n", **_CEPSTRUM),
    "mfcc_delta": Family("n", **_CEPSTRUM),
    "mfcc_delta2": Family("n", **_CEPSTRUM),
    "mel": Family("n", {"n": 128, "part": _PARTS}),
    "kaldi_log_mel": Family("n", {"n": 128}),
    "chroma_stft": Family(12, {"power": (2, 1)}),
    "chroma_cqt": Family(12, {"bins_per_octave": _BINS_PER_OCTAVE}, **_CQT),
    "chroma_cens": Family(12, {"bins_per_octave": _BINS_PER_OCTAVE}, **_CQT),
    "tonnetz": Family(6, {"chroma": ("cqt", "cens"), "bins_per_octave": _BINS_PER_OCTAVE}, **_CQT),
    "spectral_centroid": Family(1),
    "spectral_bandwidth": Family(1),
    "spectral_contrast": Family(7, lowest_rate=12_801),
    "spectral_flatness": Family(1),
    "spectral_rolloff": Family(1),
    "poly_features": Family(2),
    "zero_crossing_rate": Family(1),
    "rms": Family(1, {"source": ("samples", "spectrum")}),
    "harmonic_waveform": Family(1, separated=True),
    "percussive_waveform": Family(1, separated=True),
    "harmonic_spectrum": Family("bins", separated=True),
    "percussive_spectrum": Family("bins", separated=True),
    "onset_strength": Family(1, {"aggregate": ("mean", "median")}),
    "tempo": Family(1, {"aggregate": ("mean", "median")}, statistics=False),
}
