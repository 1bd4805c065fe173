"""Who sends which units."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from specprod_copy import workers
from specprod_copy.errors import DatabaseError
from specprod_copy.units import Fingerprint, Stamp, Unit
from specprod_copy.workers import ProcessSender, Senders, make_batches


def units(*sizes: int, source: str = "zpix<redshift") -> list[Unit]:
    """Return units of so many rows."""
    fingerprint = Fingerprint(Stamp(0, 0), "whole")
    table, stage = source.split("<")
    return [
        Unit(source, table, stage, Path("a.fits"), "a.fits", "A", 0, rows, 8, fingerprint)
        for rows in sizes
    ]


def sizes(batches: list[list[Unit]]) -> list[list[int]]:
    return [[unit.n_rows for unit in batch] for batch in batches]


def test_one_job_commits_as_seldom_as_it_may(monkeypatch):
    monkeypatch.setattr(workers, "BATCH_ROWS", 500)
    found = make_batches(units(*[100] * 12))
    assert sizes([*found]) == [[100] * 5, [100] * 5, [100] * 2]


@pytest.mark.parametrize(("jobs", "most"), [(2, 150), (3, 100), (64, 50)])
def test_several_jobs_end_at_about_the_same_time(jobs, most):
    """None has more to do than a small share when the others have nothing left."""
    batches = sizes([*make_batches(units(*[50] * 24), jobs)])
    assert sum(map(sum, batches)) == 1200
    assert max(map(sum, batches)) == most


def test_batches_are_of_one_source():
    both = [*units(10, 10), *units(10, source="ztile<redshift")]
    for jobs in (1, 8):
        for batch in make_batches(both, jobs):
            assert len({unit.source for unit in batch}) == 1


class Recorder:
    """Remembers what it was asked to do, and does it when it is let.

    Parameters
    ----------
    least : int
        The rows of the smallest batch that it takes.
    """

    def __init__(self, least: int = 0) -> None:
        self.least = least
        self.rows: list[int] = []
        self.closed = False
        self.may_end = threading.Event()
        self.may_end.set()

    def takes(self, batch) -> bool:
        return sum(unit.n_rows for unit in batch) >= self.least

    def send(self, batch):
        """Fail for a batch of nothing."""
        self.rows.append(sum(unit.n_rows for unit in batch))
        assert self.may_end.wait(10)
        if not batch:
            raise ValueError("nothing")
        return []

    def close(self) -> None:
        self.closed = True


def test_a_failure_frees_the_sender():
    sender = Recorder()
    senders = Senders([sender])
    with pytest.raises(ValueError, match="nothing"):
        senders.send([])
    senders.send(units(1))
    assert sender.rows == [0, 1]


def test_a_batch_waits_for_a_sender_that_takes_it():
    """A small one is not worth the start of a process, even if the only other sender is busy."""
    first, second = Recorder(), Recorder(least=10)
    first.may_end.clear()
    senders = Senders([first, second])
    with ThreadPoolExecutor(2) as pool:
        try:
            busy = pool.submit(senders.send, units(20))
            while not first.rows:
                assert not busy.done()
            senders.send(units(30))
            small = pool.submit(senders.send, units(5))
            with pytest.raises(TimeoutError):
                small.result(0.2)
        finally:
            first.may_end.set()
    senders.send(units(40))
    assert (first.rows, second.rows) == ([20, 5, 40], [30])
    senders.close()
    assert first.closed
    assert second.closed


def test_processes_are_started_for_large_batches():
    small, large = units(workers.START_ROWS - 1), units(workers.START_ROWS)
    with ProcessSender("host=/nowhere", "s", {"zpix": []}, lambda *_: None, 1) as sender:
        assert [sender.takes(batch) for batch in (small, large)] == [False, True]
        with pytest.raises(DatabaseError):
            sender.send(large)
        assert sender.takes(small)
