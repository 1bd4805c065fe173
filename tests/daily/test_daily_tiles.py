"""Single tiles of a demo production: what is loaded, refused, replaced and removed."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from support.daily_tiles import Daily, demo, edit, empty, loaded, own_copy
from xxhash import xxh3_128_hexdigest

from specprod_copy.errors import DatabaseError, InputError
from specprod_copy.loading.api import load
from specprod_copy.loading.options import LoadOptions
from specprod_copy.plan.tile_states import Verdict
from specprod_copy.postgres import ddl
from specprod_copy.tables import specprod_catalogue

__all__ = ["demo", "empty", "loaded", "own_copy"]


def test_tables_are_complete_and_joined(loaded):
    tileids = loaded.tileids()
    assert len(tileids) == 3
    shared = "SELECT targetid FROM daily.target GROUP BY targetid HAVING count(*) > 1"
    assert len(loaded.query(shared)) > 10
    counts = dict(loaded.query("SELECT tileid, count(*) FROM daily.ztile GROUP BY 1"))
    assert counts.keys() == set(tileids)
    names = {name for (name,) in loaded.query("SELECT conname FROM pg_constraint")}
    wanted = ddl.statements(
        specprod_catalogue().definition,
        ["ztile", "target", "frame"],
        ["keys", "foreign_keys"],
        schema="x",
    )
    made = [statement.makes for statement in wanted]
    assert {one.name for one in made if one.kind == "constraint"} <= names
    entries = loaded.query(
        "SELECT details -> 'tileid', inputs FROM daily.load_ledger ORDER BY details -> 'tileid'"
    )
    assert [tileid for tileid, _ in entries] == tileids
    for tileid, inputs in entries:
        assert sum("redrock-" in i["file"] for i in inputs) == len(loaded.redrock(tileid))
        for made_of in inputs:
            path = loaded.root / made_of["file"]
            assert path.stat().st_size == made_of["size"]
            assert xxh3_128_hexdigest(path.read_bytes()) == made_of["digest"]


def test_lowest_tile_decides_in_either_order(loaded, empty):
    for tileid in reversed(loaded.tileids()):
        empty.tile(tileid)
    assert empty.contents() == loaded.contents()


# What has changed in the files ------------------------------------------------------------------


def only_change(daily: Daily) -> tuple[int, str]:
    """Return the only tile that changed, and why."""
    (found,) = daily.sync(dry_run=True).having(Verdict.CHANGED)
    return found.tileid, found.reason


def test_later_updated_alone(own_copy):
    first, *_ = own_copy.tileids()
    own_copy.change_tile(first, UPDATED="2031-01-01T00:00:00-0700")
    tileid, reason = only_change(own_copy)
    assert tileid == first
    assert reason.startswith("UPDATED ") and reason.endswith("became 2031-01-01T00:00:00-0700")
    before = own_copy.places()
    (result,) = own_copy.sync().loaded
    assert (result.tileid, result.changed, result.removed) == (first, 0, 0)
    assert own_copy.places() == before
    assert own_copy.sync().loaded == []


def test_values_of_tile_exposure_and_frame(own_copy):
    first, second, third = own_copy.tileids()
    own_copy.change_tile(first, GOALTIME=123.5)
    own_copy.change_exposures(lambda t: t["SEEING_ETC"].__setitem__(t["TILEID"] == second, 9.25))
    own_copy.change_exposures(
        lambda t: t["EBV"].__setitem__(t["TILEID"] == third, 0.5), hdu="FRAMES"
    )
    changed = own_copy.sync(dry_run=True).having(Verdict.CHANGED)
    assert {f.tileid: f.reason for f in changed} == {
        first: "values of tile",
        second: "values of exposure",
        third: "values of frame",
    }
    assert len(own_copy.sync().loaded) == 3
    assert own_copy.query("SELECT goaltime FROM daily.tile WHERE tileid = %s", first) == [(123.5,)]
    query = "SELECT DISTINCT tileid FROM daily.exposure WHERE seeing_etc = 9.25"
    assert own_copy.query(query) == [(second,)]
    assert own_copy.query("SELECT DISTINCT tileid FROM daily.frame WHERE ebv = 0.5") == [(third,)]


def test_exposure_that_lost_its_efftime(own_copy):
    tileid = own_copy.query(
        "SELECT tileid FROM daily.exposure GROUP BY 1 HAVING count(*) > 1 ORDER BY 1 LIMIT 1"
    )[0][0]
    query = "SELECT expid FROM daily.{} WHERE tileid = %s GROUP BY 1 ORDER BY 1"
    (lost,), *kept = own_copy.query(query.format("exposure"), tileid)
    own_copy.change_exposures(lambda t: t["EFFTIME_SPEC"].__setitem__(t["EXPID"] == lost, np.nan))
    assert only_change(own_copy) == (tileid, "values of exposure, frame")
    assert own_copy.sync().failed == {}
    for table in ("exposure", "frame"):
        assert own_copy.query(query.format(table), tileid) == kept


def test_target_that_a_tile_gives_up(own_copy):
    """Its photometry is that of the next tile, or goes away when there is none."""
    first = own_copy.tileids()[0]
    assigned = own_copy.inputs.files.fiberassign([first])[first]
    kept = own_copy.query("SELECT targetid FROM daily.target WHERE tileid <> %s", first)
    mine = own_copy.query("SELECT targetid FROM daily.target WHERE tileid = %s", first)
    shared, own = set(mine) & set(kept), set(mine) - set(kept)
    assert len(shared) > 3
    assert len(own) > 3
    gone = [*sorted(shared)[:3], *sorted(own)[:3]]
    gone_ids = [targetid for (targetid,) in gone]

    def give_up(table: Table) -> None:
        table.remove_rows(np.isin(table["TARGETID"], gone_ids))

    edit(assigned, ("TARGETS", "FIBERASSIGN", "POTENTIAL_ASSIGNMENTS"), give_up)
    for path in own_copy.redrock(first):
        if np.isin(fits.getdata(path, "REDSHIFTS")["TARGETID"], gone_ids).any():
            edit(path, ("REDSHIFTS", "FIBERMAP", "EXP_FIBERMAP", "TSNR2"), give_up)
    assert own_copy.tile(first, update=True).failed == {}
    fresh = Daily(own_copy.root, own_copy.conninfo, "fresh")
    fresh.sync()
    assert own_copy.contents() == fresh.contents()
    left = own_copy.query(
        "SELECT targetid FROM daily.photometry WHERE targetid = ANY(%s)", gone_ids
    )
    assert set(left) == set(gone[:3])


def test_tile_that_vanished(own_copy):
    first, *others = own_copy.tileids()
    before = own_copy.contents()
    own_copy.drop_tile(first)
    (found,) = own_copy.sync().having(Verdict.OBSOLETE)
    assert (found.tileid, found.reason) == (first, "vanished from the tiles file")
    assert own_copy.contents() == before
    (lastnight,) = own_copy.query("SELECT lastnight FROM daily.tile WHERE tileid = %s", first)[0]
    assert own_copy.sync(delete=True, since=lastnight + 1).removed == []
    (result,) = own_copy.sync(delete=True).removed
    assert result.tileid == first
    assert own_copy.tileids() == others
    fresh = Daily(own_copy.root, own_copy.conninfo, "fresh")
    fresh.sync()
    assert own_copy.contents() == fresh.contents()
    assert own_copy.query("SELECT count(*) FROM daily.load_ledger") == [(len(others),)]


def test_tile_that_is_not_loadable_any_more(own_copy):
    first, *others = own_copy.tileids()
    own_copy.change_tile(first, EFFTIME_SPEC="nan")
    (found,) = own_copy.sync().having(Verdict.OBSOLETE)
    assert (found.tileid, found.reason) == (first, "EFFTIME_SPEC is NaN")
    assert own_copy.tileids() == [first, *others]
    own_copy.sync(delete=True)
    assert own_copy.tileids() == others


def test_redshifts_that_are_not_there_yet(own_copy):
    first, *_ = own_copy.tileids()
    own_copy.change_tile(first, LASTNIGHT=20301231)
    before = own_copy.contents()
    summary = own_copy.sync(delete=True)
    assert (summary.loaded, summary.removed, summary.failed) == ([], [], {})
    reasons = {f.tileid: f.reason for f in summary.having(Verdict.NOT_LOADABLE)}
    assert reasons[first].startswith("no redshift files of night 20301231 yet; that of ")
    assert own_copy.contents() == before


def test_petal_that_came_later(own_copy, loaded):
    first, *_ = own_copy.tileids()
    path = own_copy.redrock(first)[0]
    hidden = path.rename(path.with_suffix(".hidden"))
    assert only_change(own_copy) == (first, "other redshift files")
    (result,) = own_copy.sync().loaded
    assert int(path.name.split("-")[1]) in result.missing_petals
    assert result.removed > 0
    hidden.rename(path)
    own_copy.sync()
    assert own_copy.contents() == loaded.contents()


def test_bad_tile_does_not_hide_the_others(own_copy):
    first, second, *_ = own_copy.tileids()
    own_copy.change_tile(first, SURVEY="unknown")
    own_copy.change_tile(second, GOALTIME=1.5)
    before = own_copy.query("SELECT * FROM daily.tile WHERE tileid = %s", first)
    summary = own_copy.sync()
    assert [result.tileid for result in summary.loaded] == [second]
    (failed,) = summary.failed.items()
    assert failed[0] == first
    assert "column SURVEY: none of cmx, " in failed[1]
    assert own_copy.query("SELECT * FROM daily.tile WHERE tileid = %s", first) == before


# What is refused --------------------------------------------------------------------------------


def test_changed_tile_needs_update(own_copy):
    first, second, *_ = own_copy.tileids()
    own_copy.change_tile(first, GOALTIME=1.5)
    before = own_copy.contents()
    summary = own_copy.tile(first, second)
    assert summary.failed == {first: "changed (values of tile); --update replaces it"}
    assert [f.tileid for f in summary.having(Verdict.SAME)] == [second]
    assert own_copy.contents() == before
    assert own_copy.tile(first, second, update=True).failed == {}
    assert own_copy.query("SELECT goaltime FROM daily.tile WHERE tileid = %s", first) == [(1.5,)]


def test_unknown_tile(empty):
    with pytest.raises(InputError) as caught:
        empty.tile(1, 7777)
    assert str(caught.value) == f"{empty.tiles_file}: tile 7777 is not in the file"
    assert empty.query("SELECT 1 FROM pg_namespace WHERE nspname = %s", empty.schema) == []


def test_tile_twice_in_the_file(own_copy):
    rows = own_copy.tile_rows()
    own_copy.write_tiles([*rows, rows[0]])
    with pytest.raises(InputError, match=f"tile {rows[0]['TILEID']} is there more than once"):
        own_copy.sync()


def test_stages_and_tiles_do_not_mix(loaded, empty):
    load(empty.conninfo, empty.inputs, LoadOptions(("exposures",), empty.schema))
    for action in (empty.sync, lambda: empty.tile(1), lambda: empty.sync(dry_run=True)):
        with pytest.raises(DatabaseError, match="has rows that were not loaded tile by tile"):
            action()
    assert empty.tile(*loaded.tileids(), overwrite=True).failed == {}
    assert empty.contents() == loaded.contents()
    with pytest.raises(DatabaseError, match="already has rows that this program did not load"):
        load(empty.conninfo, empty.inputs, LoadOptions(("exposures",), empty.schema))


def test_no_fiberassign_file(own_copy):
    first, *_ = own_copy.tileids()
    own_copy.inputs.files.fiberassign([first])[first].unlink()
    before = own_copy.contents()
    summary = own_copy.tile(first, update=True)
    folder = own_copy.root / "target/fiberassign/tiles"
    assert summary.failed == {first: f"{folder}: no fiberassign file of tile {first} below"}
    assert own_copy.contents() == before
