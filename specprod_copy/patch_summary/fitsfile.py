"""Writes the patched tables into a copy of the exposures file, with everything else as it was.

A writer that makes headers would lose comments, the order of cards and unknown keywords. So the
bytes of the original are taken, and only patched columns and the cards of widened ones change.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import fitsio
import numpy as np
import polars as pl

from specprod_copy.patch_summary.table import SummaryTable
from specprod_copy.reader.fits_columns import FitsColumn, parse_columns
from specprod_copy.reader.fits_header import BLOCK, Hdu, integer, open_bytes, scan


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
    path = tables[0].path
    with open_bytes(path) as file:
        hdus = list(scan(file, path))
        file.seek(0)
        original = file.read()
    ends = [hdu.start + hdu.size + -hdu.size % BLOCK for hdu in hdus]
    # Of two HDUs of a name the first counts, as for readers.
    found = {h.name.upper(): (end, h) for end, h in reversed([*zip(ends, hdus[1:], strict=False)])}
    notes: list[str] = []
    with to.open("wb") as output:
        output.write(original[: ends[0]])
        for table in tables:
            begin, hdu = found[str(table.hdu)]
            output.write(_patched(original, begin, hdu, table, notes))
    _renew_checksums(to, [found[str(table.hdu)][1] for table in tables])
    return notes


def _patched(original: bytes, begin: int, hdu: Hdu, table: SummaryTable, notes: list[str]) -> bytes:
    """Return an HDU, header and padding included, with the patched columns in it."""
    header = original[begin : hdu.start].decode("latin-1")
    shape = table.frame.height, integer(hdu.header, "NAXIS1", table.error)
    end = hdu.start + shape[0] * shape[1]
    rows = np.frombuffer(original[hdu.start : end], np.uint8).reshape(shape)
    pieces = []
    for number, column in enumerate(parse_columns(hdu.header, table.error).by_name.values(), 1):
        piece = rows[:, column.offset : column.offset + column.width]
        if column.name in table.patched:
            if f"TSCAL{number}" in hdu.header or f"TZERO{number}" in hdu.header:
                raise table.error(
                    "is stored scaled (TSCAL, TZERO) and cannot be patched", column.name
                )
            piece = _stored(table.frame[column.name], column)
            width = piece.shape[1]
            if width > column.width:
                header = _with_value(header, f"TFORM{number}", f"'{width}A'".ljust(10))
                notes.append(
                    f"{column.name} of {table.name} was widened from {column.width} to {width} "
                    "characters"
                )
        pieces.append(piece)
    data = np.concatenate(pieces, axis=1)
    header = _with_value(header, "NAXIS1", f"{data.shape[1]:>20}")
    content = data.tobytes() + original[end : hdu.start + hdu.size]
    return header.encode("latin-1") + content + bytes(-len(content) % BLOCK)


def _stored(values: pl.Series, column: FitsColumn) -> np.ndarray:
    """Return values as bytes of the file, shape (rows, width): text at least as wide as before."""
    if values.dtype == pl.String:
        texts = values.fill_null("").cast(pl.Binary).to_list()
        width = max(column.width, *map(len, texts))
        stored = np.array(texts, dtype=f"S{width}")
    else:
        stored = values.to_numpy().astype(np.dtype(column.stored).newbyteorder(">"))
    return stored.view(np.uint8).reshape(len(values), stored.itemsize)


def _with_value(header: str, key: str, value: str) -> str:
    """Return a header with another value in a card, of which everything else stays.

    A comment moves to the right if it has to, and ends where the card does.
    """
    begin = next(n for n in range(0, len(header), 80) if header.startswith(f"{key:<8}= ", n))
    name, old = header[begin : begin + 10], header[begin + 10 : begin + 80]
    found = re.match(r" *('[^']*'|[^ /]*) *", old)
    assert found is not None
    card = name + value.ljust(found.end()) + old[found.end() :]
    return header[:begin] + card[:80] + header[begin + 80 :]


def _renew_checksums(path: Path, hdus: Sequence[Hdu]) -> None:
    stale = [n for n, hdu in enumerate(hdus, 1) if {"CHECKSUM", "DATASUM"} & set(hdu.header)]
    if stale:
        with fitsio.FITS(str(path), "rw") as file:
            for number in stale:
                file[number].write_checksum()
