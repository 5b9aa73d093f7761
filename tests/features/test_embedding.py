"""The embeddings of a shard: one row per clip, equal to statistics of the network's outputs."""

import json
from pathlib import Path

import numpy as np
import pytest
from helpers.sound import RATE, load_clip, tone, write_wav
from helpers.tiny_networks import MEANS, MEL, PICTURE, WAVEFORM, network, write_onnx
from pyarrow import parquet

from songwise.audio.decode import decode
from songwise.errors import InputError
from songwise.features.embedding import Embedder, embed_shard
from songwise.features.embedding_presets import resolve_embedding
from songwise.features.matrix import read_features
from songwise.features.networks.front_end import front_end, picture
from songwise.features.preset_files import load_preset
from songwise.features.presets import column_names
from songwise.features.standardise import standardised

ROOT = Path(__file__).parents[2]
MODELS = ROOT.parent / "shared" / "models"
MN04 = MODELS / "mn04_as_mAP_432.pt"


def preset(content: dict, outputs: dict, standardise: dict | bool = False, name: str = "mine") -> dict:
    raw = {"name": name, "audio": {"sample_rate": 22050, "standardise": standardise}, "outputs": outputs}
    return resolve_embedding(raw, content, "config/features/mine.yaml")


@pytest.fixture
def clips(tmp_path) -> list:
    """Three clips of a shard: their names and their audio."""
    paths = {
        f"song@{1000 * index}": write_wav(tmp_path / f"{hertz}.wav", tone(seconds, hertz))
        for index, (seconds, hertz) in enumerate([(3, 220), (1.7, 440), (0.3, 880)])
    }
    return [(clip_id, decode(path, max_seconds=10).segment) for clip_id, path in paths.items()]


def embedded(clips, tmp_path, onnx: Path, *presets: dict) -> dict:
    tables = {each["name"]: tmp_path / each["name"] / "0.parquet" for each in presets}
    weights = {"tiny": onnx}
    embed_shard(clips, presets=list(presets), weights=weights, cache=tmp_path / "cache", tables=tables, title="test")
    return tables


def test_a_table_has_one_row_per_clip_with_statistics_over_patches_and_frames(clips, tmp_path):
    mine = preset(network(MEL), {"means": ["mean", "std"], "input": ["max"]})
    tables = embedded(clips, tmp_path, write_onnx(tmp_path / "tiny.onnx", MEANS), mine)
    table = read_features([tables["mine"]])
    assert list(table.index) == sorted(clip_id for clip_id, _ in clips)
    assert list(table.columns) == column_names(mine)
    samples, _ = standardised(*load_clip(tmp_path / "220.wav"), {"sample_rate": 16_000})
    rows = front_end(network(MEL))(samples)
    patches = np.array([rows[first : first + 50].mean(axis=0) for first in (0, 50, 100, 138)])
    wanted = np.concatenate([patches.mean(axis=0), patches.std(axis=0), rows.max(axis=0)])
    np.testing.assert_allclose(table.loc["song@0"], wanted, rtol=1e-4, atol=1e-5)
    assert not table.loc["song@2000"].filter(like="_std").any()  # one patch has no deviation
    recorded = json.loads(parquet.read_schema(tables["mine"]).metadata[b"songwise.preset"])
    assert recorded["network"]["name"] == "tiny" and recorded["audio"]["sample_rate"] == 16_000


def test_waveforms_are_embedded(clips, tmp_path):
    model = network(WAVEFORM, patch={"frames": 8000, "short": "repeat"}, outputs={"columns": 1})
    mine = preset(model, {"columns": ["mean", "max"]})
    onnx = write_onnx(tmp_path / "tiny.onnx", {"columns": ("ReduceMax", {"keepdims": 1}, ["batch", 1])}, ["batch", "n"])
    table = read_features([embedded(clips, tmp_path, onnx, mine)["mine"]])
    samples, _ = standardised(*load_clip(tmp_path / "220.wav"), {"sample_rate": 16_000})
    assert table["columns_max"]["song@0"] == pytest.approx(samples.max(), rel=1e-5)


def test_pictures_are_embedded(clips, tmp_path):
    model = network(PICTURE, patch={}, outputs={"columns": 48}, layout=["batch", "height", "width", 3])
    mine = preset(model, {"columns": ["mean"]})
    shape = ["batch", 32, 48, 3]
    onnx = write_onnx(tmp_path / "flat.onnx", {"columns": ("ReduceMean", {"keepdims": 0}, ["batch", 48, 3])}, shape)
    table = read_features([embedded(clips, tmp_path, onnx, mine)["mine"]])
    samples, _ = standardised(*load_clip(tmp_path / "440.wav"), {"sample_rate": 16_000})
    seen = picture(front_end(model)(samples), model["front_end"])
    np.testing.assert_allclose(table.loc["song@1000"], seen.mean(axis=(0, 1)), rtol=1e-4, atol=1e-5)


def test_presets_that_share_a_network_and_audio_share_its_passes(clips, tmp_path, monkeypatch):
    from songwise.features.networks.network import Network

    passes = []
    call = Network.__call__
    monkeypatch.setattr(Network, "__call__", lambda self, samples: passes.append(len(samples)) or call(self, samples))
    presets = [
        preset(network(MEL), {"means": ["mean"]}, name="one"),
        preset(network(MEL), {"means": ["std", "mean"], "input": ["min"]}, name="two"),
        preset(network(MEL), {"means": ["mean"]}, {"trim": 60, "low_pass": None, "loudness": -23}, name="level"),
    ]
    tables = embedded(clips, tmp_path, write_onnx(tmp_path / "tiny.onnx", MEANS), *presets)
    assert len(passes) == 2 * len(clips)
    one, two, level = (read_features([tables[name]]) for name in ("one", "two", "level"))
    assert (one["means_01_mean"] == two["means_01_mean"]).all()
    assert (one["means_01_mean"] != level["means_01_mean"]).all()


@pytest.mark.parametrize("short", ["repeat", "refuse", "keep"])
def test_a_clip_that_trimming_leaves_very_short_is_embedded(tmp_path, short):
    samples = np.zeros(2 * RATE, np.float32)
    samples[RATE : RATE + 300] = 0.5
    mine = preset(network(MEL, patch={"frames": 50, "short": short}), {"means": ["mean"]}, {"trim": 60})
    numbers = Embedder([mine], {"tiny": write_onnx(tmp_path / "tiny.onnx", MEANS)})(samples, RATE)["mine"]
    assert numbers.shape == (40,) and np.isfinite(numbers).all()


def test_silence_is_embedded(tmp_path):
    mine = preset(network(MEL), {"means": ["mean"]}, {"low_pass": 4000})
    numbers = Embedder([mine], {"tiny": write_onnx(tmp_path / "tiny.onnx", MEANS)})(np.zeros(3, np.float32), RATE)
    np.testing.assert_allclose(numbers["mine"], np.log(1e-6), rtol=1e-5)


@pytest.mark.parametrize(
    ("damage", "message"),
    [(b"x" * 100, r"tiny\.onnx: is an ONNX file without a graph, or is corrupt"), (None, r"tiny\.onnx: ")],
    ids=["corrupt", "missing"],
)
def test_weights_that_cannot_be_used_leave_no_table(clips, tmp_path, damage, message):
    path = tmp_path / "tiny.onnx"
    if damage:
        path.write_bytes(damage)
    with pytest.raises(InputError, match=message):
        embedded(clips, tmp_path, path, preset(network(MEL), {"means": ["mean"]}))
    assert not (tmp_path / "mine").exists()


def test_a_network_that_does_not_fit_its_file_leaves_no_table(clips, tmp_path):
    onnx = write_onnx(tmp_path / "tiny.onnx", {"means": ("ReduceMean", {"keepdims": 0}, ["batch", None])})
    mine = preset(network(MEL, outputs={"means": 41}), {"means": ["mean"]})
    with pytest.raises(InputError, match=r"tiny\.yaml: outputs: means has the shape 2 x 40"):
        embedded(clips, tmp_path, onnx, mine)
    assert not (tmp_path / "mine").exists()


@pytest.mark.skipif(not MN04.is_file(), reason="the weights are not beside the project")
def test_the_shipped_preset_of_mn04_equals_the_reference_implementation(tmp_path):
    reference = np.load(MODELS / "reference.npz")
    mine = load_preset("efficientat_mn04", ROOT)
    path = write_wav(tmp_path / "clip.wav", reference["mn04_input"].astype(np.float64) / 2, 32_000)
    clip = decode(path, max_seconds=30).segment
    tables = {"efficientat_mn04": tmp_path / "0.parquet"}
    weights = {"efficientat_mn04": MN04}
    embed_shard([("a@0", clip)], presets=[mine], weights=weights, cache=tmp_path, tables=tables, title="test")
    table = read_features(list(tables.values()))
    assert table.shape == (1, 2048)
    [onnx] = tmp_path.glob("*.onnx")
    numbers = Embedder([mine], {"efficientat_mn04": onnx})(reference["mn04_input"], 32_000)["efficientat_mn04"]
    np.testing.assert_allclose(numbers[:1792], reference["mn04_blocks"][0], atol=1e-4)
    np.testing.assert_allclose(numbers[1792:1920], reference["mn04_spectrogram_mean"], atol=1e-4)
