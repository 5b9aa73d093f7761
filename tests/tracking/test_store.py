"""Snakemake notices a deleted MLflow store and a newly shared data set without importing MLflow."""

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from songwise.files import write_json
from songwise.tracking.store import shared_pointer, store_generation

RESULTS = Path("results/demo")


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """An empty project folder, which is the current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_first_logging_is_generation_one(folder):
    assert store_generation(RESULTS, None) == 1


@pytest.mark.parametrize(
    ("uri", "has_database", "generation"),
    [
        (None, True, 3),
        ("", True, 3),
        (None, False, 4),
        ("", False, 4),
        ("http://127.0.0.1:5000", False, 3),
    ],
)
def test_the_generation_grows_when_the_local_store_is_deleted(folder, uri, has_database, generation):
    write_json(RESULTS / "tracking.json", {"generation": 3})
    if has_database:
        Path("mlflow.db").touch()
    assert store_generation(RESULTS, uri) == generation


def test_sharing_a_data_set_changes_the_hash_of_its_pointer(folder):
    assert shared_pointer("demo") == ""
    pointer = Path("data/raw/demo.dvc")
    pointer.parent.mkdir(parents=True)
    pointer.write_text("outs: []\n")
    assert shared_pointer("demo") == hashlib.sha256(b"outs: []\n").hexdigest()
    assert shared_pointer("open-music") == ""


def test_importing_the_store_imports_no_large_library():
    large = {"mlflow", "numpy", "pandas", "sklearn", "sqlalchemy"}
    program = f"import sys, songwise.tracking.store; sys.exit(not sys.modules.keys().isdisjoint({large}))"
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0
