"""Workers of Dask, on this machine or on others: see `executor.Workers`.

A task goes to any worker, and to another one if that is lost; so it may be done twice. What all
tasks share is a plugin of each worker, which those that come later get as well. Scheduler and
workers have to have this package.
"""

from __future__ import annotations

import asyncio
import logging
import pickle
import threading
import uuid
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from typing import Any, Final, Generic, TypeVar

import dask
import distributed
from distributed.diagnostics.plugin import WorkerPlugin
from tornado.platform.asyncio import BaseAsyncIOLoop

from specprod_copy.errors import ConfigurationError, WorkerDiedError
from specprod_copy.executors.answers import answer, result_of
from specprod_copy.executors.contexts import Context, Report, unheard
from specprod_copy.executors.processes import interrupts_left_to_parent

S = TypeVar("S")
D = TypeVar("D")
R = TypeVar("R")

_LOOPBACK: Final = "127.0.0.1"
_CONFIGURATION: Final = {
    # There always are pages; they show nothing, and only here.
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    # Workers that die come again; the cluster would close those that are away after such a time.
    "distributed.deploy.lost-worker-timeout": "1 day",
}
"""For clusters that live for one command."""

_SECONDS_TO_COME: Final = 60
_DEATHS_ALLOWED: Final = 1000
"""Dask's own 3 are for tasks that kill their worker; here nodes end, with many tasks on them."""

_SECONDS_BETWEEN_LOOKS: Final = 0.05
_LEAST_AT_ONCE: Final = 16
"""So many tasks are on their way at least: workers may be on their way as well."""


@contextmanager
def dask_workers(scheduler: str | None = None, number: int = 1) -> Iterator[DaskWorkers]:
    """Yield the workers of a scheduler, or of a cluster of processes that lives for this block.

    Parameters
    ----------
    scheduler : str, optional
        Its address. What Dask's configuration says of TLS holds.
    number : int
        Without a scheduler: how many processes. They and the scheduler talk by TLS, for whoever
        reaches them has the rights of their user.

    Raises
    ------
    ConfigurationError
        If there is no scheduler, or no worker comes.
    """
    with ExitStack() as stack:
        if scheduler is None:
            stack.enter_context(dask.config.set(_CONFIGURATION))
            with interrupts_left_to_parent():
                cluster = stack.enter_context(_local_cluster(number))
                client = stack.enter_context(distributed.Client(cluster, set_as_default=False))
            scheduler = cluster.scheduler_address
        else:
            try:
                client = distributed.Client(scheduler, set_as_default=False)
            except (OSError, ValueError) as error:
                raise ConfigurationError(f"no scheduler of Dask at {scheduler}: {error}") from error
            stack.enter_context(client)
        yield _ready(client, scheduler)


def _local_cluster(number: int) -> distributed.LocalCluster:
    return distributed.LocalCluster(
        n_workers=number,
        threads_per_worker=1,
        host=_LOOPBACK,
        dashboard_address=f"{_LOOPBACK}:0",
        worker_dashboard_address=f"{_LOOPBACK}:0",
        memory_limit=0,
        security=True,
        # What is wrong comes as the error of a task; the rest is that workers come and go.
        silence_logs=logging.CRITICAL,
    )


def _ready(client: distributed.Client, address: str) -> DaskWorkers:
    try:
        client.wait_for_workers(1, timeout=_SECONDS_TO_COME)
    except TimeoutError as error:
        raise ConfigurationError(
            f"the scheduler at {address} has no workers, and none came in {_SECONDS_TO_COME} s"
        ) from error
    client.run_on_scheduler(_allow_deaths)
    return DaskWorkers(client)


def _allow_deaths(dask_scheduler: distributed.Scheduler) -> None:
    dask_scheduler.allowed_failures = max(dask_scheduler.allowed_failures, _DEATHS_ALLOWED)


class DaskWorkers:
    """The workers of a client; see `executor.Workers`."""

    def __init__(self, client: distributed.Client) -> None:
        self._client = client
        threads = sum(client.nthreads().values())
        self.at_once = max(threads, _LEAST_AT_ONCE)

    @contextmanager
    def sharing(self, context: Context[S], report: Report = unheard) -> Iterator[_Sharing[S]]:
        """Yield an executor for a context; see `executor.Workers.sharing`."""
        name = f"specprod-copy-{uuid.uuid4().hex}"
        with _losses_told():
            self._client.register_plugin(_ContextPlugin(pickle.dumps(context)), name)
        sharing: _Sharing[S] = _Sharing(self._client, name, self.at_once, report)
        try:
            yield sharing
        finally:
            # A scheduler that is lost has taken its workers along, and a worker what it had open.
            if self._client.status == "running":
                sharing.drop()
                with suppress(OSError):
                    self._client.unregister_worker_plugin(name)

    def release(self) -> None:
        """Do nothing: workers are their cluster's."""


class _Sharing(Generic[S]):
    """Tasks of one context; see `executor.Executor`."""

    def __init__(self, client: distributed.Client, name: str, at_once: int, report: Report) -> None:
        self.at_once = at_once
        self._client, self._name, self._report = client, name, report
        self._tasks: weakref.WeakSet[distributed.Future] = weakref.WeakSet()

    def submit(self, function: Callable[[S, D], R], data: D) -> Future[R]:
        """Have a function called; see `executor.Executor.submit`."""
        with _losses_told():
            task = self._client.submit(_do, self._name, pickle.dumps((function, data)), pure=False)
            # What was submitted before a loss is cancelled by Dask; the rest would wait for ever.
            if self._client.status != "running":
                raise ConnectionError(f"the connection is {self._client.status}")
        self._tasks.add(task)
        loop = self._client.loop
        assert isinstance(loop, BaseAsyncIOLoop)
        return asyncio.run_coroutine_threadsafe(self._result(task), loop.asyncio_loop)

    def drop(self) -> None:
        """Drop what has not begun."""
        self._client.cancel([*self._tasks])

    async def _result(self, task: distributed.Future) -> Any:
        with _losses_told():
            answered = await task
        reports, result = result_of(answered)
        for content in reports:
            self._report(*content)
        return result


@contextmanager
def _losses_told() -> Iterator[None]:
    """Raise a `WorkerDiedError` when the scheduler is lost, or each worker that took a task."""
    try:
        yield
    except (distributed.KilledWorker, CancelledError, TimeoutError, OSError) as error:
        raise WorkerDiedError(
            f"the scheduler of Dask or its workers are lost ({type(error).__name__}: {error}); run "
            "the command again"
        ) from error


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


def _do(name: str, work: bytes) -> bytes:
    """Do a task; on a worker."""
    plugin = distributed.get_worker().plugins[name]
    assert isinstance(plugin, _ContextPlugin)
    return answer(partial(plugin.run, work))
