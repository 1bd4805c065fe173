"""What runs functions of tasks: the interface, and the executor that runs them at once, here.

A task is a function of a module, and data. What all tasks share (schema, columns, limits, a
connection string) is a context, which each worker receives once; what it makes of that (a
connection) it keeps. Contexts, data and results must be picklable: a worker may be in another
process, or on another machine.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import AbstractContextManager
from typing import Generic, Protocol, TypeVar

from specprod_copy.executors.contexts import Context, Report, unheard

S = TypeVar("S")
S_co = TypeVar("S_co", covariant=True)
D = TypeVar("D")
R = TypeVar("R")

_AHEAD = 8


class Executor(Protocol[S_co]):
    """Runs functions with one context; may be used by several threads."""

    at_once: int
    """How many tasks run at a time."""

    def submit(self, function: Callable[[S_co, D], R], data: D) -> Future[R]:
        """Have ``function(opened, data)`` called by some worker, with its opened context.

        Parameters
        ----------
        function : callable
            Of a module.
        data : object

        Returns
        -------
        Future
            Of what the function returns or raises.
        """


class Workers(Protocol):
    """Those who do tasks, for one context after the other."""

    at_once: int
    """How many tasks run at a time."""

    def sharing(
        self, context: Context[S], report: Report = unheard
    ) -> AbstractContextManager[Executor[S]]:
        """Yield an executor for a context.

        At the end tasks that have not begun are dropped, the others awaited, and workers close the
        context.
        """

    def release(self) -> None:
        """Give back memory until the next task; no task may be running."""


class Inline(Generic[S]):
    """Calls each function when it is submitted, in the same thread.

    What the function raises comes from `submit` itself.
    """

    at_once = 1

    def __init__(self, opened: S) -> None:
        self._opened = opened

    def submit(self, function: Callable[[S, D], R], data: D) -> Future[R]:
        """Call the function; see `Executor.submit`."""
        future: Future[R] = Future()
        future.set_result(function(self._opened, data))
        return future


def in_order(
    executor: Executor[S], function: Callable[[S, D], R], items: Iterable[D]
) -> Iterator[tuple[D, R]]:
    """Call a function with one item after the other, several at a time, a bounded number ahead.

    Parameters
    ----------
    executor : Executor
    function : callable
        See `Executor.submit`.
    items : iterable

    Yields
    ------
    item, result
        In the order of the items.
    """
    most = executor.at_once * _AHEAD if executor.at_once > 1 else 1
    coming: deque[tuple[D, Future[R]]] = deque()
    for item in items:
        coming.append((item, executor.submit(function, item)))
        if len(coming) == most:
            first, future = coming.popleft()
            yield first, future.result()
    for first, future in coming:
        yield first, future.result()
