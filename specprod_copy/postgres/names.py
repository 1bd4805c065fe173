"""Names in SQL: quoted, listed, and where it has parameters as well."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from psycopg import sql

from specprod_copy.postgres.columns import Column


def parametrized(*names: str) -> sql.SQL:
    """Return a quoted name for a query that has parameters as well.

    In such a query psycopg takes every ``%`` for a placeholder, those inside quotes too.
    """
    return sql.SQL(sql.Identifier(*names).as_string().replace("%", "%%"))


def listed(columns: Iterable[str], of: str | None = None) -> sql.Composed:
    """Return columns with commas in between, each with the name of its table if that is given."""
    names = [sql.Identifier(of, c) if of else sql.Identifier(c) for c in columns]
    return sql.SQL(", ").join(names)


def among(columns: Sequence[Column], of: str | None = None) -> sql.Composed:
    """Return the condition that columns are one of some keys, for a query with parameters.

    The parameters are a list of values for each column.
    """
    arrays = [sql.SQL("%s::{}[]").format(sql.Identifier("pg_catalog", c.type)) for c in columns]
    return sql.SQL("({}) IN (SELECT * FROM unnest({}))").format(
        sql.SQL(", ").join(parametrized(*([of] if of else []), c.name) for c in columns),
        sql.SQL(", ").join(arrays),
    )


def matched(of: str, columns: Sequence[str], other: str, keys: Sequence[str]) -> sql.Composed:
    """Return the condition that columns of a table equal those of another one."""
    return sql.SQL(" AND ").join(
        sql.SQL("{} = {}").format(sql.Identifier(of, column), sql.Identifier(other, key))
        for column, key in zip(columns, keys, strict=True)
    )
