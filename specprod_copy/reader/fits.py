"""FITS files: their tables are opened here, and headers of HDUs of any kind are read."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from specprod_copy.reader.fits_hdus import Hdus, find_hdu
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
        table = _table(path, file, Hdus(file, path), hdus)
        stack.pop_all()
    return table


@contextmanager
def described_fits(path: Path, wanted: Sequence[Sequence[str]]) -> Iterator[list[FitsTable]]:
    """Yield several tables of a file that is opened once; their rows are not to be read."""
    with open_bytes(path) as file:
        hdus = Hdus(file, path)
        yield [_table(path, file, hdus, names) for names in wanted]


def _table(path: Path, file: io.BufferedIOBase, hdus: Hdus, names: Sequence[str]) -> FitsTable:
    names = tuple(names)
    known: FitsTable | None = kept.table(file, names)
    if known is not None:
        return known.reopened(path, file)
    table = FitsTable(path, file, *find_hdu(hdus, path, names))
    # Without the file: that of a gzipped one has buffers, though it be closed.
    kept.keep_table(file, names, table.reopened(path, io.BytesIO()))
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
        found, primary = find_hdu(Hdus(file, path), path, [hdu])
    return Keywords(found.header, primary.header)
