"""A preset that cannot be used is refused with a message, before any work."""

from pathlib import Path

import pytest
import yaml

from songwise.errors import InputError
from songwise.features.preset_files import load_preset
from songwise.features.presets import column_names
from songwise.features.standardise import DEFAULTS

ROOT = Path(__file__).parents[2]
GOOD = {"name": "mine", "families": {"mfcc": {"n": 13, "statistics": ["mean"]}}}


@pytest.fixture
def load(tmp_path):
    """Writes presets and loads the first, in a folder like the project's."""
    folder = tmp_path / "config" / "features"
    folder.mkdir(parents=True)

    def write_and_load(first: dict, *others: dict) -> dict:
        for content in (first, *others):
            (folder / f"{content['name']}.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
        return load_preset(first["name"], tmp_path)

    return write_and_load


def families(**content) -> dict:
    return {"name": "mine", "families": content}


@pytest.mark.parametrize(
    ("preset", "message"),
    [
        (families(mfc={"statistics": ["mean"]}), r"families\.mfc: there is no family 'mfc'; did you mean 'mfcc'"),
        (families(mine={"family": "rmz", "statistics": ["mean"]}), r"families\.mine: there is no family 'rmz'"),
        (families(rms={"statistics": ["mena"]}), r"statistics.*'mena' is not one of mean"),
        (families(rms={}), r"families\.rms: key 'statistics' is missing"),
        (families(rms={"n": 3, "statistics": ["mean"]}), r"families\.rms: rms has no option 'n'"),
        (families(mfcc={"m": 3, "statistics": ["mean"]}), r"families\.mfcc: unknown key 'm'"),
        (families(tempo={"statistics": ["mean"]}), r"tempo has no option 'statistics'"),
        (families(mfcc={"n": 200, "statistics": ["mean"]}), r"128 mel bands give at most 128 coefficients, not 200"),
        (families(rms={"source": "wave", "statistics": ["mean"]}), r"source: 'wave' is not one of samples, spectrum"),
        (families(chroma_cqt={"bins_per_octave": 13, "statistics": ["mean"]}), r"'13' is not one of 36, 12"),
        (families(mel={"pool": 7, "statistics": ["mean"]}), r"pool: 128 rows cannot be pooled by 7"),
        (families(rms={"frame": {"hop": 3}, "statistics": ["mean"]}), r"frame: unknown key 'hop'"),
        (GOOD | {"columns": 14}, r"columns: 14 is stated, but the families give 13"),
        (GOOD | {"audio": {"sample_rate": "natural"}}, r"'natural' is not a rate in Hz"),
        (GOOD | {"audio": {"standardise": {"lowpass": 3000}}}, r"unknown key 'lowpass'; did you mean 'low_pass'"),
        (GOOD | {"audio": {"standardise": "yes"}}, r"audio\.standardise: 'yes' is not true, false or the keys"),
        (GOOD | {"audio": {"standardise": {"trim": 0}}}, r"audio\.standardise\.trim: 0 is too small; it must be"),
        (GOOD | {"frames": {"families": {"mel": {}}}}, r"frames\.families: unknown key 'mel'"),
        (GOOD | {"union": ["other"]}, r"families and union"),
        ({"name": "mine"}, r"families or union"),
        ({"name": "mine", "union": ["none"]}, r"preset 'none': there is no file"),
        (
            {"name": "mine", "audio": {"sample_rate": 8000}} | {"families": {"tonnetz": {"statistics": ["mean"]}}},
            r"tonnetz needs 9000 Hz at least, not 8000",
        ),
        (
            {"name": "mine", "frame": {"hop_length": 100}} | {"families": {"chroma_cens": {"statistics": ["mean"]}}},
            r"chroma_cens needs a hop_length that can be halved",
        ),
    ],
)
def test_a_mistake_is_named(load, preset, message):
    with pytest.raises(InputError, match=message):
        load(preset)


def test_a_union_of_unions_is_refused(load):
    with pytest.raises(InputError, match="pair is a union itself"):
        load({"name": "mine", "union": ["pair"]}, {"name": "pair", "union": ["good"]}, GOOD | {"name": "good"})


def test_a_union_keeps_names_that_mean_the_same_and_renames_the_others(load):
    one = {"name": "one", "families": {"rms": {"statistics": ["mean"]}, "mfcc": {"n": 2, "statistics": ["mean"]}}}
    two = {
        "name": "two",
        "families": {
            "rms": {"source": "spectrum", "statistics": ["mean"]},
            "mfcc": {"n": 3, "statistics": ["mean", "std"]},
        },
    }
    three = {"name": "three", "families": {"rms": {"source": "spectrum", "statistics": ["max"]}}}
    assert column_names(load({"name": "mine", "union": ["one", "two", "three"]}, one, two, three)) == [
        *("rms_mean", "mfcc_01_mean", "mfcc_02_mean", "two_rms_mean", "mfcc_03_mean"),
        *("mfcc_01_std", "mfcc_02_std", "mfcc_03_std", "two_rms_max"),
    ]


def test_options_that_are_not_given_are_librosa_s(load):
    (family,) = load(families(chroma={"family": "chroma_cqt", "statistics": ["mean"]}))["families"]
    assert family["options"] == {"bins_per_octave": 36}
    assert family["frame"] == {"n_fft": 2048, "hop_length": 512}


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, False),
        ({"standardise": True}, DEFAULTS),
        ({"standardise": {"loudness": None, "low_pass": 4000}}, DEFAULTS | {"loudness": None, "low_pass": 4000}),
    ],
)
def test_standardise_is_false_or_has_every_step(load, asked, found):
    assert load(GOOD | {"audio": asked})["audio"] == {"sample_rate": 22050, "standardise": found}


def test_a_preset_may_have_frames_and_no_columns(load):
    preset = load({"name": "mine", "frames": {"families": {"waveform": {}}}})
    assert preset["families"] == [] and preset["columns"] == 0 and column_names(preset) == []


def test_a_union_cannot_contain_a_preset_without_columns(load):
    with pytest.raises(InputError, match=r"mine\.yaml: union: pictures has frames only, and no columns to combine"):
        load({"name": "mine", "union": ["pictures"]}, {"name": "pictures", "frames": {"families": {"log_mel": {}}}})
