"""Others who lock tables, and several loaders at once: no row is lost or doubled.

``SPECPROD_COPY_PAIRS`` sets how often two start at the same moment (``make test-faults``: 20).
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import psycopg
import pytest
from support.fault_loads import one_error
from support.limits import cut
from support.waiting import PATIENCE

from specprod_copy.errors import DatabaseError

PAIRS = int(os.environ.get("SPECPROD_COPY_PAIRS", "4"))

pytest_plugins = ("support.fault_loads",)


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_deadlock(loads, whole, gate, jobs):
    """The server breaks it by ending the loader's transaction; the next load completes."""
    closed = gate("zpix", 0, "claimed")
    process = loads.start("-j", jobs, gate=closed)
    closed.await_loader(process)
    with (
        psycopg.connect(loads.conninfo, options="-c deadlock_timeout=1h") as other,
        ThreadPoolExecutor(1) as pool,
    ):
        # The loader has written to the ledger and is going to lock zpix; this one the other way.
        other.execute("LOCK TABLE iron.zpix IN ACCESS EXCLUSIVE MODE")
        locking = pool.submit(other.execute, "LOCK TABLE iron.load_ledger IN SHARE MODE")
        loads.await_waiting("LOCK TABLE iron.load_ledger%")
        closed.open()
        locking.result(timeout=PATIENCE)
    error = one_error(process)
    assert error.startswith("Error: cannot load iron.zpix: deadlock detected. ")
    assert error.endswith("; once that is over, run the command again")
    loads.complete(whole)


def together(*loaders: Callable[[], None]) -> list[str]:
    """Start loaders at the same moment; return the errors of those that were refused."""
    barrier = threading.Barrier(len(loaders))

    def run(loader: Callable[[], None]) -> str:
        barrier.wait()
        try:
            loader()
        except DatabaseError as error:
            return str(error)
        return ""

    with ThreadPoolExecutor(len(loaders)) as pool:
        return [error for error in pool.map(run, loaders) if error]


def test_two_load_the_same_part(loads, whole):
    """Both have planned the same rows: one of them loads them, the other one finds them loaded."""
    with loads.held("tile") as holder, ThreadPoolExecutor(1) as pool:
        both = partial(loads.load, "tile", part=(1, 1))
        refused = pool.submit(together, both, both)
        loads.await_waiting('COPY "iron"."tile"%')
        loads.await_waiting('INSERT INTO "iron"."load_ledger"%')
        holder.rollback()
        assert refused.result(timeout=PATIENCE) == []
    assert loads.rows("iron", ["tile"]) == {"tile": whole["tile"]}


def test_rows_that_were_planned_otherwise(loads, whole):
    """Somebody loads the beginning of the same file, by other limits, while we come to it."""
    with loads.held("tile") as holder, ThreadPoolExecutor(2) as pool:
        first = pool.submit(loads.load, "tile", part=(1, 1))
        loads.await_waiting('COPY "iron"."tile"%')
        other = pool.submit(together, partial(loads.load, "tile", part=(1, 1), limits=cut(2, 1)))
        loads.await_waiting('INSERT INTO "iron"."load_ledger"%')
        holder.rollback()
        first.result(timeout=PATIENCE)
        (error,) = other.result(timeout=PATIENCE)
    assert "were loaded by another process meanwhile; run the command again" in error
    assert loads.rows("iron", ["tile"]) == {"tile": whole["tile"]}


def share(k: int, n: int) -> dict[str, object]:
    return {"part": (k, n)}


@pytest.mark.parametrize(
    ("options", "refusal"),
    [
        ([{}, {}], "another load is at work on schema iron (process "),
        ([share(1, 2), share(2, 2)], None),
        ([share(1, 1), share(1, 1)], None),
        ([{}, share(1, 2)], "another load is at work on schema iron ("),
    ],
    ids=["wholes", "parts", "same_part", "whole_and_part"],
)
def test_started_at_the_same_moment(loads, whole, options, refusal):
    """Nobody is in the other's way, or one of the two is told who was first."""
    tables = ("tile", "exposure", "frame")
    for _ in range(PAIRS):
        refused = together(*(partial(loads.load, "exposures", **each) for each in options))
        assert len(refused) < len(options)
        assert [error for error in refused if refusal is None or refusal not in error] == []
        loads.load("exposures")
        assert loads.rows("iron", tables) == {table: whole[table] for table in tables}
        loads.execute("DROP SCHEMA iron CASCADE")
    together(*(partial(loads.load, **each) for each in options))
    loads.complete(whole)


def test_two_schemas_of_a_new_database_at_once(loads):
    """Both install q3c, or find it installed."""
    if loads.query("SELECT 1 FROM pg_extension WHERE extname = 'q3c'") == []:
        pytest.skip("the server does not have q3c")
    for _ in range(PAIRS):
        loads.execute("DROP EXTENSION q3c CASCADE")
        schemas = ("iron", "also_iron")
        assert together(*(partial(loads.load, "tile", schema=name) for name in schemas)) == []
        made = "SELECT count(*) FROM pg_indexes WHERE indexname = 'ix_tile_q3c_ang2ipix'"
        assert loads.query(f"{made} AND schemaname IN ('iron', 'also_iron')") == [(2,)]
        loads.execute("DROP SCHEMA iron CASCADE; DROP SCHEMA also_iron CASCADE")
