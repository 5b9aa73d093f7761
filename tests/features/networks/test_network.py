"""Networks are cut into patches, fed as their files say, and refused if they do not fit."""

import subprocess
from pathlib import Path

import numpy as np
import pytest
from helpers.process import start
from helpers.sound import tone
from helpers.tiny_networks import MEANS, MEL, PICTURE, WAVEFORM, network, write_onnx
from onnx import TensorProto, helper, save

from songwise.errors import InputError
from songwise.features.networks.front_end import front_end, picture
from songwise.features.networks.network import Network, patch_starts

SECOND = 16_000


def sound(seconds: float) -> np.ndarray:
    return tone(seconds, 440, SECOND).astype(np.float32)


@pytest.mark.parametrize(
    ("length", "frames", "hop", "starts"),
    [
        (100, 50, None, [0, 50]),
        (149, 50, 50, [0, 50, 99]),  # nearly a third patch
        (125, 50, 50, [0, 50, 75]),
        (124, 50, 50, [0, 50]),  # less than half a patch is dropped
        (100, 50, 25, [0, 25, 50]),
        (30, 50, None, [0]),
        (30, None, None, [0]),
    ],
)
def test_patches_cover_a_clip(length, frames, hop, starts):
    assert patch_starts(length, frames, hop) == starts


def test_each_patch_is_one_position(tmp_path):
    content = network(MEL)
    samples = sound(3)
    outputs = Network(content, write_onnx(tmp_path / "tiny.onnx", MEANS))(samples)
    rows = front_end(content)(samples)
    assert outputs["means"].shape == (40, 4) and len(rows) == 188  # the last patch ends with the clip
    for position, first in enumerate((0, 50, 100, 138)):
        np.testing.assert_allclose(outputs["means"][:, position], rows[first : first + 50].mean(axis=0), rtol=1e-4)
    np.testing.assert_array_equal(outputs["input"], rows.T)


@pytest.mark.parametrize(
    ("operator", "attributes"), [("Identity", {}), ("Transpose", {"perm": [0, 2, 1]})], ids=["time, size", "size, time"]
)
def test_a_time_axis_gives_several_positions(tmp_path, operator, attributes):
    content = network(MEL, outputs={"rows": 40})
    shape = ["batch", None, None]
    onnx = write_onnx(tmp_path / "tiny.onnx", {"rows": (operator, attributes, shape)})
    samples = sound(1.6)
    outputs = Network(content, onnx)(samples)
    np.testing.assert_allclose(outputs["rows"], front_end(content)(samples)[:100].T, rtol=1e-5)


def test_axes_of_length_one_are_dropped(tmp_path):
    content = network(MEL, layout=[1, "bands", "frames", "batch"], outputs={"means": 40})
    onnx = write_onnx(
        tmp_path / "tiny.onnx",
        {"means": ("ReduceMean", {"keepdims": 1}, None)},
        shape=[1, 40, "frames", 1],
        axis=2,
    )
    with pytest.raises(InputError, match=r"layout, patch: the network cannot take a patch of 50 frames as 1 x bands x"):
        Network(content, onnx)  # its batch is 1
    content = network(MEL, layout=[1, "bands", "frames", 1], outputs={"means": 40})
    samples = sound(1)
    means = Network(content, onnx)(samples)["means"]
    np.testing.assert_allclose(means[:, 0], front_end(content)(samples)[:50].mean(axis=0), rtol=1e-4)


def test_batches_are_bounded_and_change_nothing(tmp_path, monkeypatch):
    model = Network(network(MEL), write_onnx(tmp_path / "tiny.onnx", MEANS))
    together = model(sound(10))["means"]
    monkeypatch.setattr("songwise.features.networks.network._MOST_VALUES", 1)
    np.testing.assert_allclose(model(sound(10))["means"], together, rtol=1e-5)


@pytest.mark.parametrize("short", ["repeat", "refuse"])
@pytest.mark.parametrize("samples", [1, 100, 5000])
def test_a_short_clip_is_repeated_until_it_fills_a_patch(tmp_path, short, samples):
    content = network(MEL | {"preemphasis": 0.9}, patch={"frames": 50, "short": short})
    outputs = Network(content, write_onnx(tmp_path / "tiny.onnx", MEANS))(sound(1)[:samples])
    assert outputs["input"].shape == (40, 50) and outputs["means"].shape == (40, 1)


@pytest.mark.parametrize(("samples", "frames"), [(1, 8), (5000, 20)])
def test_a_network_of_any_length_keeps_a_short_clip_above_its_least(tmp_path, samples, frames):
    content = network(MEL, patch={"frames": 50, "short": "keep", "least": 8})
    outputs = Network(content, write_onnx(tmp_path / "tiny.onnx", MEANS))(sound(1)[:samples])
    assert outputs["input"].shape == (40, frames)


def test_a_waveform_network_without_a_batch_axis_gives_a_row_per_window(tmp_path):
    # As YAMNet: samples in, one row per window of 0.96 s out.
    content = network(WAVEFORM, layout=["samples"], patch={"frames": None, "least": 100}, outputs={"embeddings": 100})
    path = tmp_path / "tiny.onnx"
    graph = helper.make_graph(
        [helper.make_node("Reshape", ["sound", "shape"], ["embeddings"])],
        "windows",
        [helper.make_tensor_value_info("sound", TensorProto.FLOAT, ["n"])],
        [helper.make_tensor_value_info("embeddings", TensorProto.FLOAT, ["windows", 100])],
        [helper.make_tensor("shape", TensorProto.INT64, [2], [-1, 100])],
    )
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), path)
    outputs = Network(content, path)(sound(1))
    np.testing.assert_array_equal(outputs["embeddings"], sound(1).reshape(-1, 100).T)
    assert "input" not in outputs


def test_a_picture_network_sees_the_whole_clip(tmp_path):
    content = network(PICTURE, patch={}, outputs={"columns": 48}, layout=["batch", 3, "height", "width"])
    onnx = write_onnx(
        tmp_path / "tiny.onnx", {"columns": ("ReduceMean", {"keepdims": 0}, None)}, ["batch", 3, 32, 48], axis=2
    )
    outputs = Network(content, onnx)(sound(2))
    seen = picture(front_end(content)(sound(2)), content["front_end"])
    np.testing.assert_allclose(outputs["columns"], seen.mean(axis=1).T, rtol=1e-4)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"input": "features"}, r"tiny\.yaml: input: the graph's inputs are sound; name the one that takes"),
        ({"outputs": {"tags": 40}}, r"tiny\.yaml: outputs: the graph has no output 'tags' \(it has means\); a tensor"),
        ({"outputs": {"means": 41}}, r"tiny\.yaml: outputs: means has the shape 2 x 40 for a batch of 2, which is not"),
        ({"layout": ["batch", "bands", "frames"]}, r"tiny\.yaml: layout, patch: the network cannot take a"),
        (
            {"layout": ["batch", 1, "frames", "bands"]},
            r"cannot take a patch of 50 frames as batch x 1 x frames",
        ),
        (
            {"front_end": MEL | {"bands": 64}},
            r"patch of 50 frames as batch x frames x bands; .*Expected: 40",
        ),
    ],
)
def test_a_network_that_does_not_fit_its_file_is_refused(tmp_path, changes, message):
    content = network(changes.pop("front_end", MEL), **changes)
    onnx = write_onnx(tmp_path / "tiny.onnx", MEANS)
    with pytest.raises(InputError, match=message) as refused:
        Network(content, onnx)
    assert "\n" not in str(refused.value)


def test_a_network_of_fixed_length_is_refused_if_the_file_says_any(tmp_path):
    onnx = write_onnx(tmp_path / "tiny.onnx", MEANS, ["batch", 50, 40])
    assert Network(network(MEL), onnx)(sound(1))
    with pytest.raises(InputError, match=r"cannot take a patch of 1 frames .*least is the shortest length"):
        Network(network(MEL, patch={"frames": 50, "short": "keep"}), onnx)


def test_a_network_of_other_numbers_is_refused(tmp_path):
    onnx = write_onnx(
        tmp_path / "tiny.onnx", {"means": ("Cast", {"to": TensorProto.FLOAT}, None)}, kind=TensorProto.FLOAT16
    )
    with pytest.raises(InputError, match=r"input: sound is a tensor\(float16\), but songwise gives numbers of type"):
        Network(network(MEL), onnx)


@pytest.mark.parametrize("damage", [b"", b"not a network", None])
def test_a_file_that_is_not_a_network_is_refused(tmp_path, damage):
    path = tmp_path / "tiny.onnx"
    path.write_bytes(write_onnx(tmp_path / "good.onnx", MEANS).read_bytes()[:60] if damage is None else damage)
    with pytest.raises(InputError, match=r"tiny\.yaml: weights: ONNX Runtime cannot read .*tiny\.onnx"):
        Network(network(MEL), path)


def test_outputs_that_are_not_finite_are_refused(tmp_path):
    onnx = write_onnx(tmp_path / "tiny.onnx", {"logs": ("Log", {}, None)})
    model = Network(network(MEL, outputs={"logs": 40}), onnx)
    with pytest.raises(InputError, match=r"outputs: logs is not finite for a clip, so the network cannot be used"):
        model(sound(1))


def test_numbers_below_the_normal_range_are_zero(tmp_path):
    onnx = write_onnx(tmp_path / "tiny.onnx", {"same": ("Mul", {}, None)}, ["batch", "n"], constants={"one": [1.0]})
    # ONNX Runtime decides this once per process, so the test needs a new one.
    code = f"""
        import numpy as np
        from pathlib import Path
        from songwise.features.networks.session import open_session

        session = open_session(Path({str(onnx)!r}))
        print(session.run(None, {{"sound": np.full((1, 3), 1e-40, np.float32)}})[0].any())
    """
    done = start(code, tmp_path, stdout=subprocess.PIPE, text=True)
    output, _ = done.communicate(timeout=60)
    assert output.strip() == "False" and done.returncode == 0


def test_networks_of_one_file_share_a_session(tmp_path):
    onnx = write_onnx(tmp_path / "tiny.onnx", MEANS)
    assert Network(network(MEL), onnx)._session is Network(network(MEL, name="other"), Path(onnx))._session
