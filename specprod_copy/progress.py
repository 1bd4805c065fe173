"""What a load tells the person who runs it: progress while it runs, a summary at the end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class ProgressListener:
    """Says nothing; the base of the reports that do."""

    def begin(self, rows: int, size: int) -> None:
        """Start to load so many rows and bytes."""

    def advance(self, table: str, rows: int, size: int) -> None:
        """Count rows and bytes of input that are on their way."""

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """Run a statement after the rows within this context."""
        yield

    def info(self, text: str) -> None:
        """Say what is going on."""

    def end(self) -> None:
        """Stop showing progress."""
