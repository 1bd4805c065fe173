"""Writes the patched tables into a copy of the exposures file, with everything else as it was."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from specprod_copy.patch_summary.table import SummaryTable

if TYPE_CHECKING:
    from astropy.io import fits

_BLOCK = 2880


def write_patched_fits(tables: Sequence[SummaryTable], to: Path) -> list[str]:
    """Write tables of one file, patched, after its primary HDU.

    Headers, columns that were not patched and their order are those of the original. A text
    column is widened when a text would not fit; checksums are renewed.

    Parameters
    ----------
    tables : sequence of SummaryTable
        All of the same `path`, each of its own HDU.
    to : pathlib.Path
        The file to write.

    Returns
    -------
    list of str
        The columns that were widened, in words.

    Raises
    ------
    InputError
        If a patched column is stored in a way that its values cannot be written to.
    """
    from astropy.io import fits  # takes half a second, and few commands need it

    notes: list[str] = []
    with fits.open(tables[0].path, memmap=False) as original:
        patched = [_patched(original[table.hdu], table, notes) for table in tables]
        fits.HDUList([original[0], *patched]).writeto(to)
    return notes


def _patched(hdu: fits.BinTableHDU, table: SummaryTable, notes: list[str]) -> fits.BinTableHDU:
    """Return an HDU with the patched columns in it."""
    header = hdu.header.copy()
    records = hdu.data.view(np.ndarray)  # as stored: nothing scaled, nothing decoded
    fields = {field.strip().upper(): field for field in hdu.columns.names}
    new = {fields[name]: _stored(table.frame[name]) for name in fields if name in table.patched}
    types = _wide_enough(records.dtype, new)
    for number, (name, field) in enumerate(fields.items(), start=1):
        if field in new and (f"TSCAL{number}" in header or f"TZERO{number}" in header):
            raise table.error("is stored scaled (TSCAL, TZERO) and cannot be patched", name)
        before, after = records.dtype[field].itemsize, types[field].itemsize
        if after != before:
            header[f"TFORM{number}"] = f"{after}A"
            notes.append(f"{name} of {table.name} was widened from {before} to {after} characters")
    written = np.empty(len(records), np.dtype(list(types.items())))
    for field in types:
        written[field] = new.get(field, records[field])
    header["NAXIS1"] = written.itemsize
    return _assembled(header, written)


def _stored(values: pl.Series) -> np.ndarray:
    """Return values as NumPy stores them, text as bytes."""
    if values.dtype != pl.String:
        return values.to_numpy()
    return np.array(values.fill_null("").cast(pl.Binary).to_list(), dtype=np.bytes_)


def _wide_enough(record: np.dtype, new: dict[str, np.ndarray]) -> dict[str, np.dtype]:
    """Return the types of the columns of a record, with room for the new texts."""
    types = {field: record[field] for field in record.names or ()}
    for field, values in new.items():
        if values.dtype.kind == "S" and values.dtype.itemsize > types[field].itemsize:
            types[field] = values.dtype
    return types


def _assembled(header: fits.Header, records: np.ndarray) -> fits.BinTableHDU:
    """Make an HDU from its bytes: astropy would make a new header from the columns."""
    from astropy.io import fits

    data = records.tobytes()
    padding = bytes(-len(data) % _BLOCK)
    hdu = fits.BinTableHDU.fromstring(header.tostring().encode("ascii") + data + padding)
    if "CHECKSUM" in header:
        hdu.add_checksum()
    return hdu
