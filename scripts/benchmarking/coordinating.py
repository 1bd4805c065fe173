"""How many batches a coordinator hands out, to workers that only say how they are called."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import click

from benchmarking import machine
from benchmarking.report import Document, markdown, number
from specprod_copy.executors.contexts import Report
from specprod_copy.executors.executor import Executor, Workers
from specprod_copy.executors.schedule import Task, run_at_once
from specprod_copy.executors.workers import processes, threads

TABLES = 10
_SHARE_THROUGH_DASK = 20
"""Dask hands out fewer in the same time."""

JOBS = 2


@dataclass(frozen=True)
class _Nothing:
    """A context without anything."""

    @contextmanager
    def opened(self, report: Report) -> Iterator[None]:
        """Yield nothing."""
        yield


def _answer(opened: None, number: int) -> int:
    """Do no work."""
    return os.getpid()


def _send(executor: Executor[None], number: int) -> int:
    return executor.submit(_answer, number).result()


def hand_out(workers: Workers, batches: int) -> float:
    """Have so many batches of some tables done in the order of a load; return the seconds."""
    with workers.sharing(_Nothing()) as executor:
        for coming in [executor.submit(_answer, number) for number in range(executor.at_once)]:
            coming.result()
        tasks: list[Task[Any]] = [
            Task(table, partial(_send, executor, number), loads=True)
            for table in range(TABLES)
            for number in range(batches // TABLES)
        ]
        tasks += [Task(-1, lambda: 0, [table]) for table in range(TABLES)]
        started = time.monotonic()
        run_at_once(tasks, executor.at_once, lambda task, result: None, lambda: None, JOBS)
        return time.monotonic() - started


def measure(batches: int, *, runs: int) -> Document:
    """Hand out batches to workers of each kind.

    Parameters
    ----------
    batches : int
        For workers of this process; others get fewer.
    runs : int
        Number of runs of each kind.
    """
    from specprod_copy.executors.dask_workers import dask_workers

    kinds: dict[str, tuple[Any, int]] = {
        "this process alone": (threads(1), batches),
        "16 threads": (threads(16), batches),
        f"{JOBS} processes": (processes(JOBS), batches // 2),
        f"{JOBS} workers of Dask": (dask_workers(number=JOBS), batches // _SHARE_THROUGH_DASK),
    }
    body, figures = [], {}
    for kind, (opening, size) in kinds.items():
        click.echo(f"{kind}: {size:,} batches", err=True)
        with ExitStack() as stack:
            workers = stack.enter_context(opening)
            seconds = [hand_out(workers, size) for _ in range(runs)]
        figures[kind] = {"batches": size, "seconds": seconds}
        median = statistics.median(seconds)
        body.append([kind, f"{size:,}", number(median), number(size / median, 0)])
    return Document(
        f"Batches that a coordinator hands out, medians of {runs} runs",
        machine.client_circumstances(),
        [markdown(["workers", "batches", "median s", "batches/s"], body)],
        figures,
        [
            "The workers do nothing but answer; they are there when the clock starts. A load's "
            "batches take a few seconds each, of which 64 workers ask for some 30 a second. "
            f"{TABLES} tables, each with a step behind its rows."
        ],
    )
