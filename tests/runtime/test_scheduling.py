"""Snakemake's main process does not look for jobs to start while it cannot start any."""

import pytest
from helpers.project import snakemake

SNAKEFILE = """
from songwise.runtime.scheduling import rest_between_jobs

rest_between_jobs()

rule all:
    input: "long", expand("{name}", name=list("abcdefgh")), expand("late{i}", i=range(2))
rule short:
    output: "{name,[a-h]}"
    priority: 2
    shell: "touch {output}"
rule long:
    input: expand("{name}", name=list("abcdefgh"))
    output: "long"
    priority: 1
    shell: "sleep 4; touch {output}"
rule late:
    input: expand("{name}", name=list("abcdefgh"))
    output: "late{i}"
    shell: "touch {output}"
"""


@pytest.mark.parametrize("limit", ["100/1s", "3/1s"])
def test_it_looks_about_twice_per_job(tmp_path, limit):
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    done = snakemake(tmp_path, "--cores", "1", "--verbose", "--max-jobs-per-timespan", limit)
    assert done.returncode == 0, done.stdout
    looks = done.stdout.count("Ready jobs: ")
    assert looks < 3 * 12
