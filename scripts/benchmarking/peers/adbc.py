"""``polars.DataFrame.write_database`` over ADBC."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import polars as pl
from adbc_driver_postgresql import dbapi

if TYPE_CHECKING:
    from benchmarking.peers.task import Task


def load(task: Task, frames: Iterator[pl.DataFrame]) -> None:
    """Append frames to the table."""
    with dbapi.connect(task.conninfo) as connection:
        for frame in frames:
            frame.write_database(
                f"{task.schema}.{task.table}", connection, if_table_exists="append", engine="adbc"
            )
