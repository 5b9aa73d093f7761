"""`songwise list`: what can be run, and what has run."""

import json
from pathlib import Path


def test_data_sets_come_with_their_state(project, run):
    (project / "results/fma-small").mkdir()
    done = run("list", "--json")
    rows = {row["name"]: row for row in map(json.loads, done.out.splitlines())}
    assert rows["tones"] | {"date": ""} == {
        "name": "tones",
        "title": "Tones",
        "source": "manifest",
        "tracks": 20,
        "state": "finished",
        "best": 0.8684,
        "date": "",
    }
    assert rows["demo"]["tracks"] == 63 and rows["demo"]["state"] == "not run" and rows["demo"]["best"] is None
    assert rows["fma-small"]["state"] == "unfinished" and rows["fma-small"]["tracks"] is None
    line = next(line for line in run("list").out.splitlines() if line.startswith("tones "))
    assert line.split()[:6] == ["tones", "Tones", "manifest", "20", "finished", "87"]


def test_one_bad_file_does_not_hide_the_others(project, run):
    with Path("config/datasets/kpop.yaml").open("a") as stream:
        stream.write("lable: band\n")
    Path("config/models/knn.yaml").write_text("name: [")
    Path("results/tones/headline.json").write_text("{")
    done = run("list")
    assert done.code == 0 and "config/datasets/kpop.yaml: unknown key 'lable'" in done.err
    states = {line.split()[0]: line for line in done.out.splitlines()}
    assert states["kpop"].endswith("invalid file") and "damaged" in states["tones"] and "not run" in states["demo"]
    models = run("list", "models")
    assert "config/models/knn.yaml" in models.err and "svm_rbf" in models.out and "\nknn " not in models.out


def test_models_presets_and_groups_are_listed(project, run):
    assert "svm_rbf" in run("list", "models").out
    presets = {
        row["name"]: row["columns"] for row in map(json.loads, run("list", "presets", "--json").out.splitlines())
    }
    assert presets["mfcccov"] == 270 and presets["fused"] == 5033 and presets["frames_mel"] == 0
    groups = {row["name"]: row["models"] for row in map(json.loads, run("list", "groups", "--json").out.splitlines())}
    assert groups["quick"] == ["majority", "knn", "lda_shrinkage"]
