"""Progress of a command as lines of text; on a terminal, as a bar."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from specprod_copy.cli.text import say
from specprod_copy.progress import ProgressListener

_SECONDS_BETWEEN_LINES = 5.0


class LineProgress(ProgressListener):
    """Lines of text, at most one every few seconds: for files, pipes and batch jobs."""

    def __init__(self, *, verbose: bool = False) -> None:
        self._verbose = verbose
        """Whether each statement after the rows is named."""
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
            total = self._total_rows
            left = elapsed * (total - self._rows) / max(self._rows, 1)
        # How many rows a query returns is known in the end.
        of, then = (f" of {total:,}", f", {left:,.0f} s left") if total else ("", "")
        self.info(
            f"{table}: {self._rows:,}{of} rows, {self._bytes / 1e6 / elapsed:,.1f} MB/s{then}"
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
        """Print a line, with the time of day where each step is named."""
        self._print(f"{time.strftime('%H:%M:%S')}  {text}" if self._verbose else text)

    def _print(self, text: str) -> None:
        say(text, err=True)


def make_listener(verbosity: int) -> ProgressListener:
    """Return the listener for a verbosity: negative nothing, 0 progress, positive each step too."""
    if verbosity < 0:
        return ProgressListener()
    if sys.stderr.isatty():
        from specprod_copy.cli.bar import BarProgress  # rich takes its time

        return BarProgress(verbose=verbosity > 0)
    return LineProgress(verbose=verbosity > 0)
