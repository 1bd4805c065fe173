"""Which HDU of a FITS file is wanted, by its names."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from specprod_copy.errors import InputError
from specprod_copy.reader.fits_header import COMPRESSED_TABLE, Hdu, open_bytes, scan

SHOWN_HDUS = 10
"""An error names so many of those that are there."""

TABLES = ("binary table", COMPRESSED_TABLE)


class Hdus:
    """The HDUs of an open file: each header is read once, and only as far as somebody asks."""

    def __init__(self, file: io.BufferedIOBase, path: Path) -> None:
        self._known: list[Hdu] = []
        self._others = scan(file, path)

    def __iter__(self) -> Iterator[Hdu]:
        yield from self._known
        for hdu in self._others:
            self._known.append(hdu)
            yield hdu


def find_hdu(hdus: Iterable[Hdu], path: Path, names: Sequence[str]) -> tuple[Hdu, Hdu]:
    """Return the first HDU by the order of `names` (without names: table), and the primary one."""
    wanted = [name.upper() for name in names]
    primary: Hdu | None = None
    others: dict[str, Hdu] = {}  # of the names wanted, the first one each
    there: list[str] = []
    n_hdus = 0
    for hdu in hdus:
        primary = primary or hdu
        name = hdu.name.upper()
        if name == wanted[0] if wanted else hdu.kind in TABLES:
            return hdu, primary
        if name in wanted:
            others.setdefault(name, hdu)
        n_hdus += 1
        if n_hdus <= SHOWN_HDUS:
            there.append(f"{hdu.name} ({hdu.kind})")
    assert primary  # without one it is no FITS file
    for name in wanted[1:]:
        if name in others:
            return others[name], primary
    more = f" and {n_hdus - SHOWN_HDUS:,} more" if n_hdus > SHOWN_HDUS else ""
    what = f"HDU {' or '.join(names)}" if names else "binary table"
    raise InputError(f"has no {what}; it has {', '.join(there)}{more}", path=path)


def tables_in(path: Path) -> list[str]:
    """Return the names of the binary tables of a FITS file; one without a name has its number.

    Raises
    ------
    InputError
        If there is no such file, or two of its tables have one name.
    """
    with open_bytes(path) as file:
        names = [hdu.name for hdu in scan(file, path) if hdu.kind in TABLES]
    for n, name in enumerate(names):
        if name.upper() in map(str.upper, names[:n]):
            raise InputError(
                "two tables have this name; only the first one is read", path=path, hdu=name
            )
    return names
