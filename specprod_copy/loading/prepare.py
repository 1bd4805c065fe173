"""Tables made, before their rows come: for whole stages, for single tiles, for patches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import psycopg

from specprod_copy.errors import DatabaseError
from specprod_copy.postgres import catalog, ddl, locks, statements
from specprod_copy.postgres.foreign_code import keep_foreign_code_out, refuse_foreign_code
from specprod_copy.postgres.rights import making_schema
from specprod_copy.postgres.schema import Schema
from specprod_copy.postgres.schema_conflicts import refuse_conflicts
from specprod_copy.postgres.schema_from_server import read_schema
from specprod_copy.postgres.sql_statements import Commented, meaning_of


@dataclass(frozen=True)
class Prepared:
    """A schema that has the tables that were wanted."""

    schema: Schema
    new: list[str]
    """The tables that were made."""

    @property
    def single_copy(self) -> list[str]:
        """Those of them that one COPY can fill as frozen.

        The server refuses that to partitions, and empties no table that others refer to.
        """
        return [
            table
            for table in self.new
            if self.schema.tables[table].partitions is None
            and not any(self.schema.referring(table))
        ]


def make_tables(
    connection: psycopg.Connection, defined: Schema, schema: str, tables: Sequence[str]
) -> Prepared:
    """Make what a schema lacks of some tables, and itself, within the caller's transaction.

    Keys come after the rows; but table ``version`` has its own at once.

    Raises
    ------
    DatabaseError
        If we may not make the schema, or tables that exist are in conflict with their definition
        or would run functions of others.
    """
    locks.making_tables(connection, schema)
    found = read_schema(connection, schema)
    if not found.exists:
        with making_schema(connection, schema):
            statements.make(connection, defined, ["schema"], ["table"], schema=schema)
    refuse_conflicts(defined, found, tables)
    refuse_foreign_code(connection, schema, tables)
    keep_foreign_code_out(connection, schema, tables)
    new = [table for table in tables if table not in found.tables]
    _refuse_local(defined, schema, new)
    statements.make(connection, defined, new, ["table", "comments"], schema=schema)
    statements.make(
        connection, defined, [t for t in new if t == "version"], ["keys"], schema=schema
    )
    _comment(connection, defined, found, [table for table in tables if table in found.tables])
    return Prepared(read_schema(connection, schema) if new else found, new)


def _refuse_local(defined: Schema, schema: str, new: Sequence[str]) -> None:
    """Check that no table is made beside distributed ones that belongs to them."""
    phase = ddl.statements(defined, new, ["distribution"], schema=schema)
    if local := [statement.table for statement in phase]:
        raise DatabaseError(
            f"schema {schema} has the keys of distributed tables, and lacks {', '.join(local)}: "
            "make these by 'specprod-copy render-ddl --citus', which distributes them"
        )


def _comment(
    connection: psycopg.Connection, defined: Schema, found: Schema, tables: Sequence[str]
) -> None:
    """Comment what somebody has made without comments; comments of users stay."""
    bare = {
        (name, column.name)
        for name in tables
        for column in found.tables[name].columns
        if not column.comment
    } | {(name, "") for name in tables if not found.tables[name].comment}
    if not bare:
        return
    owned = catalog.owned_tables(connection, found.name)
    for statement in ddl.statements(defined, tables, ["comments"], schema=found.name):
        meaning = meaning_of(statement.sql)
        assert isinstance(meaning, Commented)
        if meaning.table in owned and (meaning.table, meaning.column) in bare:
            statements.run(connection, statement.sql)
