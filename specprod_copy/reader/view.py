"""A table under other names: columns renamed, left out, and the number of the row as one more.

Nothing else of a table changes, so whoever reads it need not know.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import polars as pl

from specprod_copy.errors import BadRows, BadRowsError, InputError
from specprod_copy.reader.files import ClosedOnExit
from specprod_copy.reader.selection import CHUNK_ROWS, choose_columns, choose_rows

if TYPE_CHECKING:
    from specprod_copy.reader import InputTable
    from specprod_copy.reader.content import Digest

D = TypeVar("D", bound=Any)


@dataclass(frozen=True)
class View:
    """Under which names the columns of a table are seen, and how its rows are matched.

    All names are in upper case.
    """

    prefix: str = ""
    """Stands before the names of columns."""
    rename: tuple[tuple[str, str], ...] = ()
    """Name in the file, and the one that is seen; it has no prefix."""
    drop: tuple[str, ...] = ()
    """Columns that are not seen, also as ``SV?_*``."""
    kept: frozenset[str] = frozenset()
    """Columns without prefix."""
    optional: frozenset[str] = frozenset()
    """Names seen that the file may lack."""
    hidden: frozenset[str] = frozenset()
    """Columns of the file that are not seen unless under another name."""
    row_number: str = ""
    """A column that is the number of the row, from 0."""
    by: tuple[str, ...] = ()
    """For a joined table: columns by whose values rows are matched, and not by their number."""
    how: str = "all"
    """With `by`, of rows without counterpart: ``all`` refuses them, ``inner`` has them marked as
    such in column `found`, ``left`` has NULL in the columns."""
    found: str = ""
    """With `how` ``inner``: the column that says whether a row has a counterpart; no other table
    has one of this name."""

    @property
    def changes(self) -> bool:
        """Whether anything is seen in another way than it is."""
        return bool(self.prefix or self.rename or self.drop or self.row_number)

    def names(self, table: Any) -> dict[str, str]:
        """Return the columns of a table (`Described`), by the name that is seen, in their order.

        Raises
        ------
        InputError
            If a column is not there, or two are seen under one name.
        """
        renamed = dict(self.rename)
        seen: dict[str, str] = {}
        for name in table.schema:
            new = renamed.get(name)
            if new is None:
                if name in self.hidden or any(fnmatchcase(name, p) for p in self.drop):
                    continue
                new = name if name in self.kept else f"{self.prefix}{name}"
            if new in seen:
                message = f"is called {new}, and so is {seen[new]}: rename or drop one of them"
                raise _fault(table, message, name)
            seen[new] = name
        for name, new in self.rename:
            if name not in table.schema and new not in self.optional:
                raise _fault(table, "no such column, and it is to be renamed", name)
        for pattern in self.drop:
            plain = not {"*", "?", "["}.intersection(pattern)
            if plain and pattern not in table.schema:
                raise _fault(table, "no such column, and it is to be left out", pattern)
        return seen

    def schema(self, table: Any) -> pl.Schema:
        """Return the columns that are seen of a table (`Described`); errors as `names`."""
        own: dict[str, pl.DataType] = {n: table.schema[o] for n, o in self.names(table).items()}
        if self.row_number:
            own[self.row_number] = pl.Int64()
        return pl.Schema(own)

    def of_look(self, look: D) -> D:
        """Return what was seen of a table under these names."""
        return replace(look, schema=self.schema(look)) if self.changes else look

    def of_table(self, table: InputTable) -> InputTable:
        """Return an open table under these names; it is closed with the result."""
        return SeenTable(table, self) if self.changes else table


AS_IT_IS = View()
"""Nothing is changed."""


class SeenTable(ClosedOnExit):
    """An open table under other names; see `specprod_copy.reader.InputTable`."""

    def __init__(self, table: InputTable, view: View) -> None:
        self._table, self._row_number = table, view.row_number
        self._names = view.names(table)
        self.path, self.hdu, self.header = table.path, table.hdu, table.header
        self.n_rows, self.row_bytes, self.packed = table.n_rows, table.row_bytes, table.packed
        self.schema = view.schema(table)

    def want(self, types: Mapping[str, pl.DataType]) -> pl.Schema:
        """Return the schema, see `Described.want`."""
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
        """Yield columns, see `InputTable.frames`."""

        def fault(message: str, column: str | None = None) -> InputError:
            return _fault(self, message, column)

        names = choose_columns(columns, self.schema, fault)
        # Without any column of the file nobody would know how many rows there are.
        readable = (name for name in self._names if self.schema[name] != pl.Unknown)
        own = [name for name in names if name in self._names] or [*islice(readable, 1)]
        read = [self._names[name] for name in own]
        numbers = choose_rows(self.n_rows, first, last, rows, fault=fault)
        frames = self._table.frames(read, first=first, last=last, rows=rows, chunk_rows=chunk_rows)
        return self._seen(self._read(frames), own, names, np.asarray(numbers, dtype=np.int64))

    def _read(self, frames: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        """Yield frames; let errors name columns as they are seen."""
        try:
            yield from frames
        except BadRowsError as bad:
            seen = next(new for new, name in self._names.items() if name == bad.column)
            raise BadRowsError(
                bad.message if seen == bad.column else f"{bad.message} (it is {bad.column} there)",
                BadRows(bad.reason, bad.rows, bad.values),
                path=bad.path,
                hdu=bad.hdu,
                column=seen,
            ) from bad

    def _seen(
        self,
        frames: Iterable[pl.DataFrame],
        own: Sequence[str],
        names: Sequence[str],
        numbers: np.ndarray,
    ) -> Iterator[pl.DataFrame]:
        done = 0
        for frame in frames:
            columns = dict(zip(own, frame.get_columns(), strict=True))
            if self._row_number:
                part = numbers[done : done + frame.height]
                columns[self._row_number] = pl.Series(part)
            done += frame.height
            yield pl.DataFrame([columns[name].alias(name) for name in names])

    def bytes_of(self, columns: Sequence[str]) -> int:
        """Return how many bytes of a row are those of some columns, see `InputTable.bytes_of`."""
        return self._table.bytes_of([self._names[n] for n in columns if n in self._names])

    def digest(self, first: int = 0, last: int | None = None) -> Digest:
        """Return the digest of rows, see `InputTable.digest`."""
        return self._table.digest(first, last)

    def close(self) -> None:
        """Close the file."""
        self._table.close()


def _fault(table: Any, message: str, column: str | None) -> InputError:
    return InputError(message, path=table.path, hdu=table.hdu, column=column)
