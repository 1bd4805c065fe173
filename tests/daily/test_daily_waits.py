"""For whom ``sync`` waits is told; several at a time do not stand in each other's way."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import psycopg
import pytest
from support.daily_tiles import Daily, demo, empty, loaded, own_copy
from support.listening import Heard, meanwhile, open_transaction, read

from specprod_copy.daily.options import SyncOptions
from specprod_copy.daily.run import sync
from specprod_copy.postgres import locks

__all__ = ["demo", "empty", "loaded", "own_copy"]

SNAPSHOT = "REPEATABLE READ"
"""Level of a transaction that sees the database as it was: an index is not replaced before it."""

PAIRS = 8


def sync_primary(daily: Daily, heard: Heard, **options) -> None:
    wanted = SyncOptions(daily.schema, primary=True, **options)
    assert sync(daily.conninfo, daily.inputs, wanted, listener=heard).failed == {}


def sync_all(daily: Daily, heard: Heard) -> None:
    done = sync(daily.conninfo, daily.inputs, SyncOptions(daily.schema), listener=heard)
    assert done.failed == {}


@pytest.fixture
def q3c(loaded) -> None:
    if loaded.query("SELECT 1 FROM pg_extension WHERE extname = 'q3c'") == []:
        pytest.skip("the server does not have q3c")


def test_missing_indexes_are_made_one_by_one(own_copy):
    """A tile writes to ztile, then to target: it must not wait for what waits for it."""
    own_copy.execute("DROP INDEX daily.ix_target_program, daily.ix_ztile_program")
    heard = Heard()
    write = "UPDATE daily.{} SET program = program"
    with (
        open_transaction(own_copy.conninfo, write.format("ztile")) as tile,
        meanwhile(partial(sync_all, own_copy, heard), tile) as working,
    ):
        heard.await_line(f"waiting for process {tile.info.backend_pid} of ", working)
        tile.execute(write.format("target"))
        tile.commit()
        working.result()
    indexes = "SELECT count(*) FROM pg_class WHERE relname ~ '^ix_(target|ztile)_program$'"
    assert own_copy.query(indexes) == [(2,)]


def test_an_index_waits_for_an_older_snapshot(own_copy, q3c):
    own_copy.sync()
    heard = Heard()
    with (
        open_transaction(own_copy.conninfo, "SELECT 1", level=SNAPSHOT) as other,
        meanwhile(partial(sync_primary, own_copy, heard), other) as working,
    ):
        pid = other.info.backend_pid
        heard.await_line(f"waiting for process {pid} of postgres (notebook) since 20", working)
        other.commit()
        working.result()
    heard.await_line(f"no longer waiting for process {pid}")
    lines = [line for line in heard.lines if f"process {pid}" in line]
    assert len(lines) == 2
    assert lines[1] == f"no longer waiting for process {pid}"


def test_ctrl_c_while_an_index_waits(own_copy, q3c):
    """What it leaves is removed by the next one."""
    own_copy.sync()
    invalid = "SELECT count(*) FROM pg_index WHERE NOT indisvalid"
    names = ["-p", "daily", "-r", str(own_copy.root), "-s", own_copy.schema]
    command = [sys.executable, "-m", "specprod_copy", "sync", "--primary", *names]
    with open_transaction(own_copy.conninfo, "SELECT 1", level=SNAPSHOT) as other:
        process = subprocess.Popen(
            [*command, "--dsn", own_copy.conninfo],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        told = f"waiting for process {other.info.backend_pid}"
        assert any(told in line for line in process.stderr)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate()
    assert process.returncode == 130
    assert said.endswith("Interrupted.\n")
    assert own_copy.query(invalid) == [(1,)]
    sync_primary(own_copy, Heard())
    assert own_copy.query(invalid) == [(0,)]


def test_the_second_one_waits_until_the_first_has_replaced_its_indexes(own_copy, q3c):
    own_copy.sync()
    first, second = Heard(), Heard()
    with (
        ThreadPoolExecutor(2) as pool,
        open_transaction(own_copy.conninfo, "SELECT 1", level=SNAPSHOT) as other,
    ):
        one = pool.submit(sync_primary, own_copy, first)
        try:
            first.await_line(f"waiting for process {other.info.backend_pid} of", one)
            two = pool.submit(sync_primary, own_copy, second)
            line = second.await_line("waiting for process", two)
            assert "(specprod-copy " in line and "REINDEX INDEX CONCURRENTLY" in line
        finally:
            other.close()
        one.result()
        two.result()


def test_pairs(own_copy, q3c):
    """Both end well, however they meet; also those of other schemas of the database."""
    neighbour = Daily(own_copy.root, own_copy.conninfo, f"{own_copy.schema}_neighbour")
    for daily in (own_copy, neighbour):
        daily.sync()
    for number in range(PAIRS):
        both = (own_copy, own_copy if number % 2 else neighbour)
        barrier = threading.Barrier(2)

        def run(daily: Daily, barrier: threading.Barrier = barrier) -> None:
            barrier.wait()
            sync_primary(daily, Heard())

        with ThreadPoolExecutor(2) as pool:
            for _ in pool.map(run, both):
                pass


def test_a_tile_waits_for_another_session(empty):
    """A session of the pool has to wait, not the one that began."""
    heard = Heard()
    with psycopg.connect(empty.conninfo) as other:
        locks.merging(other, empty.schema)
        with meanwhile(partial(sync_primary, empty, heard, jobs=2), other) as working:
            heard.await_line(f"waiting for process {other.info.backend_pid} of ", working)
            other.rollback()
            working.result()


def test_readers_pass_tables_that_are_to_be_replaced(own_copy):
    own_copy.sync()
    heard = Heard()
    count = f"SELECT count(*) FROM {own_copy.schema}.ztile"
    with (
        open_transaction(own_copy.conninfo, count) as reader,
        meanwhile(partial(sync_primary, own_copy, heard, overwrite=True), reader) as working,
    ):
        heard.await_line(f"waiting for process {reader.info.backend_pid} of ", working)
        assert read(own_copy.conninfo, count)[0][0] > 0
        reader.commit()
        working.result()
