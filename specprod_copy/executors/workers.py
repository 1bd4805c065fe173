"""Workers of this machine: this process and others, or threads of this process alone."""

from __future__ import annotations

import itertools
import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Generic, Protocol, Self, TypeVar

from specprod_copy.errors import ConfigurationError
from specprod_copy.executors.contexts import Context, OpenContexts, Report, unheard
from specprod_copy.executors.free_list import FreeList

S = TypeVar("S")
D = TypeVar("D")
R = TypeVar("R")

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Shared(Generic[S]):
    """What all tasks of an executor share, on this side."""

    context: Context[S]
    report: Report
    number: int = field(default_factory=lambda: next(_numbers))
    """Tells contexts apart."""


class Worker(Protocol):
    """Does one task at a time."""

    def run(self, shared: Shared[S], function: Callable[[S, D], R], data: D) -> R:
        """Do a task."""

    def close(self, number: int) -> None:
        """Close a context, if it is open."""

    def release(self) -> None:
        """Give back memory until the next task."""


class LocalWorker:
    """Does tasks in this process."""

    def __init__(self) -> None:
        self._contexts = OpenContexts()

    def run(self, shared: Shared[S], function: Callable[[S, D], R], data: D) -> R:
        """Do a task."""
        opened: S = self._contexts.opened(shared.number, shared.context, shared.report)
        return function(opened, data)

    def close(self, number: int) -> None:
        """Close a context, if it is open."""
        self._contexts.close(number)

    def release(self) -> None:
        """Do nothing."""


class LocalWorkers:
    """Workers that take tasks by turns, each in a thread; see `executor.Workers`."""

    def __init__(self, workers: Sequence[Worker]) -> None:
        self._free, self.at_once = FreeList(workers), len(workers)

    @contextmanager
    def sharing(self, context: Context[S], report: Report = unheard) -> Iterator[_Sharing[S]]:
        """Yield an executor for a context; see `executor.Workers.sharing`."""
        shared = Shared(context, report)
        with ThreadPoolExecutor(self.at_once, thread_name_prefix="worker") as threads:
            try:
                yield _Sharing(shared, self._free, threads, self.at_once)
            finally:
                threads.shutdown(cancel_futures=True)
                with self._free.all() as workers:
                    for worker in workers:
                        worker.close(shared.number)

    def release(self) -> None:
        """End other processes until the next task, once none is running."""
        with self._free.all() as workers:
            for worker in workers:
                worker.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()


class _Sharing(Generic[S]):
    """Tasks of one context; see `executor.Executor`."""

    def __init__(
        self,
        shared: Shared[S],
        free: FreeList[Worker],
        threads: ThreadPoolExecutor,
        at_once: int,
    ) -> None:
        self._shared, self._free, self._threads, self.at_once = shared, free, threads, at_once

    def submit(self, function: Callable[[S, D], R], data: D) -> Future[R]:
        """Have a function called; see `executor.Executor.submit`."""
        return self._threads.submit(self._run, function, data)

    def _run(self, function: Callable[[S, D], R], data: D) -> R:
        with self._free.one() as worker:
            return worker.run(self._shared, function, data)


def processes(jobs: int) -> LocalWorkers:
    """Return this process and others, which are started when there is something for them to do.

    Parameters
    ----------
    jobs : int
        How many, this one included: it is ready at once, others have much to import.

    Raises
    ------
    ConfigurationError
        If this process may not start others.
    """
    others: list[Worker] = []
    if jobs > 1:
        if multiprocessing.current_process().daemon:
            raise ConfigurationError(
                f"jobs={jobs} takes other processes, and this one may start none: it is a daemonic "
                "process, as workers of Dask and of multiprocessing pools are. Say jobs=1, or set "
                "Dask's distributed.worker.daemon to False"
            )
        # To import this takes time, which a single job need not wait for.
        from specprod_copy.executors.processes import ProcessWorker

        others = [ProcessWorker() for _ in range(jobs - 1)]
    return LocalWorkers([LocalWorker(), *others])


def threads(jobs: int) -> LocalWorkers:
    """Return threads of this process, for tasks that mostly wait for the server."""
    return LocalWorkers([LocalWorker() for _ in range(jobs)])
