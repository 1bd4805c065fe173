"""Number of spectra of each target and choice of the best one, over whole tables; q3c indexes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import psycopg
from psycopg import sql

from specprod_copy.daily.schema import keys_of
from specprod_copy.errors import DatabaseError
from specprod_copy.loading import post_data
from specprod_copy.plan import ledger, procedures
from specprod_copy.postgres import catalog, ddl, locks, statements
from specprod_copy.postgres.catalog import require_schema
from specprod_copy.postgres.connection import translated_errors
from specprod_copy.postgres.foreign_code import keep_foreign_code_out, refuse_foreign_code
from specprod_copy.postgres.patience import Patience
from specprod_copy.postgres.schema import Schema
from specprod_copy.postgres.schema_from_server import read_schema
from specprod_copy.postgres.search_path import q3c_schema
from specprod_copy.progress import ProgressListener
from specprod_copy.tables.common import ranked_by

TABLES: Final = ("zpix", "ztile")
"""Tables of spectra."""


@dataclass(frozen=True)
class Choice:
    """What became of a table."""

    changed: int
    """Rows that changed."""
    ranked_by: str
    """The column by which spectra are ranked."""
    ties: int = 0
    """Targets of which another spectrum is chosen now, though its value is not better."""


def choose_primary(
    connection: psycopg.Connection,
    schema: str,
    listener: ProgressListener | None = None,
    *,
    count_ties: bool = False,
) -> dict[str, Choice]:
    """Recompute nspec and primary over all spectra; only rows that change are written.

    The rule is in ``templates/primary.sql``. Spectra are ranked by EFFTIME_SPEC where the table has
    it, else by TSNR2_LRG. Readers go on, and see the old values until the end.

    Parameters
    ----------
    connection : psycopg.Connection
    schema : str
    listener : ProgressListener, optional
    count_ties : bool
        Count targets whose choice differs from that in the table because of a tie or a value of 0
        or less alone, as may be where the table has the flags of its files.

    Returns
    -------
    dict of str to Choice
        By table.

    Raises
    ------
    DatabaseError
        If the schema has no tables of spectra, or the server refuses.
    """
    found = read_schema(connection, schema)
    tables = [table for table in TABLES if table in found.tables]
    if not tables:
        require_schema(connection, schema)
        raise DatabaseError(f"schema {schema} has neither of the tables {' and '.join(TABLES)}")
    refuse_foreign_code(connection, schema, [*tables, ledger.TABLE])
    choices: dict[str, Choice] = {}
    step = (listener or ProgressListener()).step
    with (
        translated_errors(f"cannot choose primary spectra of schema {schema}"),
        connection.transaction(),
    ):
        locks.merging(connection, schema)
        keep_foreign_code_out(connection, schema, [*tables, ledger.TABLE])
        for table in tables:
            with step(f"{table}: primary"):
                rank = ranked_by(found.tables[table].columns)
                names = {"schema": schema, "table": table, "rank": rank}
                ties = 0
                if count_ties:
                    query = ddl.render_template("primary_ties", **names)
                    [(ties,)] = statements.rows(connection, query)
                script = ddl.render_template("primary_counted", **names)
                [changed] = statements.run(connection, script, schema)
                procedures.record(connection, schema, table, "primary")
                choices[table] = Choice(changed, rank, ties)
    return choices


def refresh_indexes(
    connection: psycopg.Connection,
    defined: Schema,
    schema: str,
    patience: Patience,
    *,
    cluster: bool,
) -> None:
    """Build the q3c indexes anew while they are in use, and let the planner see the new rows.

    One session of a database after the other does so.

    Parameters
    ----------
    connection : psycopg.Connection
        In autocommit mode.
    schema : str
    patience : Patience
        How to wait for tables that others use; its listener receives what is done.
    cluster : bool
        Order the tables on these indexes instead, which locks them meanwhile.

    Raises
    ------
    DatabaseError
        If the server refuses.
    """
    tables = [*keys_of(defined)]
    q3c = q3c_schema(connection)
    with (
        translated_errors(f"cannot refresh the indexes of schema {schema}"),
        locks.rebuilding_indexes(connection, patience.listener),
    ):
        for index in catalog.abandoned_indexes(connection, schema):
            drop = sql.SQL("DROP INDEX CONCURRENTLY IF EXISTS {}")
            connection.execute(drop.format(sql.Identifier(schema, index)))
        if q3c and not cluster:
            for statement in ddl.statements(defined, tables, ["q3c"], schema=schema):
                if statement.makes is not None:
                    name = sql.Identifier(schema, statement.makes.name)
                    with patience.listener.step(str(statement)):
                        connection.execute(sql.SQL("REINDEX INDEX CONCURRENTLY {}").format(name))
        wanted = post_data.PostData(q3c, changed=tables, cluster=tables if cluster else ())
        post_data.finish(connection, defined, schema, tables, wanted, patience)
