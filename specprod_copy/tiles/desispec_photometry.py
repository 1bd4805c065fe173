"""The program that `specprod_copy.tiles.gathering` runs; the only place that imports desispec."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from specprod_copy.errors import InputError
from specprod_copy.reader import read_table
from specprod_copy.reader.text import from_astropy
from specprod_copy.tables import common

_BRICK = ("RELEASE", "BRICKID", "BRICKNAME", "BRICK_OBJID", "PHOTSYS")
"""By these a target is found in Tractor."""


def main(assigned: Path, tileid: int, folder: Path) -> None:
    """Write the files ``tractor`` and ``targeting``, in Arrow's format.

    Parameters
    ----------
    assigned : pathlib.Path
        A fiberassign file, below the folder of its first three digits.
    tileid : int
    folder : pathlib.Path
        Gets the files.
    """
    from astropy.table import Table
    from desispec.io.photo import gather_targetphot, gather_tractorphot

    targets = read_table(assigned, ("TARGETS",), ("TARGETID", "RA", "DEC"))
    targets = targets.filter(common.NO_SKY).unique("TARGETID", keep="first", maintain_order=True)
    names = {"TARGETID": "TARGETID", "RA": "TARGET_RA", "DEC": "TARGET_DEC"}
    asked = Table({new: targets[old].to_numpy() for old, new in names.items()})
    asked["TILEID"] = np.full(len(asked), tileid, np.int32)
    targeting = gather_targetphot(asked.copy(), fiberassign_dir=str(assigned.parent.parent))
    # As in the public catalogs: a proper motion is known in both directions or not at all.
    unknown = np.isnan(targeting["PMRA"]) | np.isnan(targeting["PMDEC"])
    for name in ("PMRA", "PMDEC"):
        targeting[name][unknown] = 0
    for name in _BRICK:
        asked[name] = targeting[name]
    targeting["TILEID"] = asked["TILEID"]
    tractor = gather_tractorphot(asked)
    tractor = tractor[tractor["BRICKNAME"] != ""]
    for name, table in (("tractor", tractor), ("targeting", targeting)):
        frame(table, assigned).write_ipc(folder / name)


def frame(table: Any, path: Path) -> pl.DataFrame:
    """Return an astropy table, whose numbers may be of either byte order, as a frame.

    Blanks at the end of text are dropped, as they are when text is read from FITS.
    """
    fault = partial(InputError, path=path)
    native = (table[name].astype(table[name].dtype.newbyteorder("=")) for name in table.colnames)
    columns = zip(table.colnames, native, strict=True)
    result = pl.DataFrame([from_astropy(name, column, fault) for name, column in columns])
    return result.with_columns(pl.col(pl.String).str.strip_chars_end(" "))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
