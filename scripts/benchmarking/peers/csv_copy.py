"""Polars writes CSV; psycopg sends it."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import TYPE_CHECKING

import polars as pl

from benchmarking.peers.copying import statement

if TYPE_CHECKING:
    from benchmarking.peers.task import Task

BATCH_ROWS = 20_000


def load(task: Task, frames: Iterator[pl.DataFrame]) -> None:
    """Send all frames in one COPY."""
    with (
        task.connect() as connection,
        connection.cursor() as cursor,
        cursor.copy(statement(task, "CSV")) as copy,
    ):
        for frame in frames:
            for batch in frame.iter_slices(BATCH_ROWS):
                buffer = BytesIO()
                # Empty text in quotes; NULL is what has none.
                batch.write_csv(buffer, include_header=False, quote_style="non_numeric")
                copy.write(buffer.getbuffer())
