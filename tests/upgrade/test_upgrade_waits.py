"""An upgrade beside others: what it waits for, and whom it keeps waiting."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import psycopg
import pytest
from support.changing import Case, iron, loaded
from support.listening import Heard, meanwhile, open_transaction, read
from support.old_ledger import make_old
from support.waiting import wait_until

from specprod_copy.errors import InUseError
from specprod_copy.upgrade.run import Upgrade, UpgradeOptions, plan_upgrade, upgrade

__all__ = ["iron", "loaded"]

COUNT = "SELECT count(*) FROM iron.load_ledger"


def ended(work: Callable[[], Upgrade], reader: psycopg.Connection) -> Upgrade:
    """Do something that waits for nobody while somebody reads."""
    with meanwhile(work, reader) as running:
        wait_until(running.done, "the end of what waits for nobody")
        return running.result()


def is_old(case: Case) -> bool:
    return bool(case.query("SELECT 1 FROM pg_attribute WHERE attname = 'file_mtime_ns'"))


def test_the_plan_waits_for_no_reader_and_writes_nothing(loaded):
    """Of a ledger of format 1 too: rows that were written to, and rolled back, have an xmax."""
    make_old(loaded.conninfo, "iron")
    options = UpgradeOptions("iron")
    with open_transaction(loaded.conninfo, COUNT) as reader:
        plan = ended(partial(plan_upgrade, loaded.conninfo, options), reader)
    assert loaded.query("SELECT DISTINCT xmax::text FROM iron.load_ledger") == [("0",)]
    done = upgrade(loaded.conninfo, options)
    assert not is_old(loaded)
    assert (plan.statements, plan.tables.lacks) == (done.statements, done.tables.lacks)


def test_the_plan_says_for_whom_it_waits(loaded):
    heard = Heard()
    lock = "LOCK TABLE iron.load_ledger IN ACCESS EXCLUSIVE MODE"
    plan = partial(plan_upgrade, loaded.conninfo, UpgradeOptions("iron"), heard)
    with open_transaction(loaded.conninfo, lock) as other, meanwhile(plan, other) as planning:
        heard.await_line(f"waiting for process {other.info.backend_pid} of ", planning)
        other.commit()
        assert planning.result().statements == []


def test_readers_pass_a_ledger_that_waits_to_be_taken_over(loaded):
    make_old(loaded.conninfo, "iron")
    heard = Heard()
    work = partial(upgrade, loaded.conninfo, UpgradeOptions("iron"), heard)
    with open_transaction(loaded.conninfo, COUNT) as reader, meanwhile(work, reader) as running:
        heard.await_line(f"waiting for process {reader.info.backend_pid} of ", running)
        for _ in range(5):
            assert read(loaded.conninfo, COUNT)[0][0] > 0
        assert is_old(loaded)
        reader.commit()
        running.result()
    assert not is_old(loaded)


def test_it_is_given_up(loaded):
    make_old(loaded.conninfo, "iron")
    loaded.keep_autovacuum_away()
    work = partial(upgrade, loaded.conninfo, UpgradeOptions("iron", patience=0))
    with (
        open_transaction(loaded.conninfo, COUNT) as reader,
        pytest.raises(InUseError, match=r"others still use the tables .*notebook"),
    ):
        ended(work, reader)
    assert is_old(loaded)


def test_who_is_in_the_way_of_a_foreign_key_is_named(loaded):
    """Also where that is somebody who writes to the table that it refers to."""
    loaded.execute("ALTER TABLE iron.zpix DROP CONSTRAINT zpix_targetid_fkey")
    loaded.keep_autovacuum_away()
    change = "UPDATE iron.photometry SET morphtype = morphtype"
    with (
        open_transaction(loaded.conninfo, change) as writer,
        pytest.raises(InUseError, match=r"others still use the tables .*notebook"),
    ):
        ended(partial(upgrade, loaded.conninfo, UpgradeOptions("iron", patience=0)), writer)
