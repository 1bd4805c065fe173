"""Progress of a command on the terminal, or as lines for files and pipes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from specprod_copy.progress import ProgressListener

_SECONDS_BETWEEN_LINES = 5.0


_WIDTH_OF_FILES = 120


class LineProgress(ProgressListener):
    """Lines of text, at most one every few seconds: for files, pipes and batch jobs.

    Parameters
    ----------
    console : rich.console.Console
    verbose : bool
        Also tell each statement after the rows.
    """

    def __init__(self, console: Console, *, verbose: bool = False) -> None:
        self._console = console
        self._verbose = verbose
        self._lock = Lock()
        self._rows = self._bytes = self._total_rows = 0
        self._started = self._last = time.monotonic()

    def begin(self, rows: int, size: int) -> None:
        """Start to load so many rows and bytes."""
        self._total_rows = rows
        self._started = self._last = time.monotonic()
        if rows:
            self.info(f"{rows:,} rows to read, {size / 1e6:,.1f} MB")

    def advance(self, table: str, rows: int, size: int) -> None:
        """Count rows and bytes of input that are on their way."""
        with self._lock:
            self._rows += rows
            self._bytes += size
            now = time.monotonic()
            if now - self._last < _SECONDS_BETWEEN_LINES:
                return
            self._last = now
            elapsed = now - self._started
            left = elapsed * (self._total_rows - self._rows) / max(self._rows, 1)
        self.info(
            f"{table}: {self._rows:,} of {self._total_rows:,} rows, "
            f"{self._bytes / 1e6 / elapsed:,.1f} MB/s, {left:,.0f} s left"
        )

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """Run a statement after the rows within this context."""
        started = time.monotonic()
        yield
        seconds = time.monotonic() - started
        if self._verbose or seconds > _SECONDS_BETWEEN_LINES:
            self.info(f"{what}: {seconds:,.1f} s")

    def info(self, text: str) -> None:
        """Say what is going on."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)


class BarProgress(LineProgress):
    """A progress bar with rows, MB/s and the time left: for a terminal."""

    def __init__(self, console: Console, *, verbose: bool = False) -> None:
        super().__init__(console, verbose=verbose)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[detail]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
        )
        self._task = self._progress.add_task("planning", total=None, detail="")

    def begin(self, rows: int, size: int) -> None:
        """Start to load so many rows and bytes."""
        super().begin(rows, size)
        self._progress.start()
        self._progress.update(self._task, total=max(size, 1), completed=0, description="loading")

    def advance(self, table: str, rows: int, size: int) -> None:
        """Count rows and bytes of input that are on their way."""
        with self._lock:
            self._rows += rows
            self._bytes += size
            rate = self._bytes / 1e6 / max(time.monotonic() - self._started, 1e-3)
            detail = f"{self._rows:,} of {self._total_rows:,} rows, {rate:,.0f} MB/s"
        self._progress.update(self._task, advance=size, description=table, detail=detail)

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """Run a statement after the rows within this context."""
        self._progress.update(self._task, description="finishing", detail=what)
        with super().step(what):
            yield

    def end(self) -> None:
        """Stop showing progress."""
        self._progress.stop()


def make_console(*, stderr: bool = True) -> Console:
    """Return a console; files and pipes have no width of their own, so it is given one there."""
    console = Console(stderr=stderr)
    return console if console.is_terminal else Console(stderr=stderr, width=_WIDTH_OF_FILES)


def make_listener(console: Console, verbosity: int) -> ProgressListener:
    """Return the report that suits a console.

    Parameters
    ----------
    console : rich.console.Console
    verbosity : int
        Negative: nothing; 0: progress; positive: each step too.
    """
    if verbosity < 0:
        return ProgressListener()
    kind = BarProgress if console.is_terminal else LineProgress
    return kind(console, verbose=verbosity > 0)
