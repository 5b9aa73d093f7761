"""The time left follows from what jobs cost in this run, and before in earlier ones."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from songwise.files import read_json, write_json
from songwise.runtime.progress import progress_work
from songwise.terminal.costs import Costs
from songwise.terminal.progress_of_run import RunProgress
from songwise.terminal.stages import stage_of


def start(progress: RunProgress, jobid: int, rule: str, at: float, **wildcards: str) -> None:
    progress.describe(SimpleNamespace(jobid=jobid, rule_name=rule, wildcards=wildcards, created=at))


@pytest.fixture
def record(tmp_path):
    path = tmp_path / "logs/seconds.json"
    write_json(path, {"demo": {"train_model": 4.0, "all": 0.0}, "big": {"train_model": 40.0, "embed_clips": 100.0}})
    return path


def test_a_cost_is_that_of_this_run_then_of_the_data_set_then_of_another_one_in_proportion(record):
    costs = Costs(record)
    assert costs.of("nobody_knows") is None and costs.of("embed_clips") is None, "before any job"
    costs.add("train_model", "demo", 6.0)
    costs.add("train_model", "demo", 10.0)
    assert costs.of("train_model") == 8.0 and costs.of("all") == 0.0
    assert costs.of("embed_clips") == 100.0 * 8 / 40
    costs.save()
    assert read_json(record)["demo"] == {"train_model": 8.0, "all": 0.0} and "big" in read_json(record)


@pytest.mark.parametrize("content", ["", "[]", '{"demo": 3}', '{"demo": {"a": "x"}}'])
def test_a_damaged_record_counts_as_none(tmp_path, content):
    (tmp_path / "seconds.json").write_text(content)
    assert Costs(tmp_path / "seconds.json").of("a") is None


def test_the_time_left_counts_waiting_and_running_jobs_and_the_cores(record):
    progress = RunProgress(Costs(record))
    progress.plan({"train_model": 4, "all": 1, "total": 5})
    assert progress.total == 5
    progress.cores = 2
    start(progress, 1, "train_model", 100.0, dataset="demo", run="knn@mfcccov")
    start(progress, 2, "train_model", 100.0, dataset="demo", run="lda@mfcccov")
    assert [job.name for job in progress.running.values()] == ["train_model knn@mfcccov", "train_model lda@mfcccov"]
    assert progress.finish(1, 110.0).rule == "train_model"
    # Two wait for 10 s each, and one runs, which is over due; two cores.
    assert progress.seconds_left(112.0) == pytest.approx(10.0)
    assert progress.stages() == {"models": (1, 4), "pages": (0, 1)}


def test_a_single_long_job_is_not_shared_by_the_cores(record):
    progress = RunProgress(Costs(record))
    progress.plan({"train_model": 1})
    progress.cores = 8
    start(progress, 1, "train_model", 0.0, dataset="demo", run="knn@mfcccov")
    progress.finish(1, 30.0)
    start(progress, 2, "train_model", 30.0, dataset="demo", run="lda@mfcccov")
    assert progress.seconds_left(30.0) == pytest.approx(30.0)


def test_a_first_run_is_estimated_from_the_demo_after_its_first_job(tmp_path):
    costs = Costs(tmp_path / "none.json")
    assert costs.of("train_model") is None
    costs.add("acquire_tracks", "mine", 19.0)
    assert costs.of("train_model") == pytest.approx(10 * costs_of_the_demo("train_model"), rel=0.1)


def costs_of_the_demo(rule: str) -> float:
    costs = Costs(Path("none.json"))
    costs.add("acquire_tracks", "mine", 1.9)
    return costs.of(rule)


def test_nothing_is_promised_while_costs_are_unknown(tmp_path):
    progress = RunProgress(Costs(tmp_path / "none.json"))
    progress.plan({"train_model": 3, "extract_features": 2})
    assert progress.seconds_left(0.0) is None


def test_further_passes_belong_to_the_stage_of_the_first():
    assert stage_of("extract_features_2") == "features" == stage_of("embed_clips")
    assert stage_of("a_new_rule") == "pages"


@pytest.mark.parametrize(
    ("line", "work"),
    [
        ("features demo 3: 120 of 400 clips, about 5 s left", "features demo 3"),
        ("study a@b: 2 of 5 folds, about 3 min left, slow", "study a@b"),
        ("download x.zip: 12 MiB", "download x.zip"),
        ("Six bands: 60 songs, share with the right band", ""),
        ("songwise: x: 1 of 2 clips, about 5 s left", ""),
        ("Warning: loudness", ""),
    ],
)
def test_lines_of_progress_are_told_from_messages(line, work):
    assert progress_work(line) == work
