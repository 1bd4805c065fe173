"""Single tiles of 2026: narrow types of redrock, programs that redshift catalogs do not have."""

from __future__ import annotations

import numpy as np
from astropy.io import fits
from astropy.table import Table
from support.daily_tiles import Daily, demo, edit, empty, loaded, own_copy

__all__ = ["demo", "empty", "loaded", "own_copy"]

NARROW = {
    "ZERR": "f4",
    "ZWARN": "i4",
    "CHI2": "f4",
    "COEFF": "f4",
    "NPIXELS": "i4",
    "NCOEFF": "i2",
    "DELTACHI2": "f4",
    "SUBTYPE": "S3",
}
"""What redrock writes since version 0.22."""


def narrow(table: Table) -> None:
    for name, dtype in NARROW.items():
        table.replace_column(name, np.asarray(table[name]).astype(dtype))


def redshifts(daily: Daily, tileid: int) -> dict[int, list[object]]:
    """Return what a tile's files hold, by target, the coefficients as single values."""
    found = {}
    for path in daily.redrock(tileid):
        for row in fits.getdata(path, "REDSHIFTS"):
            values = [row[name] for name in ("Z", *NARROW) if name != "COEFF"]
            plain = [v.rstrip() if isinstance(v, str) else v.item() for v in values]
            found[int(row["TARGETID"])] = [*plain, *row["COEFF"].tolist()]
    return found


def test_narrow_redrock_files(own_copy):
    first, second, _ = own_copy.tileids()
    for path in own_copy.redrock(first):
        edit(path, "REDSHIFTS", narrow)
    # The petals of a tile may be of two releases.
    edit(own_copy.redrock(second)[0], "REDSHIFTS", narrow)
    summary = own_copy.sync()
    assert summary.failed == {}
    assert [result.tileid for result in summary.loaded] == [first, second]
    names = ["z", *(name.lower() for name in NARROW if name != "COEFF")]
    columns = ", ".join([*names, *(f"coeff_{n}" for n in range(10))])
    for tileid in (first, second):
        rows = own_copy.query(
            f"SELECT targetid, {columns} FROM daily.ztile WHERE tileid = %s", tileid
        )
        known = redshifts(own_copy, tileid)
        assert len(rows) > 10
        assert {row[0]: [*row[1:]] for row in rows} == {row[0]: known[row[0]] for row in rows}


def test_program_is_that_of_the_catalogs(own_copy):
    """They have the spectra of dark1b under dark; table tile tells the two apart."""
    first, second, _ = own_copy.tileids()
    for tileid, program in ((first, "dark1b"), (second, "bright1b")):
        own_copy.change_tile(tileid, PROGRAM=program)
    # Headers say either; those of the first tile have the program of the catalogs.
    for path in own_copy.redrock(second):
        fits.setval(path, "PROGRAM", value="bright1b")
    assert {fits.getval(path, "PROGRAM") for path in own_copy.redrock(first)} == {"dark"}
    assert own_copy.sync().failed == {}
    query = """SELECT tileid, t.program, z.program FROM daily.tile t JOIN daily.ztile z
               USING (tileid) GROUP BY 1, 2, 3 ORDER BY 1"""
    assert own_copy.query(query)[:2] == [
        (first, "dark1b", "dark"),
        (second, "bright1b", "bright"),
    ]


def test_spectra_are_ranked_by_efftime_spec_where_the_table_has_it(own_copy):
    """The column is the user's; it ranks in the reverse order of what counts without it."""
    own_copy.execute("ALTER TABLE daily.ztile ADD COLUMN efftime_spec real")
    own_copy.execute("UPDATE daily.ztile SET efftime_spec = 10000 - tsnr2_lrg, zwarn = 0")
    for tileid in own_copy.tileids():
        for path in own_copy.redrock(tileid):
            edit(path, "REDSHIFTS", lambda t: t["ZWARN"].__setitem__(slice(None), 0))
    assert own_copy.sync().failed == {}
    query = """SELECT count(*), count(*) FILTER (WHERE {0} = best) FROM (
                   SELECT *, max({0}) OVER (PARTITION BY targetid) AS best,
                          count(*) OVER (PARTITION BY targetid) AS n FROM daily.ztile) AS t
               WHERE n > 1 AND zcat_primary"""
    [(targets, best)] = own_copy.query(query.format("efftime_spec"))
    assert best == targets > 3
    [(_, best)] = own_copy.query(query.format("tsnr2_lrg"))
    assert best == 0
