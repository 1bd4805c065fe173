"""Patch files: the coefficients of catalogs, with what identifies their rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import fitsio
import numpy as np
import polars as pl

import specprod_copy
from specprod_copy.atomic_files import refuse_existing, staged
from specprod_copy.coeff_patch.kinds import Kind, kind_of, open_catalog, stamps_of
from specprod_copy.errors import ConfigurationError, InputError
from specprod_copy.reader import InputTable
from specprod_copy.reader.look import check_stamps
from specprod_copy.reader.selection import CHUNK_ROWS
from specprod_copy.rows.transform import Transform
from specprod_copy.tables.coeff_patch import HDUS

HDU: Final = HDUS[0]
"""The HDU of a patch file."""


@dataclass(frozen=True)
class Extracted:
    """A patch file that was written, and the table that it is for."""

    path: Path
    table: str
    rows_read: int
    """Rows of the catalog."""
    rows_kept: int
    """Those of them that are in the patch file."""


def patch_file_name(zall: Path) -> str:
    """Return the name of the patch file of a catalog, e.g. ``zall-pix-iron-coeff-patch.fits``."""
    name = zall.name.lower().removesuffix(".gz").removesuffix(".fz")
    return f"{zall.name[: len(name)].removesuffix('.fits')}-coeff-patch.fits"


def extract(zalls: Sequence[Path], folder: Path, *, overwrite: bool = False) -> list[Extracted]:
    """Write the coefficients of catalogs to patch files: all of them, or none.

    Rows of targets are kept, in their order, and values as they are. A chunk of rows is in memory
    at a time.

    Parameters
    ----------
    zalls : sequence of pathlib.Path
        Catalogs zall-pix or zall-tilecumulative, under any name.
    folder : pathlib.Path
        Folder of the patch files; see `patch_file_name`.
    overwrite : bool
        Whether to replace existing files.

    Raises
    ------
    InputError
        If a catalog cannot be read, is of no known kind, holds values that its table cannot have
        or changes meanwhile, or if a patch file exists or cannot be written.
    ConfigurationError
        If two catalogs have the same name.
    """
    names = [patch_file_name(zall) for zall in zalls]
    for name, count in Counter(names).items():
        if count > 1:
            raise ConfigurationError(f"{count} catalogs would be written to {name}; give one")
    if not overwrite:
        refuse_existing(folder, names)
    with staged(folder, names, overwrite=overwrite, inputs=zalls) as temporary:
        written = [_write(zall, temporary / name) for zall, name in zip(zalls, names, strict=True)]
    return [replace(one, path=folder / one.path.name) for one in written]


def _write(zall: Path, path: Path) -> Extracted:
    stamps = stamps_of(zall)
    with open_catalog(zall) as table, fitsio.FITS(str(path), "rw") as file:
        kind = kind_of(table)
        file.create_table_hdu(dtype=kind.record, extname=HDU)
        hdu = file[HDU]
        hdu.write_key("CREATOR", f"specprod-copy {specprod_copy.__version__}")
        kept = 0
        for records in _records(table, kind):
            hdu.append(records)
            kept += len(records)
        hdu.write_checksum()
        check_stamps(stamps.items(), "read")
        return Extracted(path, kind.table, table.n_rows, kept)


def _records(table: InputTable, kind: Kind) -> Iterator[np.ndarray]:
    """Yield the rows of a patch file."""
    # What is not finite stays so until it is loaded, as in the catalog.
    transform = Transform(replace(kind.source, finitize=False), table, kind.columns)
    first = 0
    for frame in table.frames(transform.inputs, chunk_rows=CHUNK_ROWS):
        rows = transform(frame, np.arange(first, first + frame.height))
        first += frame.height
        yield _packed(rows.frame, rows.row_numbers, table, kind.record)


def _packed(
    frame: pl.DataFrame, numbers: np.ndarray, table: InputTable, record: np.dtype
) -> np.ndarray:
    packed = np.empty(frame.height, record)
    for name in record.names or ():
        values = frame[name.lower()]
        if values.dtype != pl.String:
            packed[name] = values.to_numpy()
            continue
        # FITS holds ASCII, so these have as many bytes as characters.
        bad = values.str.contains(r"[^\x20-\x7e]").arg_true()
        if len(bad):
            raise InputError(
                f"text that is not ASCII cannot be in a FITS file (row {numbers[bad[0]]}: "
                f"{values[bad[0]]!r}; rows counted from 0)",
                path=table.path,
                hdu=table.hdu,
                column=name,
            )
        packed[name] = values.cast(pl.Binary).to_numpy()
    return packed
