"""Files of later releases: wider bitmasks, HEALPixels of several sizes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from support.quarantine_case import Case, iron

from specprod_copy.errors import BadRowsError

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
