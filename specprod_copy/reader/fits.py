"""FITS files: their tables are opened here, and headers of HDUs of any kind are read."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from specprod_copy.reader.fits_hdus import find_hdu
from specprod_copy.reader.fits_header import open_bytes
from specprod_copy.reader.fits_table import FitsTable
from specprod_copy.reader.kept import kept
from specprod_copy.reader.keywords import Keywords


def open_fits(path: Path, hdus: Sequence[str] = ()) -> FitsTable:
    """Open a binary table of a FITS file, gzipped or not; see `specprod_copy.reader.open_table`.

    An HDU without EXTNAME is named by its number.
    """
    with ExitStack() as stack:
        file = stack.enter_context(open_bytes(path))
        names = tuple(hdus)
        known: FitsTable | None = kept.table(file, names)
        if known is not None:
            table = known.reopened(path, file)
        else:
            hdu, primary = find_hdu(file, path, hdus)
            table = FitsTable(path, file, hdu, primary)
            # Without the file: that of a gzipped one has buffers, though it be closed.
            kept.keep_table(file, names, table.reopened(path, io.BytesIO()))
        stack.pop_all()
    return table


def read_header(path: Path, hdu: str) -> Mapping[str, object]:
    """Read the header of an HDU of any kind.

    Parameters
    ----------
    path : Path
        The file.
    hdu : str
        Name of the HDU, in any case.

    Returns
    -------
    mapping of str to (str, bool, int, float or None)
        Its keywords; those it lacks are looked up in the primary header.

    Raises
    ------
    InputError
        If there is no such file or HDU.
    """
    with open_bytes(path) as file:
        found, primary = find_hdu(file, path, [hdu])
    return Keywords(found.header, primary.header)
