"""psycopg's own binary COPY, row by row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import polars as pl

from benchmarking.peers.copying import statement

if TYPE_CHECKING:
    from benchmarking.peers.task import Task


def load(task: Task, frames: Iterator[pl.DataFrame]) -> None:
    """Send all frames in one COPY."""
    # Python's integers are faster than its Decimals.
    ids = [pl.col(c.name).cast(pl.Int128) for c in task.columns if c.type == "numeric"]
    with (
        task.connect() as connection,
        connection.cursor() as cursor,
        cursor.copy(statement(task, "BINARY")) as copy,
    ):
        copy.set_types([column.type for column in task.columns])
        for frame in frames:
            for row in frame.with_columns(ids).iter_rows():
                copy.write_row(row)
