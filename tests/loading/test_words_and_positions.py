"""Words that tables are joined on, positions that are not exact, lost primaries."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from support.quarantine_case import Case, iron

from specprod_copy.desi import ids
from specprod_copy.errors import BadRowsError

__all__ = ["iron"]


def rewrite(path: Path, hdu: str, change) -> None:
    with fits.open(path) as hdus:
        table = Table(hdus[hdu].data)
        change(table)
        new = [fits.BinTableHDU(table, name=hdu) if h.name == hdu else h.copy() for h in hdus]
        fits.HDUList(new).writeto(path.with_name("new"))
    path.with_name("new").replace(path)


@pytest.mark.parametrize(
    ("table", "hdu"),
    [("tile", "TILE_COMPLETENESS"), ("target", "TARGETPHOT"), ("ztile", "ZCATALOG")],
)
@pytest.mark.parametrize("word", ["DARK", "", "unknown"])
def test_program(iron: Case, table: str, hdu: str, word: str) -> None:
    path = {
        "tile": iron.files.tiles,
        "target": lambda: iron.files.targetphot()[0],
        "ztile": iron.files.zall_tilecumulative,
    }[table]()
    row = 0
    if table == "ztile":
        row = int(ids_kept(path).argmax())
    iron.change(path, hdu, "PROGRAM", row, word)
    with pytest.raises(BadRowsError) as caught:
        iron.load(table, quarantine=False)
    assert caught.value.message == (
        "none of backup, bright, bright1b, dark, dark1b, other "
        f"(row {row}: {word[:6]!r}; rows counted from 0)"
    )
    assert (caught.value.path, caught.value.hdu) == (path, hdu)


def ids_kept(path: Path) -> np.ndarray:
    targetid = fits.getdata(path, "ZCATALOG")["TARGETID"]
    return np.array([t > 0 and not ids.decode_targetid(int(t))["sky"] for t in targetid])


def test_odd_words(iron: Case) -> None:
    iron.change(iron.files.tiles(), "TILE_COMPLETENESS", "GOALTYPE", 1, "DARK")
    iron.change(iron.files.tiles(), "TILE_COMPLETENESS", "GOALTYPE", 2, "unknown")
    iron.change(iron.files.exposures(), "EXPOSURES", "PROGRAM", 0, "")
    output = iron.load("exposures", code=0)
    redux = "spectro/redux/iron"
    assert (
        f"note: {redux}/tiles-iron.fits[TILE_COMPLETENESS]: GOALTYPE is blank, unknown or has "
        "capitals in 2 rows, e.g. 'DARK'\n"
    ) in output
    assert (
        f"note: {redux}/exposures-iron.fits[EXPOSURES]: PROGRAM is blank, unknown or has capitals "
        "in 1 row, e.g. ''\n"
    ) in output
    assert "capitals" not in iron.load("exposures", code=0)


def test_names_of_narrow_positions(iron: Case) -> None:
    path = iron.files.zall_pix()
    own = {int(r["TARGETID"]): r["DESINAME"].strip() for r in fits.getdata(path, "ZCATALOG")}
    exact = {
        int(r["TARGETID"]): ids.desiname(float(r["TARGET_RA"]), float(r["TARGET_DEC"]))
        for r in fits.getdata(path, "ZCATALOG")
        if 0 <= r["TARGET_RA"] < 360 and -90 <= r["TARGET_DEC"] <= 90
    }
    short = next(t for t in exact if t > 0 and not ids.decode_targetid(t)["sky"])

    def narrow(table: Table) -> None:
        for name in ("TARGET_RA", "TARGET_DEC"):
            table.replace_column(name, table[name].astype("f4"))
        table["DESINAME"][table["TARGETID"] == short] = "DESI J000.500+01.2345"

    rewrite(path, "ZCATALOG", narrow)
    output = iron.load("zpix", code=0)
    assert "4 bytes: names are those of its column DESINAME" in output
    names = dict(iron.query("SELECT targetid, desiname FROM iron.zpix"))
    assert {t: name for t, name in names.items() if t != short} == {
        t: own[t] for t in names if t != short
    }
    assert len(names[short]) == 22
    assert names[short] != "DESI J000.500+01.2345"
    assert iron.verify("zpix") == {}


def test_primary_in_quarantine(iron: Case) -> None:
    path = iron.files.zall_pix()
    table = fits.getdata(path, "ZCATALOG")
    kept = ids_kept(path)
    row = int((kept & table["ZCAT_PRIMARY"]).argmax())
    other = int((kept & ~table["ZCAT_PRIMARY"].astype(bool)).argmax())
    iron.change(path, "ZCATALOG", "SURVEY", row, "xyz")
    note = (
        "note: zpix: the primary spectra of 1 targets are in quarantine; specprod-copy primary "
        "--schema iron chooses the next ones"
    )
    assert note in iron.load("zpix")
    if kept[other] and not table["ZCAT_PRIMARY"][other]:
        iron.change(path, "ZCATALOG", "SURVEY", row, table["SURVEY"][row - 1])
        iron.change(path, "ZCATALOG", "SURVEY", other, "xyz")
        assert "primary spectra" not in iron.load("zpix", "--overwrite", "--yes")
