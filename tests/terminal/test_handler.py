"""A run of Snakemake with the logger songwise, on a real terminal and in a pipe."""

import subprocess
import sys
from pathlib import Path

import pytest
from helpers.terminal import run_on_terminal, screen_of, text_of

SNAKEFILE = """
import sys
from songwise.terminal.nothing import when_nothing_is_done
when_nothing_is_done(lambda: print("the result again", file=sys.stderr))

rule all:
    input: expand("{n}.txt", n=[1, 2])

rule make:
    output: "{n}.txt"
    shell:
        "echo 'songwise: a message of job {wildcards.n}' >&2; "
        "echo 'clips of {wildcards.n}: 3 of 9 clips, about 5 s left' >&2; sleep 0.7; "
        "[ ! -e fail ] && touch {output}"

onsuccess:
    print("Result: 87 % of 141 songs, all of them new", file=sys.stderr)

onerror:
    print("songwise: this is why", file=sys.stderr)
"""
COMMAND = [sys.executable, "-m", "snakemake", "--cores", "1", "--logger", "songwise"]


@pytest.fixture
def project(tmp_path) -> Path:
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    return tmp_path


def in_a_pipe(folder: Path, *words: str) -> tuple[int, list[str]]:
    done = subprocess.run(
        [*COMMAND, *words], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    return done.returncode, done.stdout.splitlines()


def test_a_pipe_gets_one_line_per_job_and_every_message(project):
    code, lines = in_a_pipe(project)
    assert code == 0 and "\x1b" not in "".join(lines)
    steps = [line.split(" (")[0].split(",")[0] for line in lines if " of 3 steps: " in line]
    assert {step.partition(": ")[0] for step in steps} == {"1 of 3 steps", "2 of 3 steps", "3 of 3 steps"}
    assert {step.partition(": ")[2] for step in steps} == {"make 1", "make 2", "all"}
    assert "songwise: a message of job 1" in lines and "Result: 87 % of 141 songs, all of them new" in lines
    assert not [line for line in lines if line.startswith(("Select", "Execute", "Finished", "Building", "Complete"))]

    code, lines = in_a_pipe(project)
    assert code == 0 and lines[-2:] == ["Nothing to be done: everything is up to date.", "the result again"]


def test_a_failed_job_is_named_with_the_reason_and_without_snakemakes_traceback(project):
    (project / "fail").touch()
    code, lines = in_a_pipe(project)
    text = "\n".join(lines)
    assert code == 1 and "failed: make" in text and lines[-1] == "songwise: this is why"
    assert "RuleException" not in text and "WorkflowError" not in text


def test_a_dry_run_looks_as_it_does_without_the_logger(project):
    code, lines = in_a_pipe(project, "-n")
    assert code == 0 and "rule make:" in lines and "This was a dry-run" in lines[-1]


@pytest.mark.parametrize("words", [(), ("-n",)])
def test_an_error_is_its_own_words_also_in_a_dry_run(project, words):
    path = project / "Snakefile"
    error = "from snakemake.exceptions import WorkflowError\nraise WorkflowError('songwise: the seed is no number')\n"
    path.write_text(path.read_text() + error)
    code, lines = in_a_pipe(project, *words)
    assert code == 1 and lines == ["songwise: the seed is no number"]


def test_a_terminal_gets_a_live_block_and_keeps_messages_alone(project):
    code, written = run_on_terminal(COMMAND, project)
    ever, left = text_of(written), screen_of(written)
    assert code == 0, ever
    assert "0 of 3" in ever and "pages 0/3" in ever, "the block"
    assert "clips of 1: 3 of 9 clips, about 5 s left" in ever, "a job's progress is in the block"
    for line in ("songwise: a message of job 1", "Result: 87 % of 141 songs, all of them new"):
        assert left.count(line) == 1, "messages stay"
    assert not [line for line in left if "pages" in line or "about 5 s left" in line], "the block is gone at the end"
    assert "\x1b[?25l" not in written, "the cursor is never hidden"


def test_a_dumb_terminal_gets_plain_lines(project):
    code, written = run_on_terminal(COMMAND, project, TERM="dumb")
    assert code == 0 and "3 of 3 steps: all" in written and "\x1b[" not in written.replace("\x1b[0m", "")


def test_quiet_all_says_nothing_of_the_run(project):
    code, lines = in_a_pipe(project, "--quiet", "all")
    assert code == 0 and not [line for line in lines if "steps" in line or "Job stats" in line]
