"""FITS files as frames for peers: read as their users would, transformed by the project itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import fitsio
import numpy as np
import polars as pl
from astropy.table import Table
from numpy.typing import NDArray

from specprod_copy.postgres.columns import Column
from specprod_copy.reader import open_table
from specprod_copy.rows.transform import Transform
from specprod_copy.tables import SOURCES


def read_fitsio(path: Path, hdu: str, names: Sequence[str]) -> pl.DataFrame:
    """Read columns of an HDU by fitsio."""
    with fitsio.FITS(path) as file:
        records = file[hdu].read(columns=list(names))
    return pl.DataFrame({name.upper(): _series(records[name]) for name in records.dtype.names})


def read_astropy(path: Path, hdu: str, names: Sequence[str]) -> pl.DataFrame:
    """Read an HDU by astropy, all of it, and take columns."""
    table = Table.read(path, hdu=hdu)
    return pl.DataFrame({name: _series(np.asarray(table[name])) for name in names})


def _series(values: NDArray) -> pl.Series:
    if values.dtype.kind in "SU":
        return pl.Series(values.astype(str)).str.strip_chars_end(" ")
    return pl.Series(np.ascontiguousarray(values, values.dtype.newbyteorder("=")))


def transformed(
    source: str, path: Path, hdu: str, columns: Sequence[Column], *, reader: str, most: int | None
) -> Iterator[pl.DataFrame]:
    """Yield what is read, and then the table's rows with ids and names, as two frames.

    Parameters
    ----------
    source : str
        Name of the `TableSource`.
    path : pathlib.Path
    hdu : str
    columns : sequence of Column
        Columns of the table.
    reader : str
        Name of a function of this module.
    most : int, optional
        Most rows to transform.
    """
    with open_table(path, (hdu,)) as table:
        transform = Transform(SOURCES[source], table, columns)
    frame = globals()[reader](path, hdu, transform.inputs)
    yield frame
    frame = frame.head(most) if most is not None else frame
    yield transform(frame, np.arange(frame.height)).frame
