"""Names in SQL that has parameters as well."""

from __future__ import annotations

from psycopg import sql


def parametrized(*names: str) -> sql.SQL:
    """Return a quoted name for a query that has parameters as well.

    In such a query psycopg takes every ``%`` for a placeholder, those inside quotes too.
    """
    return sql.SQL(sql.Identifier(*names).as_string().replace("%", "%%"))
