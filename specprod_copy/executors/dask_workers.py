"""Workers of Dask, on this machine or on others: see `executor.Workers`.

A task goes to any worker, and to another one if that is lost; so it may be done twice. What all
tasks share is a plugin of each worker, which those that come later get as well. Scheduler and
workers have to have this package.
"""

from __future__ import annotations

import asyncio
import pickle
import threading
import time
import uuid
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from math import ceil
from typing import Any, Final, Generic, TypeVar

import distributed
from distributed.diagnostics.plugin import WorkerPlugin
from tornado.platform.asyncio import BaseAsyncIOLoop

from specprod_copy.errors import WorkerDiedError
from specprod_copy.executors.answers import answer, result_of
from specprod_copy.executors.contexts import Context, Report, unheard
from specprod_copy.executors.dask_client import dask_client, losses_told
from specprod_copy.executors.executor import Workers

S = TypeVar("S")
D = TypeVar("D")
R = TypeVar("R")

_SECONDS_BETWEEN_LOOKS: Final = 0.05
_LEAST_AT_ONCE: Final = 16
"""So many tasks are on their way at least: workers may be on their way as well."""

_SECONDS_TO_COME_TOGETHER: Final = 0.01
_SECONDS_TOGETHER: Final = 0.1
"""Tasks go to a worker together if the last ones took no longer than this together."""


@contextmanager
def dask_workers(scheduler: str | None = None, number: int = 1) -> Iterator[DaskWorkers]:
    """Yield the workers of a scheduler, or of a cluster that lives for this block.

    Parameters and errors are those of `dask_client`.
    """
    with dask_client(scheduler, number) as client:
        yield DaskWorkers(client)


@contextmanager
def client_of(workers: Workers | None, number: int) -> Iterator[distributed.Client]:
    """Yield a client of Dask: that of its workers, or of so many that live for this block."""
    if isinstance(workers, DaskWorkers):
        yield workers.client
    else:
        with dask_client(number=number) as client:
            yield client


class DaskWorkers:
    """The workers of a client; see `executor.Workers`."""

    def __init__(self, client: distributed.Client) -> None:
        self.client = client
        threads = sum(client.nthreads().values())
        self.at_once = max(threads, _LEAST_AT_ONCE)

    @contextmanager
    def sharing(self, context: Context[S], report: Report = unheard) -> Iterator[_Sharing[S]]:
        """Yield an executor for a context; see `executor.Workers.sharing`."""
        name = f"specprod-copy-{uuid.uuid4().hex}"
        with losses_told():
            self.client.register_plugin(_ContextPlugin(pickle.dumps(context)), name)
        sharing: _Sharing[S] = _Sharing(self.client, name, self.at_once, report)
        try:
            yield sharing
        finally:
            # A scheduler that is lost has taken its workers along, and a worker what it had open.
            if self.client.status == "running":
                sharing.drop()
                with suppress(OSError):
                    self.client.unregister_worker_plugin(name)

    def release(self) -> None:
        """Do nothing: workers are their cluster's."""


class _Sharing(Generic[S]):
    """Tasks of one context; see `executor.Executor`.

    Those that are submitted at the same moment and are done in no time go to a worker together, as
    one task of Dask: to Dask each costs milliseconds.
    """

    def __init__(self, client: distributed.Client, name: str, at_once: int, report: Report) -> None:
        self.at_once = at_once
        self._client, self._name, self._report = client, name, report
        self._threads = sum(client.nthreads().values())
        self._sent: weakref.WeakSet[distributed.Future] = weakref.WeakSet()
        self._waiting: list[bytes] = []
        self._most_together = 1

    def submit(self, function: Callable[[S, D], R], data: D) -> Future[R]:
        """Have a function called; see `executor.Executor.submit`."""
        loop = self._client.loop
        assert isinstance(loop, BaseAsyncIOLoop)
        result = self._result(pickle.dumps((function, data)))
        return asyncio.run_coroutine_threadsafe(result, loop.asyncio_loop)

    def drop(self) -> None:
        """Drop what has not begun."""
        self._client.cancel([*self._sent])

    async def _result(self, work: bytes) -> Any:
        self._waiting.append(work)
        number = len(self._waiting) - 1
        if not number:
            self._sending = asyncio.ensure_future(self._send())
        with losses_told():
            answers, place = (await self._sending)[number]
            answered = (await answers)[place]
        reports, result = result_of(answered)
        for content in reports:
            self._report(*content)
        return result

    async def _send(self) -> list[tuple[asyncio.Future[list[bytes]], int]]:
        """Send what waits; return for each where its answer will be."""
        await asyncio.sleep(_SECONDS_TO_COME_TOGETHER)
        works, self._waiting = self._waiting, []
        number = min(len(works), max(self._threads, ceil(len(works) / self._most_together)))
        groups = [asyncio.ensure_future(self._answers(works[n::number])) for n in range(number)]
        return [(groups[n % number], n // number) for n in range(len(works))]

    async def _answers(self, works: list[bytes]) -> list[bytes]:
        task = self._client.submit(_do, self._name, works, pure=False)
        # What was submitted before a loss is cancelled by Dask; the rest would wait for ever.
        if self._client.status != "running":
            raise ConnectionError(f"the connection is {self._client.status}")
        self._sent.add(task)
        seconds, answers = await task
        self._most_together = max(int(_SECONDS_TOGETHER * len(works) / seconds), 1)
        return answers


# The worker's end --------------------------------------------------------------------------------


class _ContextPlugin(WorkerPlugin):
    """A context, on its way to workers and there."""

    def __init__(self, context: bytes) -> None:
        self._context = context

    def setup(self, worker: distributed.Worker) -> None:
        """Be ready for tasks."""
        self._lock = threading.Lock()
        self._free: list[_Opened] = []
        self._busy = 0
        self._closed = False

    async def teardown(self, worker: distributed.Worker) -> None:
        """Wait for tasks that have begun, and close what is open."""
        with self._lock:
            self._closed = True
        while self._busy:
            await asyncio.sleep(_SECONDS_BETWEEN_LOOKS)
        for opened in self._free:
            opened.close()

    def run(self, work: bytes) -> tuple[list[Any], Any]:
        """Do a task; return what it reported, and its result."""
        with self._lock:
            if self._closed:
                raise WorkerDiedError("the task is not wanted any more")
            self._busy += 1
            opened = self._free.pop() if self._free else None
        try:
            opened = opened or _Opened(self._context)
            function, data = pickle.loads(work)  # noqa: S301 - from the client
            result = function(opened.value, data)
            return opened.reports(), result
        finally:
            with self._lock:
                self._busy -= 1
                if opened is not None:
                    self._free.append(opened)


class _Opened:
    """What a thread of a worker has made of the context."""

    def __init__(self, context: bytes) -> None:
        self._said: list[Any] = []
        with ExitStack() as stack:
            loaded: Context[Any] = pickle.loads(context)  # noqa: S301 - from the client
            self.value = stack.enter_context(loaded.opened(lambda *said: self._said.append(said)))
            self._stack = stack.pop_all()

    def reports(self) -> list[Any]:
        """Return what was reported since the last time."""
        said, self._said = self._said, []
        return said

    def close(self) -> None:
        self._stack.close()


def _do(name: str, works: list[bytes]) -> tuple[float, list[bytes]]:
    """Do tasks, on a worker; return how long it took, and the answers."""
    plugin = distributed.get_worker().plugins[name]
    assert isinstance(plugin, _ContextPlugin)
    started = time.perf_counter()
    answers = [answer(partial(plugin.run, work)) for work in works]
    return time.perf_counter() - started, answers
