"""A resolved preset from a stranger's file is refused if no preset file can define it."""

import copy
import json
from pathlib import Path

import pytest

from songwise.errors import InputError
from songwise.features.joined import table_presets, without_titles
from songwise.features.preset_files import load_preset
from songwise.features.presets import preset_key
from songwise.features.resolved import check_resolved, column_names_of, described_preset

SHIPPED = sorted(path.stem for path in Path(__file__).parents[2].glob("config/features/*.yaml"))


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_preset_is_accepted_after_json(name, root):
    preset = load_preset(name, root)
    for content in (preset, without_titles(preset)):
        stored = json.loads(json.dumps(content, sort_keys=True))
        columns = column_names_of(content)
        found = described_preset({"preset": stored, "columns": columns}, "bundle.json")
        assert found == stored and column_names_of(found) == columns
        keys = [preset_key(part) for part in table_presets(found).values()]
        assert keys == [preset_key(part) for part in table_presets(content).values()]


def forged(root, change, name="mfcccov"):
    preset = json.loads(json.dumps(load_preset(name, root)))
    change(preset)
    return preset


@pytest.mark.parametrize(
    "change",
    [
        lambda preset: preset["families"][0]["frame"].update(n_fft=10**9),
        lambda preset: preset["families"][0]["frame"].update(hop_length=0),
        lambda preset: preset["families"][0]["options"].update(n=10**6),
        lambda preset: preset["families"][0].update(family="__import__"),
        lambda preset: preset["audio"].update(sample_rate=10**12),
        lambda preset: preset["audio"].update(sample_rate=None),
        lambda preset: preset.update(columns=3),
        lambda preset: preset.update(families=None),
        lambda preset: preset.update(surprise=1),
        lambda preset: preset.pop("families"),
        lambda preset: preset["families"].clear(),
    ],
)
def test_a_forged_preset_is_refused_in_one_sentence(change, root):
    with pytest.raises(InputError, match=r"bundle\.json: its preset") as error:
        check_resolved(forged(root, change), "bundle.json")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "change",
    [
        lambda network: network["front_end"].update(n_fft=10**9),
        lambda network: network["outputs"].update(blocks=10**9),
        lambda network: network["weights"].update(path="../../etc/passwd"),
        lambda network: network.update(name="../up"),
    ],
)
def test_a_forged_network_is_refused(change, root):
    preset = forged(root, lambda content: change(content["network"]), "efficientat_mn04")
    with pytest.raises(InputError, match="its preset"):
        check_resolved(preset, "bundle.json")


def test_a_part_of_a_joined_preset_is_checked_too(root):
    preset = copy.deepcopy(load_preset("fused_light", root))
    preset["join"]["mfcccov"]["families"][0]["frame"]["n_fft"] = 10**9
    with pytest.raises(InputError, match="its preset"):
        check_resolved(preset, "bundle.json")
