"""The two kinds of catalogs, and the patch files that are made of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from specprod_copy.errors import InputError
from specprod_copy.postgres.columns import Column
from specprod_copy.reader import InputTable, open_table
from specprod_copy.reader.joined import open_joined, parts_of
from specprod_copy.reader.look import Stamp
from specprod_copy.tables.coeff_patch import HDUS, ZPIXPATCH, ZTILEPATCH
from specprod_copy.tables.redshift_v2 import EXTRA, is_second_format
from specprod_copy.tables.source import TableSource

_COEFFICIENTS = [(f"COEFF_{n}", "f8") for n in range(10)]


@dataclass(frozen=True)
class Kind:
    """A kind of catalog."""

    table: str
    """The table that is patched."""
    source: TableSource
    """What the patch table is made of."""
    mark: str
    """The column that no other kind has."""
    record: np.dtype
    """A row of the patch file. Text is as wide as the table's columns."""

    @property
    def columns(self) -> list[Column]:
        """The columns of the patch file, by the rules that hold for columns of tables."""
        return [
            Column(name.lower(), *_accepts(dtype))
            for name, (dtype, *_) in (self.record.fields or {}).items()
        ]


def _accepts(dtype: np.dtype) -> tuple[str, bool, int | None]:
    types = {"i4": "int4", "i8": "int8", "f8": "float8"}
    width = dtype.itemsize if dtype.kind == "S" else None
    return "varchar" if width else types[dtype.str[1:]], True, width


KINDS: Final[Mapping[str, Kind]] = {
    kind.table: kind
    for kind in (
        Kind(
            table="zpix",
            source=ZPIXPATCH,
            mark="HEALPIX",
            record=np.dtype(
                [
                    ("TARGETID", "i8"),
                    ("SURVEY", "S7"),
                    ("PROGRAM", "S8"),
                    ("HEALPIX", "i4"),
                    ("DESINAME", "S22"),
                    *_COEFFICIENTS,
                ]
            ),
        ),
        Kind(
            table="ztile",
            source=ZTILEPATCH,
            mark="TILEID",
            record=np.dtype(
                [
                    ("TARGETID", "i8"),
                    ("TILEID", "i4"),
                    ("SPGRPVAL", "i4"),
                    ("DESINAME", "S22"),
                    *_COEFFICIENTS,
                ]
            ),
        ),
    )
}
"""The kinds, by the table that is patched."""

SOURCES: Final = {kind.source.name: kind.source for kind in KINDS.values()}
"""What the patch tables are made of, by name."""


def open_catalog(path: Path) -> InputTable:
    """Open a patch file or a catalog; one of the second format with its extra file, as one table.

    Raises
    ------
    InputError
        If it cannot be read, or its extra file is not there.
    """
    with open_table(path, HDUS) as table:
        second = is_second_format(table)
    places = [(path, HDUS), *([(EXTRA.beside(path), EXTRA.hdus)] if second else [])]
    return open_joined(places, ZTILEPATCH.match)


def stamps_of(path: Path) -> dict[Path, Stamp]:
    """Return the stamps of the files of a catalog, before it is opened to be read.

    Raises
    ------
    InputError
        As `open_catalog`.
    """
    with open_catalog(path) as table:
        paths = [part.path for part in parts_of(table)]
    return {path: Stamp.of(path) for path in paths}


def kind_of(table: InputTable) -> Kind:
    """Return the kind of an open catalog or patch file, by its columns.

    Raises
    ------
    InputError
        If it is of no kind, or could be of both.
    """
    found = [kind for kind in KINDS.values() if kind.mark in table.schema]
    if len(found) != 1:
        marks = " or ".join(f"{kind.mark} ({kind.table})" for kind in KINDS.values())
        raise InputError(
            f"not a catalog of coefficients: it must have column {marks}, and not both; take "
            "zall-pix or zall-tilecumulative files, or patch files that were extracted from them",
            path=table.path,
            hdu=table.hdu,
        )
    return found[0]
