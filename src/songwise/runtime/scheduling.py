"""Snakemake's main process rests while jobs run.

Snakemake (9.27) limits how many jobs may start in a second. So it looks again for jobs one second after each look, and
it also looks at the end of each job. Each of these looks is followed by further ones, so after n jobs it looks n times
per second. A look asks for the size of every input of every job that waits for a core. In the end the main process
takes time from the jobs.
"""


def rest_between_jobs() -> None:
    """Let this process of Snakemake look again only if the last look has started jobs, or has reached the limit."""
    from snakemake.scheduling.job_scheduler import JobScheduler

    look_again = getattr(JobScheduler, "_schedule_reevalutation", None)
    if look_again is None or look_again.__module__ == __name__:
        return

    def look_again_if_needed(self: JobScheduler, delay: float) -> None:
        limiter = self.job_rate_limiter
        if limiter is None or not self._last_job_selection_empty or limiter.get_free_jobs() == 0:
            look_again(self, delay)

    JobScheduler._schedule_reevalutation = look_again_if_needed
