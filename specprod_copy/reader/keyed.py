"""A table whose rows are matched with those of another one by the values of columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from specprod_copy.errors import BadRows, BadRowsError, InputError
from specprod_copy.reader.files import ClosedOnExit
from specprod_copy.reader.fits_table import FRAME_BYTES
from specprod_copy.reader.matching import common_type
from specprod_copy.reader.selection import CHUNK_ROWS, choose_columns, choose_rows
from specprod_copy.reader.view import D, View

if TYPE_CHECKING:
    from specprod_copy.reader import InputTable
    from specprod_copy.reader.content import Digest

_ROW = "row?"
"""Column, for a moment, with the number of the row of a key."""


def keyed_schema(first: Any, other: Any, view: View) -> pl.Schema:
    """Return the columns of a table that is matched by the values of columns.

    Raises
    ------
    InputError
        If one of the tables lacks such a column, or its types cannot be compared.
    """
    for table in (first, other):
        for name in view.by:
            if name not in table.schema:
                message = "it is joined by the values of this column, and there is none"
                raise InputError(message, path=table.path, hdu=table.hdu, column=name)
    _key_types(first, other, view)
    own = {name: dtype for name, dtype in other.schema.items() if name not in view.by}
    return pl.Schema(own | ({view.found: pl.Boolean()} if view.how == "inner" else {}))


def _key_types(first: Any, other: Any, view: View) -> pl.Schema:
    """Return the types in which keys of both tables are compared; errors as `common_type`."""
    return pl.Schema({name: common_type(first, other, name) for name in view.by})


def keyed_look(first: D, other: D, view: View) -> D:
    """Return what was seen of a table that is matched so, as of one that is matched row by row."""
    return replace(other, n_rows=first.n_rows, schema=keyed_schema(first, other, view))


class KeyedTable(ClosedOnExit):
    """A table in the order of the rows of another one; see `specprod_copy.reader.InputTable`.

    The keys of all of its rows are in memory.

    Parameters
    ----------
    first : InputTable
        The other one, opened for this purpose.
    other : InputTable
        The table itself; both are closed with this one.
    view : View
    """

    def __init__(self, first: InputTable, other: InputTable, view: View) -> None:
        self._first, self._other, self._view = first, other, view
        self.path, self.hdu, self.header = other.path, other.hdu, other.header
        self.n_rows, self.row_bytes = first.n_rows, other.row_bytes
        self.packed = other.packed
        self.schema = keyed_schema(first, other, view)
        self._key_types = _key_types(first, other, view)
        self._keys: pl.DataFrame | None = None

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
        """Yield columns for rows of the other table, see `InputTable.frames`.

        Raises
        ------
        InputError
            Also if a key is in two rows or cannot be read, or each row must have a counterpart and
            one has none.
        BadRowsError
            If values cannot be read; its rows are those of the other table.
        """

        def fault(message: str, column: str | None = None) -> InputError:
            return InputError(message, path=self.path, hdu=self.hdu, column=column)

        names = choose_columns(columns, self.schema, fault)
        numbers = choose_rows(self.n_rows, first, last, rows, fault=fault)
        # Rows that are joined lie anywhere, so all of a frame are read at once.
        size = min(chunk_rows, max(FRAME_BYTES // max(self.bytes_of(names), 1), 1))
        keys = self._first.frames(
            [*self._view.by], first=first, last=last, rows=rows, chunk_rows=size
        )
        return self._frames(keys, names, np.asarray(numbers, dtype=np.int64))

    def _frames(
        self, keys: Iterable[pl.DataFrame], names: Sequence[str], numbers: np.ndarray
    ) -> Iterator[pl.DataFrame]:
        for frame in keys:
            part, numbers = numbers[: frame.height], numbers[frame.height :]
            yield self._matched(frame, names, part)

    def _matched(
        self, keys: pl.DataFrame, names: Sequence[str], numbers: np.ndarray
    ) -> pl.DataFrame:
        by = [*self._view.by]
        known = self._known()
        wanted = keys.cast(self._key_types)
        found = wanted.join(known, on=by, how="left", maintain_order="left")[_ROW]
        missing = found.is_null()
        if self._view.how == "all" and missing.any():
            values = ", ".join(map(str, wanted.row(int(missing.arg_true()[0]))))
            raise InputError(
                f"has no row with {', '.join(by)} {values}, and {self._first.path}"
                f"[{self._first.hdu}] has, to whose rows its own are joined "
                '(how = "left" or "inner" allows that)',
                path=self.path,
                hdu=self.hdu,
            )
        own = [name for name in names if name in self._other.schema]
        rows = found.drop_nulls().unique().sort()
        try:
            read = [*self._other.frames(own, rows=rows.to_numpy())] if own and len(rows) else []
        except BadRowsError as bad:
            raise _of_first(bad, found, numbers) from bad
        empty = pl.DataFrame(schema={name: self._other.schema[name] for name in own})
        cells = pl.concat([empty, *read])
        # Behind the last row stands one of nothing, for those without a counterpart.
        places = rows.search_sorted(found.fill_null(0)).to_numpy().astype(np.int64)
        places[missing.to_numpy()] = cells.height
        nothing = pl.DataFrame(
            {name: pl.Series([None], dtype=dtype) for name, dtype in cells.schema.items()}
        )
        cells = pl.concat([cells, nothing])
        columns = {name: cells[name].gather(places) for name in own}
        columns[self._view.found] = ~missing
        return pl.DataFrame([columns[name].alias(name) for name in names])

    def _known(self) -> pl.DataFrame:
        """Return the key of each row, with the number of the row."""
        if self._keys is None:
            by = [*self._view.by]
            empty = pl.DataFrame(schema={name: self._other.schema[name] for name in by})
            try:
                keys = pl.concat([empty, *self._other.frames(by)])
            except BadRowsError as bad:
                # Nobody knows whose counterparts these rows are.
                message = f"{bad.message}; rows are joined by this column"
                raise InputError(message, path=bad.path, hdu=bad.hdu, column=bad.column) from bad
            double = keys.is_duplicated()
            if double.any():
                values = ", ".join(map(str, keys.row(int(double.arg_true()[0]))))
                raise InputError(
                    f"several rows have {', '.join(by)} {values}: rows cannot be joined to them",
                    path=self.path,
                    hdu=self.hdu,
                )
            self._keys = keys.cast(self._key_types).with_row_index(_ROW).cast({_ROW: pl.Int64})
        return self._keys

    def bytes_of(self, columns: Sequence[str]) -> int:
        """Return how many bytes of a row are those of some columns, see `InputTable.bytes_of`."""
        return self._other.bytes_of([name for name in columns if name in self._other.schema])

    def digest(self, first: int = 0, last: int | None = None) -> Digest:
        """Return the digest of all rows: any of them may belong to the rows of the other table."""
        return self._other.digest()

    def close(self) -> None:
        """Close the files."""
        self._first.close()
        self._other.close()


def _of_first(bad: BadRowsError, found: pl.Series, numbers: np.ndarray) -> BadRowsError:
    """Return an error about rows of the first table, whose counterparts cannot be read.

    Parameters
    ----------
    bad : BadRowsError
        About the counterparts.
    found : polars.Series
        Of rows of the first table, the number of the counterpart.
    numbers : numpy.ndarray
        The numbers of these rows.
    """
    values = dict(zip(bad.rows, bad.values, strict=True))
    places = [n for n, row in enumerate(found) if row in values]
    return BadRowsError(
        bad.message,
        BadRows(bad.reason, numbers[places].tolist(), [values[found[n]] for n in places]),
        path=bad.path,
        hdu=bad.hdu,
        column=bad.column,
    )
