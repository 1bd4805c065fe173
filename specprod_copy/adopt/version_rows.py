"""Table ``version`` of other programs."""

from __future__ import annotations

from typing import Final

import psycopg
from psycopg import sql

EARLIER_NAMES: Final = {"lsd9-photometry": "lsdr9-photometry"}
"""Packages that specprod-db calls by another name."""


def mend(
    connection: psycopg.Connection, schema: str, repair: bool, harmless: dict[str, list[str]]
) -> None:
    """Let the ids of new rows follow those that are there, and call packages by their names.

    specprod-db writes the ids itself, so that the sequence would give them once more.

    Parameters
    ----------
    connection : psycopg.Connection
    schema : str
    repair : bool
        Whether to change the names.
    harmless : dict of str to list of str
        Receives what is different.
    """
    name = sql.Identifier(schema, "version")
    connection.execute(
        sql.SQL(
            """SELECT setval(pg_get_serial_sequence({}, 'id'), max(id)) FROM {}
               HAVING max(id) IS NOT NULL"""
        ).format(sql.Literal(name.as_string()), name)
    )
    query = sql.SQL("SELECT package FROM {}").format(name)
    packages = {package for (package,) in connection.execute(query)}
    for before, now in EARLIER_NAMES.items():
        if before in packages and now not in packages:
            harmless.setdefault("version", []).append(f"{now} is called {before}")
            if repair:
                update = sql.SQL("UPDATE {} SET package = {} WHERE package = {}")
                connection.execute(update.format(name, sql.Literal(now), sql.Literal(before)))
