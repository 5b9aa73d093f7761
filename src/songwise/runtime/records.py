"""A job of which Snakemake has no record runs again.

Snakemake compares code and parameters of a job with those that it recorded in .snakemake. Without a record, for example
because .snakemake was deleted, it compares times only. Its results would then stay as they are after every further edit
of a model, a preset or a setting.
"""


def repeat_unrecorded() -> None:
    """Let this process of Snakemake take a missing record as a reason to run a job."""
    from snakemake.jobs import Reason

    if getattr(Reason.__bool__, "__module__", "") == __name__:
        return
    is_reason = Reason.__bool__

    def is_reason_or_unrecorded(self: Reason) -> bool:
        unrecorded = getattr(self, "no_metadata", False) and not self.finished
        return unrecorded or is_reason(self)

    Reason.__bool__ = is_reason_or_unrecorded
