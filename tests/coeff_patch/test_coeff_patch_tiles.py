"""A patch of a table that is filled tile by tile."""

from __future__ import annotations

import pytest
from click.testing import CliRunner
from support.coeff_patch_tools import psql
from support.daily_tiles import Daily, demo, edit, empty, loaded, own_copy

from specprod_copy.cli.render_ddl import render_ddl
from specprod_copy.coeff_patch import apply, patches_of, revert
from specprod_copy.errors import DatabaseError
from specprod_copy.plan.procedures import recorded
from specprod_copy.postgres.connection import connect

__all__ = ["demo", "empty", "loaded", "own_copy"]

PATCHES = patches_of("daily", ["ztile"])
LATER = "no patch was applied since rows were loaded"


@pytest.fixture
def patched(own_copy) -> Daily:
    """Return tiles with other coefficients than in their files."""
    (patch,) = PATCHES
    others = ", ".join(f"coeff_{n} + 1 AS coeff_{n}" for n in range(10))
    own_copy.execute(
        f"""CREATE SCHEMA {patch.patch_schema};
            CREATE TABLE {patch.patch_schema}.{patch.patch} AS
            SELECT id, targetid, {others} FROM daily.ztile;
            ALTER TABLE {patch.patch_schema}.{patch.patch} ADD PRIMARY KEY (id)"""
    )
    apply(own_copy.conninfo, PATCHES)
    return own_copy


def test_later_tiles_are_not_overwritten(patched, cluster):
    tileid = patched.tileids()[0]
    edit(patched.redrock(tileid)[0], "REDSHIFTS", lambda table: table["COEFF"].__setitem__(0, 777))
    assert patched.tile(tileid, update=True).failed == {}
    new = "SELECT count(*) FROM daily.ztile WHERE coeff_0 = 777"
    assert patched.query(new) == [(1,)]
    with pytest.raises(DatabaseError, match=LATER):
        revert(patched.conninfo, PATCHES)
    script = CliRunner().invoke(render_ddl, ["--coeff-patch", "--production", "daily"]).output
    with_ztile_alone = script.replace("zpix", "ztile")
    assert LATER in psql(cluster, patched.conninfo, with_ztile_alone, code=3, revert="on")
    assert patched.query(new) == [(1,)]


def test_a_patch_that_nothing_came_after_is_taken_back(patched):
    saved = f"{PATCHES[0].patch_schema}.{PATCHES[0].backup}"
    revert(patched.conninfo, PATCHES)
    same = f"SELECT bool_and(z.coeff_0 = s.coeff_0) FROM daily.ztile z JOIN {saved} s USING (id)"
    assert patched.query(same) == [(True,)]


def test_nothing_is_left_of_it_when_all_tiles_came_later(patched):
    with connect(patched.conninfo) as connection:
        first, *others = patched.tileids()
        for tileids, since in (([], [False]), ([first], [True]), (others, [])):
            if tileids:
                assert patched.tile(*tileids, update=True).failed == {}
            assert [one.rows_since for one in recorded(connection, "daily")] == since
