"""Weights are ready before any job. Otherwise a run names the rows that it leaves out, or stops for models by name."""

import re
import threading
from pathlib import Path

import pytest
import yaml
from helpers.hearing import GROUP, add_network, copy_config, edit_network, write_file

from songwise.acquire import session
from songwise.acquire.weights import networks_cache
from songwise.errors import InputError
from songwise.plan.plan import load_plan
from songwise.plan.weights import fetch_networks, provide_weights, weights_file

NOWHERE = "http://127.0.0.1:9/tiny.onnx"  # the port of the service `discard`, which no machine has had for decades
REFUSED = "failed: 127.0.0.1:9: the connection was refused, 4 times"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    """An empty cache, and downloads that retry after hundredths of a second."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(session, "_BACKOFF", 0.01)
    monkeypatch.setattr(session, "_THREAD", threading.local())
    return networks_cache()


@pytest.fixture
def root(tmp_path) -> Path:
    """The shipped config and a network whose address does not answer; mirror/ has its weights."""
    copy_config(tmp_path)
    add_network(tmp_path, url=NOWHERE)
    return tmp_path


@pytest.fixture
def own(tmp_path) -> Path:
    """The shipped config and a network whose weights are the user's own file."""
    copy_config(tmp_path)
    add_network(tmp_path)
    return tmp_path


def provide(root: Path, models, *, real=True, missing=None, **config):
    """Start a run in which every table is missing, and return the rows, the message and the lines of the start."""
    plan = load_plan({"dataset": "demo", "models": models} | config, root)
    shards = dict.fromkeys(plan.tables, (0, 1)) | (missing or {})
    lines = []
    kept = provide_weights(plan, shards, root=root, real=real, say=lines.append)
    return kept, "; ".join(kept.left_out), lines


def rows(plan) -> list[str]:
    return [str(run) for run in plan.runs]


def test_rows_of_a_group_without_weights_are_left_out_and_named_with_the_command(root, cache):
    kept, left_out, _ = provide(root, "heard")
    assert rows(kept) == ["majority@jlaoo26"]
    assert left_out == (
        "left out: knn@tiny, knn@tiny_standardised, hear@heard. The weights of tiny are not here "
        f"({REFUSED}). To get them: songwise weights tiny, or set weights to a folder that has tiny.onnx"
    )
    assert list(kept.tables) == ["jlaoo26"] and list(kept.models) == ["majority"] and not kept.is_list
    assert not list(cache.glob("[!.]*"))


@pytest.mark.parametrize("models", [["majority@jlaoo26", "knn@tiny"], "knn@tiny", "hear"])
def test_models_that_are_asked_for_by_name_stop_the_run(root, models):
    named = "hear@heard" if models == "hear" else "knn@tiny"
    message = f"config: models: {named}: The weights of tiny are not here ({REFUSED}). To get them: songwise weights t"
    with pytest.raises(InputError, match=f"^{re.escape(message)}"):
        provide(root, models)


def test_a_group_of_nothing_else_stops_the_run(root):
    groups = root / "config" / "model_groups.yaml"
    groups.write_text(groups.read_text() + "deep: [knn@tiny, hear]\n")
    with pytest.raises(InputError, match=r"config: models: knn@tiny, hear@heard: The weights of tiny are not here"):
        provide(root, "deep")


def test_the_weights_of_a_folder_are_used_and_kept(root, cache):
    kept, left_out, lines = provide(root, "heard", weights=str(root / "mirror"))
    assert rows(kept) == GROUP and left_out == ""
    assert len(lines) == 1 and lines[0].startswith("fetching the weights of tiny (0 MB; none, this test)")
    assert len(list(cache.glob("*-tiny.onnx"))) == 1
    assert provide(root, "heard")[2] == [], "they are fetched once"


def test_the_mirror_of_the_data_set_may_have_the_weights(root):
    kept, _, _ = provide(root, "heard", mirror=str(root / "mirror"))
    assert rows(kept) == GROUP
    kept, _, _ = provide(root, "heard", mirror=str(root / "config"), weights=str(root / "mirror"))
    assert rows(kept) == GROUP


@pytest.mark.parametrize("place", ["/nowhere/at/all", "ftp://127.0.0.1"])
def test_a_folder_of_weights_that_does_not_exist_is_named(root, place):
    with pytest.raises(InputError, match=rf"^config: weights: there is no folder '{place}' \(expected a folder, an"):
        provide(root, "majority", weights=place)


def test_a_dry_run_fetches_nothing(root, cache):
    """It leaves out the rows of a group; models that are asked for by name are shown as a real run would make them."""
    kept, left_out, lines = provide(root, "heard", real=False, weights=str(root / "mirror"))
    assert rows(kept) == ["majority@jlaoo26"]
    assert left_out.startswith(
        "left out: knn@tiny, knn@tiny_standardised, hear@heard. The weights of tiny are not here"
    )
    assert "(a dry run does not fetch them). To get them: songwise weights tiny" in left_out
    kept, left_out, more = provide(root, ["knn@tiny", "hear"], real=False, weights=str(root / "mirror"))
    assert rows(kept) == ["knn@tiny", "hear@heard"] and left_out == ""
    assert lines == more == [] and not cache.exists()


def test_a_dry_run_knows_weights_that_are_there(root):
    provide(root, "heard", weights=str(root / "mirror"))
    kept, left_out, _ = provide(root, "heard", real=False)
    assert rows(kept) == GROUP and left_out == ""


def test_tables_that_are_complete_need_no_weights(root, cache):
    complete = {"tiny": (), "tiny_standardised": ()}
    for real in (True, False):
        kept, left_out, lines = provide(root, "heard", real=real, missing=complete)
        assert rows(kept) == GROUP and left_out == "" and lines == []
    assert not cache.exists()


def test_only_rows_whose_tables_are_missing_are_left_out(root):
    kept, left_out, _ = provide(root, "heard", missing={"tiny_standardised": ()})
    assert rows(kept) == ["majority@jlaoo26", "knn@tiny_standardised"] and "left out: knn@tiny, hear@heard." in left_out
    kept, left_out, _ = provide(root, "heard", missing={"tiny": (), "tiny_standardised": (1,)})
    assert rows(kept) == ["majority@jlaoo26", "knn@tiny", "hear@heard"]
    assert left_out.startswith("left out: knn@tiny_standardised.")


def test_models_without_networks_need_no_weights(root, cache):
    kept, left_out, lines = provide(root, "fusion_light")
    assert rows(kept) == ["fusion_light@fused_light"] and left_out == "" and lines == [] and not cache.exists()


def test_weights_that_are_swapped_in_the_cache_stop_the_run_before_any_job(root, cache):
    provide(root, "heard", weights=str(root / "mirror"))
    (path,) = cache.glob("*-tiny.onnx")
    path.write_bytes(b"swapped")
    with pytest.raises(InputError, match=rf"^{path}: has the sha256 \w+ instead of \w+, so it is corrupt or another"):
        provide(root, "heard")
    fetch_networks(["tiny"], root=root, mirror=str(root / "mirror"), say=print)
    assert rows(provide(root, "heard")[0]) == GROUP


def test_a_network_that_does_not_fit_its_weights_stops_the_run_before_any_job(root):
    edit_network(root, outputs={"means": 41})
    with pytest.raises(InputError, match=r"tiny\.onnx: .*'means' of size any x 40; the network's file has 41"):
        provide(root, "heard", weights=str(root / "mirror"))


LONG = {"frames": 1000, "short": "refuse"}


def test_rows_whose_clips_do_not_fill_a_patch_are_left_out(root, cache):
    edit_network(root, patch=LONG)
    for real in (True, False):
        kept, left_out, lines = provide(root, "heard", real=real, weights=str(root / "mirror"))
        assert rows(kept) == ["majority@jlaoo26"] and lines == []
        assert left_out.startswith("left out: knn@tiny, knn@tiny_standardised, hear@heard. ")
        assert "demo.yaml: clip.min_seconds: clips may be as short as 5 s, but the network tiny of preset " in left_out
        assert "needs 15.99 s; set clip.min_seconds to that or more" in left_out
    assert not cache.exists(), "nothing is fetched for rows that are left out"


def test_models_asked_for_by_name_whose_clips_do_not_fill_a_patch_stop_the_run(root):
    edit_network(root, patch=LONG)
    for real in (True, False):
        with pytest.raises(
            InputError, match=r"^config: models: hear@heard: \S+demo\.yaml: clip\.min_seconds: clips may"
        ):
            provide(root, "hear", real=real)
    clip = {"seconds": 20, "min_seconds": 16}
    assert rows(provide(root, "hear", weights=str(root / "mirror"), clip=clip)[0]) == ["hear@heard"]


def test_weights_of_your_own_are_used_where_they_are(own, cache):
    kept, left_out, lines = provide(own, "heard")
    assert rows(kept) == GROUP and left_out == "" and lines == []
    assert weights_file(kept.tables["tiny"]["network"], own) == own / "config" / "networks" / "tiny.onnx"
    assert not cache.exists()


@pytest.mark.parametrize("real", [True, False])
def test_a_missing_file_of_your_own_is_named_with_the_key(own, real):
    path = own / "config" / "networks" / "tiny.onnx"
    path.unlink()
    message = (
        rf"config/networks/tiny\.yaml: weights\.path: there is no file {path}; put an ONNX network there or change"
    )
    kept, left_out, _ = provide(own, "heard", real=real)
    assert rows(kept) == ["majority@jlaoo26"]
    assert re.match(rf"left out: knn@tiny, knn@tiny_standardised, hear@heard\. {message}", left_out)
    with pytest.raises(InputError, match=f"^config: models: knn@tiny: {message}"):
        provide(own, ["knn@tiny"], real=real)


@pytest.mark.parametrize("damage", [b"", b"x" * 1000, None], ids=["empty", "noise", "truncated"])
def test_a_corrupt_file_of_your_own_stops_the_run_before_any_job(own, damage):
    path = own / "config" / "networks" / "tiny.onnx"
    path.write_bytes(path.read_bytes()[:-20] if damage is None else damage)
    for models in ("heard", ["knn@tiny"]):
        with pytest.raises(InputError, match=rf"^{path}: [^\n]+$"):
            provide(own, models)


def test_a_file_of_your_own_with_another_checksum_than_you_state_stops_the_run(own):
    network = yaml.safe_load((own / "config" / "networks" / "tiny.yaml").read_text())
    edit_network(own, weights=network["weights"] | {"sha256": "0" * 64})
    with pytest.raises(InputError, match=r"tiny\.onnx: has the sha256 \w+ instead of 0000") as error:
        provide(own, "heard")
    assert str(error.value).endswith("or correct weights.sha256 in config/networks/tiny.yaml")


def test_each_network_that_lacks_weights_has_its_reason_and_long_lists_are_short(root):
    network = yaml.safe_load((root / "config" / "networks" / "tiny.yaml").read_text())
    write_file(root, "networks/other", network | {"name": "other"})
    write_file(root, "features/other", {"network": "other", "outputs": {"means": ["max"]}})
    groups = root / "config" / "model_groups.yaml"
    many = [f"{model}@other" for model in ("knn", "qda", "lda_shrinkage", "naive_bayes", "svm_rbf", "lda", "mlp")]
    groups.write_text(groups.read_text() + f"many: [majority@jlaoo26, knn@tiny, qda@tiny, {', '.join(many)}]\n")
    kept, left_out, _ = provide(root, "many")
    assert rows(kept) == ["majority@jlaoo26"]
    assert left_out.count("The weights of tiny are not here") == left_out.count("songwise weights other") == 1
    assert "left out: knn@tiny, qda@tiny. The weights of tiny" in left_out
    assert "left out: knn@other, qda@other, " in left_out and "lda@other and 1 more. The weights of other" in left_out


def keep_networks(root: Path, *names: str) -> None:
    for path in (root / "config" / "networks").glob("*.yaml"):
        if path.stem not in names:
            path.unlink()


def test_all_networks_with_an_address_are_fetched_by_the_command(root, cache):
    keep_networks(root, "tiny", "imagenet")
    lines = []
    fetch_networks([], root=root, mirror=str(root / "mirror"), say=lines.append)
    (path,) = cache.glob("*-tiny.onnx")
    assert lines[1:] == [f"tiny is ready: {path} (none)"] and lines[0].startswith("fetching the weights of tiny")
    fetch_networks(["tiny"], root=root, mirror=None, say=lines.append)
    assert lines[2:] == [f"tiny is ready: {path} (none)"]


def test_the_command_fetches_what_it_can_and_names_the_rest(root):
    network = yaml.safe_load((root / "config" / "networks" / "tiny.yaml").read_text())
    for name in ("absent", "zebra"):
        edited = network["weights"] | {"file": f"{name}.onnx"}
        write_file(root, f"networks/{name}", network | {"name": name, "weights": edited})
    keep_networks(root, "absent", "tiny", "zebra")
    lines = []
    with pytest.raises(InputError) as caught:
        fetch_networks([], root=root, mirror=str(root / "mirror"), say=lines.append)
    reasons = str(caught.value).splitlines()
    assert [reason.partition(" are not available: ")[0] for reason in reasons] == [
        "the weights of absent",
        "the weights of zebra",
    ]
    assert all(REFUSED in reason for reason in reasons)
    assert sum("tiny is ready" in line for line in lines) == 1


def test_the_command_continues_after_weights_that_cannot_be_used(root):
    network = yaml.safe_load((root / "config" / "networks" / "tiny.yaml").read_text())
    write_file(root, "networks/bad", network | {"name": "bad", "outputs": {"means": 41}})
    lines = []
    with pytest.raises(InputError, match=r"^\S+-tiny\.onnx: [^\n]*the network's file has 41[^\n]*$"):
        fetch_networks(["bad", "tiny"], root=root, mirror=str(root / "mirror"), say=lines.append)
    assert lines[-1].startswith("tiny is ready")


def test_a_network_that_does_not_exist_is_refused_before_any_download(root, cache):
    with pytest.raises(
        InputError, match=r"network 'tinny': there is no file config/networks/tinny\.yaml; did you mean"
    ):
        fetch_networks(["tiny", "tinny"], root=root, mirror=str(root / "mirror"), say=print)
    assert not cache.exists()


def test_the_command_checks_weights_of_your_own_by_name(own):
    lines = []
    fetch_networks(["tiny"], root=own, mirror=None, say=lines.append)
    path = own / "config" / "networks" / "tiny.onnx"
    assert lines == [f"tiny is ready: {path} (none)"]
    path.unlink()
    with pytest.raises(InputError, match=r"config/networks/tiny\.yaml: weights\.path: there is no file"):
        fetch_networks(["tiny"], root=own, mirror=None, say=lines.append)
