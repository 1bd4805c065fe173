"""The database of the embedded server, with q3c where this PostgreSQL has it."""

from __future__ import annotations

import psycopg
from psycopg import sql

from specprod_copy.server.postmaster import DATABASE, Postmaster

_OPTIONS = "-c search_path=pg_catalog,pg_temp"
"""In a new database too our sessions see no names of others."""


def make_database(postmaster: Postmaster) -> None:
    """Make the database and the extension where they are absent.

    Raises
    ------
    psycopg.Error
        If the server refuses.
    """
    with psycopg.connect(
        postmaster.conninfo("postgres"), autocommit=True, options=_OPTIONS
    ) as connection:
        query = "SELECT 1 FROM pg_database WHERE datname = %s"
        if connection.execute(query, (DATABASE,)).fetchone() is None:
            statement = sql.SQL("CREATE DATABASE {}")
            connection.execute(statement.format(sql.Identifier(DATABASE)))
    with psycopg.connect(
        postmaster.conninfo(DATABASE), autocommit=True, options=_OPTIONS
    ) as connection:
        query = "SELECT 1 FROM pg_available_extensions WHERE name = 'q3c'"
        if connection.execute(query).fetchone() is not None:
            connection.execute("CREATE EXTENSION IF NOT EXISTS q3c SCHEMA public")
