"""The live block: how far the run is, what runs now, and the time that is left. Messages scroll above it."""

import queue
import threading
import time

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from songwise.runtime.progress import progress_work
from songwise.terminal.capture import Capture
from songwise.terminal.progress_of_run import RunProgress
from songwise.text import format_duration

_PER_SECOND = 4
_JOBS = 8  # lines for running jobs
_FRESH = 20.0  # seconds for which a line of progress is shown
_BAR = 30  # characters
_MOST_WORD = 48  # characters of a line of progress


class _Console(Console):
    """A console that leaves the cursor alone: a run that is killed could not bring it back."""

    def show_cursor(self, show: bool = True) -> bool:
        return False


class LiveBlock:
    """A block at the bottom of the terminal that is drawn again several times per second.

    Parameters
    ----------
    progress : RunProgress
        What it shows.
    """

    def __init__(self, progress: RunProgress):
        self._progress = progress
        self._notes: dict[str, tuple[float, str]] = {}
        self._lines: queue.SimpleQueue[Text | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._started = time.time()
        self._capture = Capture(self._take)
        self._stream = self._capture.open_terminal()
        self._console = _Console(file=self._stream, force_terminal=True)
        self._live = Live(
            console=self._console,
            get_renderable=self._render,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._live.start(refresh=True)
        # One thread alone writes: rich would count the lines of the block wrongly if another one drew it meanwhile.
        self._writer = threading.Thread(target=self._write, daemon=True)
        self._writer.start()

    def say(self, text: str, style: str = "") -> None:
        """Write lines above the block.

        Parameters
        ----------
        text : str
            Plain text.
        style : str, default=""
            Of rich, such as "yellow".
        """
        self._lines.put(Text(text, style=style))

    def close(self) -> None:
        """Remove the block. What was written while it was there stays."""
        self._capture.close()
        self._lines.put(None)
        self._writer.join()
        self._live.stop()
        self._stream.close()

    def _take(self, line: str) -> None:
        if work := progress_work(line):
            with self._lock:
                self._notes[work] = time.time(), line
        else:
            self.say(line, style="yellow" if line.startswith(("Warning:", "songwise: left out")) else "")

    def _write(self) -> None:
        while True:
            try:
                line = self._lines.get(timeout=1 / _PER_SECOND)
            except queue.Empty:
                self._live.refresh()
                continue
            if line is None:
                return
            self._console.print(line, soft_wrap=True)

    def _render(self) -> Group:
        now = time.time()
        return Group(self._head(now), self._stages(), self._jobs(now))

    def _stages(self) -> Text:
        words = Text("  ")
        for stage, (done, total) in self._progress.stages().items():
            words.append(f"{stage} {done}/{total}   ", style="dim" if done == total else "")
        return words

    def _head(self, now: float) -> Table:
        progress = self._progress
        left = progress.seconds_left(now)
        rest = f"about {format_duration(left)} left" if left is not None and progress.done < progress.total else ""
        head = Table.grid(padding=(0, 2))
        head.add_row(
            Text(progress.dataset, style="bold"),
            ProgressBar(total=max(progress.total, 1), completed=progress.done, width=_BAR),
            f"{progress.done} of {progress.total}",
            format_duration(now - self._started),
            rest,
        )
        return head

    def _jobs(self, now: float) -> Table:
        table = Table.grid(padding=(0, 2))
        running = list(self._progress.running.values())
        for job in running[:_JOBS]:
            table.add_row(f"  {job.name}", Text(format_duration(now - job.started), style="dim"))
        if len(running) > _JOBS:
            table.add_row(Text(f"  and {len(running) - _JOBS} more", style="dim"))
        with self._lock:
            self._notes = {work: note for work, note in self._notes.items() if now - note[0] < _FRESH}
            notes = [line for _, line in self._notes.values()]
        for line in notes[-_JOBS:]:
            table.add_row(Text(f"    {line}", style="dim"))
        return table
