"""The COPY statement of those peers that send it themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg import sql

if TYPE_CHECKING:
    from benchmarking.peers.task import Task


def statement(task: Task, data: str) -> sql.Composed:
    """Return the COPY statement of a task for BINARY or CSV."""
    return sql.SQL("COPY {} ({}) FROM STDIN (FORMAT {})").format(
        sql.Identifier(task.schema, task.table),
        sql.SQL(", ").join(sql.Identifier(column.name) for column in task.columns),
        sql.SQL(data),
    )
