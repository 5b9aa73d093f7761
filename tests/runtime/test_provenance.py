"""A code hash covers all code that a figure can depend on, and nothing else."""

import subprocess
from pathlib import Path

import pytest

from songwise.runtime import provenance


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package of two modules, a using b, in place of songwise."""
    monkeypatch.setattr(provenance, "_PACKAGE", tmp_path)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.py").write_text("from songwise.b import f\n")
    (tmp_path / "b.py").write_text(B)
    (tmp_path / "c.py").touch()
    (tmp_path / "errors.py").write_text("class InputError(Exception): ...\n")
    yield tmp_path
    forget()


def forget() -> None:
    for cached in (provenance.code_of, provenance.closure_of, provenance._scan, provenance._scans):
        cached.cache_clear()


def code(name: str, **options) -> str:
    forget()
    return provenance.code_of(name, **options)


B = '''
from songwise.errors import InputError

def f(x: int) -> int:
    """Return twice a number."""
    if x < 0:
        raise InputError(f"{x} is negative")
    return 2 * x
'''


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Return twice a number.", "Double a number."),
        ("def f(x: int) -> int:", "def f(x):"),
        ("is negative", "must not be negative"),
        ("    return", "    # why\n    return"),
        ("2 * x", "2*x"),
    ],
    ids=["docstring", "annotation", "message", "comment", "layout"],
)
def test_text_and_layout_do_not_count(package, old, new):
    before = code("a")
    (package / "b.py").write_text(B.replace(old, new))
    assert old in B and code("a") == before


@pytest.mark.parametrize(
    ("old", "new"), [("2 * x", "3 * x"), ("x < 0", "x < 1"), ("raise InputError", "raise ValueError"), ("f(x:", "f(y:")]
)
def test_an_edit_of_an_imported_module_counts(package, old, new):
    before, other = code("a"), code("c")
    (package / "b.py").write_text(B.replace(old, new))
    assert old in B and code("a") != before and code("c") == other


def test_the_text_of_other_errors_counts_because_tables_may_contain_it(package):
    (package / "b.py").write_text("def f():\n    raise RejectedError('silent')\n")
    before = code("a")
    (package / "b.py").write_text("def f():\n    raise RejectedError('empty')\n")
    assert code("a") != before


def test_modules_that_compute_no_figures_do_not_count(package):
    before = code("a")
    (package / "errors.py").write_text("class InputError(ValueError): ...\n")
    assert code("a") == before


def test_versions_of_libraries_count_including_those_imported_by_name(package, monkeypatch):
    (package / "b.py").write_text("import numpy\n")
    versions = {"numpy": "1", "xgboost": "1"}
    monkeypatch.setattr(provenance, "_version", lambda library: versions.get(library, ""))
    plain, boosted = code("a"), code("a", libraries=("xgboost",))
    versions["xgboost"] = "2"
    assert code("a") == plain and code("a", libraries=("xgboost",)) != boosted
    versions["numpy"] = "2"
    assert code("a") != plain


def test_a_parsed_module_is_cached_until_it_changes(package, monkeypatch):
    (package / ".snakemake").mkdir()
    before = code("a")
    provenance._save_scans(provenance._CACHE)
    parsed = []
    read = provenance._read
    monkeypatch.setattr(provenance, "_read", lambda path: parsed.append(path.name) or read(path))
    assert code("a") == before and parsed == []
    (package / "b.py").write_text(B + "\nX = 1\n")
    assert code("a") != before and parsed == ["b.py"]
    (package / ".snakemake" / "songwise.code.json").write_text("[]")
    assert code("a") != before


def test_an_unknown_module_is_an_error():
    with pytest.raises(ModuleNotFoundError, match=r"songwise\.fetures"):
        provenance.code_of("fetures")


# What the rules count. An edit of anything else redoes nothing of them.
NARROW = {
    "acquire.archives": {"acquire.download", "acquire.unpack"},
    "splits.census": {"splits.duplicates", "clips.columns", "clips.fingerprints"},
    "splits.make": {"splits.groups", "splits.protocols", "splits.table"},
    "splits.gate": {"splits.protocols"},
    "clips.inspect": {"audio.decode", "audio.sandbox", "audio.encoding", "audio.fingerprint", "clips.cut"},
    "features.extract": {"features.spectra", "features.dsp.mel", "features.standardise", "clips.cut", "audio.decode"},
    "models.cross_validation": {"models.fit", "models.pipeline", "features.matrix", "splits.table"},
    "evaluation.evaluate": {"evaluation.bootstrap", "evaluation.metrics", "evaluation.verdicts", "evaluation.votes"},
}
NEVER = ("errors", "text", "runtime", "plan", "schemas", "models.files", "cli")
NEVER += ("datasets.sheet", "datasets.dataset", "datasets.track")


@pytest.mark.parametrize("name", NARROW)
def test_a_rule_depends_on_all_the_code_that_it_needs_and_on_little_else(name):
    forget()
    modules, _ = provenance.closure_of(name)
    assert modules >= NARROW[name] | {name}
    assert not [one for one in modules for never in NEVER if one == never or one.startswith(f"{never}.")]


def test_a_stage_does_not_depend_on_later_ones():
    forget()
    order = [
        "acquire",
        "clips",
        "features",
        "splits",
        "models",
        "evaluation",
        "figures",
        "studies",
        "report",
        "tracking",
    ]
    stage = {name: number for number, name in enumerate(order)}
    for name in NARROW:
        modules, _ = provenance.closure_of(name)
        assert max(stage.get(one.split(".")[0], 0) for one in modules) == stage[name.split(".")[0]]
        if name.startswith("models"):
            assert not [one for one in modules if one.startswith(("clips", "audio", "acquire", "features.dsp"))]


def test_committed_results_of_an_earlier_run_are_no_change_of_the_code(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert provenance.git_commit() is None
    Path("results").mkdir()
    for name in ("code.py", "results/best.json"):
        Path(name).write_text("1")
    author = ("-c", "user.name=kim", "-c", "user.email=kim@example.org")
    for words in (("init", "-q"), ("add", "."), (*author, "commit", "-qm", "First")):
        subprocess.run(["git", *words], check=True)
    commit = provenance.git_commit()
    assert len(commit) == 40
    Path("results/best.json").write_text("2")
    assert provenance.git_commit() == commit
    Path("code.py").write_text("2")
    assert provenance.git_commit() == f"{commit}-dirty"
