"""A zero whose sign changed is another value."""

from __future__ import annotations

from support.daily_tiles import demo, edit, empty, loaded, own_copy

from specprod_copy.plan.tile_states import Verdict

__all__ = ["demo", "empty", "loaded", "own_copy"]


def test_sign_of_a_redshift_error(own_copy):
    tileid = own_copy.tileids()[0]
    path = own_copy.redrock(tileid)[0]
    query = "SELECT id, zerr::text FROM daily.ztile WHERE tileid = %s AND zerr = 0"
    for zero, text in ((0.0, "0"), (-0.0, "-0")):
        edit(path, "REDSHIFTS", lambda table, zero=zero: table["ZERR"].__setitem__(0, zero))
        [result] = own_copy.tile(tileid, update=True).loaded
        assert (result.changed, result.removed) == (1, 0)
        [(_, found)] = own_copy.query(query, tileid)
        assert found == text


def test_sign_in_the_exposures_file(own_copy):
    """It is noticed by a look at the summary files alone."""
    tileid = own_copy.tileids()[0]
    for zero, text in ((0.0, "0"), (-0.0, "-0")):

        def change(table, zero=zero):
            row = table["TILEID"].tolist().index(tileid)
            table["EBV"][row] = zero

        own_copy.change_exposures(change)
        [changed] = own_copy.sync(dry_run=True).having(Verdict.CHANGED)
        assert changed.reason == "values of exposure"
        assert own_copy.sync().failed == {}
        assert own_copy.query("SELECT ebv::text FROM daily.exposure WHERE ebv = 0") == [(text,)]


def test_rows_with_one_key(own_copy):
    """Of two rows with one key one would vanish."""
    tileid = own_copy.tileids()[0]

    def repeat(table):
        row = table["TILEID"].tolist().index(tileid)
        table.insert_row(row, table[row])
        table["EBV"][row] = 0.5

    own_copy.change_exposures(repeat)
    before = own_copy.contents()
    failed = own_copy.tile(tileid, update=True).failed
    assert failed.keys() == {tileid}
    assert "several rows for table exposure have the same expid" in failed[tileid]
    assert own_copy.contents() == before
