"""Keys of a model file that a network does not support."""

import pytest
import yaml

from songwise.errors import InputError
from songwise.models.files import load_model
from songwise.models.parameters import check_parameters
from songwise.models.trained_networks import NETWORK


@pytest.fixture
def model(tmp_path, monkeypatch):
    """A function that writes a model file and loads it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "config" / "models"
    folder.mkdir(parents=True)

    def write_and_load(name: str = "mine", **keys) -> dict:
        content = {"name": name, "estimator": NETWORK, "features": ["frames_mel"]} | keys
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
        return load_model(name, tmp_path)

    return write_and_load


@pytest.mark.parametrize(
    "keys",
    [{"search": {"dropout": [0, 0.5]}}, {"calibrate": True}, {"scale": "standard"}, {"reduce": {"pca": 5}}],
)
def test_keys_for_models_on_columns_are_refused(model, keys):
    with pytest.raises(InputError, match=rf"mine\.yaml: {next(iter(keys))}: a network on frames does not support this"):
        model(**keys)


@pytest.mark.parametrize("parameter", ["patience", "random_state"])
def test_parameters_that_songwise_sets_itself_are_refused(model, parameter):
    with pytest.raises(InputError, match=rf"parameter '{parameter}': "):
        model(parameters={parameter: 3})


def test_an_ensemble_cannot_have_a_network_as_a_member(model):
    model("net")
    with pytest.raises(InputError, match=r"mine\.yaml: members: net is a network on frames, which cannot be combined"):
        model(estimator="sklearn.ensemble.VotingClassifier", members=["net"])


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"archtecture": "cnn"}, "has no parameter 'archtecture'; did you mean 'architecture'"),
        ({"architecture": "resnet"}, "parameters.architecture: DeepClassifier: .*cnn_compact"),
        ({"architecture": "raw_cnn"}, "parameters: architecture raw_cnn needs family waveform"),
    ],
)
def test_parameters_are_checked_before_any_training(model, parameters, message):
    with pytest.raises(InputError, match=rf"mine\.yaml: .*{message}"):
        check_parameters(model(parameters=parameters))
