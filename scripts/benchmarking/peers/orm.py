"""SQLAlchemy, as DESI's own loader does it: an object per row, a commit per 50,000 rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import polars as pl
import psycopg2
from sqlalchemy import MetaData, Table, create_engine
from sqlalchemy.orm import DeclarativeBase, Session

if TYPE_CHECKING:
    from benchmarking.peers.task import Task

CHUNK_ROWS = 50_000


class Base(DeclarativeBase):
    """Base of the mapped class."""


def load(task: Task, frames: Iterator[pl.DataFrame]) -> None:
    """Insert the rows of all frames as objects."""
    engine = create_engine(
        "postgresql+psycopg2://", creator=lambda: psycopg2.connect(task.conninfo)
    )
    table = Table(task.table, MetaData(schema=task.schema), autoload_with=engine)
    row_class = type("Row", (Base,), {"__table__": table})
    with Session(engine) as session:
        for frame in frames:
            for chunk in frame.iter_slices(CHUNK_ROWS):
                session.add_all([row_class(**row) for row in chunk.iter_rows(named=True)])
                session.commit()
