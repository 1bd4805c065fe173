"""Tables that are matched row by row, in several files or HDUs, as one table.

Row n of each is about the same thing, and columns say so (the keys). Nobody has to have checked
that, so every row is compared as it is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from specprod_copy.errors import InputError
from specprod_copy.reader import Described, InputTable, open_table
from specprod_copy.reader.content import Digest
from specprod_copy.reader.files import ClosedOnExit
from specprod_copy.reader.keyed import KeyedTable
from specprod_copy.reader.matching import differing, name_of, refuse_unmatched
from specprod_copy.reader.selection import CHUNK_ROWS, choose_columns
from specprod_copy.reader.view import AS_IT_IS, View

Place = tuple[Path, Sequence[str]]
"""A file, and the accepted names of an HDU of it."""


def joined_schema(tables: Sequence[Described]) -> pl.Schema:
    """Return the columns of several tables; of equal names the first table's column counts."""
    return pl.Schema(
        {name: dtype for table in reversed(tables) for name, dtype in table.schema.items()}
    )


class JoinedTable(ClosedOnExit):
    """Open tables that are matched row by row; see `specprod_copy.reader.InputTable`.

    Path, HDU and header are those of the first one.

    Parameters
    ----------
    tables : sequence of InputTable
        They are closed by this object.
    keys : sequence of str
        See `refuse_unmatched`, which was asked before.
    """

    def __init__(self, tables: Sequence[InputTable], keys: Sequence[str]) -> None:
        self.tables = tables
        self._keys = keys
        self.path, self.hdu, self.header = tables[0].path, tables[0].hdu, tables[0].header
        self.n_rows = tables[0].n_rows
        self.row_bytes = sum(table.row_bytes for table in tables)
        self.schema = joined_schema(tables)
        self.packed = any(table.packed for table in tables)

    def want(self, types: Mapping[str, pl.DataType]) -> pl.Schema:
        """Return the schema, see `Described.want`."""
        for table in self.tables:
            table.want(types)
        self.schema = joined_schema(self.tables)
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
        """Yield columns of all tables, some rows at a time; see `InputTable.frames`.

        Raises
        ------
        InputError
            Also if a key of a row is not the same in all tables.
        """

        def fault(message: str, column: str | None = None) -> InputError:
            return InputError(message, path=self.path, hdu=self.hdu, column=column)

        names = choose_columns(columns, self.schema, fault)
        left, wanted = set(names), []
        for table in self.tables:
            own = left.intersection(table.schema)
            left -= own
            wanted.append(own)
        parts: list[Iterator[pl.DataFrame]] = []
        used: list[_Used] = []
        for table, own in zip(self.tables, wanted, strict=True):
            keys = [key for key in self._keys if key in table.schema]
            read = [name for name in table.schema if name in own or name in keys]
            if not read:
                continue
            parts.append(
                table.frames(read, first=first, last=last, rows=rows, chunk_rows=chunk_rows)
            )
            used.append(_Used(table, keys, [name for name in read if name in own]))
        numbers = range(first, self.n_rows) if rows is None else rows[rows >= first]
        return self._joined(parts, used, names, numbers)

    def _joined(
        self,
        parts: Sequence[Iterator[pl.DataFrame]],
        used: Sequence[_Used],
        names: Sequence[str],
        numbers: range | np.ndarray,
    ) -> Iterator[pl.DataFrame]:
        done = 0
        for frames in _in_step(parts):
            _compare(frames, used, numbers[done : done + frames[0].height])
            done += frames[0].height
            own = [frame.select(one.columns) for frame, one in zip(frames, used, strict=True)]
            yield pl.concat(own, how="horizontal").select(names)

    def bytes_of(self, columns: Sequence[str]) -> int:
        """Return how many bytes of a row of all tables are those of some columns."""
        left, size = {*columns}, 0
        for table in self.tables:
            own = left.intersection(table.schema)
            left -= own
            size += table.bytes_of([*own])
        return size

    def digest(self, first: int = 0, last: int | None = None) -> Digest:
        """Return the digest of rows of the first table alone."""
        return self.tables[0].digest(first, last)

    def close(self) -> None:
        """Close the files."""
        for table in self.tables:
            table.close()


@dataclass(frozen=True)
class _Used:
    """What is read of a table."""

    table: InputTable
    keys: Sequence[str]
    columns: Sequence[str]
    """Those that are asked for."""


def _in_step(parts: Sequence[Iterator[pl.DataFrame]]) -> Iterator[list[pl.DataFrame]]:
    """Yield frames of the same rows: tables of wide rows come in frames of fewer of them."""
    frames = [next(part, None) for part in parts]
    while all(frame is not None for frame in frames):
        there = [frame for frame in frames if frame is not None]
        height = min(frame.height for frame in there)
        yield [frame.head(height) for frame in there]
        frames = [
            frame.slice(height) if frame.height > height else next(part, None)
            for frame, part in zip(there, parts, strict=True)
        ]


def _compare(
    frames: Sequence[pl.DataFrame], used: Sequence[_Used], numbers: range | np.ndarray
) -> None:
    """Raise an InputError if a key of a row is not that of the first table that has it."""
    firsts: dict[str, tuple[pl.DataFrame, _Used]] = {}
    for frame, other in zip(frames, used, strict=True):
        for key in other.keys:
            first, one = firsts.setdefault(key, (frame, other))
            if one is other:
                continue
            differs = differing(first[key], frame[key])
            if not differs.any():
                continue
            place = int(differs.arg_true()[0])
            raise InputError(
                f"row {numbers[place]} is about {frame[key][place]}, and that of "
                f"{name_of(one.table)} about {first[key][place]}: they are to be matched row by "
                f"row ({int(differs.sum()):,} of these {frame.height:,} rows differ)",
                path=other.table.path,
                hdu=other.table.hdu,
                column=key,
            )


def open_joined(
    places: Sequence[Place],
    keys: Sequence[str] = (),
    views: Sequence[View] = (),
    *,
    by_number: bool = False,
) -> InputTable:
    """Open a table, or several that are matched row by row as one.

    Parameters
    ----------
    places : sequence of (pathlib.Path, sequence of str)
        Files and HDUs, see `open_table`; the first one gives its name and header to the whole.
    keys : sequence of str
        Columns that have to agree in every row, as far as two tables have them; the first one has
        to be in all.
    views : sequence of View, optional
        How each of the tables is seen, if not as it is.
    by_number : bool
        See `refuse_unmatched`.

    Raises
    ------
    InputError
        As `open_table`; if the tables cannot be matched, see `refuse_unmatched`.
    """
    views = views or [AS_IT_IS for _ in places]
    if len(places) == 1:
        return _seen(places[0], views[0])
    with ExitStack() as stack:
        tables: list[InputTable] = []
        for place, view in zip(places, views, strict=True):
            table = stack.enter_context(_seen(place, view))
            if view.by:
                first = stack.enter_context(_seen(places[0], views[0]))
                table = KeyedTable(first, table, view)
            tables.append(table)
        refuse_unmatched(tables, keys, by_number=by_number)
        stack.pop_all()
    return JoinedTable(tables, keys)


def _seen(place: Place, view: View) -> InputTable:
    with ExitStack() as stack:
        table = view.of_table(stack.enter_context(open_table(*place)))
        stack.pop_all()
    return table


def parts_of(table: InputTable) -> Sequence[InputTable]:
    """Return the tables that an open one is made of."""
    return table.tables if isinstance(table, JoinedTable) else (table,)


def digests_of(table: InputTable, first: int = 0, last: int | None = None) -> tuple[Digest, ...]:
    """Return the digest of rows of each table that an open one is made of."""
    return tuple(part.digest(first, last) for part in parts_of(table))
