"""Ledgers of earlier versions, and tables that are gone, as single tiles find them."""

from __future__ import annotations

import os

import pytest
from support.daily_tiles import Daily, demo, empty, loaded, own_copy
from support.dumps import restored
from support.old_ledger import make_old

from specprod_copy.errors import DatabaseError
from specprod_copy.plan.tile_states import Verdict
from specprod_copy.postgres.connection import connect
from specprod_copy.status import schema_status

__all__ = ["demo", "empty", "loaded", "own_copy"]


@pytest.mark.parametrize("stages", [False, True], ids=["tiles alone", "both tables"])
def test_old_ledger_is_taken_over(own_copy, stages):
    """Its tiles are up to date, and looked at more closely when that is asked for."""
    make_old(own_copy.conninfo, "daily", stages=stages, tiles=True)
    with pytest.raises(DatabaseError, match="is of format 1, by an earlier version"):
        own_copy.sync(dry_run=True)
    before = own_copy.places()
    summary = own_copy.sync()
    assert (summary.loaded, summary.failed) == ([], {})
    assert len(summary.having(Verdict.SAME)) == len(own_copy.tileids())
    assert own_copy.places() == before
    digests = """SELECT count(*) FROM daily.load_ledger, jsonb_array_elements(inputs) i
                 WHERE i ->> 'digest' IS NULL"""
    assert own_copy.query(digests) != [(0,)]
    assert own_copy.sync(check_content=True).loaded == []
    assert own_copy.query(digests) == [(0,)]


def test_file_of_an_old_ledger_that_is_newer_than_its_rows(own_copy):
    """Nothing tells that it is the same: the tile is loaded again, and no row is written."""
    make_old(own_copy.conninfo, "daily", tiles=True)
    tileid = own_copy.tileids()[0]
    path = own_copy.redrock(tileid)[0]
    os.utime(path, (4e9, 4e9))
    [result] = own_copy.sync().loaded
    assert (result.tileid, result.changed, result.removed) == (tileid, 0, 0)
    assert own_copy.sync().loaded == []


@pytest.mark.parametrize("table", ["ztile", "tile"])
def test_lost_table(own_copy, table):
    own_copy.execute(f"DROP TABLE daily.{table} CASCADE")
    with pytest.raises(
        DatabaseError, match=f"table daily.{table} does not exist, but the ledger records at least "
    ):
        own_copy.sync()
    own_copy.tile(*own_copy_tiles(own_copy), overwrite=True)


@pytest.mark.parametrize("table", ["ztile", "target", "fiberassign", "potential", "tile"])
def test_row_of_a_tile_is_lost(own_copy, table):
    own_copy.execute(f"ALTER TABLE daily.{table} DISABLE TRIGGER ALL")
    key = "tileid" if table == "tile" else "id"
    own_copy.execute(
        f"DELETE FROM daily.{table} WHERE {key} = (SELECT max({key}) FROM daily.{table})"
    )
    lost = f"table daily.{table} has .* at least .*'specprod-copy tile TILEID... --overwrite'"
    for dry_run in (True, False):
        with pytest.raises(DatabaseError, match=lost):
            own_copy.sync(dry_run=dry_run)


def rows_of_exposures(daily: Daily) -> dict[tuple[int, str], int]:
    """Return how many rows of exposure and frame each tile has."""
    query = """SELECT tileid, {0!r}, (SELECT count(*) FROM daily.{0} AS r WHERE r.tileid = t.tileid)
               FROM daily.tile AS t"""
    found = [row for name in ("exposure", "frame") for row in daily.query(query.format(name))]
    return {(tileid, name): rows for tileid, name, rows in found}


def changed_tiles(daily: Daily) -> list[str]:
    with connect(daily.conninfo) as connection:
        found = schema_status(connection, "daily", daily.inputs).tiles
    return list(found.changed or ()) if found else []


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM daily.frame WHERE frameid = (SELECT max(frameid) FROM daily.frame)",
        "TRUNCATE daily.exposure CASCADE",
    ],
    ids=["a row", "all rows"],
)
def test_rows_of_exposures_are_lost(own_copy, change):
    """Status tells which tiles lost some; sync, which compares them, brings them back."""
    before, given = own_copy.contents(), rows_of_exposures(own_copy)
    assert changed_tiles(own_copy) == []
    own_copy.execute(change)
    lost: dict[int, list[str]] = {}
    for (tileid, table), rows in sorted(rows_of_exposures(own_copy).items()):
        if rows < given[tileid, table]:
            said = f"{rows} of {given[tileid, table]} rows of {table}"
            lost.setdefault(tileid, []).append(said)
    assert len(lost) == (1 if "DELETE" in change else len(own_copy.tileids()))
    assert changed_tiles(own_copy) == [
        f"tile {tileid}: changed ({'; '.join(said)})" for tileid, said in lost.items()
    ]
    assert [result.tileid for result in own_copy.sync().loaded] == [*lost]
    assert own_copy.contents() == before
    assert changed_tiles(own_copy) == []


def test_restored_tables(cluster, own_copy, tmp_path):
    """They are up to date; a command that writes knows them from then on."""
    with restored(cluster, own_copy.conninfo, "daily", tmp_path) as conninfo:
        daily = Daily(own_copy.root, conninfo)
        found = len(daily.tileids())
        other_ids = """SELECT count(*) FROM daily.load_ledger, jsonb_each_text(tables)
                       WHERE value::oid IS DISTINCT FROM to_regclass('daily.' || key)"""
        assert len(daily.sync(dry_run=True).having(Verdict.SAME)) == found
        assert daily.query(other_ids) != [(0,)]
        assert len(daily.sync().having(Verdict.SAME)) == found
        assert daily.query(other_ids) == [(0,)]


def own_copy_tiles(own_copy) -> list[int]:
    return [int(row["TILEID"]) for row in own_copy.tile_rows()]
