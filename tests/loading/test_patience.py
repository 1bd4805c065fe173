"""Locks that keep readers out: nobody waits behind them while somebody reads."""

from __future__ import annotations

from functools import partial

import psycopg
import pytest
from support.changing import Case, iron, loaded, many_transactions
from support.listening import Heard, meanwhile, open_transaction, read

from specprod_copy.errors import DatabaseError, InUseError
from specprod_copy.loading.api import load
from specprod_copy.loading.beside import name_beside
from specprod_copy.loading.options import LoadOptions
from specprod_copy.plan.limits import Limits
from specprod_copy.postgres.patience import Patience, with_patience
from specprod_copy.tables import Inputs

__all__ = ["iron", "loaded", "many_transactions"]

BESIDE = name_beside("iron")
COUNT = "SELECT count(*) FROM iron.zpix"


def replace_zpix(case: Case, heard: Heard, **options) -> None:
    wanted = LoadOptions(("zpix",), "iron", overwrite=True, verify=False, **options)
    load(case.conninfo, Inputs(case.files), wanted, heard)


def load_all(case: Case, heard: Heard, **options) -> None:
    load(case.conninfo, Inputs(case.files), LoadOptions(("all",), "iron", **options), heard)


def identity(case: Case, schema: str = "iron") -> int | None:
    [(oid,)] = case.query(f"SELECT to_regclass('{schema}.zpix')::oid::bigint")
    return oid


def test_readers_pass_a_swap_that_waits(loaded):
    """The swap comes when the first reader has ended; those who come later read meanwhile."""
    old, heard = identity(loaded), Heard()
    with (
        open_transaction(loaded.conninfo, COUNT) as reader,
        meanwhile(partial(replace_zpix, loaded, heard), reader) as replacing,
    ):
        pid = reader.info.backend_pid
        line = heard.await_line(f"waiting for process {pid} of ", replacing)
        assert "(notebook) since 20" in line
        assert line.endswith(f", idle in transaction: {COUNT}")
        assert heard.lines[0].startswith("the old tables are in use")
        for _ in range(5):
            assert read(loaded.conninfo, COUNT)[0][0] > 0
        assert identity(loaded) == old
        reader.commit()
        replacing.result()
    assert identity(loaded) != old
    over = f"no longer waiting for process {pid}"
    assert heard.await_line(over) == over
    loaded.assert_equals_fresh_load()


def test_a_swap_is_given_up(loaded):
    """The old tables are as they were, the new ones are kept, and the next load takes them."""
    loaded.keep_autovacuum_away()
    old = loaded.state()
    with open_transaction(loaded.conninfo, COUNT) as reader:
        with pytest.raises(DatabaseError) as given_up:
            replace_zpix(loaded, Heard(), patience=0)
        message = str(given_up.value)
        assert message.startswith(
            "cannot put new tables into schema iron: after 0 s others still use the tables "
            f"(process {reader.info.backend_pid} of "
        )
        assert f"The new ones are kept, in schema {BESIDE}" in message
        new = identity(loaded, BESIDE)
        assert new is not None
        for table in ("zpix", "load_ledger"):
            assert loaded.versions(table) == old[table]
    replace_zpix(loaded, Heard())
    assert identity(loaded) == new
    loaded.assert_equals_fresh_load()


def load_rows(case: Case) -> None:
    """Load everything but keys and indexes."""
    case.load("all", part=(1, 1))


@pytest.mark.parametrize("jobs", [1, 2])
def test_readers_pass_a_key_that_waits(iron, jobs):
    load_rows(iron)
    heard = Heard()
    with (
        open_transaction(iron.conninfo, COUNT) as reader,
        meanwhile(partial(load_all, iron, heard, jobs=jobs), reader) as loading,
    ):
        heard.await_line(f"waiting for process {reader.info.backend_pid} of ", loading)
        for _ in range(5):
            assert read(iron.conninfo, COUNT)[0][0] > 0
        reader.commit()
        loading.result()
    iron.assert_equals_fresh_load()


@pytest.mark.parametrize("ordered", [False, True])
def test_readers_of_other_tables_pass_as_well(iron, ordered):
    """Whose keys are made before: no lock of theirs is kept for the one that waits."""
    if ordered:
        iron.load("all")
    else:
        load_rows(iron)
    heard = Heard()
    last = "SELECT count(*) FROM iron.fiberassign" if ordered else COUNT
    with (
        open_transaction(iron.conninfo, last) as reader,
        meanwhile(partial(load_all, iron, heard, cluster=ordered), reader) as loading,
    ):
        heard.await_line(f"waiting for process {reader.info.backend_pid} of ", loading)
        for table in ("tile", "exposure", "photometry", "frame", "zpix", "fiberassign"):
            assert read(iron.conninfo, f"SELECT count(*) FROM iron.{table}")[0][0] > 0
        reader.commit()
        loading.result()
    iron.load("all")
    iron.assert_equals_fresh_load()


def test_an_index_that_waits_keeps_no_key_from_readers(loaded):
    """Nor is there a deadlock with the writer that it waits for."""
    loaded.execute(
        "ALTER TABLE iron.ztile DROP CONSTRAINT ztile_pkey; DROP INDEX iron.ix_fiberassign_location"
    )
    heard = Heard()
    ztile = "SELECT count(*) FROM iron.ztile"
    with (
        open_transaction(loaded.conninfo, "DELETE FROM iron.fiberassign WHERE false") as writer,
        meanwhile(partial(load_all, loaded, heard), writer) as loading,
    ):
        heard.await_line("others use the tables: again, with a transaction for each st", loading)
        heard.await_line(f"waiting for process {writer.info.backend_pid} of ", loading)
        assert read(loaded.conninfo, ztile) == writer.execute(ztile).fetchall()
        writer.commit()
        loading.result()
    loaded.assert_equals_fresh_load()


@pytest.mark.parametrize(("small_rows", "at_once"), [(100_000, True), (100, False)])
def test_tables_of_other_stages_are_not_small(iron, small_rows, at_once):
    """Their keys wait as well; none of them is in a transaction with others."""
    load_rows(iron)
    iron.limits = Limits(small_rows=small_rows)
    heard = Heard()
    options = LoadOptions(("exposures",), "iron", limits=iron.limits)

    def work():
        return load(iron.conninfo, Inputs(iron.files), options, heard)

    with (
        open_transaction(iron.conninfo, COUNT) as reader,
        meanwhile(work, reader) as loading,
    ):
        heard.await_line(f"waiting for process {reader.info.backend_pid} of ", loading)
        reader.commit()
        loading.result()
    assert bool(heard.having("others use the tables")) == at_once
    iron.load("all")
    iron.assert_equals_fresh_load()


def test_a_key_is_given_up(iron):
    load_rows(iron)
    iron.keep_autovacuum_away()
    with (
        open_transaction(iron.conninfo, COUNT) as reader,
        pytest.raises(InUseError) as given_up,
    ):
        pid = reader.info.backend_pid
        iron.load("all", patience=0)
    message = str(given_up.value)
    assert message.startswith("cannot make ")
    assert f"others still use the tables (process {pid} of " in message
    iron.load("all")
    iron.assert_equals_fresh_load()


def test_who_writes_is_in_the_way_of_a_foreign_key_and_who_reads_is_not(loaded):
    [(name, *_), *_] = loaded.query(
        "SELECT conname FROM pg_constraint WHERE contype = 'f' AND conrelid = 'iron.zpix'::regclass"
    )
    loaded.query(f"ALTER TABLE iron.zpix DROP CONSTRAINT {name}")
    heard = Heard()
    with (
        open_transaction(loaded.conninfo, COUNT) as reader,
        open_transaction(loaded.conninfo, "UPDATE iron.zpix SET z = z") as writer,
        meanwhile(partial(load_all, loaded, heard), reader, writer) as loading,
    ):
        who_writes, who_reads = writer.info.backend_pid, reader.info.backend_pid
        heard.await_line(f"waiting for process {who_writes} of ", loading)
        writer.rollback()
        loading.result()
    # An autovacuum may have been in the way as well.
    assert len(heard.having(f"waiting for process {who_writes} of ")) == 1
    heard.await_line(f"no longer waiting for process {who_writes}")
    assert not heard.having(f"waiting for process {who_reads} of ")
    loaded.assert_equals_fresh_load()


def test_an_empty_table_that_somebody_looks_at_is_filled(iron):
    """Only then somebody is waited for, for its key."""
    iron.load("all", part=(1, 10**6))  # makes tables; no row belongs to so small a share
    heard = Heard()
    with (
        open_transaction(iron.conninfo, COUNT) as reader,
        meanwhile(partial(load_all, iron, heard, jobs=2), reader) as loading,
    ):
        heard.await_line("waiting for process", loading)
        reader.rollback()
        loading.result()
    iron.assert_equals_fresh_load()


def test_a_longer_attempt_is_for_autovacuum_alone(database):
    """Once it has ended, nobody waits longer behind an attempt than before."""
    limits: list[str] = []
    with (
        psycopg.connect(database, autocommit=True) as ours,
        psycopg.connect(database, application_name="autovacuum worker") as vacuum,
        psycopg.connect(database) as reader,
    ):
        ours.execute("CREATE TABLE public.t (a int) WITH (autovacuum_enabled = false)")
        vacuum.execute("LOCK TABLE public.t IN SHARE UPDATE EXCLUSIVE MODE")

        def work() -> None:
            limits.extend(*ours.execute("SHOW lock_timeout"))
            ours.execute("ALTER TABLE public.t ADD b int")

        def rest(seconds: float) -> None:
            if not vacuum.closed:
                vacuum.close()
                reader.execute("SELECT count(*) FROM public.t")
            else:
                reader.rollback()

        with_patience(ours, work, [("public", "t")], Patience(Heard(), rest=rest))
    short, longer, *again = limits
    assert short != longer
    assert again == [short]
