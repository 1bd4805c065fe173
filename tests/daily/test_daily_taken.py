"""Single tiles of which a trigger or a rule keeps rows from a table stay as they were."""

from __future__ import annotations

import pytest
from support.daily_tiles import Daily, demo, loaded, own_copy
from support.dropping import drop_rows

__all__ = ["demo", "loaded", "own_copy"]


def only(daily: Daily, tileid: int) -> None:
    """Remove all other tiles, with which it may share photometry."""
    for other in daily.tileids():
        if other != tileid:
            daily.drop_tile(other)
    assert not daily.sync(delete=True).failed


def failed(daily: Daily, done, tileid: int, table: str) -> None:
    message = f"{daily.schema}.{table}: the server took 0 of "
    assert list(done.failed) == [tileid]
    assert done.failed[tileid].startswith(message)


@pytest.mark.parametrize(
    "table", ["tile", "exposure", "frame", "photometry", "target", "ztile", "fiberassign"]
)
def test_tile_is_new(own_copy, table):
    tileid = own_copy.tileids()[-1]
    only(own_copy, tileid)
    rows = own_copy.tile_rows()
    own_copy.drop_tile(tileid)
    assert not own_copy.sync(delete=True).failed
    before = own_copy.contents()
    own_copy.write_tiles(rows)
    drop_rows(own_copy.execute, f"daily.{table}", "INSERT")
    failed(own_copy, own_copy.sync(), tileid, table)
    assert own_copy.contents() == before


def test_tile_changes(own_copy):
    tileid = own_copy.tileids()[0]
    drop_rows(own_copy.execute, "daily.tile", "UPDATE")
    before = own_copy.contents()
    own_copy.change_tile(tileid, EXPTIME=12345)
    failed(own_copy, own_copy.sync(), tileid, "tile")
    assert own_copy.contents() == before


@pytest.mark.parametrize("table", ["tile", "ztile", "potential", "photometry", "load_ledger"])
def test_tile_vanishes(own_copy, table):
    tileid = own_copy.tileids()[-1]
    only(own_copy, tileid)
    own_copy.drop_tile(tileid)
    drop_rows(own_copy.execute, f"daily.{table}", "DELETE")
    before = own_copy.contents()
    failed(own_copy, own_copy.sync(delete=True), tileid, table)
    assert own_copy.contents() == before


def test_ledger_with_a_rule(own_copy):
    tileid = own_copy.tileids()[0]
    own_copy.execute("CREATE RULE r AS ON DELETE TO daily.load_ledger DO INSTEAD NOTHING")
    own_copy.change_tile(tileid, EXPTIME=12345)
    before = own_copy.contents()
    failed(own_copy, own_copy.sync(), tileid, "load_ledger")
    assert own_copy.contents() == before
