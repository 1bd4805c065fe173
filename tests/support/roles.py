"""Roles that tests make for a while."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql


@contextmanager
def passing_role(database: str, name: str) -> Iterator[psycopg.Connection]:
    """Yield a superuser's connection, while there is an ordinary role without any right.

    In the end it goes, with what it owns in this database.
    """
    role = sql.Identifier(name)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(role))
        yield connection
        connection.execute(sql.SQL("DROP OWNED BY {} CASCADE").format(role))
        connection.execute(sql.SQL("DROP ROLE {}").format(role))
