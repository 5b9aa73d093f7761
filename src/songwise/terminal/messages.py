"""Which of Snakemake's messages a person needs."""

import re

from songwise.text import clean_text

_BOOKKEEPING = (
    "Using workflow specific profile",
    "Using profile",
    "Config file config/config.yaml is extended",
    "Assuming unrestricted shared filesystem",
    "Building DAG of jobs",
    "Using shell",
    "Provided ",
    "Rules claiming more threads",
    "Conda environments: ignored",
    "Singularity containers: ignored",
    "Select jobs to execute",
    "Execute ",
    "Finished jobid",
    "Complete log",
    "Elapsed time",
    "At least one job did not complete successfully",
    "Exiting because a job execution failed",
    "--keep-incomplete mode is set",
    "Shutting down, this might take some time",
    "SLURM run ID",
    "No SLURM account given",
    "No account was given",
    "Unable to guess SLURM account",
    "Cleaning up SLURM log files",
    "RuleException:\nCalledProcessError",  # the job's own message, and its name and log, say more
)
_SUBMITTED = re.compile(r"Job \S+ has been submitted with SLURM jobid ")
_OURS = "songwise: "
_PLACE = re.compile(r"^(\w+) in file .*$|^  File \".*$")


def readable(message: str) -> str:
    """Return the part of one of Snakemake's messages that a person needs.

    Parameters
    ----------
    message : str
        One or more lines.

    Returns
    -------
    str
        Empty for bookkeeping. Of an error that songwise raised, its own words only.
    """
    lines = message.strip("\n").splitlines()
    text = "\n".join(lines)
    if not text or _SUBMITTED.match(text) or text.lstrip().removeprefix("WorkflowError:\n").startswith(_BOOKKEEPING):
        return ""
    if _OURS in text and _PLACE.match(lines[0]):
        return "\n".join(line for line in lines if not _PLACE.match(line))
    return text


def job_name(rule: str, wildcards: dict[str, str]) -> str:
    """Return what a job is called on the terminal: its rule and what it works on.

    Parameters
    ----------
    rule : str
        Name of the rule.
    wildcards : dict of str to str
        Of the job. The data set is left out: a run has only one.
    """
    words = [clean_text(value, 60) for name, value in wildcards.items() if name != "dataset"]
    return " ".join([rule, *words])
