"""Ledgers of earlier versions, and tables that are gone, as single tiles find them."""

from __future__ import annotations

import os

import pytest
from support.daily_tiles import demo, empty, loaded, own_copy
from support.old_ledger import make_old

from specprod_copy.errors import DatabaseError
from specprod_copy.plan.tile_states import Verdict

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
    with pytest.raises(DatabaseError, match=f"table daily.{table} does not exist, and at least "):
        own_copy.sync()
    own_copy.tile(*own_copy_tiles(own_copy), overwrite=True)


def own_copy_tiles(own_copy) -> list[int]:
    return [int(row["TILEID"]) for row in own_copy.tile_rows()]
