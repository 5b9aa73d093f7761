"""Presets of frames alone are not shared: only networks have rules for them, and they need torch."""

from helpers.project import ROOT

from songwise.features.preset_files import load_preset
from songwise.features.presets import preset_key
from songwise.paths import feature_table, frame_table
from songwise.sharing.handover import _presets


def test_a_preset_without_columns_is_left_out(tmp_path, monkeypatch):
    (tmp_path / "config").symlink_to(ROOT / "config")
    monkeypatch.chdir(tmp_path)
    for name in ("frames_mel", "jlaoo26"):
        key = preset_key(load_preset(name, tmp_path))
        for path in (feature_table("mine", name, key, 0), frame_table("mine", name, key, 0)):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    assert list(_presets("mine", [0])) == ["jlaoo26"]
