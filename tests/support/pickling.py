"""Workers as those of another machine would be: all that passes is pickled, both ways."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from specprod_copy.executors.contexts import Context, OpenContexts, Report, unheard
from specprod_copy.server.cluster import Cluster


class PicklingWorkers:
    """One worker, in a thread; see `specprod_copy.executors.executor.Workers`."""

    at_once = 2

    def __init__(self) -> None:
        self.contexts = self.tasks = self.released = 0

    @contextmanager
    def sharing(self, context: Context[Any], report: Report = unheard) -> Iterator[Pickling]:
        self.contexts += 1
        opened = OpenContexts()
        with ThreadPoolExecutor(1) as thread:
            try:
                yield Pickling(self, pickle.dumps(context), opened, thread)
            finally:
                thread.shutdown(cancel_futures=True)
                opened.close_all()

    def release(self) -> None:
        self.released += 1


class Pickling:
    at_once = 2

    def __init__(
        self,
        workers: PicklingWorkers,
        context: bytes,
        opened: OpenContexts,
        thread: ThreadPoolExecutor,
    ) -> None:
        self._workers, self._context, self._opened = workers, context, opened
        self._thread = thread

    def submit(self, function: Callable[..., Any], data: Any) -> Future[Any]:
        self._workers.tasks += 1
        sent = pickle.dumps((function, data))
        future: Future[Any] = Future()
        self._thread.submit(self._run, sent).add_done_callback(lambda done: _pass_on(done, future))
        return future

    def _run(self, sent: bytes) -> bytes:
        function, data = pickle.loads(sent)
        opened = self._opened.opened(1, pickle.loads(self._context), unheard)
        return pickle.dumps(function(opened, data))


class StoppingWorkers(PicklingWorkers):
    """Workers who find the server stopped when they first come to a task; nobody else has noticed.

    Parameters
    ----------
    cluster : Cluster
    task : str
        Name of the function.
    """

    def __init__(self, cluster: Cluster, task: str) -> None:
        super().__init__()
        self._cluster, self._task = cluster, task

    @contextmanager
    def sharing(self, context: Context[Any], report: Report = unheard) -> Iterator[Any]:
        with super().sharing(context, report) as executor:
            yield _Stopping(executor, self._cluster, self._task)


class _Stopping:
    at_once = 1

    def __init__(self, executor: Pickling, cluster: Cluster, task: str) -> None:
        self._executor, self._cluster, self._task = executor, cluster, task

    def submit(self, function: Callable[..., Any], data: Any) -> Future[Any]:
        if function.__name__ == self._task:
            self._cluster.stop("fast")
        return self._executor.submit(function, data)


def _pass_on(done: Future[bytes], future: Future[Any]) -> None:
    if done.cancelled():
        future.cancel()
    elif error := done.exception():
        future.set_exception(pickle.loads(pickle.dumps(error)))
    else:
        future.set_result(pickle.loads(done.result()))
