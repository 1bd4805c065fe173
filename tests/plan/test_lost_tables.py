"""Tables that are not what the ledger says; and those that are, under another name or elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from support import limits
from support.changing import Case, iron, loaded
from support.dumps import restored

from specprod_copy.errors import DatabaseError
from specprod_copy.loading.api import load
from specprod_copy.loading.dry_run import plan_load
from specprod_copy.loading.options import LoadOptions
from specprod_copy.plan.lost_tables import lost_tables
from specprod_copy.postgres.connection import connect
from specprod_copy.progress import ProgressListener
from specprod_copy.status import schema_status
from specprod_copy.tables import Inputs
from specprod_copy.verification import VerifyOptions, verify

__all__ = ["iron", "loaded"]

OTHER_IDS = """SELECT count(*) FROM {0}.load_ledger, jsonb_each_text(tables)
               WHERE value::oid IS DISTINCT FROM to_regclass('{0}.' || key)"""


def rows_read(case: Case, *stages: str, **options: object) -> int:
    return sum(row.rows_read for row in case.load(*stages, **options).tables)


def status(case: Case, schema: str = "iron"):
    with connect(case.conninfo) as connection:
        return schema_status(connection, schema, Inputs(case.files))


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ("DROP TABLE iron.zpix", "does not exist, but the ledger records {}: it was dropped or "
         "renamed"),
        ("ALTER TABLE iron.zpix RENAME TO mine", "does not exist, but the ledger records {}: it "
         "was dropped or renamed"),
        ("CREATE TABLE iron.other (LIKE iron.zpix INCLUDING ALL); DROP TABLE iron.zpix; "
         "ALTER TABLE iron.other RENAME TO zpix", "has 0 rows, but the ledger records {}: it was "
         "dropped or emptied"),
        ("TRUNCATE iron.zpix", "has 0 rows, but the ledger records {}: it was dropped or emptied"),
        ("DELETE FROM iron.zpix", "has 0 rows, but the ledger records {}: it was dropped or "
         "emptied"),
        ("DELETE FROM iron.zpix WHERE id = (SELECT max(id) FROM iron.zpix)", "has {less} rows, but "
         "the ledger records {}: rows were removed or added"),
    ],
    ids=["dropped", "renamed", "made again", "truncated", "emptied", "row deleted"],
)  # fmt: skip
def test_lost_table(loaded, change, what):
    """Every command says so, nothing is changed; the command that is named mends it."""
    [(rows,)] = loaded.query("SELECT count(*) FROM iron.zpix")
    contents = loaded.rows("zpix")
    loaded.execute(change)
    before = loaded.state()
    message = (
        f"table iron.zpix {what.format(f'{rows:,}', less=f'{rows - 1:,}')} since it was loaded; "
        "'specprod-copy load zpix --overwrite' loads it again"
    )
    for attempt in (
        lambda: loaded.load("redshift"),
        lambda: plan_load(loaded.conninfo, Inputs(loaded.files), LoadOptions(("all",), "iron")),
    ):
        with pytest.raises(DatabaseError) as caught:
            attempt()
        assert str(caught.value) == message
    assert status(loaded).lost == {"zpix": message}
    shown = loaded.command("status", "--schema", "iron")
    assert (shown.exit_code, message in " ".join(shown.output.split())) == (0, True)
    assert loaded.command("verify", "redshift").exit_code == 1
    assert loaded.state() == before
    if "RENAME TO mine" in change:
        # Keys and indexes have kept their names.
        loaded.execute("DROP TABLE iron.mine")
    assert loaded.command("load", "zpix", "--overwrite", "--yes").exit_code == 0
    assert loaded.rows("zpix") == contents
    assert status(loaded).lost == {}
    assert rows_read(loaded, "all") == 0


@pytest.mark.parametrize(
    "accident",
    [
        "DROP TABLE {0}",
        "CREATE TABLE iron.o (LIKE {0}); DROP TABLE {0}; ALTER TABLE iron.o RENAME TO ztile",
    ],
    ids=["dropped", "made again"],
)
def test_table_is_lost_while_others_are_loaded(iron, accident):
    """After all that there was to do with it, and before the last rows of another one."""
    iron.limits = limits.cut(40, 40)

    class Accident(ProgressListener):
        @contextmanager
        def step(self, what: str) -> Iterator[None]:
            yield
            if what == "ztile: analyze":
                assert iron.query("SELECT count(*) FROM iron.zpix") == [(0,)]
                iron.execute(accident.format("iron.ztile"))

    options = LoadOptions(("redshift",), "iron", limits=iron.limits)
    with pytest.raises(
        DatabaseError, match=r"table iron\.ztile .* the ledger records .* load ztile"
    ):
        load(iron.conninfo, Inputs(iron.files), options, Accident())
    iron.load("ztile", overwrite=True)
    assert rows_read(iron, "redshift") == 0


@pytest.mark.parametrize("way", [{}, {"overwrite": True}], ids=["load", "overwrite"])
def test_table_that_is_referred_to(loaded, way):
    """It was emptied, and all that refer to it: what is loaded would refer to nothing."""
    loaded.execute("TRUNCATE iron.photometry CASCADE")
    before = loaded.state()
    for attempt in (
        lambda: loaded.load("redshift", **way),
        lambda: plan_load(
            loaded.conninfo, Inputs(loaded.files), LoadOptions(("redshift",), "iron", **way)
        ),
    ):
        with pytest.raises(DatabaseError, match=r"has 0 rows, .* dropped or emptied since"):
            attempt()
    assert loaded.state() == before
    loaded.load("all", overwrite=True)
    assert rows_read(loaded, "all") == 0


def test_others_are_in_nobodys_way(loaded):
    """A stage that has nothing to do with the lost table is loaded."""
    loaded.execute("TRUNCATE iron.zpix")
    assert rows_read(loaded, "fiberassign") == 0


def test_row_that_nobody_loaded(loaded):
    """Nothing is lost: status tells, and loads go on."""
    loaded.execute(
        """CREATE TEMP TABLE one AS SELECT * FROM iron.zpix LIMIT 1;
           UPDATE one SET id = 1, program = 'none'; INSERT INTO iron.zpix TABLE one"""
    )
    assert "rows were removed or added" in status(loaded).lost["zpix"]
    assert rows_read(loaded, "all") == 0


def test_large_table(loaded):
    """Statistics spare its count, as long as they leave no doubt."""
    with connect(loaded.conninfo) as connection:
        if connection.info.server_version < 150_000:
            pytest.skip("this PostgreSQL cannot be made to count at once")

        def lost() -> list[int | None]:
            connection.execute("SELECT pg_stat_force_next_flush()")
            found = lost_tables(connection, "iron", ["zpix"], counted_bytes=0)
            return [one.rows for one in found]

        [(rows,)] = connection.execute("SELECT count(*) FROM iron.zpix").fetchall()
        # As after the load: a database that was copied begins without statistics.
        assert lost() == []
        connection.execute("CREATE TABLE iron.kept AS TABLE iron.zpix")
        with connection.transaction():
            connection.execute("TRUNCATE iron.zpix")
            connection.execute("INSERT INTO iron.zpix TABLE iron.kept")
        assert lost() == []
        delete = "DELETE FROM iron.zpix WHERE id = (SELECT max(id) FROM iron.zpix)"
        with connection.transaction(force_rollback=True):
            connection.execute(delete)
            # Not in the statistics before it is committed: so nothing was counted.
            assert lost() == []
        connection.execute(delete)
        assert lost() == [rows - 1]
        connection.execute("SELECT pg_stat_reset_single_table_counters('iron.zpix'::regclass)")
        assert lost() == [rows - 1]


def test_renamed_schema(loaded):
    loaded.execute("ALTER SCHEMA iron RENAME TO dr1")
    assert status(loaded, "dr1").lost == {}
    assert rows_read(loaded, "all", schema="dr1") == 0
    assert loaded.command("verify", "all", "--schema", "dr1").exit_code == 0


@pytest.mark.usefixtures("q3c")
def test_restored_schema(cluster, loaded, tmp_path):
    """Commands that read change nothing; one that writes knows the tables from then on."""
    with restored(cluster, loaded.conninfo, "iron", tmp_path) as conninfo:
        case = Case(loaded.root, conninfo)
        assert case.query(OTHER_IDS.format("iron")) != [(0,)]
        before = case.state()
        assert status(case).lost == {}
        assert {row.rows_missing for row in status(case).progress} == {0}
        inputs = Inputs(case.files)
        plan, statements = plan_load(conninfo, inputs, LoadOptions(("all",), "iron"))
        assert (plan.units, statements) == ([], [])
        results = verify(conninfo, inputs, VerifyOptions(("all",), "iron"))
        assert [result for result in results if not result.passed] == []
        assert case.state() == before
        assert rows_read(case, "all") == 0
        assert case.query(OTHER_IDS.format("iron")) == [(0,)]
        case.execute("TRUNCATE iron.zpix")
        with pytest.raises(DatabaseError, match="it was dropped or emptied since it was loaded"):
            case.load("redshift")
