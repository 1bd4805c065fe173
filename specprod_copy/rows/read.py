"""The rows of an input table, as the table of the database wants them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

import numpy as np
import polars as pl

from specprod_copy.errors import BadRowsError
from specprod_copy.postgres.columns import Column
from specprod_copy.reader import InputTable
from specprod_copy.reader.joined import digests_of, open_joined
from specprod_copy.reader.selection import CHUNK_ROWS
from specprod_copy.reader.view import AS_IT_IS
from specprod_copy.rows.transform import Transform, Transformed
from specprod_copy.rows.units import Findings, Refusal, Unit
from specprod_copy.tables import TableSource


def table_rows(
    unit: Unit,
    sources: Mapping[str, TableSource],
    columns: Sequence[Column],
    found: Findings | None = None,
) -> Iterator[Transformed]:
    """Yield the rows of a unit, read from its file, `CHUNK_ROWS` at a time.

    Parameters
    ----------
    columns : sequence of Column
        Columns of the unit's table, or some of them; only what these need is read.
    found : Findings, optional
        Takes what is found beside the rows.

    Raises
    ------
    InputError
        If the file cannot be read.
    BadRowsError
        If it holds values that the table does not accept, and nothing takes them.
    """
    found = found or Findings(digests=None)
    source = sources[unit.source]
    with open_unit(unit, source) as table:
        digests = () if found.digests is None else digests_of(table, unit.first, unit.last)
        read = partial(transformed_rows, source, table, columns, first=unit.first, last=unit.last)
        if found.refused is None:
            yield from read(rows=unit.rows)
        else:
            yield from _acceptable_rows(read, unit, found.refused)
        if found.digests is not None:
            found.digests = tuple(digest.hexdigest() for digest in digests)


def open_unit(unit: Unit, source: TableSource) -> InputTable:
    """Open what the rows of a unit are in, several tables as one.

    Raises
    ------
    InputError
        As `open_joined`.
    """
    places = [(part.path, (part.hdu,) if part.hdu else ()) for part in unit.parts]
    # Patches take catalogs of one file, or of two: what their source does not name is as it is.
    views = [*source.views, *[AS_IT_IS for _ in places[len(source.views) :]]]
    return open_joined(places, source.match, views, by_number=source.by_number)


def _acceptable_rows(
    read: Callable[..., Iterator[Transformed]], unit: Unit, refused: list[Refusal]
) -> Iterator[Transformed]:
    """Read on behind each error, without the rows that it names."""
    rows = unit.rows
    while True:
        done = 0
        try:
            for accepted in read(rows=rows):
                yield accepted
                done += accepted.rows_read
        except BadRowsError as bad:
            left = (np.arange(unit.first, unit.last) if rows is None else rows)[done:]
            rows = np.setdiff1d(left, bad.rows, assume_unique=True)
            if len(rows) == len(left):
                raise  # It names others, and would do so for ever.
            refused += [
                Refusal(row, bad.column or "", repr(value), bad.reason)
                for row, value in zip(bad.rows, bad.values, strict=True)
            ]
        else:
            return


def transformed_rows(
    source: TableSource,
    table: InputTable,
    columns: Sequence[Column],
    *,
    first: int = 0,
    last: int | None = None,
    rows: np.ndarray | None = None,
) -> Iterator[Transformed]:
    """Yield rows of an open table, `CHUNK_ROWS` at a time.

    Parameters
    ----------
    source : TableSource
        What the database table is made of.
    columns : sequence of Column
        As for `table_rows`.
    first, last, rows
        As for `InputTable.frames`; `rows` are within [`first`, `last`).

    Raises
    ------
    InputError
        As `table_rows`.
    """
    transform = Transform(source, table, columns)
    position = 0

    def transformed(frame: pl.DataFrame) -> Transformed:
        nonlocal position
        start, position = position, position + frame.height
        if rows is None:
            return transform(frame, np.arange(first + start, first + position))
        return transform(frame, rows[start:position])

    # A loop would keep a frame until it has the next one.
    yield from map(
        transformed,
        table.frames(transform.inputs, first=first, last=last, rows=rows, chunk_rows=CHUNK_ROWS),
    )
