"""Schemas for tables in which rows wait until they are merged into others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from psycopg import sql

from specprod_copy.errors import DatabaseError
from specprod_copy.postgres import catalog, ddl, statements
from specprod_copy.postgres.connection import one_line
from specprod_copy.postgres.schema import DISTRIBUTED, Schema

_BY = "targetid"
"""The column by which Citus distributes tables that have it; each server has the others."""


@dataclass(frozen=True)
class WaitingRoom:
    """A schema for such tables."""

    connection: psycopg.Connection
    schema: str = "pg_temp"
    on_citus: bool = False

    @property
    def temporary(self) -> bool:
        """Whether its tables last as long as the session, and every commit empties them."""
        return self.schema == "pg_temp"

    def make(self, name: str, schema: str, table: str, columns: Sequence[str]) -> None:
        """Make a table for some columns of rows that are merged into a table of a schema."""
        names = {"schema": schema, "table": table, "room": self.schema, "waiting": name}
        script = ddl.render_template("merge/stage", **names, columns=columns)
        statements.run(self.connection, script)
        if self.on_citus:
            own, beside = (
                sql.Identifier(*place).as_string()
                for place in ((self.schema, name), (schema, "photometry"))
            )
            if _BY in columns:
                query = "SELECT create_distributed_table(%s, %s, colocate_with => %s)"
                self.connection.execute(query, (own, _BY, beside))
            else:
                self.connection.execute("SELECT create_reference_table(%s)", (own,))


@contextmanager
def waiting_room(connection: psycopg.Connection, defined: Schema) -> Iterator[WaitingRoom]:
    """Yield a place for rows, within the caller's transaction.

    Citus joins no temporary tables with distributed ones. For these it is a schema with ordinary
    tables, which nobody else sees: it goes before the transaction ends.

    Raises
    ------
    DatabaseError
        If we may not make a schema.
    """
    if not is_distributed(defined):
        yield WaitingRoom(connection)
        return
    one_by_one(connection, defined)
    room = f"specprod_copy_waiting_{connection.info.backend_pid}"
    name = sql.Identifier(room)
    try:
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(name))
    except psycopg.errors.InsufficientPrivilege as error:
        raise DatabaseError(
            "rows wait in a schema of their own until they are merged into distributed tables: "
            f"{one_line(error)}. Let an administrator run GRANT CREATE ON DATABASE for this role"
        ) from error
    yield WaitingRoom(connection, room, catalog.has_extension(connection, "citus"))
    connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(name))


def is_distributed(defined: Schema) -> bool:
    """Say whether an extension spreads the tables of a schema over servers."""
    return any(table.asked_partitions == DISTRIBUTED for table in defined.tables.values())


def one_by_one(connection: psycopg.Connection, defined: Schema) -> None:
    """Let Citus use one connection to each of its servers, until the transaction ends.

    After work over several it refuses to change tables and functions that each server has.
    """
    if is_distributed(defined):
        connection.execute("SET LOCAL citus.multi_shard_modify_mode = 'sequential'")
