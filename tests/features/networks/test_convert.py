"""A network's weights become an ONNX file once; weights with another checksum are refused before they are read."""

import shutil

import numpy as np
import pytest
from helpers.checkpoints import write_torch_checkpoint
from helpers.networks import MUSICNN_SHA256, musicnn_features, musicnn_wheel, reference_signal, run_onnx, shared_model
from helpers.process import start

from songwise.errors import InputError
from songwise.features.networks.convert import onnx_of
from songwise.files import file_digest

EFFICIENTAT = {
    "name": "efficientat_mn04",
    "weights": {
        "format": "efficientat",
        "sha256": "899a8c6217063f6941793102a2780b3dd788ab11fce468d9cf5f0577c453321c",
    },
    "front_end": {"type": "mel", "bands": 128},
    "patch": {"frames": 1000, "hop": 1000, "short": "keep"},
    "input": "features",
    "layout": ["batch", "frames", "bands"],
    "outputs": {"blocks": 1792, "final": 384, "hidden": 512, "tags": 527},
}
MUSICNN = {
    "name": "musicnn",
    "weights": {"format": "musicnn", "sha256": MUSICNN_SHA256},
    "front_end": {"type": "mel", "bands": 96},
    "patch": {"frames": 187, "hop": 187, "short": "refuse"},
    "input": "features",
    "layout": ["batch", "frames", "bands"],
    "outputs": {"penultimate": 200, "mean_pool": 753, "max_pool": 753, "tags": 50},
}


def forged(weights: dict, path) -> dict:
    """Return the description of a network whose listed checksum is that of another file."""
    return weights | {"weights": weights["weights"] | {"sha256": file_digest(path)}}


def test_efficientat_is_converted_once(tmp_path):
    weights = shared_model("mn04_as_mAP_432.pt")
    path = onnx_of(EFFICIENTAT, weights, tmp_path / "cache")
    written = path.stat().st_mtime_ns
    assert onnx_of(EFFICIENTAT, weights, tmp_path / "cache") == path and path.stat().st_mtime_ns == written
    assert [file.name for file in (tmp_path / "cache").iterdir()] == [path.name]
    outputs = run_onnx(path, np.zeros((2, 40, 128), dtype=np.float32))
    assert {name: output.shape for name, output in outputs.items()} == {
        name: (2, size) for name, size in EFFICIENTAT["outputs"].items()
    }


def test_musicnn_is_converted_from_its_wheel(tmp_path):
    path = onnx_of(MUSICNN, musicnn_wheel(), tmp_path)
    outputs = run_onnx(path, musicnn_features(reference_signal(16000, 4)))
    assert {name: output.shape for name, output in outputs.items()} == {
        name: (1, size) for name, size in MUSICNN["outputs"].items()
    }


def test_an_edit_of_the_outputs_is_checked_although_the_cache_has_the_graph(tmp_path):
    weights = shared_model("mn04_as_mAP_432.pt")
    onnx_of(EFFICIENTAT, weights, tmp_path)
    wrong = EFFICIENTAT | {"outputs": {"final": 960}}
    with pytest.raises(InputError, match="the output 'final' of size any x 384; the network's file has 960") as caught:
        onnx_of(wrong, weights, tmp_path)
    assert str(caught.value).startswith(f"{weights}: ")
    assert len(list(tmp_path.iterdir())) == 1


def test_weights_with_another_checksum_are_not_read(tmp_path):
    weights = tmp_path / "net.pt"
    for content in (b"", b"PK", pickle_bomb()):
        weights.write_bytes(content)
        with pytest.raises(InputError, match=r"^[^\n]*net\.pt: ") as caught:
            onnx_of(EFFICIENTAT, weights, tmp_path / "cache")
        assert not content or EFFICIENTAT["weights"]["sha256"] in str(caught.value)
    with pytest.raises(InputError, match="file not found"):
        onnx_of(EFFICIENTAT, tmp_path / "missing.pt", tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def pickle_bomb() -> bytes:
    return b"cposix\nsystem\n(Vtouch harmed\ntR."


def test_swapped_weights_are_refused_in_one_sentence_even_with_their_own_checksum(tmp_path):
    other = write_torch_checkpoint(tmp_path / "other.pt", {"weight": np.zeros(3, dtype=np.float32)})
    for network in (EFFICIENTAT, MUSICNN, EFFICIENTAT | {"weights": {"format": "onnx"}}):
        with pytest.raises(InputError) as caught:
            onnx_of(forged(network, other), other, tmp_path / "cache")
        assert str(caught.value).startswith(f"{other}: ") and "\n" not in str(caught.value)
    assert not (tmp_path / "cache").exists()


def test_an_onnx_file_is_used_in_place(tmp_path):
    made = onnx_of(EFFICIENTAT, shared_model("mn04_as_mAP_432.pt"), tmp_path)
    mine = shutil.copy(made, tmp_path / "mine.onnx")
    network = EFFICIENTAT | {"weights": {"format": "onnx"}}
    assert onnx_of(network, mine, tmp_path / "cache") == mine
    assert onnx_of(forged(network, mine), mine, tmp_path / "cache") == mine
    with pytest.raises(InputError, match="does not have the output 'other'"):
        onnx_of(network | {"outputs": {"other": 5}}, mine, tmp_path / "cache")


def test_a_graph_in_the_cache_is_used_without_importing_onnx_or_torch(tmp_path):
    weights = shared_model("mn04_as_mAP_432.pt")
    made = onnx_of(EFFICIENTAT, weights, tmp_path)
    code = f"""
    import sys
    from pathlib import Path
    from songwise.features.networks.convert import onnx_of
    print(onnx_of({EFFICIENTAT!r}, Path({str(weights)!r}), Path({str(tmp_path)!r})))
    print({{"onnx", "torch", "tensorflow", "google.protobuf"}} & sys.modules.keys())
    """
    with start(code, tmp_path, stdout=-1, text=True) as process:
        printed = process.communicate()[0].splitlines()
    assert printed == [str(made), "set()"]
