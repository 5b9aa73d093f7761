"""Snakemake's records: without one, nobody knows what made a file."""

import shutil

from helpers.project import jobs, snakemake

SNAKEFILE = """
from songwise.runtime.records import repeat_unrecorded

repeat_unrecorded()

rule copy:
    output: "b"
    params: value=config["value"]
    shell: "echo {params.value} > {output}"
"""


def run(folder, value: int, *words: str) -> str:
    done = snakemake(folder, "--cores", "1", *words, "--config", f"value={value}")
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_a_file_without_a_record_is_made_again_and_then_has_one(tmp_path):
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    run(tmp_path, 1)
    assert "Nothing to be done" in run(tmp_path, 1)
    shutil.rmtree(tmp_path / ".snakemake")
    assert jobs(run(tmp_path, 2, "-n")) == {"copy": 1}
    run(tmp_path, 2)
    assert (tmp_path / "b").read_text() == "2\n"
    assert "Nothing to be done" in run(tmp_path, 2)
