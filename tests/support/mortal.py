"""Workers that die at certain moments of certain batches, and workers that all come twice."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from specprod_copy.executors.contexts import Context, Report, unheard
from specprod_copy.executors.executor import Executor, Workers
from specprod_copy.loading.send import send_batch

MOMENTS = ("before", "amid", "after")
"""Before a batch; when rows of it are sent; when it is committed and the result is not told yet."""


@dataclass
class ChangedWorkers:
    """Workers whose batches are sent by another function, which gets the batch's number as well."""

    workers: Workers
    submit: Callable[[Executor[Any], int, Any], Future[Any]]
    batches: int = 0

    @property
    def at_once(self) -> int:
        return self.workers.at_once

    @contextmanager
    def sharing(self, context: Context[Any], report: Report = unheard) -> Iterator[_Changed]:
        with self.workers.sharing(context, report) as executor:
            yield _Changed(self, executor)

    def release(self) -> None:
        self.workers.release()


class _Changed:
    def __init__(self, changed: ChangedWorkers, executor: Executor[Any]) -> None:
        self.at_once = executor.at_once
        self._changed, self._executor = changed, executor

    def submit(self, function: Callable[..., Any], data: Any) -> Future[Any]:
        if function is not send_batch:
            return self._executor.submit(function, data)
        self._changed.batches += 1
        return self._changed.submit(self._executor, self._changed.batches, data)


def mortal(workers: Workers, folder: Path, moments: Mapping[int, str]) -> ChangedWorkers:
    """Return workers that die with these batches, once each; they leave a file in a folder."""

    def submit(executor: Executor[Any], number: int, batch: Any) -> Future[Any]:
        if number not in moments:
            return executor.submit(send_batch, batch)
        return executor.submit(_die_with, (folder / f"died-{number}", moments[number], batch))

    return ChangedWorkers(workers, submit)


def twins(workers: Workers) -> ChangedWorkers:
    """Return workers that do each batch twice, at the same time; one result is lost."""

    def submit(executor: Executor[Any], number: int, batch: Any) -> Future[Any]:
        both = [executor.submit(send_batch, batch) for _ in range(2)]
        return both[number % 2]

    return ChangedWorkers(workers, submit)


def _die_with(sender: Any, data: tuple[Path, str, Any]) -> Any:
    trace, moment, batch = data
    if trace.exists():
        return send_batch(sender, batch)

    def die(*_: Any) -> None:
        trace.touch()
        os.kill(os.getpid(), signal.SIGKILL)

    if moment == "before":
        die()
    if moment == "amid":
        sender = replace(sender, advance=die)
    result = send_batch(sender, batch)
    die()
    return result
