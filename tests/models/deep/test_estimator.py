"""Networks learn, give the same figures twice, and leave the process as it was."""

import numpy as np
import pytest
from helpers.frames import easy_clips, write_frames
from sklearn.base import clone

torch = pytest.importorskip("torch")

from songwise.models.deep.clip_frames import ClipFrames  # noqa: E402
from songwise.models.deep.estimator import DeepClassifier  # noqa: E402
from songwise.models.deep.training import crop_starts  # noqa: E402

CPU = {"device": "cpu", "random_state": 0}
FAST = CPU | {"crop": 32, "epochs": 6, "batch_size": 12, "learning_rate": 0.01}
NETWORKS = {
    "cnn": {"architecture": "cnn", "learning_rate": 0.003},
    "cnn_compact": {"architecture": "cnn_compact"},
    "cnn_compact, augmented": {"architecture": "cnn_compact", "spec_augment": True, "mixup": True, "epochs": 10},
    "cnn_compact, pooled": {"architecture": "cnn_compact", "pool": 4},
    "lstm": {"architecture": "lstm", "epochs": 20},
    "gru": {"architecture": "gru", "epochs": 20},
    "crnn": {"architecture": "crnn"},
    "raw_cnn": {"architecture": "raw_cnn", "family": "waveform", "crop": 1500},
}


def network(**parameters) -> DeepClassifier:
    return DeepClassifier(**FAST | parameters)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_learns_an_easy_problem_and_gives_the_same_figures_twice(tmp_path, name):
    model = network(**NETWORKS[name])
    X, y, groups = easy_clips(tmp_path, model.family)
    held = groups >= "song-12"
    before = torch.get_rng_state(), torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    probabilities = model.fit(X[~held], y[~held]).predict_proba(X[held])
    assert (probabilities.argmax(axis=1) == y[held]).mean() > 0.85
    assert np.allclose(probabilities.sum(axis=1), 1) and probabilities.shape == (held.sum(), 3)
    torch.rand(3)  # whatever else uses the global generator
    np.testing.assert_array_equal(clone(model).fit(X[~held], y[~held]).predict_proba(X[held]), probabilities)
    torch.set_rng_state(before[0])
    assert (torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()) == before[1:]


def test_the_global_state_of_torch_is_left_as_it_was(tmp_path):
    X, y, _ = easy_clips(tmp_path)
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    model = network(epochs=1).fit(X, y)
    model.predict_proba(X)
    assert torch.equal(torch.get_rng_state(), state) and torch.get_num_threads() == threads
    assert not torch.are_deterministic_algorithms_enabled()


def test_another_seed_gives_other_weights(tmp_path):
    X, y, _ = easy_clips(tmp_path)
    one, other = (network(epochs=1, random_state=seed).fit(X, y).predict_proba(X) for seed in (0, 1))
    assert not np.allclose(one, other)


def test_the_best_epoch_on_held_out_clips_is_kept_and_training_stops(tmp_path):
    """The held-out labels are wrong, so that every epoch of learning makes the loss worse."""
    X, y, groups = easy_clips(tmp_path)
    held = groups >= "song-12"
    wrong = (y[held] + 1) % 3
    model = network(epochs=20, patience=2).fit(X[~held], y[~held], X[held], wrong)
    losses = [row["held_out_loss"] for row in model.curve_]
    best = int(np.argmin(losses))
    assert len(losses) == best + 1 + 2 < 20
    kept = model.predict_proba(X[held])[np.arange(held.sum()), wrong]
    assert -np.log(kept).mean() == pytest.approx(losses[best], rel=1e-5)


def test_the_curve_has_one_row_per_epoch(tmp_path):
    X, y, groups = easy_clips(tmp_path)
    held = groups >= "song-12"
    curve = network(epochs=3).fit(X[~held], y[~held], X[held], y[held]).curve_
    assert [row["epoch"] for row in curve] == [1, 2, 3]
    assert curve[-1]["training_loss"] < curve[0]["training_loss"] and 0 <= curve[-1]["held_out_accuracy"] <= 1
    alone = network(epochs=2).fit(X, y).curve_
    assert [row["held_out_loss"] for row in alone] == [None, None]


def test_a_held_out_class_must_be_among_the_training_clips(tmp_path):
    X, y, _ = easy_clips(tmp_path)
    with pytest.raises(ValueError, match="class without training clips"):
        network().fit(X[y < 2], y[y < 2], X, y)


def test_balanced_weights_make_a_rare_class_count_as_much_as_others(tmp_path):
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], [90, 10])
    matrices = {f"{number:03d}@0": rng.normal(size=(8, 32)) + 0.05 * label for number, label in enumerate(y)}
    X = ClipFrames.read([write_frames(tmp_path / "0.frames.arrow", matrices)], "log_mel")
    shares = {
        weight: network(class_weight=weight, epochs=4, learning_rate=0.003).fit(X, y).predict_proba(X)[:, 1].mean()
        for weight in (None, "balanced")
    }
    assert shares[None] < 0.3 and shares["balanced"] > 1.7 * shares[None]


@pytest.mark.parametrize(
    ("length", "starts"),
    [(10, [0]), (32, [0]), (33, [0, 1]), (64, [0, 32]), (80, [0, 24, 48]), (1, [0])],
)
def test_the_fewest_crops_that_cover_a_clip(length, starts):
    assert crop_starts(length, 32).tolist() == starts


def test_the_probabilities_of_a_clip_are_the_mean_over_its_crops(tmp_path):
    X, y, _ = easy_clips(tmp_path)
    model = network().fit(X, y)
    crops = {f"{start}": X.frames[X.clip_ids[0]]["log_mel"][start : start + 32].T for start in (0, 8)}
    apart = ClipFrames.read([write_frames(tmp_path / "crops.frames.arrow", crops)], "log_mel")
    np.testing.assert_allclose(
        model.predict_proba(X[:1])[0], model.predict_proba(apart).mean(axis=0), rtol=1e-5, atol=1e-8
    )


def test_a_clip_that_is_shorter_than_a_crop_is_padded(tmp_path):
    X, y, _ = easy_clips(tmp_path)
    model = network().fit(X, y)
    short = {"short@0": X.frames[X.clip_ids[0]]["log_mel"][:20].T}
    found = model.predict_proba(ClipFrames.read([write_frames(tmp_path / "short.frames.arrow", short)], "log_mel"))
    assert found.shape == (1, 3) and found.argmax() == y[0]


def test_a_crop_is_no_longer_than_the_longest_training_clip(tmp_path):
    X, y, _ = easy_clips(tmp_path)
    assert network(crop=5000, epochs=1).fit(X, y).network_.crop == 40


@pytest.mark.parametrize("architecture", ["cnn", "cnn_compact", "lstm", "gru", "crnn"])
def test_very_short_clips_and_few_bands_are_enough(tmp_path, architecture):
    rng = np.random.default_rng(0)
    matrices = {f"{number}@0": rng.normal(size=(2, 1)) for number in range(4)}
    X = ClipFrames.read([write_frames(tmp_path / "0.frames.arrow", matrices)], "log_mel")
    assert network(architecture=architecture, epochs=1).fit(X, np.arange(4) % 2).predict_proba(X).shape == (4, 2)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"architecture": "transformer"}, "'architecture' parameter .* must be a str among"),
        ({"dropout": 1.0}, "'dropout' parameter"),
        ({"crop": 4}, "'crop' parameter"),
        ({"family": "waveform"}, "raw_cnn needs family waveform"),
        ({"architecture": "raw_cnn"}, "raw_cnn needs family waveform"),
        ({"architecture": "raw_cnn", "family": "waveform", "spec_augment": True}, "spec_augment masks bands"),
    ],
)
def test_parameters_that_cannot_work_are_refused(tmp_path, parameters, message):
    X, y, _ = easy_clips(tmp_path)
    with pytest.raises(ValueError, match=message):
        network(**parameters).fit(X, y)


def test_the_rows_are_normalised_with_the_training_clips_alone(tmp_path):
    X, y, groups = easy_clips(tmp_path)
    held = groups >= "song-12"
    whole = np.concatenate([X.frames[clip_id]["log_mel"] for clip_id in X.clip_ids[~held]]).astype(float)
    prepared = network(epochs=1).fit(X[~held], y[~held], X[held], y[held]).network_
    np.testing.assert_allclose(prepared.mean.numpy(), whole.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(prepared.std.numpy(), whole.std(axis=0), rtol=1e-5)


def test_training_that_diverges_says_so(tmp_path):
    X, y, groups = easy_clips(tmp_path)
    held = groups >= "song-12"
    matrices = {str(number): np.full((4, 8), 6e4) * (-1) ** np.arange(8) for number in range(4)}
    wild = ClipFrames.read([write_frames(tmp_path / "wild.frames.arrow", matrices)], "log_mel")
    assert np.isfinite(network(epochs=1).fit(wild, np.arange(4) % 2).predict_proba(wild)).all()
    with pytest.raises(ValueError, match=r"training diverged in epoch \d+, .*; lower learning_rate"):
        network(architecture="cnn", learning_rate=1e30, weight_decay=1e10).fit(X[~held], y[~held], X[held], y[held])


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_missing_is_named(tmp_path):
    X, y, _ = easy_clips(tmp_path)
    with pytest.raises(ValueError, match="device is cuda, and torch finds no GPU; write device: auto"):
        network(device="cuda").fit(X, y)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
@pytest.mark.parametrize("name", ["cnn_compact", "lstm", "crnn", "raw_cnn"])
def test_a_gpu_learns_as_well_with_the_same_code(tmp_path, name):
    model = network(**NETWORKS[name] | {"device": "auto"})
    X, y, groups = easy_clips(tmp_path, model.family)
    held = groups >= "song-12"
    model.fit(X[~held], y[~held])
    assert (model.predict(X[held]) == y[held]).mean() > 0.85
    assert next(model.network_.parameters()).device.type == "cpu", "a bundle can be used anywhere"


@pytest.mark.parametrize("name", ["cnn_compact", "lstm"])
def test_figures_do_not_depend_on_the_number_of_threads(tmp_path, name):
    X, y, _ = easy_clips(tmp_path)
    before, found = torch.get_num_threads(), []
    for threads in (1, 4):
        torch.set_num_threads(threads)
        found.append(network(**NETWORKS[name] | {"epochs": 2}).fit(X, y).predict_proba(X))
    torch.set_num_threads(before)
    np.testing.assert_array_equal(*found)
