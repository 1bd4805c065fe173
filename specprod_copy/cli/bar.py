"""Progress of a command as a bar on a terminal."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from rich.console import Console, RenderableType
from rich.progress import BarColumn, Progress, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text

from specprod_copy.cli.progress import LineProgress
from specprod_copy.words import escaped


class _TwoLines(Progress):
    """A bar with the times, and below it what is done: a line that is wrapped, never cut."""

    def get_renderables(self) -> Iterable[RenderableType]:
        """Yield the bar and the text."""
        yield from super().get_renderables()
        yield from (Text(task.description) for task in self.tasks)


class BarProgress(LineProgress):
    """A progress bar with rows, MB/s and the time left."""

    def __init__(self, *, verbose: bool = False) -> None:
        super().__init__(verbose=verbose)
        self._console = Console(stderr=True)
        self._progress = _TwoLines(
            BarColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
        )
        self._task = self._progress.add_task("planning", total=None)

    def begin(self, rows: int, size: int) -> None:
        """Start to load so many rows and bytes."""
        super().begin(rows, size)
        self._progress.start()
        self._progress.update(self._task, total=size or None, completed=0, description="loading")

    def advance(self, table: str, rows: int, size: int) -> None:
        """Count rows and bytes of input that are on their way."""
        with self._lock:
            self._rows += rows
            self._bytes += size
            rate = self._bytes / 1e6 / max(time.monotonic() - self._started, 1e-3)
            of = f" of {self._total_rows:,}" if self._total_rows else ""
            text = f"{table}: {self._rows:,}{of} rows, {rate:,.0f} MB/s"
        self._progress.update(self._task, advance=size, description=escaped(text))

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """Run a statement after the rows within this context."""
        self._progress.update(self._task, description=escaped(what))
        with super().step(what):
            yield

    def _print(self, text: str) -> None:
        """Print a line above the bar."""
        # soft_wrap would hold for the bar and the text below as well, and cut them.
        self._console.print(escaped(text), markup=False, highlight=False)

    def end(self) -> None:
        """Stop showing progress."""
        self._progress.stop()
