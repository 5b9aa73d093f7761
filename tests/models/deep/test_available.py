"""What a network needs is checked before a run, without torch."""

import importlib.util
import subprocess
import sys

import pytest
from helpers.deep import needs_torch
from helpers.project import ROOT

from songwise.errors import InputError
from songwise.features.preset_files import load_preset
from songwise.models.bundle import load_bundle
from songwise.models.deep.available import check_preset, require
from songwise.models.files import load_model
from songwise.models.parameters import check_parameters

NETWORKS = ("cnn", "cnn_compact", "crnn", "gru_mel", "gru_mfcc", "lstm_mel", "lstm_mfcc", "raw_cnn")


@pytest.fixture
def no_torch(monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *more: None if name == "torch" else find(name, *more))


def test_a_missing_torch_is_named_with_the_command_that_installs_it(no_torch):
    with pytest.raises(
        InputError, match=r"config/models/cnn\.yaml: .* run: make deep \(or: pip install torch safetensors\)$"
    ):
        require(load_model("cnn", ROOT))
    require(load_model("knn", ROOT))


def test_a_bundle_of_a_network_names_a_missing_torch(no_torch, tmp_path):
    (tmp_path / "network.safetensors").touch()
    with pytest.raises(InputError, match=r"make deep"):
        load_bundle(tmp_path)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_shipped_network_fits_its_presets(name, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    model = load_model(name, ROOT)
    check_parameters(model)
    for preset in model["features"]:
        check_preset(model, load_preset(preset, ROOT))


@pytest.mark.parametrize(
    ("model", "preset", "message"),
    [
        ("cnn", "frames_mfcc", r"cnn\.yaml: features: preset frames_mfcc has no frames of log_mel \(it has: mfcc\)"),
        ("cnn", "jlaoo26", r"preset jlaoo26 has no frames of log_mel \(it has: none\)"),
        ("knn", "frames_mel", r"knn\.yaml: features: preset frames_mel has frames only, which only networks can use"),
        ("majority", "frames_mel", r"majority\.yaml: features: preset frames_mel has frames only"),
    ],
)
def test_a_preset_that_does_not_fit_is_named(model, preset, message):
    with pytest.raises(InputError, match=message):
        check_preset(load_model(model, ROOT), load_preset(preset, ROOT))


@needs_torch
def test_the_checks_before_a_run_do_not_import_torch():
    code = (
        "import sys; from pathlib import Path; from songwise.models.parameters import _check;"
        "from songwise.models.files import load_model; from songwise.models.deep.available import require;"
        "import songwise.models.cross_validation;"
        "model = load_model('cnn', Path()); require(model); _check(model); sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
