"""The rows of a unit, read from its file and as its table wants them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from specprod_copy.columns import Column
from specprod_copy.ledger import Unit
from specprod_copy.pgcopy import CHUNK_ROWS
from specprod_copy.reader import open_table
from specprod_copy.tables import ALL_SOURCES
from specprod_copy.transform import Transform, Transformed


def table_rows(unit: Unit, columns: Sequence[Column]) -> Iterator[Transformed]:
    """Yield the rows of a unit, `CHUNK_ROWS` of the file at a time.

    Parameters
    ----------
    unit : Unit
    columns : sequence of Column
        Columns of the unit's table, or some of them; only what these need is read.

    Yields
    ------
    Transformed

    Raises
    ------
    InputError
        If the file cannot be read or holds values that the table does not accept.
    """
    with open_table(unit.path, (unit.hdu,) if unit.hdu else ()) as table:
        transform = Transform(ALL_SOURCES[unit.source], table, columns)
        position = 0
        for frame in table.frames(
            transform.inputs,
            first=unit.first,
            last=unit.last,
            rows=unit.rows,
            chunk_rows=CHUNK_ROWS,
        ):
            span = range(position, position + frame.height)
            position = span.stop
            yield transform(
                frame,
                np.arange(unit.first + span.start, unit.first + span.stop)
                if unit.rows is None
                else unit.rows[span.start : span.stop],
            )
