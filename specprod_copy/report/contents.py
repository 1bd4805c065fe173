"""What a report tells of a schema, read in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import psycopg
from psycopg import sql

from specprod_copy.plan import ledger, ledger_format
from specprod_copy.postgres import catalog
from specprod_copy.postgres.catalog import require_schema
from specprod_copy.postgres.connection import translated_errors
from specprod_copy.progress import ProgressListener
from specprod_copy.report import ledger_summary, spectra
from specprod_copy.report.ledger_summary import Folder, Loaded, LoadTime
from specprod_copy.report.spectra import Nights, Spectra, Tile
from specprod_copy.tables import specprod_catalogue

_READ: Final = (ledger.TABLE, "version", "tile", "exposure", *spectra.TABLES)


@dataclass(frozen=True)
class Contents:
    """What there is in a schema, and how it came there."""

    schema: str
    server: str
    """Version of the server."""
    place: str
    """Database, host and user."""
    read_at: datetime
    """In UTC."""
    versions: Sequence[tuple[str, str]]
    """Packages and data behind the rows, as the schema's own table has them."""
    programs: Sequence[str]
    """Versions of this program that loaded rows."""
    loaded: Sequence[Loaded]
    folders: Sequence[Folder]
    more_folders: int
    """Folders that are left out."""
    load_times: Sequence[LoadTime]
    tiles: Sequence[Tile]
    spectra: Spectra | None
    """None where there is no table with redshifts."""
    nights: Nights | None
    """None where there is no table with exposures."""

    @property
    def rows(self) -> int:
        """Rows of all tables."""
        return sum(one.rows for one in self.loaded)


def read_contents(
    connection: psycopg.Connection, schema: str, listener: ProgressListener
) -> Contents:
    """Read what a report tells; nothing is written.

    Each table is read once, by a query that groups: the result is as small for five million rows as
    for ten. How many rows there are is taken from the ledger.

    Parameters
    ----------
    connection : psycopg.Connection
        In autocommit mode.
    schema : str
    listener : ProgressListener
        Is told which table is being read.

    Raises
    ------
    DatabaseError
        If there is no such schema, it has no ledger of this program, or it may not be read.
    """
    tables = catalog.table_ids(connection, schema)
    if ledger.TABLE not in tables:
        require_schema(connection, schema)
        raise ledger_format.no_ledger(schema)
    with translated_errors(f"cannot read schema {schema}"), connection.transaction():
        # All parts are of one moment, whatever is loaded meanwhile.
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        _keep(connection, schema, [name for name in _READ if name in tables])
        ledger_format.require(connection, specprod_catalogue().definition, schema)
        info = connection.info
        version = info.parameter_status("server_version") or ""
        with listener.step("reading the ledger"):
            loaded = ledger_summary.loaded(connection, schema)
            folders, more_folders = ledger_summary.folders(connection, schema)
            load_times = ledger_summary.load_times(connection, schema)
            programs = ledger_summary.programs(connection, schema)
        return Contents(
            schema,
            f"PostgreSQL {version.partition(' ')[0]}",
            f"database {info.dbname} on {info.host or 'this machine'}, read by {info.user}",
            datetime.now(UTC),
            ledger_summary.versions(connection, schema) if "version" in tables else [],
            programs,
            loaded,
            folders,
            more_folders,
            load_times,
            spectra.tiles(connection, schema, listener) if "tile" in tables else [],
            spectra.spectra(connection, schema, tables, listener),
            spectra.nights(connection, schema, tables, listener),
        )


def _keep(connection: psycopg.Connection, schema: str, tables: Sequence[str]) -> None:
    """Keep tables from being replaced until the transaction ends; before its first look at them.

    A table that took another one's place meanwhile would be empty for this transaction.
    """
    names = sql.SQL(", ").join(sql.Identifier(schema, table) for table in tables)
    connection.execute(sql.SQL("LOCK TABLE {} IN ACCESS SHARE MODE").format(names))
