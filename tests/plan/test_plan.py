"""Every mistake in a file is named with the file, the row or key, and what to do; nothing is computed before."""

import re
import shutil

import pytest
import yaml
from helpers.deep import needs_torch
from helpers.hearing import add_network, copy_config, write_file
from helpers.project import ROOT
from helpers.sound import tone, write_wav
from helpers.tracks import load_tracks

from songwise.datasets.dataset import load_dataset
from songwise.datasets.metadata import missing
from songwise.datasets.shards import deal, rows_digest
from songwise.datasets.sheet import read_tracks
from songwise.errors import InputError
from songwise.features.preset_files import load_preset
from songwise.features.presets import column_names, preset_key
from songwise.paths import Run
from songwise.plan.plan import load_plan

GOOD = "track_id,label,path\n" + "".join(f"{label}{i},{label},{label}{i}.wav\n" for label in "ab" for i in range(4))


@pytest.fixture
def data_set(tmp_path):
    """A function that writes a data set file and its sheet, and gives the file's path."""

    def write(sheet: str = GOOD, **keys) -> str:
        content = {"name": "mine", "source": {"type": "manifest", "tracks": "mine.csv"}, "split": {"folds": 4}} | keys
        (tmp_path / "mine.yaml").write_text(yaml.safe_dump(content))
        (tmp_path / "mine.csv").write_text(sheet)
        return str(tmp_path / "mine.yaml")

    return write


VOTE = {"estimator": "sklearn.ensemble.VotingClassifier", "members": ["knn", "lda_shrinkage"]}


def says(*parts: str) -> str:
    return ".*".join(re.escape(part) for part in parts)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"modles": "default"}, says("config", "unknown key 'modles'; did you mean 'models'?")),
        ({"dataset": "dmo"}, says("dataset 'dmo': there is no file config/datasets/dmo.yaml; did you mean 'demo'?")),
        ({"dataset": "nowhere/x.yaml"}, says("there is no file nowhere/x.yaml")),
        ({"models": "svm"}, says("models 'svm' is neither a group nor a model; did you mean 'svm_rbf'?")),
        ({"models": ["knn", "forrest"]}, says("model 'forrest': there is no file config/models/forrest.yaml")),
        ({"models": "knn,forrest"}, says("model 'forrest': there is no file config/models/forrest.yaml")),
        ({"models": "knn,,majority"}, says("models: 'knn,,majority' has a comma with no model beside it")),
        ({"models": "knn, majority,knn"}, says("models: 'knn, majority,knn' names knn more than once")),
        ({"models": "quick,svm_rbf"}, says("models: 'quick' is a group, and a list contains only models")),
        ({"models": "../models/knn"}, says("model '../models/knn': there is no file")),
        ({"protocol": "random-clips"}, says("protocol: 'random-clips' is not", "can be audited and never leads")),
        ({"audit": ["by-sog"]}, says("audit: ['by-sog'] is not auto, or a list of", "by-artist")),
        ({"seed": -1}, says("seed: -1 is less than the minimum of 0")),
        ({"min_songs": "many"}, says("min_songs: 'many' is not an integer")),
        ({"show_tracks": "all"}, says("show_tracks: 'all' is not per-class, none, or a list of")),
    ],
)
def test_a_mistake_in_the_config_is_named(change, message):
    with pytest.raises(InputError, match=message):
        load_plan({"dataset": "demo", "models": "default"} | change, ROOT)


def test_defaults_are_filled_in():
    plan = load_plan({"dataset": "demo", "models": "knn"}, ROOT)
    assert plan.settings["min_songs"] == 5 and plan.settings["protocol"] is None and plan.settings["audit"] == "auto"
    assert [str(run) for run in plan.runs] == ["knn@jlaoo26", "knn@mfcccov"]
    assert plan.dataset["clip"] == {"seconds": 10, "hop": 10, "start": 0, "stop": None, "min_seconds": 5}


def test_a_list_of_models_needs_no_brackets():
    listed = load_plan({"dataset": "demo", "models": ["knn@kaggle57", "majority"]}, ROOT)
    assert load_plan({"dataset": "demo", "models": "knn@kaggle57, majority"}, ROOT) == listed and listed.is_list


def test_a_folder_of_music_is_no_data_set_yet(tmp_path, monkeypatch):
    (tmp_path / "my music").mkdir()
    (tmp_path / "demo").mkdir()
    monkeypatch.chdir(tmp_path)
    for name in ("my music", "./my music", str(tmp_path / "my music")):
        with pytest.raises(InputError, match=says("is a folder", f"songwise init '{name}'")):
            load_dataset(name, ROOT)
    assert load_dataset("demo", ROOT)[0]["name"] == "demo", "a folder beside it does not hide a data set"


def test_a_model_can_be_chosen_on_one_preset():
    plan = load_plan({"dataset": "demo", "models": ["knn@kaggle57", "knn", "majority", "knn@mfcccov"]}, ROOT)
    runs = ["knn@kaggle57", "knn@jlaoo26", "knn@mfcccov", "majority@jlaoo26"]
    assert [str(run) for run in plan.runs] == runs
    assert list(plan.presets) == ["kaggle57", "jlaoo26", "mfcccov"] and list(plan.models) == ["knn", "majority"]
    assert [str(run) for run in load_plan({"dataset": "demo", "models": "knn@all"}, ROOT).runs] == ["knn@all"]
    with pytest.raises(InputError, match=says("preset 'mfccov': there is no file", "did you mean 'mfcccov'?")):
        load_plan({"dataset": "demo", "models": ["knn@mfccov"]}, ROOT)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"early_stopping": 5}, says("early_stopping: SVC does not learn in rounds; estimators that do", "MLP")),
        ({"parameters": {"probability": True}}, says("parameter 'probability': it would hold out random clips")),
        ({"parameters": {"random_state": 1}}, says("parameter 'random_state': songwise sets it")),
        ({"search": {"n_jobs": [1]}}, says("parameter 'n_jobs': songwise gives each fit one thread")),
        ({"members": ["knn"]}, says("members: VotingClassifier, StackingClassifier and Fusion need this key")),
        ({"final": "knn"}, says("final: StackingClassifier needs the model")),
        ({"estimator": "sklearn.ensemble.VotingClassifier"}, says("members: VotingClassifier, ")),
        ({"estimator": "sklearn.ensemble.StackingClassifier", "members": ["knn"]}, says("final: StackingClassifier")),
        (VOTE | {"calibrate": True}, says("calibrate: set this in the file of each member")),
        (VOTE | {"scale": "standard"}, says("scale: set this in the file of each member")),
        (VOTE | {"parameters": {"flatten_transform": True}}, says("'flatten_transform' cannot be set")),
        (VOTE | {"members": ["voting"]}, says("members: voting is an ensemble itself; name its members instead")),
        (VOTE | {"members": ["mine"]}, says("members: mine is an ensemble itself; name its members instead")),
        (VOTE | {"members": ["kn"]}, says("model 'kn': there is no file", "did you mean 'knn'?")),
        ({"reduce": {"pca": 1.5}}, says("reduce.pca: 1.5 is not a share of the variance below 1, or a number")),
        ({"reduce": {"ica": 3}}, says("reduce: unknown key 'ica'")),
        ({"weights": "balance"}, says("weights: 'balance' is not one of balanced, none; did you mean 'balanced'?")),
    ],
)
def test_a_mistake_in_a_model_file_is_named(tmp_path, keys, message):
    shutil.copytree(ROOT / "config", tmp_path / "config")
    model = {"name": "mine", "estimator": "sklearn.svm.SVC", "features": ["jlaoo26"]} | keys
    (tmp_path / "config/models/mine.yaml").write_text(yaml.safe_dump(model))
    with pytest.raises(InputError, match=r"mine\.yaml: |model 'kn'") as error:
        load_plan({"dataset": "demo", "models": "mine"}, tmp_path)
    assert re.search(message, str(error.value))


def test_an_ensemble_includes_the_settings_of_its_members():
    """An edited member is then a reason to train the ensemble again."""
    model = load_plan({"dataset": "demo", "models": "stacking"}, ROOT).models["stacking"]
    member = model["members"]["knn@jlaoo26"]
    assert member["parameters"] == {"n_neighbors": 5} and member["preset"] == "jlaoo26" and "features" not in member
    assert model["final"]["name"] == "logistic_regression"


def test_a_title_is_no_reason_to_train_or_extract_again(tmp_path):
    shutil.copytree(ROOT / "config", tmp_path / "config")

    def trained() -> tuple:
        plan = load_plan({"dataset": "demo", "models": "stacking"}, tmp_path)
        return plan.model_of("stacking@all"), plan.extracted_preset("all")

    before = trained()
    for path in [*(tmp_path / "config/models").glob("*.yaml"), *(tmp_path / "config/features").glob("*.yaml")]:
        path.write_text(re.sub("title: .*", "title: Another", path.read_text()))
    assert trained() == before
    path = tmp_path / "config/models/knn.yaml"
    path.write_text(path.read_text().replace("n_neighbors: 5", "n_neighbors: 7"))
    assert trained()[0] != before[0], "a member's parameter is a reason"


def test_an_impossible_parameter_is_refused_before_any_job(tmp_path):
    shutil.copytree(ROOT / "config", tmp_path / "config")
    path = tmp_path / "config/models/knn.yaml"
    path.write_text(path.read_text().replace("n_neighbors: 5", "n_neighbours: 5"))
    with pytest.raises(InputError, match=r"knn\.yaml: parameters: .*'n_neighbours'; did you mean 'n_neighbors'\?"):
        load_plan({"dataset": "demo", "models": "default"}, tmp_path)
    assert load_plan({"dataset": "demo", "models": "majority"}, tmp_path).runs, "only what is asked for is checked"


def test_a_member_may_take_the_columns_of_another_preset(tmp_path):
    shutil.copytree(ROOT / "config", tmp_path / "config")
    model = {"name": "mine", "features": ["all"]} | VOTE | {"members": ["qda@kaggle57", "lda_shrinkage@fma518", "knn"]}
    (tmp_path / "config/models/mine.yaml").write_text(yaml.safe_dump(model))
    plan = load_plan({"dataset": "demo", "models": "mine"}, tmp_path)
    members = plan.model_of("mine@all")["members"]
    names = column_names(plan.presets["all"])
    assert [names[place] for place in members["qda@kaggle57"]["columns"]] == column_names(load_preset("kaggle57", ROOT))
    taken = [names[place] for place in members["lda_shrinkage@fma518"]["columns"]]
    assert len(taken) == 518 and "fma518_rms_mean" in taken, "rms means something else in presets before fma518"
    assert "columns" not in members["knn"] and list(plan.presets) == ["all"]
    with pytest.raises(InputError, match=r"mine\.yaml: members: qda@kaggle57: .* preset mfcccov, which lacks"):
        load_plan({"dataset": "demo", "models": "mine@mfcccov"}, tmp_path)


LIGHT = ["lda_shrinkage@mfcccov", "lda_shrinkage@fma518_22k", "logistic_regression@logmel128"]


def test_members_of_a_fusion_are_fitted_once_and_are_no_rows():
    plan = load_plan({"dataset": "demo", "models": ["fusion_light", "lda_shrinkage@mfcccov"]}, ROOT)
    assert [str(run) for run in plan.runs] == ["fusion_light@fused_light", "lda_shrinkage@mfcccov"]
    assert plan.fused == {"fusion_light@fused_light": list(map(Run.parse, LIGHT))}
    assert [str(run) for run in plan.fitted] == [*map(str, plan.runs), *LIGHT[1:]]
    assert list(plan.tables) == ["mfcccov", "fma518_22k", "logmel128"]
    assert plan.parts["fused_light"] == ["mfcccov", "fma518_22k", "logmel128"]
    assert all(plan.parts[name] == [name] for name in plan.tables)


def test_the_standardised_fusion_shares_the_standardised_rows():
    plan = load_plan({"dataset": "demo", "models": "fusion_light@fused_light_standardised"}, ROOT)
    (members,) = plan.fused.values()
    assert [run.model for run in members] == [Run.parse(run).model for run in LIGHT]
    assert [run.preset for run in members] == ["mfcccov_standardised", "fma518_standardised", "logmel128_standardised"]
    both = load_plan({"dataset": "demo", "models": ["fusion_light@fused_light_standardised", "fusion_light"]}, ROOT)
    assert both.standardised == [("fusion_light@fused_light", "fusion_light@fused_light_standardised")]


def test_a_member_is_fitted_as_the_row_that_stands_alone():
    """Its jobs are those of the row, so their parameters must be the same with and without it."""
    alone = load_plan({"dataset": "demo", "models": LIGHT}, ROOT)
    fusion = load_plan({"dataset": "demo", "models": "fusion_light"}, ROOT)
    for run in LIGHT:
        assert fusion.model_of(run) == alone.model_of(run)
        assert fusion.extracted_preset(Run.parse(run).preset) == alone.extracted_preset(Run.parse(run).preset)
    with pytest.raises(KeyError):
        fusion.model_of("knn@mfcccov")


def test_a_fusion_takes_the_columns_of_each_member_from_its_part():
    plan = load_plan({"dataset": "demo", "models": "fusion_light"}, ROOT)
    members = plan.model_of("fusion_light@fused_light")["members"]
    sizes = {name: preset["columns"] for name, preset in plan.tables.items()}
    start = 0
    for name, member in members.items():
        size = sizes[Run.parse(name).preset]
        assert member["columns"] == list(range(start, start + size)) and "title" not in member
        start += size
    assert start == plan.presets["fused_light"]["columns"]


def test_a_fusion_of_members_without_presets_shares_the_rows_of_its_own_preset(tmp_path):
    copy_config(tmp_path)
    estimator = "songwise.models.fusion.Fusion"
    write_file(tmp_path, "models/mine", {"estimator": estimator, "features": ["jlaoo26"], "members": ["knn", "qda"]})
    plan = load_plan({"dataset": "demo", "models": "mine"}, tmp_path)
    assert plan.fused == {"mine@jlaoo26": [Run("knn", "jlaoo26"), Run("qda", "jlaoo26")]}
    assert not any("columns" in member for member in plan.model_of("mine@jlaoo26")["members"].values())


@pytest.mark.parametrize(
    ("keys", "models", "message"),
    [
        (
            {"features": ["all"]},
            "mine",
            says("mine.yaml: members: knn@kaggle57: a fusion shares the fits", "and not all"),
        ),
        ({"features": ["mfcccov"]}, "mine", says("members: knn@kaggle57: the ensemble runs on the preset mfcccov, wh")),
        (
            {"features": ["fused_light"]},
            "mine",
            says("preset fused_light, which lacks columns of kaggle57; run it on a"),
        ),
        (
            {"members": []},
            "mine",
            says("mine.yaml: members: VotingClassifier, StackingClassifier and Fusion need this"),
        ),
        ({"parameters": {"weights": [1]}}, "mine", says("parameters: 'weights' cannot be set; songwise combines")),
        ({"calibrate": True}, "mine", says("calibrate: set this in the file of each member")),
    ],
)
def test_a_mistake_in_a_fusion_is_named(tmp_path, keys, models, message):
    copy_config(tmp_path)
    model = {"estimator": "songwise.models.fusion.Fusion", "features": ["all"], "members": ["knn@kaggle57"]} | keys
    write_file(tmp_path, "models/mine", model)
    with pytest.raises(InputError, match=message):
        load_plan({"dataset": "demo", "models": models}, tmp_path)


@pytest.fixture
def heard(tmp_path):
    """The plan of a project with a small network: rows on it, its standardised twin, and a fusion."""
    add_network(copy_config(tmp_path))
    return load_plan({"dataset": "demo", "models": "heard"}, tmp_path)


def without(plan, *presets: str):
    """The plan without the runs that need tables of these presets."""
    return plan.without([run for run in plan.runs if set(presets) & set(plan.parts[run.preset])], "They are loud.")


def test_a_plan_without_a_preset_lacks_every_row_that_needs_its_tables(heard):
    assert not heard.is_list and load_plan({"dataset": "demo", "models": ["knn"]}, ROOT).is_list
    kept = without(heard, "tiny")
    assert [str(run) for run in kept.runs] == ["majority@jlaoo26", "knn@tiny_standardised"]
    assert list(kept.models) == ["majority", "knn"] and list(kept.presets) == ["jlaoo26", "tiny_standardised"]
    assert kept.fused == {} and kept.fitted == kept.runs and list(kept.members) == [str(run) for run in kept.runs]
    assert list(kept.tables) == ["jlaoo26", "tiny_standardised"]
    assert len(heard.runs) == 4, "the plan itself is not changed"
    (message,) = kept.left_out
    assert message.startswith("left out: knn@tiny") and message.endswith(". They are loud.")


def test_a_plan_without_the_preset_of_a_fusions_member_lacks_the_fusion(heard):
    kept = without(heard, "jlaoo26")
    assert [str(run) for run in kept.runs] == ["knn@tiny", "knn@tiny_standardised"]
    assert list(without(heard, "tiny", "tiny_standardised").tables) == ["jlaoo26"]
    assert heard.without([], "") == heard
    with pytest.raises(InputError, match=r"config: models: .*knn@tiny.*: They are loud\."):
        without(heard, "tiny", "tiny_standardised", "jlaoo26")


def test_rows_on_a_network_and_its_twin_are_compared(heard):
    assert heard.standardised == [("knn@tiny", "knn@tiny_standardised")]
    assert without(heard, "tiny_standardised").standardised == []


def test_the_key_of_a_preset_depends_on_what_its_numbers_depend_on(tmp_path):
    shutil.copytree(ROOT / "config", tmp_path / "config")
    path = tmp_path / "config/features/jlaoo26.yaml"
    original = re.sub("columns: .*\n", "", path.read_text())

    def key(text: str) -> str:
        path.write_text(text)
        return preset_key(load_plan({"dataset": "demo", "models": "majority"}, tmp_path).presets["jlaoo26"])

    assert key(original) == key("# a comment\n" + original) == key(re.sub("title: .*", "title: Other", original))
    assert key(original) == key(re.sub("(audio|frame): .*\n", "", original))  # these are the defaults
    families = original.split("families:\n")[1].splitlines()
    reordered = original.replace("\n".join(families), "\n".join(reversed(families)))
    changes = {original, original.replace("2048", "1024"), original.replace("n: 20", "n: 13"), reordered}
    assert len({key(text) for text in changes}) == 4


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"clip": {"secnds": 3}}, says("mine.yaml: clip: unknown key 'secnds'; did you mean 'seconds'?")),
        ({"clip": {"seconds": "long"}}, says("mine.yaml: clip.seconds: 'long' is not a number")),
        ({"clip": {"seconds": 3, "min_seconds": 5}}, says("yaml: clip: min_seconds (5) is longer than seconds (3)")),
        ({"clip": {"start": 10, "stop": 11}}, says("no room for a clip")),
        ({"split": {"protocol": "random-clips"}}, says("split.protocol: 'random-clips'", "never leads")),
        ({"split": {"held_out": 0}}, says("split.held_out: 0 is less than the minimum of 1")),
        ({"name": "a/b"}, says("name: 'a/b' has characters that are not allowed")),
        ({"source": {"type": "mp3s"}}, says("source.type: 'mp3s' is not one of folder, manifest")),
        (
            {"source": {"type": "manifest", "track": "x.csv"}},
            says("source", "unknown key 'track'; did you mean 'tracks'?"),
        ),
        ({"source": {"type": "manifest", "tracks": "no.csv"}}, says("no.csv: cannot be read (No such file")),
        ({"source": {"type": "folder", "folder": "nowhere"}}, says("source.folder: there is no folder")),
    ],
)
def test_a_mistake_in_a_data_set_is_named(data_set, keys, message):
    with pytest.raises(InputError, match=message):
        load_tracks(data_set(**keys), ROOT)


@pytest.mark.parametrize(
    ("sheet", "message"),
    [
        ("", says("column 'track_id' is missing")),
        ("track_id,label,path\n", says("mine.csv: has no rows")),
        ("track_id,path\nx,x.wav\n", says("mine.csv: column 'label' is missing; the header is: track_id,path")),
        (GOOD.replace("label,path", "label,path,artits"), says("unknown column 'artits'; did you mean 'artist'?")),
        (GOOD + "a1,a,other.wav\n", says("mine.csv: rows 3, 10: track_id 'a1' is used more than once")),
        (GOOD + "b9,b\n", says("row 10: has fewer cells than the header")),
        (GOOD + "b9,b,\n", says("row 10: has no path or url, which source type manifest needs")),
        (GOOD + "b@9,b,x.wav\n", says("row 10: track_id 'b@9' is invalid")),
        ("track_id,label,path\n" + "".join(f"a{i},a,x\n" for i in range(9)), says("all tracks have the label 'a'")),
        (
            "track_id,label,song,path\n" + "".join(f"{x}{i},{x},s{i},p\n" for x in "ab" for i in range(4)),
            says("song 's0' has more than one label: a, b"),
        ),
        ('track_id,label,path\n"x,a,b\n', says("mine.csv: is not a CSV file in UTF-8")),
    ],
)
def test_a_mistake_in_a_sheet_is_named_with_its_row(data_set, sheet, message):
    with pytest.raises(InputError, match=message):
        load_tracks(data_set(sheet=sheet), ROOT)


def test_columns_of_the_users_own_are_allowed(data_set):
    _, tracks = load_tracks(data_set(sheet=GOOD.replace("\n", ",note\n", 1).replace(".wav\n", ".wav,x\n")), ROOT)
    assert len(tracks) == 8 and tracks[0].song == "a0"


def test_a_path_cannot_leave_the_mirror(data_set):
    sheet = GOOD.replace("path\n", "path,url\n", 1).replace(".wav\n", ".wav,http://127.0.0.1/x\n")
    sheet = sheet.replace("a0.wav", "../../etc/passwd")
    path = data_set(sheet=sheet, source={"type": "http", "tracks": "mine.csv"})
    with pytest.raises(InputError, match=says("row 2: path '../../etc/passwd' must be relative to the mirror")):
        load_tracks(path, ROOT)


def test_a_folder_names_classes_and_a_pattern_names_songs(tmp_path, data_set):
    for label in ("rock", "folk"):
        for song in range(4):
            for part in (1, 2):
                write_wav(tmp_path / "music" / label / "disc" / f"{song:02d}-part{part}.wav", tone(0.1, 440))
        (tmp_path / "music" / label / "cover.jpg").touch()
    path = data_set(source={"type": "folder", "folder": "music", "song": r"(\d+)-part"})
    _, tracks = load_tracks(path, ROOT)
    assert len(tracks) == 16
    assert {track.song for track in tracks if track.label == "folk"} == {f"folk/{song:02d}" for song in range(4)}
    assert tracks[0].track_id == "folk/disc/00-part1.wav"
    with pytest.raises(InputError, match=says("does not match source.song 'side'")):
        load_tracks(data_set(source={"type": "folder", "folder": "music", "song": "side"}), ROOT)
    with pytest.raises(InputError, match=says("source.song is not a valid regular expression")):
        load_tracks(data_set(source={"type": "folder", "folder": "music", "song": "("}), ROOT)


def test_a_new_song_changes_one_shard_and_a_changed_file_its_own(tmp_path, data_set):
    for name in ("a0", "b3"):
        write_wav(tmp_path / f"{name}.wav", tone(0.1, 440))
    path = data_set(shards=5)

    def digests():
        dataset, tracks = load_tracks(path, ROOT)
        return {shard: rows_digest(rows) for shard, rows in deal(tracks, dataset["shards"]).items()}

    before = digests()
    assert digests() == before
    data_set(sheet=GOOD + "a9,a,a9.wav\n", shards=5)
    after = digests()
    assert len({shard for shard in after if after[shard] != before.get(shard)}) == 1
    data_set(shards=5)
    shutil.copy(tmp_path / "a0.wav", tmp_path / "b3.wav")
    changed = digests()
    assert len({shard for shard in changed if changed[shard] != before[shard]}) == 1


@needs_torch
def test_every_shipped_file_is_valid():
    groups = yaml.safe_load((ROOT / "config" / "model_groups.yaml").read_text())
    for path in (ROOT / "config" / "datasets").glob("*.yaml"):
        dataset, _ = load_dataset(path.stem, ROOT)
        assert dataset["name"] == path.stem
        if dataset["source"]["type"] != "table" and not missing(dataset, ROOT):  # a table is the user's to bring
            assert read_tracks(dataset, path, ROOT)
    for group in groups:
        assert load_plan({"dataset": "demo", "models": group}, ROOT).runs
    models = {path.stem for path in (ROOT / "config" / "models").glob("*.yaml")}
    recipes = [yaml.safe_load(path.read_text())["models"] for path in (ROOT / "config" / "recipes").glob("*.yaml")]
    named = {entry.partition("@")[0] for names in [*groups.values(), *recipes] for entry in names}
    assert named == models, "each model is in a group or in a recipe"
    for path in (ROOT / "config" / "models").glob("*.yaml"):
        assert load_plan({"dataset": "demo", "models": path.stem}, ROOT).runs


def test_open_music_names_a_licence_and_an_attribution_for_each_track():
    _, tracks = load_tracks("open-music", ROOT)
    assert len(tracks) == 145 and len({track.label for track in tracks}) == 8
    assert all(
        track.license and track.attribution and track.sha256 and track.url.startswith("https://") for track in tracks
    )
