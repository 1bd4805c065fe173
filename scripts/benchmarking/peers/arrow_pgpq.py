"""pgpq makes binary COPY data of Arrow batches; psycopg sends them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import polars as pl
from pgpq import ArrowToPostgresBinaryEncoder

from benchmarking.peers.copying import statement

if TYPE_CHECKING:
    from benchmarking.peers.task import Task

BATCH_ROWS = 20_000


def load(task: Task, frames: Iterator[pl.DataFrame]) -> None:
    """Send all frames in one COPY."""
    with (
        task.connect() as connection,
        connection.cursor() as cursor,
        cursor.copy(statement(task, "BINARY")) as copy,
    ):
        encoder = None
        for frame in frames:
            table = frame.to_arrow()
            if encoder is None:
                encoder = ArrowToPostgresBinaryEncoder(table.schema)
                copy.write(encoder.write_header())
            for batch in table.to_batches(max_chunksize=BATCH_ROWS):
                copy.write(encoder.write_batch(batch))
        if encoder is not None:
            copy.write(encoder.finish())
