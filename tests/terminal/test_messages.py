"""Of Snakemake's messages, people see those that they need."""

import pytest

from songwise.terminal.messages import job_name, readable

OWN = 'WorkflowError in file "/home/me/workflow/rules/common.smk", line 30:\nsongwise: config: seed: not a number'


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("Building DAG of jobs...", ""),
        ("Select jobs to execute...", ""),
        ("Provided cores: 2", ""),
        ("\nComplete log(s): /home/me/x.log", ""),
        ("WorkflowError:\nAt least one job did not complete successfully.", ""),
        ('RuleException:\nCalledProcessError in file "x.smk", line 3:\nCommand failed', ""),
        (OWN, "songwise: config: seed: not a number"),
        (OWN + '\n  File "/home/me/common.smk", line 30, in <module>', "songwise: config: seed: not a number"),
        ("Unlocked working directory.", "Unlocked working directory."),
        ("MissingRuleException:\nNo rule to produce x.txt", "MissingRuleException:\nNo rule to produce x.txt"),
        ("The warning songwise: is not at the start", "The warning songwise: is not at the start"),
    ],
)
def test_bookkeeping_and_places_in_the_code_are_left_out(message, shown):
    assert readable(message) == shown


def test_a_job_is_called_by_its_rule_and_what_it_works_on():
    assert job_name("train_model", {"dataset": "demo", "run": "knn@mfcccov"}) == "train_model knn@mfcccov"
    assert job_name("all", {}) == "all"
    assert "\x1b" not in job_name("draw", {"track": "\x1b[31mred"})
