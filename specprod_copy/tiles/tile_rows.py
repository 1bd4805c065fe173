"""Rows of one tile on their way to one table: from a file, or from memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import polars as pl

from specprod_copy.errors import BadRows, BadRowsError, InputError
from specprod_copy.postgres.columns import BadValues, Column, WrongType, check_type
from specprod_copy.postgres.conforming import conform
from specprod_copy.reader import Described, open_table
from specprod_copy.reader.memory_table import MemoryTable
from specprod_copy.rows.read import transformed_rows
from specprod_copy.rows.transform import Transformed
from specprod_copy.tables import TableSource

Origin: TypeAlias = Path | MemoryTable
"""A file, in which some HDU is meant, or a table that was read before."""


@dataclass(frozen=True)
class SourceRows:
    """Rows of an input table.

    Parameters
    ----------
    source : TableSource
        What the table is made of.
    origin : pathlib.Path or MemoryTable
        A file, in which the HDU of `source` is meant, or a table that was read before.
    numbers : numpy.ndarray, optional
        Numbers of the rows, ascending; all rows when None.
    parts : callable, optional
        Returns the same rows file by file, where `origin` is made of several: to say exactly where
        a bad value is.
    files : sequence of (pathlib.Path, int)
        The files that follow one another in `origin`, where it is made of several, and how many
        rows each has.
    """

    source: TableSource
    origin: Origin
    numbers: np.ndarray | None = None
    parts: Callable[[], Sequence[SourceRows]] = lambda: ()
    files: Sequence[tuple[Path, int]] = ()

    @property
    def path(self) -> Path:
        """The file that the rows are from."""
        return path_of(self.origin)

    @property
    def hdu(self) -> str:
        """The HDU that they are from; empty for text files."""
        if isinstance(self.origin, MemoryTable):
            return self.origin.hdu
        return self.source.hdus[0]

    def places(self, numbers: np.ndarray) -> tuple[list[Path], np.ndarray, np.ndarray]:
        """Say which file each of some rows is from.

        Parameters
        ----------
        numbers : numpy.ndarray of int, shape (n,)
            Rows of `origin`.

        Returns
        -------
        list of pathlib.Path
            The files.
        numpy.ndarray of int, shape (n,)
            For each row the index of its file.
        numpy.ndarray of int, shape (n,)
            For each row its number in that file.
        """
        files = self.files or [(self.path, 0)]
        ends = np.cumsum([rows for _, rows in files])
        which = np.searchsorted(ends[:-1], numbers, side="right")
        return [path for path, _ in files], which, numbers - np.append(0, ends[:-1])[which]

    def transformed(self, columns: Sequence[Column]) -> Iterator[Transformed]:
        """Yield the rows as the table wants them.

        Parameters
        ----------
        columns : sequence of Column
            Columns of the table.

        Raises
        ------
        InputError
            If the file cannot be read or holds values that the table does not accept.
        """
        opened = (
            open_table(self.origin, self.source.hdus)
            if isinstance(self.origin, Path)
            else nullcontext(self.origin)
        )
        try:
            with opened as table:
                yield from transformed_rows(self.source, table, columns, rows=self.numbers)
        except InputError:
            for part in self.parts():
                for _ in part.transformed(columns):
                    pass
            raise


def read_into_memory(
    path: Path,
    hdus: Sequence[str],
    columns: Sequence[str] | None = None,
    *,
    whole: Sequence[str] = (),
    numbers: Sequence[str] = (),
) -> MemoryTable:
    """Read an HDU, or some columns of it; columns that it does not have are left out.

    Parameters
    ----------
    path : pathlib.Path
    hdus : sequence of str
        Accepted names of the HDU.
    columns : sequence of str, optional
        Upper-case names; all columns when None.
    whole : sequence of str
        Columns that are going to be reckoned with as whole numbers; they become Int64.
    numbers : sequence of str
        Columns that are going to be reckoned with as numbers, one in a row, or none.

    Raises
    ------
    InputError
        If the file or the HDU cannot be read, or its columns are no such numbers.
    """
    with open_table(path, hdus) as table:
        names = [n for n in table.schema if columns is None or n in columns]
        empty = pl.DataFrame(schema={name: table.schema[name] for name in names})
        frame = pl.concat([empty, *table.frames(names)], rechunk=True)
        wanted = [Column(name, "int8") for name in whole if name in names]
        _check_numbers(
            frame, [*wanted, *(Column(n, "float8") for n in numbers if n in names)], table
        )
        try:
            frame = frame.with_columns(conform(frame, wanted))
        except BadValues as bad:
            found = BadRows(bad.reason, bad.rows, bad.values)
            raise BadRowsError.of(found, path=path, hdu=table.hdu, column=bad.column.name) from bad
        return MemoryTable(path, frame.get_columns(), table.header, table.hdu)


def _check_numbers(frame: pl.DataFrame, columns: Sequence[Column], table: Described) -> None:
    """Refuse columns of other types than numbers."""
    for column in columns:
        if frame.height and frame[column.name].null_count() == frame.height:
            continue  # A column of a text file without any value has no type.
        try:
            check_type(frame.schema[column.name], column)
        except WrongType as error:
            raise InputError(
                f"is {error.dtype}, not a number",
                path=table.path,
                hdu=table.hdu,
                column=column.name,
            ) from error


def columns_of(table: MemoryTable, *names: str) -> pl.DataFrame:
    """Return columns of a table in memory.

    Raises
    ------
    InputError
        If it does not have them.
    """
    frames = table.frames(names, chunk_rows=max(table.n_rows, 1))
    empty = pl.DataFrame(schema={name: table.schema[name] for name in names})
    return pl.concat([empty, *frames])


def with_constants(table: MemoryTable, constants: Mapping[str, object]) -> MemoryTable:
    """Return a table with columns of one value each added."""
    frame = columns_of(table, *table.schema)
    frame = frame.with_columns(pl.lit(value).alias(name) for name, value in constants.items())
    return MemoryTable(table.path, frame.get_columns(), table.header, table.hdu)


def path_of(origin: Origin) -> Path:
    """Return the file that rows are from."""
    return origin if isinstance(origin, Path) else origin.path
