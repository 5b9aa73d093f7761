"""Presets of networks: their columns, what their key depends on, and what is refused before any work."""

import copy
from pathlib import Path

import pytest
import yaml
from helpers.tiny_networks import MEL, PICTURE, WAVEFORM, content

from songwise.errors import InputError
from songwise.features.embedding_presets import check_clip, shortest_seconds
from songwise.features.preset_files import check_own_weights, load_network, load_preset
from songwise.features.presets import column_names, places_of, preset_key, standardised_pairs
from songwise.studies.importance import families_of

ROOT = Path(__file__).parents[2]
SHA256 = "0" * 64
NETWORK = content(MEL, outputs={"means": 40, "tags": 200, "Identity:0": 3})
PRESET = {"name": "mine", "network": "tiny", "outputs": {"means": ["mean"], "input": ["mean", "std"]}}


@pytest.fixture
def load(tmp_path):
    """Writes presets and a network and loads the first preset, in a folder like the project's."""
    for name in ("features", "networks"):
        (tmp_path / "config" / name).mkdir(parents=True)

    def write_and_load(first: dict, *others: dict, network: dict = NETWORK) -> dict:
        for preset in (first, *others):
            path = tmp_path / "config" / "features" / f"{preset['name']}.yaml"
            path.write_text(yaml.safe_dump(preset, sort_keys=False))
        path = tmp_path / "config" / "networks" / "tiny.yaml"
        path.write_text(yaml.safe_dump(network, sort_keys=False))
        return load_preset(first["name"], tmp_path)

    return write_and_load


@pytest.mark.parametrize(
    ("name", "columns", "first", "last"),
    [
        ("efficientat_mn04", 2048, "blocks_0001_mean", "input_128_std"),
        ("musicnn", 200 + 3 * 753, "penultimate_001_mean", "max_pool_753_mean"),
        ("imagenet", 512, "features_001_mean", "features_512_mean"),
    ],
)
def test_shipped_presets_have_the_columns_of_their_outputs(name, columns, first, last):
    preset = load_preset(name, ROOT)
    names = column_names(preset)
    assert len(set(names)) == len(names) == preset["columns"] == columns
    assert (names[0], names[-1]) == (first, last)
    assert preset["audio"]["sample_rate"] == preset["network"]["front_end"]["sample_rate"]


@pytest.mark.parametrize("name", ["efficientat_mn04", "musicnn"])
def test_a_shipped_preset_has_a_standardised_twin(name):
    names = (name, f"{name}_standardised")
    presets = {each: load_preset(each, ROOT) for each in names}
    assert standardised_pairs(presets) == [names]
    assert presets[names[1]]["audio"]["standardise"]["low_pass"] == 8000
    assert preset_key(presets[names[0]]) != preset_key(presets[names[1]])


def test_indices_have_as_many_digits_as_the_output_needs(load):
    names = column_names(load(PRESET | {"outputs": {"Identity:0": ["std"], "means": ["max"], "tags": ["mean"]}}))
    assert names[:4] == ["Identity_0_01_std", "Identity_0_02_std", "Identity_0_03_std", "means_01_max"]
    assert names[-1] == "tags_200_mean"


def test_importance_is_per_output(load):
    preset = load(PRESET)
    assert {name: len(places) for name, places in families_of(preset, column_names(preset)).items()} == {
        "means": 40,
        "input": 80,
    }


@pytest.mark.parametrize(
    ("change", "depends"),
    [
        ({"title": "Other words"}, False),
        ({"outputs": NETWORK["outputs"] | {"more": 7}}, False),
        ({"weights": NETWORK["weights"] | {"license": "MIT", "attribution": "someone", "sha256": SHA256}}, False),
        ({"weights": NETWORK["weights"] | {"path": "moved.onnx", "sha256": SHA256}}, False),
        ({"weights": NETWORK["weights"] | {"sha256": "1" * 64}}, True),
        ({"front_end": MEL | {"fmin": 30}}, True),
        ({"patch": {"frames": 50, "hop": 25, "short": "repeat"}}, True),
        ({"patch": {"frames": 50, "short": "refuse"}}, True),
        ({"outputs": {"means": 41}}, True),
    ],
)
def test_the_key_depends_on_what_the_numbers_depend_on(load, change, depends):
    stated = NETWORK | {"weights": NETWORK["weights"] | {"sha256": SHA256}}
    before, after = load(PRESET, network=stated), load(PRESET, network=stated | change)
    assert (preset_key(before) != preset_key(after)) == depends


def test_the_key_depends_on_the_outputs_that_the_preset_takes(load):
    keys = [
        preset_key(load(PRESET | {"title": "A title"} | change)) for change in ({}, {"outputs": {"means": ["std"]}})
    ]
    assert preset_key(load(PRESET)) == keys[0] != keys[1]


def test_the_checksum_of_your_own_weights_is_that_of_the_file(load, tmp_path):
    without = load(PRESET)
    with pytest.raises(InputError, match=r"config/networks/tiny\.yaml: weights\.path: there is no file .*tiny\.onnx"):
        check_own_weights(without["network"], tmp_path)
    keys = {preset_key(without)}
    for weights in (b"one", b"other"):
        (tmp_path / "config" / "networks" / "tiny.onnx").write_bytes(weights)
        keys.add(preset_key(load(PRESET)))
    assert len(keys) == 3
    check_own_weights(load(PRESET)["network"], tmp_path)


def test_shipped_weights_are_not_your_own():
    check_own_weights(load_network("musicnn", ROOT), ROOT)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"network": "tinny"}, r"network 'tinny': there is no file config/networks/tinny\.yaml; did you mean 'tiny'"),
        ({"outputs": {"mens": ["mean"]}}, r"mine\.yaml: outputs: network tiny has no output 'mens'; did you mean 'mea"),
        ({"outputs": {"means": ["mena"]}}, r"outputs\.means\.0: 'mena' is not one of mean, .*did you mean 'mean'"),
        ({"outputs": {}}, r"outputs: has too few entries"),
        ({"columns": 41}, r"columns: 41 is stated, but the outputs give 120"),
        ({"families": {"rms": {"statistics": ["mean"]}}}, r"mine\.yaml: has both network and families"),
        ({"frame": {"n_fft": 512}}, r"mine\.yaml: has both network and frame"),
        ({"audio": {"sample_rate": 8000}}, r"audio\.sample_rate: the network's own rate is used; remove the key"),
    ],
)
def test_a_mistake_in_a_preset_is_named(load, change, message):
    with pytest.raises(InputError, match=message):
        load(PRESET | change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"outputs": {"means": 40, "input": 3}}, r"outputs: 'input' is the name of what the network is fed"),
        ({"layout": ["batch", "samples"]}, r"layout is \[batch, samples\]; a front end of type mel needs bands and fr"),
        ({"layout": ["batch", "frames", "band"]}, r"layout\.2: 'band' is not one of .*did you mean 'bands'"),
        ({"front_end": MEL | {"type": "mell"}}, r"front_end\.type: 'mell' is not one of mel, waveform, picture; did y"),
        ({"front_end": MEL | {"fmax": 9000}}, r"front_end: fmax \(9000\) is above half the sample rate \(8000\)"),
        ({"front_end": MEL | {"win_length": 600}}, r"front_end: win_length \(600\) is greater than n_fft \(512\)"),
        (
            {"front_end": MEL | {"compression": {"kind": "log", "offset": 0}}},
            r"front_end\.compression: offset is 0",
        ),
        ({"patch": {"hop": 3}}, r"patch: hop needs a length"),
        ({"patch": {"frames": 50, "least": 3}}, r"patch: least is for `short: keep` only"),
        ({"weights": {"format": "onnx", "license": "x", "attribution": "y"}}, r"weights: needs exactly one of the ke"),
        ({"weights": NETWORK["weights"] | {"url": "https://example.org"}}, r"weights: needs exactly one of the keys"),
        ({"weights": NETWORK["weights"] | {"format": "pickle"}}, r"weights\.format: 'pickle' is not one of"),
    ],
)
def test_a_mistake_in_a_network_is_named(load, change, message):
    with pytest.raises(InputError, match=rf"config/networks/tiny\.yaml: {message}"):
        load(PRESET, network=NETWORK | change)


def test_a_download_needs_a_checksum(load):
    network = copy.deepcopy(NETWORK)
    network["weights"] |= {"url": "https://example.org/tiny.onnx", "file": "tiny.onnx"}
    del network["weights"]["path"]
    with pytest.raises(InputError, match=r"weights: key 'sha256' is missing; a download needs file, sha256 and bytes"):
        load(PRESET, network=network)


def test_input_is_an_output_of_mel_networks_only(load):
    network = content(WAVEFORM, outputs={"means": 40})
    with pytest.raises(InputError, match=r"network tiny has no output 'input'"):
        load(PRESET, network=network)


def test_a_covariance_of_very_many_rows_is_refused(load):
    network = content(MEL, outputs={"means": 2000})
    with pytest.raises(InputError, match=r"outputs\.means: covariance: 2,000 rows have too many pairs"):
        load(PRESET | {"outputs": {"means": ["covariance"]}}, network=network)


@pytest.mark.parametrize(
    ("twin", "message"),
    [
        ({"union": ["mine", "other"]}, r"twin\.yaml: union: mine has a network, so it cannot be combined with other"),
        ({"union": ["mine"], "audio": {"sample_rate": 8000}}, r"audio\.sample_rate: the network of mine has its own r"),
        ({"union": ["mine"], "frame": {"n_fft": 512}}, r"twin\.yaml: frame: the network of mine determines the frames"),
    ],
)
def test_a_twin_that_cannot_be_one_is_refused(load, twin, message):
    other = {"name": "other", "families": {"rms": {"statistics": ["mean"]}}}
    with pytest.raises(InputError, match=message):
        load({"name": "twin"} | twin, PRESET, other)


def test_columns_of_one_preset_are_found_in_another_of_the_same_network(load):
    part = load(PRESET | {"name": "part", "outputs": {"input": ["std"], "means": ["mean"]}})
    whole = load(PRESET)
    names = column_names(whole)
    assert [names[place] for place in places_of(part, whole)] == column_names(part)
    assert places_of(load(PRESET | {"name": "tags", "outputs": {"tags": ["mean"]}}), whole) is None
    assert places_of(load_preset("mfcccov", ROOT), whole) is None
    assert places_of(part, load_preset("mfcccov", ROOT)) is None


@pytest.mark.parametrize(
    ("front_end", "patch", "seconds"),
    [
        (MEL, {"frames": 101}, 1.6),
        (MEL | {"center": False}, {"frames": 101}, 1.632),
        (WAVEFORM, {"frames": 16_000}, 1),
        (PICTURE, {"frames": 101}, 1.6),
    ],
)
def test_clips_must_be_as_long_as_a_patch_unless_the_network_s_file_allows_less(load, front_end, patch, seconds):
    preset = PRESET | {"outputs": {"means": ["mean"]}}
    refusing = load(preset, network=content(front_end, patch=patch))
    assert shortest_seconds(refusing["network"]) == pytest.approx(seconds)
    clip = {"seconds": 10, "min_seconds": seconds - 0.1}
    with pytest.raises(InputError, match=r"^my\.yaml: clip\.min_seconds: clips may be as short as .* `short: repeat`"):
        check_clip(refusing, clip, "my.yaml")
    check_clip(refusing, clip | {"min_seconds": seconds + 0.01}, "my.yaml")
    check_clip(load(preset, network=content(front_end, patch=patch | {"short": "repeat"})), clip, "my.yaml")
    check_clip(load(preset, network=content(front_end, patch={})), clip, "my.yaml")
    check_clip(load_preset("mfcccov", ROOT), clip, "my.yaml")
