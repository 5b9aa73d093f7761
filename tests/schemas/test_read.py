"""A mistake in a file is one line: the file, the key, what is wrong, and the nearest valid name."""

import re

import pytest
import yaml

from songwise.errors import InputError
from songwise.schemas.config import Config
from songwise.schemas.dataset import Dataset
from songwise.schemas.model import Model
from songwise.schemas.preset import Preset
from songwise.schemas.read import load_named, read_yaml, validate

SHEET = {"type": "manifest", "tracks": "x.csv"}
MODEL = {"name": "x", "estimator": "sklearn.svm.SVC", "features": ["all"]}
URL = "https://example.org/x.zip"


def mistakes(model: type, content: dict) -> list[str]:
    with pytest.raises(InputError) as error:
        validate(content, model, "x.yaml")
    return str(error.value).splitlines()


def of_source(**keys) -> dict:
    return {"name": "x", "source": keys}


def of_archive(**keys) -> dict:
    return of_source(type="archive", tracks="x.csv", **keys)


def of_config(**keys) -> dict:
    return {"dataset": "demo", "models": "knn"} | keys


def test_all_mistakes_are_named_at_once_and_those_near_the_top_first():
    content = {"name": "x", "tilte": "X", "source": SHEET | {"lists": {}}, "clip": {"seconds": "long", "hop": 0}}
    assert mistakes(Dataset, content) == [
        "x.yaml: unknown key 'tilte'; did you mean 'title'?",
        "x.yaml: clip.hop: 0 is less than the minimum of 0.1",
        "x.yaml: clip.seconds: 'long' is not a number",
        "x.yaml: source.lists: key 'train' is missing",
        "x.yaml: source.lists: key 'test' is missing",
    ]


@pytest.mark.parametrize(
    ("model", "content", "line"),
    [
        (Config, {"models": "knn"}, "key 'dataset' is missing"),
        (Config, of_config(seed=True), "seed: True is not an integer"),
        (Config, of_config(seed=2**31), "seed: 2147483648 is greater than the maximum of 2147483647"),
        (Config, of_config(keep_clips="yes"), "keep_clips: 'yes' is not true or false"),
        (Config, of_config() | {3: 4}, "unknown key 3"),
        (Config, of_config(seed=None), "seed: is empty; it must be an integer"),
        (Dataset, {"name": "x", "source": SHEET, "title": None}, "title: is empty; it must be text"),
        (Config, of_config(mirror=3), "mirror: 3 is not text; put it in quotes"),
        (Config, of_config(models=[]), "models: [] is not a group of model_groups.yaml, a model, or a list of models"),
        (Config, of_config(models=["a", "a"]), "models: ['a', 'a'] is not a group of"),
        (Config, of_config(recipe="kpop"), "recipe: 'kpop' is not a mapping of keys to values"),
        (
            Config,
            of_config(protocol="by-artists"),
            "protocol: 'by-artists' is not one of by-song, by-artist, by-album, predefined-folds, train-valid-test, "
            "hold-out; did you mean 'by-artist'?",
        ),
        (Dataset, {"name": "x"}, "key 'source' is missing"),
        (Dataset, {"name": 3, "source": SHEET}, "name: 3 is not text; put it in quotes"),
        (Dataset, {"name": "x", "source": "x.csv"}, "source: 'x.csv' is not a mapping of keys to values"),
        (Dataset, of_source(tracks="x.csv"), "source: key 'type' is missing"),
        (Dataset, of_source(type="folders"), "source.type: 'folders' is not one of folder, manifest, http"),
        (Dataset, of_source(type="folder"), "source: key 'folder' is missing"),
        (Dataset, of_source(type="folder", folder=3), "source.folder: 3 is not text"),
        (Dataset, of_source(type="table", table="x.csv", song=""), "source.song: is empty"),
        (Dataset, of_source(type="youtube", tracks="x", pause=[1]), "source.pause: has too few entries (1)"),
        (Dataset, of_source(type="youtube", tracks="x", search="x"), "source.search: 'x' has characters that are not"),
        (Dataset, of_source(**SHEET, faults={14: "silent"}), "source.faults: 14 is not text; put it in quotes"),
        (Dataset, of_source(**SHEET, lists={"train": 3, "test": "x"}), "source.lists.train: 3 is not a file's path"),
        (
            Dataset,
            of_archive(archives=[{"url": URL}]),
            "source.archives.0: the download https://example.org/x.zip needs",
        ),
        (
            Dataset,
            of_archive(archives=[{"url": URL, "sha": "1"}]),
            "source.archives.0: unknown key 'sha'; did you mean",
        ),
        (
            Dataset,
            of_source(type="archive", archives=[{"url": URL, "md5": 32 * "0"}]),
            "source: the source archive needs",
        ),
        (Dataset, {"name": "x", "source": SHEET, "clip": {"stop": 3}}, "clip: there is no room for a clip between"),
        (
            Dataset,
            {"name": "x", "source": SHEET, "clip": {"seconds": float("nan")}},
            "clip.seconds: nan is not a finite",
        ),
        (Model, MODEL | {"features": ["all", "all"]}, "features: 'all' is listed more than once"),
        (Model, MODEL | {"estimator": "SVC"}, "estimator: 'SVC' is not one of sklearn.discriminant_analysis"),
        (Model, MODEL | {"search": {"C": 1}}, "search.C: 1 is not a list"),
        (Model, MODEL | {"search": {"C": []}}, "search.C: has too few entries (0); the minimum is 1"),
        (
            Model,
            MODEL | {"reduce": {"pca": True}},
            "reduce.pca: True is not a share of the variance below 1, or a number",
        ),
        (Preset, {"name": "x", "families": {"1a": {}}}, "families: '1a' has characters that are not allowed here"),
        (Preset, {"name": "x", "families": {"rms": {"pool": 0}}}, "families.rms.pool: 0 is not all or a number of"),
        (Preset, {"name": "x", "frames": {"families": {}}}, "frames.families: needs at least one of the keys log_mel"),
        (Preset, {"name": "x", "audio": {"sample_rate": 5}}, "audio.sample_rate: 5 is not a rate in Hz from 2000"),
    ],
)
def test_a_mistake_is_named(model, content, line):
    (found,) = mistakes(model, content)
    assert found.startswith(f"x.yaml: {line}")


def test_defaults_that_follow_from_other_keys_are_computed_once():
    clip = validate({"name": "x", "source": SHEET, "clip": {"seconds": 3}}, Dataset, "x.yaml").clip
    assert (clip.hop, clip.min_seconds) == (3, 1.5)


def test_numbers_stay_as_they_are_written():
    """An integer that became a float would change every hash that it is in."""
    content = validate({"name": "x", "source": SHEET, "clip": {"seconds": 3}}, Dataset, "x.yaml").model_dump()
    assert repr(content["clip"]["seconds"]) == "3" and repr(content["max_seconds"]) == "1800"


def test_keys_that_are_absent_are_absent_from_the_content():
    content = validate({"name": "x", "source": SHEET}, Dataset, "x.yaml").model_dump()
    assert "title" not in content and content["source"] == SHEET and content["clip"]["stop"] is None
    assert validate(of_config(clip={"stop": None}), Config, "x.yaml").model_dump()["clip"] == {"stop": None}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [1", r"x\.yaml, line 2: is not valid YAML"),
        ("- 1", r"x\.yaml: has no keys"),
        (None, r"x\.yaml: cannot be read \(No such file"),
    ],
)
def test_a_file_that_is_not_a_mapping_is_refused(tmp_path, text, message):
    if text:
        (tmp_path / "x.yaml").write_text(text)
    with pytest.raises(InputError, match=message):
        read_yaml(tmp_path / "x.yaml")


def test_the_name_in_a_file_must_be_the_name_of_the_file(tmp_path):
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(MODEL | {"name": "yours"}))
    with pytest.raises(InputError, match=re.escape("mine.yaml: name is 'yours', but the file is called 'mine'")):
        load_named(Model, "mine", tmp_path, tmp_path)
    with pytest.raises(InputError, match=re.escape("model 'mien': there is no file mien.yaml; did you mean 'mine'?")):
        load_named(Model, "mien", tmp_path, tmp_path)
