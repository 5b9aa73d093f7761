"""Joined presets: their parts, the columns of an ensemble's members among them, and mistakes in their files."""

from pathlib import Path

import pytest
import yaml
from helpers.tiny_networks import MEL, content

from songwise.errors import InputError
from songwise.features.joined import joined_pairs, member_places, table_presets, tables_key, without_titles
from songwise.features.preset_files import load_preset
from songwise.features.presets import column_names, preset_key

ROOT = Path(__file__).parents[2]
ONE = {"name": "one", "families": {"mfcc": {"n": 3, "statistics": ["mean"]}, "rms": {"statistics": ["mean", "std"]}}}
TWO = {
    "name": "two",
    "families": {"spectral_centroid": {"statistics": ["mean"]}, "mfcc": {"n": 5, "statistics": ["std"]}},
}
BOTH = {"name": "both", "title": "Both", "join": ["one", "two"]}
STANDARDISED = {"audio": {"standardise": True}}


@pytest.fixture
def load(tmp_path):
    """Writes presets, and a network, and loads the last preset, in a folder like the project's."""
    for name in ("features", "networks"):
        (tmp_path / "config" / name).mkdir(parents=True)
    (tmp_path / "config" / "networks" / "tiny.yaml").write_text(yaml.safe_dump(content(MEL)))

    def write_and_load(*presets: dict) -> dict:
        for preset in (ONE, TWO, *presets):
            path = tmp_path / "config" / "features" / f"{preset['name']}.yaml"
            path.write_text(yaml.safe_dump(preset, sort_keys=False))
        return load_preset(preset["name"], tmp_path)

    return write_and_load


def test_a_joined_preset_has_all_columns_of_its_parts_in_the_order_of_the_file(load):
    both = load(BOTH)
    assert both["columns"] == 5 + 6
    assert list(both["join"]) == list(table_presets(both)) == ["one", "two"]
    assert list(load(BOTH | {"join": ["two", "one"]})["join"]) == ["two", "one"]
    assert both["join"]["one"] == load(TWO, ONE)
    one = both["join"]["one"]
    assert table_presets(one) == {"one": one}


def test_an_embedding_is_joined_like_any_preset(load):
    tiny = {"name": "tiny", "network": "tiny", "outputs": {"means": ["mean"]}}
    both = load(tiny, {"name": "both", "join": ["one", "tiny"]})
    assert both["columns"] == 5 + 40 and both["join"]["tiny"]["network"]["name"] == "tiny"


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("fused_light", ["mfcccov", "fma518_22k", "logmel128"]),
        ("fused", ["mfcccov", "logmel128", "efficientat_mn04", "musicnn"]),
    ],
)
def test_shipped_joined_presets_have_a_standardised_twin(name, parts):
    presets = {each: load_preset(each, ROOT) for each in (f"{name}_standardised", name)}
    assert list(presets[name]["join"]) == parts
    assert joined_pairs(presets) == [(name, f"{name}_standardised")]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"columns": 12}, r"both\.yaml: columns: 12 is stated, but the joined presets have 11"),
        ({"join": ["one"]}, r"both\.yaml: join: has too few entries"),
        ({"join": ["one", "one"]}, r"both\.yaml: join: 'one' is listed more than once"),
        ({"join": ["one", "tow"]}, r"preset 'tow': there is no file .*did you mean 'two'"),
        ({"join": ["one", "nested"]}, r"both\.yaml: join: nested is joined itself; name its presets instead"),
        ({"join": ["one", "both"]}, r"both\.yaml: join: both is joined itself; name its presets instead"),
        ({"audio": {"sample_rate": 8000}}, r"both\.yaml: audio: a preset with join has no key 'audio'; set it in the"),
        ({"frame": {"n_fft": 512}}, r"both\.yaml: frame: a preset with join has no key 'frame'"),
        ({"union": ["one", "two"]}, r"both\.yaml: union: a preset with join has no key 'union'"),
        ({"families": ONE["families"]}, r"both\.yaml: families: a preset with join has no key 'families'"),
        ({"network": "tiny", "outputs": {"means": ["mean"]}}, r"both\.yaml: network: a preset with join has no key"),
        ({"joins": ["one", "two"]}, r"both\.yaml: unknown key 'joins'; did you mean 'join'"),
    ],
)
def test_a_mistake_in_a_joined_preset_is_named(load, changes, message):
    nested = {"name": "nested", "join": ["one", "two"]}
    with pytest.raises(InputError, match=message):
        load(nested, BOTH | changes)


def test_a_joined_preset_is_not_a_member_of_a_union(load):
    with pytest.raises(
        InputError, match=r"all\.yaml: union: both is a joined preset; use join here, and name its presets"
    ):
        load(BOTH, {"name": "all", "union": ["one", "both"]})


def test_stated_columns_that_are_right_are_accepted(load):
    assert load(BOTH | {"columns": 11})["columns"] == 11


def test_titles_of_a_joined_preset_and_of_its_parts_do_not_count(load):
    plain, titled = load(BOTH), load(BOTH | {"title": "Other"}, ONE | {"title": "First"}, BOTH)
    assert titled["join"]["one"]["title"] == "First"
    assert without_titles(plain) == without_titles(load(ONE | {"title": "x"}, BOTH | {"title": "y"}))
    assert "title" not in without_titles(titled) and "title" not in without_titles(titled)["join"]["one"]
    assert titled["title"] == "Both", "the preset itself is not changed"
    assert tables_key(plain) == tables_key(titled)


@pytest.mark.parametrize(
    "changed",
    [
        [ONE | {"frame": {"n_fft": 1024}}, BOTH],
        [TWO | STANDARDISED, BOTH],
        [BOTH | {"join": ["two", "one"]}],
        [ONE | {"name": "three"}, BOTH | {"join": ["one", "two", "three"]}],
    ],
    ids=["first part", "last part", "order", "further part"],
)
def test_the_key_of_joined_tables_depends_on_every_part_and_their_order(load, changed):
    before = tables_key(load(BOTH))
    assert tables_key(load(*changed)) != before


def test_the_key_of_one_preset_is_its_own(load):
    one = load(ONE)
    assert tables_key(one) == preset_key(one)


def test_a_members_columns_are_counted_over_the_parts_before_its_own(load):
    both, two = load(BOTH), load(TWO)
    assert member_places(load(ONE), both) == ("one", [0, 1, 2, 3, 4])
    assert member_places(two, both) == ("two", [5, 6, 7, 8, 9, 10])
    assert member_places(two, load(BOTH | {"join": ["two", "one"]})) == ("two", [0, 1, 2, 3, 4, 5])
    assert member_places(two, two) == ("two", [0, 1, 2, 3, 4, 5])


def test_a_member_with_some_columns_of_a_part_takes_these_in_its_own_order(load):
    both = load(BOTH)
    names = [f"{part}.{column}" for part, preset in both["join"].items() for column in column_names(preset)]
    backwards = {key: TWO["families"][key] for key in reversed(TWO["families"])}
    part, places = member_places(load({"name": "mine", "families": backwards}), both)
    assert part == "two" and names[places[0]] == "two.mfcc_01_std" and names[places[-1]] == "two.spectral_centroid_mean"
    some = {"name": "mine", "families": {"rms": {"statistics": ["std"]}}}
    assert member_places(load(some), both) == ("one", [4])


def test_a_member_whose_columns_no_single_part_has_is_not_found(load):
    both = load(BOTH)
    assert member_places(load({"name": "mine", "families": {"mfcc": {"n": 4, "statistics": ["mean"]}}}), both) is None
    assert member_places(load({"name": "mine", "union": ["one", "two"]}), both) is None


def test_a_member_takes_the_part_of_its_own_name_before_one_with_the_same_families(load):
    """Of a preset and its standardised twin, a member gets the one it names, whichever comes first."""
    twin = ONE | {"name": "one_standardised"} | STANDARDISED
    for order in (["one", "one_standardised"], ["one_standardised", "one"]):
        both = load(twin, BOTH | {"join": order})
        for member in (load(ONE), load(twin)):
            part, places = member_places(member, both)
            assert part == member["name"] and places[0] == 5 * order.index(part)


def test_a_member_takes_the_standardised_twin_if_only_that_is_joined(load):
    twin = ONE | {"name": "one_standardised"} | STANDARDISED
    assert member_places(load(ONE), load(twin, BOTH | {"join": ["two", "one_standardised"]})) == (
        "one_standardised",
        [6, 7, 8, 9, 10],
    )


def test_joined_presets_are_pairs_if_all_their_parts_are(load):
    ones, twos = ({**preset, "name": f"{preset['name']}_s"} | STANDARDISED for preset in (ONE, TWO))
    presets = {
        preset["name"]: load(ones, twos, preset)
        for preset in (
            ONE,
            ones,
            BOTH,
            {"name": "both_s", "join": ["one_s", "two_s"]},
            {"name": "half", "join": ["one_s", "two"]},
            {"name": "turned", "join": ["two_s", "one_s"]},
            {"name": "more", "join": ["one_s", "two_s", "two"]},
        )
    }
    assert joined_pairs(presets) == [("one", "one_s"), ("both", "both_s")]
