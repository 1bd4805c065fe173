"""Single tiles of 2026: narrow redrock types, DR10, programs that catalogs do not have."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import psycopg
from astropy.io import fits
from astropy.table import Table
from support.daily_tiles import Daily, demo, edit, empty, loaded, own_copy

from specprod_copy.status import schema_status
from specprod_copy.verification import VerifyOptions, verify

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


FOURTH_BAND = {"FLUX_I": "f4", "FLUX_IVAR_I": "f4", "NOBS_I": "i2", "FIBERTOTFLUX_I": "f4"}
"""Some of the columns of DR10: each is optional."""


def fourth_band(table: Table) -> None:
    for number, (name, dtype) in enumerate(FOURTH_BAND.items(), start=1):
        table[name] = (table["TARGETID"] % 10_000 * number).astype(dtype)
    table.replace_column("MASKBITS", np.asarray(table["MASKBITS"]).astype("i4"))
    table["MASKBITS"] |= 1 << 16


def tractor_files(daily: Daily) -> list[Path]:
    return sorted(daily.root.rglob("tractorphot-*.fits"))


def faults(daily: Daily) -> list[str]:
    """Return what `verify` and `status` find wrong."""
    options = VerifyOptions(("all",), daily.schema, alone=True)
    results = verify(daily.conninfo, daily.inputs, options)
    with psycopg.connect(daily.conninfo) as connection:
        status = schema_status(connection, daily.schema, daily.inputs)
    failed = [str(result) for result in results if not result.passed]
    return [*failed, *(f"{table}: {said}" for table, said in status.conflicts.items())]


def test_photometry_of_dr10(own_copy):
    """Tables have its columns if the files have them when the tables are made, and keep them."""
    first, second, _ = own_copy.tileids()
    own_copy.schema = "dr10"
    known = {}
    for path in tractor_files(own_copy):
        edit(path, "TRACTORPHOT", fourth_band)
        for row in fits.getdata(path, "TRACTORPHOT"):
            known[int(row["TARGETID"])] = tuple(row[name].item() for name in FOURTH_BAND)
    assert own_copy.tile(first).failed == {}
    summary = own_copy.sync()
    assert (summary.failed, [n for n in summary.notes if "made without" in n]) == ({}, [])
    rows = own_copy.query(
        f"SELECT targetid, maskbits >> 16, {', '.join(FOURTH_BAND)} FROM daily.photometry"
    )
    nothing = (0,) * len(FOURTH_BAND)
    assert {row[0]: row[2:] for row in rows} == {row[0]: known.get(row[0], nothing) for row in rows}
    assert {row[0] for row in rows if row[1]} == known.keys() & {row[0] for row in rows}
    assert faults(own_copy) == []
    # A tile of DR9 among them is refused, whichever file comes first; the others do not mind.
    lacking = own_copy.root.rglob(f"tractorphot-{first}.fits")
    edit(next(lacking), "TRACTORPHOT", lambda table: table.remove_column("FLUX_I"))
    summary = own_copy.tile(first, update=True)
    assert "no column FLUX_I" in summary.failed[first]
    assert own_copy.tile(second, update=True).failed == {}


def test_tables_made_before_dr10(own_copy):
    """They stay as they are, which is said, until they are made anew."""
    for path in tractor_files(own_copy):
        edit(path, "TRACTORPHOT", fourth_band)
    summary = own_copy.sync()
    assert summary.failed == {}
    [note] = [note for note in summary.notes if "made without" in note]
    assert note == (
        "table daily.photometry was made without FIBERTOTFLUX_I, FLUX_I, FLUX_IVAR_I, NOBS_I, "
        "which the photometry of the production has; tile --overwrite makes the tables anew, with "
        "these columns"
    )
    assert faults(own_copy) == []
    assert own_copy.sync(overwrite=True).failed == {}
    assert own_copy.query("SELECT count(*) > 0 FROM daily.photometry WHERE flux_i > 0") == [(True,)]
    assert faults(own_copy) == []
