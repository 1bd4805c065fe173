"""What users added to the tables of single tiles stays; what is not as defined is refused."""

from __future__ import annotations

import pytest
from support.daily_tiles import demo, edit, empty, loaded, own_copy
from support.listening import Heard, meanwhile, open_transaction

from specprod_copy.daily.options import TileOptions
from specprod_copy.daily.run import load_tiles
from specprod_copy.errors import DatabaseError
from specprod_copy.postgres.connection import connect
from specprod_copy.postgres.own_views import MARK
from specprod_copy.postgres.rights import readers

__all__ = ["demo", "empty", "loaded", "own_copy"]


def test_own_columns_are_kept(own_copy):
    own_copy.execute(
        """ALTER TABLE daily.ztile ADD myclass text, ADD seen int NOT NULL DEFAULT 3;
           ALTER TABLE daily.tile ADD mine int NOT NULL DEFAULT 1;
           ALTER TABLE daily.exposure ADD remark jsonb;
           UPDATE daily.ztile SET myclass = targetid::text; UPDATE daily.tile SET mine = 7"""
    )
    tileid, gone, *_ = own_copy.tileids()
    path = own_copy.redrock(tileid)[0]
    edit(path, "REDSHIFTS", lambda table: table["ZERR"].__setitem__(0, 0.25))
    own_copy.drop_tile(gone)
    done = own_copy.sync(delete=True)
    assert done.failed == {}
    assert [result.tileid for result in done.removed] == [gone]
    assert [result.tileid for result in done.loaded] == [tileid]
    assert own_copy.query("SELECT count(*) FROM daily.ztile WHERE zerr = 0.25") == [(1,)]
    assert own_copy.query("SELECT bool_and(myclass = targetid::text) FROM daily.ztile") == [(True,)]
    assert own_copy.sync(dry_run=True).loaded == []
    assert own_copy.query("SELECT DISTINCT mine FROM daily.tile") == [(7,)]
    with pytest.raises(DatabaseError, match="tile has columns that are not of its definition: min"):
        own_copy.tile(tileid, overwrite=True)
    assert own_copy.query("SELECT DISTINCT mine FROM daily.tile") == [(7,)]


def test_a_column_that_came_while_the_lock_was_waited_for(own_copy):
    tileid, listener = own_copy.tileids()[0], Heard()
    options = TileOptions(own_copy.schema, overwrite=True)

    def work():
        return load_tiles(own_copy.conninfo, own_copy.inputs, [tileid], options, listener)

    add = "ALTER TABLE daily.tile ADD mine int"
    with (
        open_transaction(own_copy.conninfo, add) as other,
        meanwhile(work, other) as running,
    ):
        listener.await_line("notebook", running)
        other.commit()
        with pytest.raises(DatabaseError, match="not of its definition: mine"):
            running.result()
    assert own_copy.query("SELECT count(mine) FROM daily.tile") == [(0,)]


def test_another_definition_is_refused(own_copy):
    own_copy.execute("ALTER TABLE daily.ztile ALTER z TYPE real")
    text = "daily.ztile is not as it is defined: z float4 NOT NULL, not z float8 NOT NULL; "
    for options in ({}, {"dry_run": True}):
        with pytest.raises(DatabaseError, match=text):
            own_copy.sync(**options)


def test_views_of_the_schema_come_along(own_copy):
    own_copy.execute(
        f"""CREATE VIEW daily.mine AS SELECT tileid FROM daily.ztile;
            COMMENT ON VIEW daily.mine IS '{MARK}'"""
    )
    tileid = own_copy.tileids()[0]
    assert own_copy.tile(tileid, overwrite=True).failed == {}
    assert own_copy.query("SELECT DISTINCT tileid FROM daily.mine") == [(tileid,)]


def test_readers_stay(own_copy):
    tileid = own_copy.tileids()[0]
    assert own_copy.tile(tileid, overwrite=True, partitions=2).failed == {}
    own_copy.execute("GRANT SELECT ON daily.ztile, daily.ztile_p1 TO pg_monitor")
    with connect(own_copy.conninfo) as connection:
        before = readers(connection, own_copy.schema)
        assert before == {"ztile": {"pg_monitor"}, "ztile_p1": {"pg_monitor"}}
        assert own_copy.tile(tileid, overwrite=True, partitions=2).failed == {}
        assert readers(connection, own_copy.schema) == before


def test_other_rights(own_copy):
    """Those to columns stay, those to write are named."""
    tileid = own_copy.tileids()[0]
    columns = "GRANT SELECT (z) ON daily.ztile TO pg_monitor"
    own_copy.execute(f"{columns}; GRANT INSERT ON daily.tile TO pg_monitor")
    heard, options = Heard(), TileOptions(own_copy.schema, overwrite=True)
    load_tiles(own_copy.conninfo, own_copy.inputs, [tileid], options, heard)
    rights = f'GRANT INSERT ON "{own_copy.schema}"."tile" TO "pg_monitor"'
    named = f"gone with the old table: rights that {rights} gives again"
    assert heard.having("gone with the old table") == [named]
    may = "SELECT has_column_privilege('pg_monitor', 'daily.ztile', 'z', 'SELECT')"
    assert own_copy.query(may) == [(True,)]
