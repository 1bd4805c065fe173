"""A table in memory, behind the same interface as FITS tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl

from specprod_copy.errors import InputError
from specprod_copy.reader.content import KnownDigest
from specprod_copy.reader.files import ClosedOnExit
from specprod_copy.reader.selection import (
    CHUNK_ROWS,
    RowNumbers,
    choose_columns,
    choose_rows,
    chunks,
)


class Unreadable(NamedTuple):
    """A column of a type that cannot be read: an error only where it is asked for."""

    name: str
    problem: str


class MemoryTable(ClosedOnExit):
    """A table in memory; see `specprod_copy.reader.InputTable`.

    Parameters
    ----------
    path : Path
        The file it came from.
    columns : sequence of polars.Series or Unreadable
        With their names as in the file.
    header : mapping, optional
        What the file says about the table.
    hdu : str, optional
        Name of the HDU, of a table that is not from a text file.
    digest : str, optional
        Of the file, if that is what the table stands for.

    Raises
    ------
    InputError
        If two names are equal in upper case.
    """

    def __init__(
        self,
        path: Path,
        columns: Sequence[pl.Series | Unreadable],
        header: Mapping[str, object] | None = None,
        hdu: str = "",
        digest: str = "",
    ) -> None:
        self.path = path
        self._digest = digest
        self.hdu = hdu
        self._fault = partial(InputError, path=path)
        named: dict[str, pl.Series | Unreadable] = {}
        for column in columns:
            name = column.name.upper()
            if name in named:
                raise self._fault("two columns have this name (in upper case)", column=name)
            named[name] = column
        self._problems = {n: c.problem for n, c in named.items() if isinstance(c, Unreadable)}
        self._frame = pl.DataFrame(
            {name: column for name, column in named.items() if isinstance(column, pl.Series)}
        )
        types = self._frame.schema
        self.schema = pl.Schema({name: types.get(name, pl.Unknown()) for name in named})
        self.header: Mapping[str, object] = header or {}
        self.n_rows = self._frame.height
        self.row_bytes = path.stat().st_size // max(self.n_rows, 1)

    packed = False

    def want(self, types: Mapping[str, pl.DataType]) -> pl.Schema:
        """Return the schema: the columns have types already."""
        return self.schema

    def frames(
        self,
        columns: Sequence[str] | None = None,
        *,
        first: int = 0,
        last: int | None = None,
        rows: np.ndarray | None = None,
        chunk_rows: int = CHUNK_ROWS,
    ) -> Iterator[pl.DataFrame]:
        """Yield the table in frames of at most `chunk_rows` rows; see `InputTable.frames`."""
        names = choose_columns(columns, self.schema, self._fault)
        for name in names:
            if name in self._problems:
                raise self._fault(self._problems[name], column=name)
        picked = choose_rows(self.n_rows, first, last, rows, fault=self._fault)
        return (self._part(names, part) for part in chunks(picked, chunk_rows))

    def _part(self, names: Sequence[str], rows: RowNumbers) -> pl.DataFrame:
        return self._frame.select(names)[rows]

    def bytes_of(self, columns: Sequence[str]) -> int:
        """Return the bytes of a whole row: nobody knows those of a column."""
        return self.row_bytes

    def digest(self, first: int = 0, last: int | None = None) -> KnownDigest:
        """Return the digest of the file, which stands for all rows; see `InputTable.digest`."""
        return KnownDigest(self._digest)

    def close(self) -> None:
        """Forget the table."""
        self._frame = self._frame.clear()
