"""Files of later releases: wider types, a fourth band, HEALPixels of several sizes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import psycopg
import pytest
from astropy.io import fits
from astropy.table import Table
from click.testing import CliRunner
from support.quarantine_case import Case, iron

from specprod_copy.cli import cli
from specprod_copy.demo import write_production
from specprod_copy.errors import BadRowsError, InputError

__all__ = ["iron"]


def rewrite(path: Path, hdu: str, change, **keywords: object) -> None:
    with fits.open(path) as hdus:
        table = Table(hdus[hdu].data)
        change(table)
        new = [fits.BinTableHDU(table, name=hdu) if h.name == hdu else h.copy() for h in hdus]
        for made in new:
            if made.name == hdu:
                made.header.update(keywords)
        fits.HDUList(new).writeto(path, overwrite=True)


@pytest.mark.parametrize("dtype", ["i2", "i4"])
def test_maskbits(iron: Case, dtype: str) -> None:
    """They are 16-bit numbers in files of DR9, and 32-bit ones in those of DR10."""
    most = np.iinfo(dtype).max

    def change(table: Table) -> None:
        table.replace_column("MASKBITS", np.asarray(table["MASKBITS"]).astype(dtype))
        table["MASKBITS"][0] = most

    for path in iron.files.tractorphot():
        rewrite(path, "TRACTORPHOT", change)
    iron.load("photometry", code=0)
    assert iron.query("SELECT max(maskbits) FROM iron.photometry") == [(most,)]
    assert iron.verify("photometry") == {}


FOURTH_BAND = {
    "FLUX_I": "f4",
    "FLUX_IVAR_I": "f4",
    "MW_TRANSMISSION_I": "f4",
    "NOBS_I": "i2",
    "ALLMASK_I": "i2",
    "FIBERFLUX_I": "f4",
    "FIBERTOTFLUX_I": "f4",
}
"""Some of the columns of DR10: each is optional."""


def fourth_band(table: Table) -> None:
    for number, (name, dtype) in enumerate(FOURTH_BAND.items(), start=1):
        table[name] = (np.arange(len(table)) * number).astype(dtype)


def differences(database: str, schema: str, *tables: str) -> str:
    command = ["diff", *tables, "--schema", schema, "--dsn", database]
    return CliRunner().invoke(cli, command, catch_exceptions=False).output


def test_fourth_band(iron: Case) -> None:
    """The columns that Tractor files have, at the end; other targets have 0."""
    known = {}
    for path in iron.files.tractorphot():
        rewrite(path, "TRACTORPHOT", fourth_band)
        for row in fits.getdata(path, "TRACTORPHOT"):
            known[int(row["TARGETID"])] = tuple(row[name].item() for name in FOURTH_BAND)
    iron.load("photometry", "targetphot", code=0)
    columns = iron.query(
        """SELECT attname FROM pg_attribute
           WHERE attrelid = 'iron.photometry'::regclass AND attnum > 0 ORDER BY attnum"""
    )
    assert [name for (name,) in columns[-8:]] == ["targetid", *map(str.lower, FOURTH_BAND)]
    rows = iron.query(f"SELECT targetid, {', '.join(FOURTH_BAND)} FROM iron.photometry")
    nothing = (0,) * len(FOURTH_BAND)
    assert {row[0]: row[1:] for row in rows} == {row[0]: known.get(row[0], nothing) for row in rows}
    assert len(rows) > len(known) > 10
    assert iron.verify("photometry", "targetphot") == {}
    assert "no differences" in differences(iron.conninfo, "iron", "photometry")


def test_fourth_band_in_some_files_alone(iron: Case) -> None:
    first, second, *_ = iron.files.tractorphot()
    rewrite(first, "TRACTORPHOT", fourth_band)
    with pytest.raises(InputError, match=r"no column FLUX_I, .*which table photometry needs") as at:
        iron.load("photometry", quarantine=False)
    assert at.value.path == second
    assert iron.query("SELECT to_regclass('iron.photometry')") == [(None,)]


def test_all_digits_of_exposures_and_frames(tmp_path, database) -> None:
    """Since zcatalog v2; before that they are rounded to 4 bytes, as ever."""
    write_production(tmp_path, "matterhorn", tiles=4, targets=20)
    redux = tmp_path / "spectro/redux/matterhorn"
    production = ["--specprod", "matterhorn", "--root", str(tmp_path), "--dsn", database]
    production += ["--config", str(tmp_path / "productions-matterhorn.toml")]
    for command in (["load", "exposures"], ["verify", "exposures"], ["status"]):
        done = CliRunner().invoke(cli, [*command, *production], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        assert "rounded" not in done.output
        assert "not as" not in done.output
    with psycopg.connect(database) as connection:
        for table, hdu, key in (("exposure", "EXPOSURES", "expid"), ("frame", "FRAMES", "camera")):
            data = fits.getdata(redux / "exposures-matterhorn.fits", hdu)
            there = connection.execute(
                """SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass
                   AND atttypid IN ('real'::regtype, 'double precision'::regtype)""",
                (f"matterhorn.{table}",),
            ).fetchall()
            wide = [name.upper() for (name,) in there]
            assert len(wide) > 8
            names = ", ".join(wide)
            rows = connection.execute(
                f"SELECT {names} FROM matterhorn.{table} ORDER BY expid, {key}"
            ).fetchall()
            order = np.lexsort((data[key.upper()], data["EXPID"]))
            expected = [tuple(data[name][row].item() for name in wide) for row in order]
            assert rows == expected
    assert "no differences" in differences(database, "matterhorn", "exposure", "frame")


def uniqpix(table: Table) -> None:
    """Take every second HEALPixel at half the resolution."""
    nside = np.where(np.arange(len(table)) % 2, 64, 32)
    table["HEALPIX"] = np.where(nside == 64, table["HEALPIX"], table["HEALPIX"] // 4)
    table["SPGRPVAL"] = table["HEALPIX"] + 4 * nside**2


@pytest.mark.parametrize("column", [True, False])
def test_uniqpix(iron: Case, column: bool) -> None:
    """The group is what the file says, in a column or in its header."""
    path = iron.files.zall_pix()

    def change(table: Table) -> None:
        uniqpix(table)
        if column:
            table["SPGRP"] = "uniqpix"

    rewrite(path, "ZCATALOG", change, **({} if column else {"SPGRP": "uniqpix"}))
    iron.load("zpix", code=0)
    known = {
        int(row["TARGETID"]): ("uniqpix", int(row["SPGRPVAL"]), int(row["HEALPIX"]))
        for row in fits.getdata(path, "ZCATALOG")
    }
    rows = iron.query("SELECT targetid, spgrp, spgrpval, healpix FROM iron.zpix")
    assert {row[0]: row[1:] for row in rows} == {row[0]: known[row[0]] for row in rows}
    assert any(row[2] != row[3] for row in rows)
    assert iron.verify("zpix") == {}


def test_uniqpix_without_a_value(iron: Case) -> None:
    """A HEALPIX cannot stand in for it."""
    path = iron.files.zall_pix()
    rewrite(path, "ZCATALOG", lambda t: t.remove_column("SPGRPVAL"), SPGRP="uniqpix")
    with pytest.raises(BadRowsError, match=r"column HEALPIX\+SPGRP: NULL in a NOT NULL column"):
        iron.load("zpix", quarantine=False)
    assert iron.query("SELECT to_regclass('iron.zpix')") == [(None,)]


def test_unknown_group(iron: Case) -> None:
    path = iron.files.zall_pix()
    rewrite(path, "ZCATALOG", lambda t: t.add_column("cumulative", name="SPGRP"))
    with pytest.raises(BadRowsError, match="column SPGRP: neither healpix nor uniqpix"):
        iron.load("zpix", quarantine=False)
