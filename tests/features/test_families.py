"""A feature family is declared once and computed once, and both sides agree."""

import inspect
import itertools

import numpy as np
import pytest
from helpers.sound import RATE, tone

from songwise.features.declarations import FAMILIES
from songwise.features.families import COMPUTE, rows_of
from songwise.features.presets import names_of
from songwise.features.spectra import Clip

FRAME = {"n_fft": 1024, "hop_length": 512}


def test_every_declared_family_is_computed_and_every_computed_one_is_declared():
    undeclared, uncomputed = COMPUTE.keys() - FAMILIES.keys(), FAMILIES.keys() - COMPUTE.keys()
    assert not undeclared, f"add these to features/declarations.py: {sorted(undeclared)}"
    assert not uncomputed, f"add these to COMPUTE in features/families.py: {sorted(uncomputed)}"


def choices(name: str) -> list[dict]:
    """Every combination of a family's options, a number being its default and 13."""
    options = FAMILIES[name].options
    values = [value if isinstance(value, tuple) else (value, 13) for value in options.values()]
    return [dict(zip(options, combination, strict=True)) for combination in itertools.product(*values)]


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_has_the_rows_that_it_declares_for_all_its_options(name):
    clip = Clip(tone(1, 330).astype(np.float32), RATE)
    for options in choices(name):
        rows = rows_of(clip, name, frame=FRAME, options=options)
        statistics = ["mean"] if FAMILIES[name].statistics else []
        family = {"prefix": name, "family": name, "frame": FRAME, "pool": 1, "statistics": statistics}
        assert rows.dtype == np.float32 and len(rows) == len(names_of(family | {"options": options})), options


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_that_does_not_declare_separation_needs_no_parts(name):
    for options in choices(name):
        if not FAMILIES[name].needs_separation(options):
            clip = Clip(tone(1, 330).astype(np.float32), RATE, separating=False)
            rows_of(clip, name, frame=FRAME, options=options)
            assert "stft" not in vars(clip.spectra(**FRAME)), options


@pytest.mark.parametrize("name", [name for name in FAMILIES if "part" not in FAMILIES[name].options])
def test_a_family_s_function_takes_the_options_that_it_declares(name):
    parameters = list(inspect.signature(COMPUTE[name]).parameters)
    assert parameters[1:] == list(FAMILIES[name].options)


SOUNDS = {
    "silence": np.zeros(RATE, np.float32),
    "one sample": np.full(1, 0.5, np.float32),
    "shorter than a window": tone(0.01, 330).astype(np.float32),
    "silence, then a tone": np.concatenate([np.zeros(RATE, np.float32), tone(1, 330).astype(np.float32)]),
}


@pytest.mark.parametrize("sound", SOUNDS)
@pytest.mark.parametrize("name", FAMILIES)
def test_every_number_of_a_family_is_finite(name, sound):
    clip = Clip(SOUNDS[sound], RATE)
    for options in choices(name):
        assert np.isfinite(rows_of(clip, name, frame=FRAME, options=options)).all(), options
