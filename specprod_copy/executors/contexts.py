"""What all tasks of an executor share, and what a worker makes of it and keeps."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from typing import Any, Protocol, TypeVar

S_co = TypeVar("S_co", covariant=True)

Report = Callable[..., None]
"""Receives what tasks say while they run, as soon as the executor can pass it on."""


def unheard(*_: Any) -> None:
    """Drop a report."""


class Context(Protocol[S_co]):
    """What all tasks of an executor share: a picklable value."""

    def opened(self, report: Report) -> AbstractContextManager[S_co]:
        """Yield what tasks work with; a worker enters this before its first task.

        What is to be done at the end (to close a connection) must not fail.
        """


class OpenContexts:
    """The contexts that a worker has opened, by number."""

    def __init__(self) -> None:
        self._opened: dict[int, tuple[ExitStack, Any]] = {}

    def opened(self, number: int, context: Context[Any], report: Report) -> Any:
        """Return what tasks work with; open the context if it is not."""
        if number not in self._opened:
            with ExitStack() as stack:
                opened = stack.enter_context(context.opened(report))
                self._opened[number] = stack.pop_all(), opened
        return self._opened[number][1]

    def close(self, number: int) -> None:
        """Close a context, if it is open."""
        if number in self._opened:
            self._opened.pop(number)[0].close()

    def close_all(self) -> None:
        """Close those that are open."""
        for number in [*self._opened]:
            self.close(number)
