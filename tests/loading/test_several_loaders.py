"""Loaders that share the work, exclude each other, or start while another one commits."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace

import psycopg
import pytest
from support.moments import NOTHING
from support.productions import load_production

from specprod_copy.desi.production import ProductionFiles, load_configuration
from specprod_copy.errors import DatabaseError
from specprod_copy.loading.api import load
from specprod_copy.loading.dry_run import plan_load
from specprod_copy.loading.options import LoadOptions
from specprod_copy.loading.summary import LoadSummary
from specprod_copy.plan.limits import Limits
from specprod_copy.postgres import catalog, locks
from specprod_copy.postgres.connection import connect
from specprod_copy.tables import Inputs

PRODUCTIONS = load_configuration()


@pytest.mark.parametrize(
    "error",
    [DatabaseError("no"), psycopg.errors.DiskFull("no"), KeyboardInterrupt()],
    ids=["fails", "server", "ends"],
)
def test_a_command_that_fails_is_in_nobodys_way(module_database, error):
    """Its session may end later than the next command begins."""
    with connect(module_database) as failing, connect(module_database) as following:
        with pytest.raises(type(error)), locks.hold_schema_lock(failing, "iron", shared=False):
            raise error
        with locks.hold_schema_lock(following, "iron", shared=False):
            pass


def test_a_command_that_has_just_ended_is_in_nobodys_way(module_database, monkeypatch):
    """It ends after it was found in the way, and before anybody asks who it is."""
    real = locks.holders
    with connect(module_database) as ending, connect(module_database) as following:
        lock = ExitStack()
        lock.enter_context(locks.hold_schema_lock(ending, "iron", shared=False))

        def holders(connection: psycopg.Connection, schema: str) -> list[str]:
            lock.close()
            return real(connection, schema)

        monkeypatch.setattr(locks, "holders", holders)
        with locks.hold_schema_lock(following, "iron", shared=False):
            assert len(real(following, "iron")) == 1


def test_parts_and_the_load_that_finishes(demos, module_database, monkeypatch):
    """Loaders that share the work, at once and in any order, load every row exactly once."""
    load_production(module_database, demos("iron"), "iron")
    limits = Limits(unit_rows=50)
    files = ProductionFiles(PRODUCTIONS["iron"], demos("iron"))

    def load_part(part: int) -> LoadSummary:
        options = LoadOptions(("all",), "parts", part=(part, 3), limits=limits)
        return load(module_database, Inputs(files), options)

    with ThreadPoolExecutor(3) as pool:
        summaries = list(pool.map(load_part, [3, 1, 2]))
    for summary in summaries:
        assert sum(row.rows_kept for row in summary.tables) > 0
        assert summary.steps == 0
    final = load(module_database, Inputs(files), LoadOptions(("all",), "parts", limits=limits))
    assert sum(row.rows_kept for row in final.tables) == 0
    assert final.steps > 0
    query = "SELECT * FROM {}.{} ORDER BY 1, 2, 3, 4, 5"
    with psycopg.connect(module_database) as connection:
        for table in ("tile", "frame", "photometry", "target", "zpix", "ztile", "potential"):
            whole, parts = (
                connection.execute(query.format(schema, table)).fetchall()
                for schema in ("iron", "parts")
            )
            assert whole == parts


def test_a_part_that_is_planned(demos):
    """It is some of the units; the files are those of the stage."""
    inputs = Inputs(ProductionFiles(PRODUCTIONS["iron"], demos("iron")))
    options = LoadOptions(("redshift",), "iron", limits=Limits(unit_rows=50))
    whole, _ = plan_load(None, inputs, options)
    part, _ = plan_load(None, inputs, replace(options, part=(1, 2)))
    assert 0 < len(part.units) < len(whole.units)
    assert [unit.file for unit in part.files] == [unit.file for unit in whole.files]


def test_a_part_and_a_whole_load_exclude_each_other(demos, module_database):
    files = ProductionFiles(PRODUCTIONS["iron"], demos("iron"))
    with psycopg.connect(module_database, autocommit=True) as connection:
        for shared, part in ((True, None), (False, (1, 2))):
            with (
                locks.hold_schema_lock(connection, "busy", shared=shared),
                pytest.raises(DatabaseError, match="another load is at work on schema busy"),
            ):
                load(module_database, Inputs(files), LoadOptions(("tile",), "busy", part=part))


def test_a_part_that_starts_while_another_commits(demos, module_database, monkeypatch):
    """Rows and ledger of another loader may appear at any moment of the preparation."""
    files = ProductionFiles(PRODUCTIONS["iron"], demos("iron"))

    def load_tiles(schema: str, part: tuple[int, int] | None) -> LoadSummary:
        return load(module_database, Inputs(files), LoadOptions(("tile",), schema, part=part))

    load_tiles("whole", None)
    load_tiles("racing", NOTHING)
    real = catalog.has_rows

    def while_another_commits(connection, schema, table):
        with psycopg.connect(module_database) as other:
            other.execute("INSERT INTO racing.tile SELECT * FROM whole.tile")
            other.execute(
                "INSERT INTO racing.load_ledger SELECT * FROM whole.load_ledger"
                " WHERE table_name = 'tile'"
            )
        return real(connection, schema, table)

    monkeypatch.setattr(catalog, "has_rows", while_another_commits)
    summary = load_tiles("racing", (2, 2))
    assert sum(row.rows_kept for row in summary.tables) == 0
