"""`songwise methods`: every figure is one of the result files, and every key in brackets has its entry."""

import json
import re
from pathlib import Path

import pytest
from helpers.finished import BEST

from songwise.commands import references
from songwise.features.presets import PRESET


def edit(path: str, **changes) -> None:
    content = json.loads(Path(path).read_text()) | changes
    Path(path).write_text(json.dumps(content))


def test_the_figures_are_those_of_the_run(project, run):
    out = " ".join(run("methods").out.split())
    for words in (
        "Tones has 20 usable tracks of 20 songs in 2 classes (register), 1.3 min of audio",
        "1 pair of tracks has the same recording",
        "which leaves 19 songs",
        "clips of 2 s, one every 2 s (20 clips)",
        "4 models were tested",
        "5-fold cross-validation, stratified by class, in 2 repeats with different shuffles (seed 0)",
        f"{BEST}, finds the right register of 87 % [71, 100] of the songs",
        "bootstrap over songs (2,000 draws)",
        "songwise 0.1 [songwise]",
    ):
        assert words in out
    assert "XGBoost" not in out and "file facts" not in out, "this run has neither"


def test_each_citation_has_an_entry_and_each_entry_is_cited(project, run):
    edit(
        "results/tones/champion/card.json", citation="A. Author & B. Other, 100 % tones, 2020", homepage="https://a.b/c"
    )
    done = run("methods")
    text, _, entries = done.out.partition("References")
    cited = {key for group in re.findall(r"\[([a-z][a-z0-9-]+(?:, [a-z0-9-]+)*)\]", text) for key in group.split(", ")}
    assert cited == set(re.findall(r"^@\w+\{([^,]+),", entries, re.M))
    assert "dataset-tones" in cited and "pedregosa2011" in cited
    assert r"note    = {A. Author \& B. Other, 100 \% tones, 2020}" in entries
    only = run("methods", "--bibtex").out
    assert only.startswith("@misc{songwise,") and only in done.out


@pytest.mark.parametrize("key", [*references._ENTRIES, "songwise"])
def test_entries_are_complete_bibtex(key, project):
    card = json.loads(Path("results/tones/champion/card.json").read_text())
    entry = references.entries([] if key == "songwise" else [key], card)[-1]
    assert entry.startswith("@") and f"{{{key}," in entry
    assert entry.count("{") == entry.count("}")
    assert ("  year " in entry or key == "songwise") and "  author " in entry and "  title " in entry


def test_networks_in_config_are_cited(root):
    ours = {path.stem for path in (root / "config/networks").glob("*.yaml")} - {"imagenet"}  # the user's own
    assert ours == references.NETWORKS.keys()
    assert {key for keys in references.NETWORKS.values() for key in keys} <= references._ENTRIES.keys()


def test_a_protocol_of_the_sheet_is_described_as_such(project, run):
    for name in ("majority@jlaoo26", BEST):
        edit(f"results/tones/models/{name}/params.json", protocol="train-valid-test")
    out = " ".join(run("methods").out.split())
    assert "The training, validation and test sets are those of the data set" in out and "5-fold" not in out


def test_a_table_of_features_has_no_audio_to_describe(project, run):
    edit("results/tones/champion/card.json", clip=None)
    edit(f"results/tones/models/{BEST}/bundle/bundle.json", preset=PRESET, columns=["a", "b", "c"])
    done = run("methods")
    assert "features are those of a published table (3 columns per clip)" in " ".join(done.out.split())
    assert "librosa" not in done.out and "clips of" not in done.out


def test_damaged_parameters_are_named(project, run):
    edit(f"results/tones/models/{BEST}/params.json", split=None)
    Path("results/tones/models/majority@jlaoo26/params.json").write_text("{}")
    assert "majority@jlaoo26/params.json is damaged (the key estimator is missing)" in run("methods").err
