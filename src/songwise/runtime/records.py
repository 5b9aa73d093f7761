"""A job of which Snakemake has no record that it can compare runs again.

Snakemake compares code and parameters of a job with those that it recorded in .snakemake. Without a record, for example
because .snakemake was deleted, or with one of an older format, it compares times only. Its results would then stay as
they are after every further edit of a model, a preset or a setting. Snakemake 9.27 has no option for that: its rerun
triggers compare records, and its persistence backends cannot be replaced.
"""

_WORDS = "Snakemake has no record of how the files were made that it can compare"


def repeat_unrecorded() -> None:
    """Let this process of Snakemake take a missing or outdated record as a reason to run a job.

    Nothing is changed if its version of Snakemake keeps reasons in another way.
    """
    from snakemake import jobs

    reasons = getattr(jobs, "Reason", None)
    if reasons is None or getattr(reasons.__bool__, "__module__", "") == __name__:
        return
    is_reason, as_words = reasons.__bool__, reasons.__str__

    def is_reason_or_unrecorded(self) -> bool:
        return is_reason(self) or (_is_unrecorded(self) and not self.finished)

    def as_words_or_unrecorded(self) -> str:
        return as_words(self) if is_reason(self) or not _is_unrecorded(self) else _WORDS

    reasons.__bool__ = is_reason_or_unrecorded
    reasons.__str__ = as_words_or_unrecorded


def _is_unrecorded(reason) -> bool:
    return getattr(reason, "no_metadata", False) or getattr(reason, "outdated_metadata", False)
