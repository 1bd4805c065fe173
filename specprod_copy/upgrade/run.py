"""Bring the ledger and the tables of a schema to today's format and definition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Annotated

import psycopg

from specprod_copy.errors import DatabaseError
from specprod_copy.option import Option, PatienceSeconds, Schema
from specprod_copy.plan import ledger_format
from specprod_copy.plan.ledger import TABLE
from specprod_copy.postgres import locks
from specprod_copy.postgres import schema as schemas
from specprod_copy.postgres.catalog import require_schema
from specprod_copy.postgres.connection import connect, refuse_read_only, translated_errors
from specprod_copy.postgres.foreign_code import refuse_foreign_code
from specprod_copy.postgres.patience import PATIENCE, Patience
from specprod_copy.postgres.schema_from_server import read_schema
from specprod_copy.postgres.schema_upgrade import Upgrade as TableUpgrade
from specprod_copy.postgres.schema_upgrade import plan_upgrade as of_tables
from specprod_copy.postgres.schema_upgrade import without_comments
from specprod_copy.postgres.search_path import q3c_schema
from specprod_copy.postgres.waits import watched
from specprod_copy.progress import ProgressListener
from specprod_copy.tables import Catalogue
from specprod_copy.vac.stored import catalogue_in


@dataclass(frozen=True)
class UpgradeOptions:
    """What to upgrade."""

    schema: Schema
    rewrite: Annotated[
        bool,
        Option(
            "--rewrite",
            "Widen columns even where the server has to write the table again; nobody can read it "
            "meanwhile.",
        ),
    ] = False
    patience: PatienceSeconds = PATIENCE


@dataclass(frozen=True)
class Upgrade:
    """What a schema lacks of today's definition."""

    ledger: Sequence[str]
    """Statements that bring the ledger into today's format, in one transaction."""
    tables: TableUpgrade

    @property
    def statements(self) -> list[str]:
        """All statements, in order; with comments."""
        return [*self.ledger, *chain.from_iterable(self.tables.statements.values())]

    @property
    def number(self) -> int:
        """How many statements there are, without the comments."""
        return len(without_comments(self.statements))


def plan_upgrade(
    conninfo: str,
    options: UpgradeOptions,
    listener: ProgressListener | None = None,
    *,
    catalogue: Catalogue | None = None,
) -> Upgrade:
    """Find out what `upgrade` would do, without doing it; nobody is kept waiting.

    Parameters
    ----------
    conninfo : str
        For libpq.
    options : UpgradeOptions
    listener : ProgressListener, optional
        Receives for whom this waits.
    catalogue : Catalogue, optional
        The tables; those of a production without it.

    Raises
    ------
    DatabaseError
        If there is no such schema, its ledger is of a later version, or a table would run
        functions of others.
    """
    with (
        watched(conninfo, listener or ProgressListener()) as conninfo,
        connect(conninfo) as connection,
        translated_errors(f"cannot look at schema {options.schema}"),
    ):
        refuse_read_only(connection)
        defined = _definition(connection, options.schema, catalogue)
        ledger = ledger_format.take_over_statements(connection, defined, options.schema)
        found = read_schema(connection, options.schema)
        if ledger:  # As it will be then, which lacks other things.
            found = replace(found, tables={**found.tables, TABLE: defined.tables[TABLE]})
        return Upgrade(ledger, _of_tables(connection, defined, found, options))


def upgrade(
    conninfo: str,
    options: UpgradeOptions,
    listener: ProgressListener | None = None,
    *,
    catalogue: Catalogue | None = None,
) -> Upgrade:
    """Bring the ledger and the tables of a schema to today's format and definition.

    The ledger is taken over in one transaction. Then tables get, statement by statement, what they
    lack and can get: see `specprod_copy.postgres.schema_upgrade.upgraded`. A run that was
    interrupted is continued by the next one.

    Parameters
    ----------
    conninfo, options
        As for `plan_upgrade`.
    listener : ProgressListener, optional
        Receives progress events.
    catalogue : Catalogue, optional
        As for `plan_upgrade`.

    Returns
    -------
    Upgrade
        What was done.

    Raises
    ------
    DatabaseError
        As for `plan_upgrade`; and if the server refuses, or others are at work on the schema.
    """
    listener = listener or ProgressListener()
    patience = Patience(listener, options.patience)
    with (
        watched(conninfo, listener) as conninfo,
        connect(conninfo) as connection,
        translated_errors(f"cannot upgrade schema {options.schema}"),
        locks.hold_schema_lock(connection, options.schema, shared=False),
    ):
        defined = _definition(connection, options.schema, catalogue)
        ledger = ledger_format.convert(connection, defined, options.schema, patience)
        found = read_schema(connection, options.schema)
        tables = _of_tables(connection, defined, found, options)
        tables.run(connection, patience)
    return Upgrade(ledger, tables)


def _definition(
    connection: psycopg.Connection, schema: str, catalogue: Catalogue | None
) -> schemas.Schema:
    """Return the definition of the catalogue, or else that of the layout that the tables have.

    The server writes rows again where a column changes: so no function of others may be there.
    """
    found = read_schema(connection, schema)
    defined = (catalogue or catalogue_in(connection, found)).definition
    refuse_foreign_code(connection, schema, [*defined.tables])
    return defined


def _of_tables(
    connection: psycopg.Connection,
    defined: schemas.Schema,
    found: schemas.Schema,
    options: UpgradeOptions,
) -> TableUpgrade:
    result = of_tables(defined, found, q3c_schema(connection), rewrite=options.rewrite)
    if not result.target.tables:
        require_schema(connection, options.schema)
        raise DatabaseError(f"schema {options.schema} has none of the tables of a production")
    return result
