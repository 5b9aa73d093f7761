"""Snakemake's log events on the terminal, for Snakemake's logger interface."""

import atexit
import logging
import os
import sys
import time
from functools import cached_property
from pathlib import Path
from typing import Any

from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent

from songwise.terminal.costs import Costs
from songwise.terminal.ended import Ending, ending_of, note_ending
from songwise.terminal.live import LiveBlock
from songwise.terminal.messages import readable
from songwise.terminal.nothing import nothing_is_done
from songwise.terminal.progress_of_run import Job, RunProgress
from songwise.terminal.slurm import why_it_ended
from songwise.text import format_duration

_NOTHING = "Nothing to be done"
_BIG_STEP = 2.0  # seconds after which a plain line mentions a job's time


class LogHandler(LogHandlerBase):
    """The logger `songwise`: a live block if standard error is a terminal, plain lines otherwise.

    A dry run, and a run that asks for details (--verbose, --printshellcmds, --debug-dag), look as without this logger,
    except that an error of songwise comes without the place in the Snakefile.
    """

    def __post_init__(self):
        """Prepare the state of a run; called by Snakemake's base class."""
        settings = self.common_settings
        self._is_plain_snakemake = settings.dryrun or settings.verbose or settings.printshellcmds or settings.debug_dag
        self._quiet = {str(word) for word in settings.quiet or ()}
        self._costs = Costs()
        self._is_on_cluster = False
        self._done_in_group: set[int] = (
            set()
        )  # jobs that succeeded, but shared a job on the cluster with one that failed
        self._progress = RunProgress(self._costs)
        self._block: LiveBlock | None = None
        self._last: Job | None = None
        atexit.register(self.close)

    writes_to_stream = True
    writes_to_file = False
    has_filter = True
    has_formatter = True
    needs_rulegraph = False

    def emit(self, record: logging.LogRecord) -> None:
        """Show one record; what cannot be shown is left to logging's own error handler."""
        try:
            if self._is_plain_snakemake and getattr(record, "event", None) != LogEvent.ERROR:
                self._of_snakemake(record)
            elif "all" not in self._quiet:
                self._show(record)
        except Exception:
            self.handleError(record)

    def close(self) -> None:
        """Remove the live block, and record the times of this run's jobs."""
        if self._block:
            block, self._block = self._block, None
            block.close()
        if not self._is_on_cluster:  # its times include the queue, and those of all jobs that shared one
            self._costs.save()
        super().close()

    def _show(self, record: Any) -> None:
        event = getattr(record, "event", None)
        if action := self._actions.get(event):
            action(record)
        elif event is None or event == LogEvent.ERROR:
            self._message(record)

    @cached_property
    def _actions(self) -> dict[LogEvent, Any]:
        return {
            LogEvent.RESOURCES_INFO: self._resources,
            LogEvent.RUN_INFO: self._start,
            LogEvent.JOB_INFO: self._progress.describe,
            LogEvent.JOB_FINISHED: self._finished,
            LogEvent.JOB_ERROR: self._failed,
            LogEvent.GROUP_ERROR: self._group_failed,
            LogEvent.PROGRESS: self._count,
        }

    def _resources(self, record: Any) -> None:
        self._is_on_cluster = self._is_on_cluster or hasattr(record, "nodes")
        self._progress.cores = getattr(record, "cores", None) or self._progress.cores

    def _start(self, record: Any) -> None:
        self._progress.plan(record.stats)
        if _is_terminal():
            self._block = LiveBlock(self._progress)
        else:
            self._say(record.getMessage())

    def _finished(self, record: Any) -> None:
        self._last = self._progress.finish(record.job_id, record.created)

    def _count(self, record: Any) -> None:
        self._progress.done, self._progress.total = record.done, record.total
        if self._block or "progress" in self._quiet:
            return
        job, now = self._last, time.time()
        seconds = now - job.started if job else 0.0
        took = f" ({format_duration(seconds)})" if seconds >= _BIG_STEP else ""
        left = self._progress.seconds_left(now)
        rest = f", about {format_duration(left)} left" if left is not None and record.done < record.total else ""
        self._say(f"{record.done} of {record.total} steps: {job.name if job else ''}{took}{rest}")

    def _failed(self, record: Any) -> None:
        if slurm_job := (getattr(record, "aux", None) or {}).get("external_jobid"):
            note_ending(record.jobid, Ending(*why_it_ended(str(slurm_job))))
        job, reason = self._progress.fail(record.jobid), ending_of(record.jobid).reason
        if record.jobid in self._done_in_group:
            return
        logs = f" (log: {', '.join(filter(None, record.log))})" if record.log else ""
        self._say(f"failed: {job.name if job else record.rule_name}{': ' if reason else ''}{reason}{logs}", style="red")

    def _group_failed(self, record: Any) -> None:
        # An event JOB_ERROR for each job of the group follows, without the number of the job that they shared.
        ending = Ending(*why_it_ended(str(getattr(record, "external_jobid", ""))))
        jobs = {job["jobid"]: all(Path(path).exists() for path in job["output"]) for job in record.job_error_info}
        for jobid in jobs:
            note_ending(jobid, ending)
        if not all(jobs.values()):
            self._done_in_group.update(jobid for jobid, is_done in jobs.items() if is_done)

    def _message(self, record: logging.LogRecord) -> None:
        text = readable(record.getMessage())
        if text.startswith(_NOTHING):
            self._say(f"{_NOTHING}: everything is up to date.")
            nothing_is_done()
        elif text:
            self._say(text, style={logging.WARNING: "yellow", logging.ERROR: "red"}.get(record.levelno, ""))

    def _say(self, text: str, style: str = "") -> None:
        if self._block:
            self._block.say(text, style)
        else:
            print(text, file=sys.stderr, flush=True)

    def _of_snakemake(self, record: logging.LogRecord) -> None:
        if self._default.filter(record):
            self._default.emit(record)

    @cached_property
    def _default(self) -> logging.Handler:
        from snakemake.logging import ColorizingTextHandler, DefaultFilter, DefaultFormatter

        settings = self.common_settings
        return ColorizingTextHandler(
            nocolor=settings.nocolor,
            stream=sys.stdout if settings.stdout else sys.stderr,
            formatter=DefaultFormatter(settings.quiet, settings.show_failed_logs),
            filter=DefaultFilter(
                settings.quiet, settings.debug_dag, settings.verbose, settings.dryrun, settings.printshellcmds
            ),
        )


def _is_terminal() -> bool:
    return sys.stderr.isatty() and os.environ.get("TERM", "") not in ("", "dumb")
