"""Two small productions whose summary files agree, to be made faulty and then patched."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from astropy.io import fits

from specprod_copy.errors import InputError
from specprod_copy.patch_summary import Folders, PatchResult, patch_summary
from specprod_copy.patch_summary.raw_headers import raw_file

NOW = datetime(2024, 7, 2, 5, 6, 7, tzinfo=UTC)  # the day before, in California
UPDATED = "2024-07-01T22:06:07-0700"
SURVEYS = ("cmx", "sv1", "sv2", "sv3", "main", "special")

Row = dict[str, Any]


def tile(tileid: int, **values: Any) -> Row:
    row = {"TILEID": tileid, "SURVEY": "main", "PROGRAM": "dark", "FAPRGRM": "dark"}
    row |= {"FAFLAVOR": "maindark", "NEXP": 1, "EXPTIME": 900.5, "TILERA": 10.5, "TILEDEC": -1.25}
    row |= {"EFFTIME_SPEC": 1000.0, "OBSSTATUS": "obsend", "GOALTYPE": "dark"}
    return row | {"LASTNIGHT": 20210102} | values


def exposure(expid: int, tileid: int, **values: Any) -> Row:
    row = {"NIGHT": 20210101, "EXPID": expid, "TILEID": tileid, "TILERA": 10.5, "TILEDEC": -1.25}
    row |= {"MJD": 59215.25, "SURVEY": "main", "PROGRAM": "dark", "FAPRGRM": "dark"}
    row |= {"FAFLAVOR": "maindark", "EFFTIME_SPEC": 500.0, "GOALTYPE": "dark"}
    return row | {"AIRMASS": np.float32(1.1), "TSNR2_LRG": 2.0} | values


def frame(expid: int, camera: str, **values: Any) -> Row:
    row = {"EXPID": expid, "CAMERA": camera, "MJD": 59215.25, "EXPTIME": np.float32(450.0)}
    return row | {"TSNR2_LRG": 1.5, "TSNR2_ALPHA": np.float32(1.0), "GOALTYPE": "dark"} | values


FORMATS = {int: "J", float: "D", np.float32: "E"}


def write_hdu(name: str, rows: list[Row], **keywords: Any) -> fits.BinTableHDU:
    columns = []
    for column in rows[0]:
        values = [row[column] for row in rows]
        width = max(len(value) for value in values) if isinstance(values[0], str) else 0
        tform = f"{max(width, 1)}A" if isinstance(values[0], str) else FORMATS[type(values[0])]
        columns.append(fits.Column(column, tform, array=np.array(values)))
    hdu = fits.BinTableHDU.from_columns(columns, name=name)
    hdu.header.update(keywords)
    return hdu


def write_csv(path: Path, rows: list[Row]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


class Productions:
    """Two productions that agree, to be made faulty and then patched."""

    def __init__(self, root: Path) -> None:
        self.redux, self.raw, self.out = root / "spectro/redux", root / "spectro/data", root / "out"
        tiles, frames = [tile(1), tile(2)], [frame(101, "b0"), frame(101, "z9"), frame(201, "b0")]
        exposures = [exposure(101, 1), exposure(102, 1), exposure(201, 2)]
        self.rows = {
            production: {
                "tiles": [dict(row) for row in tiles],
                "exposures": [dict(row) for row in exposures],
                "frames": [dict(row) for row in frames],
            }
            for production in ("jura", "daily")
        }
        self.jura, self.daily = self.rows["jura"], self.rows["daily"]
        self.keywords: dict[str, Any] = {}

    def file(self, production: str, kind: str) -> Path:
        suffix = {"tiles": "csv", "exposures": "fits"}[kind]
        return self.redux / production / f"{kind}-{production}.{suffix}"

    def write(self) -> None:
        for production, tables in self.rows.items():
            (self.redux / production).mkdir(parents=True, exist_ok=True)
            write_csv(self.file(production, "tiles"), tables["tiles"])
            exposures = write_hdu("EXPOSURES", tables["exposures"], **self.keywords)
            hdus = [fits.PrimaryHDU(), exposures, write_hdu("FRAMES", tables["frames"])]
            fits.HDUList(hdus).writeto(self.file(production, "exposures"), overwrite=True)

    def raw_file(self, night: int, expid: int, **keywords: Any) -> None:
        path = raw_file(self.raw, night, expid)
        path.parent.mkdir(parents=True)
        hdu = fits.ImageHDU(name="SPEC", header=fits.Header(keywords))
        fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(path)

    def patch(self, *, write: bool = True, **options: Any) -> PatchResult:
        if write:
            self.write()
        options = {"folders": Folders(self.redux, self.raw), "now": NOW} | options
        return patch_summary("jura", "daily", self.out, **options)

    def fails(self, message: str, *, write: bool = True) -> None:
        with pytest.raises(InputError) as caught:
            self.patch(write=write)
        assert str(caught.value) == message
        assert not self.out.exists()


def changed(result: PatchResult) -> list[tuple]:
    """Changes but for UPDATED, as (table, TILEID or EXPID, column, old, new, why)."""
    key = pl.coalesce("TILEID", "EXPID")
    rows = result.changes.filter(pl.col("column") != "UPDATED")
    return rows.select("table", key, "column", "old", "new", "why").rows()


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}
