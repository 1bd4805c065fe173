"""Rows that refer to no row, while what they refer to is being loaded."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import psycopg

from specprod_copy.postgres.schema import Reference
from specprod_copy.verification.orphans import find_orphans

REFERENCE = Reference("a_b", ("id", "kind"), "b", ("id", "kind"))


class Overtaken(psycopg.Connection):
    """After each statement the missing rows are there, by somebody else."""

    def execute(self, *arguments: Any, **options: Any) -> Any:
        found = super().execute(*arguments, **options)
        with psycopg.connect(self.info.dsn) as other:
            other.execute("INSERT INTO o.b SELECT * FROM o.a ON CONFLICT DO NOTHING")
        return found


def test_rows_that_come_while_they_are_looked_for(database):
    with psycopg.connect(database) as connection:
        connection.execute(
            "CREATE SCHEMA o; CREATE TABLE o.a (id bigint, kind text); "
            "CREATE TABLE o.b (id bigint, kind text, UNIQUE (id, kind)); "
            "INSERT INTO o.a VALUES (2, 'x'), (1, 'y'), (2, 'x'), (NULL, 'z'), (3, 'x'); "
            "INSERT INTO o.b VALUES (3, 'x')"
        )
    with closing(Overtaken.connect(database, autocommit=True)) as connection:
        found = find_orphans(connection, "o", "a", REFERENCE)
        assert (found.number, found.n_values) == (3, 2)
        assert [*found.values] == [(1, "y"), (2, "x")]
        found = find_orphans(connection, "o", "a", REFERENCE)
        assert (found.number, found.n_values, [*found.values]) == (0, 0, [])


def test_columns_named_as_the_query_names_its_own(database):
    names = ("number", "key1", "count")
    reference = Reference("a_b", names, "b", names)
    with psycopg.connect(database) as connection:
        columns = "(number bigint, key1 text, count bigint)"
        connection.execute(
            f"CREATE SCHEMA o; CREATE TABLE o.a {columns}; CREATE TABLE o.b {columns}; "
            "INSERT INTO o.a VALUES (2, 'x', 7), (2, 'x', 7), (1, 'y', 8)"
        )
        found = find_orphans(connection, "o", "a", reference)
    assert (found.number, found.n_values) == (3, 2)
    assert [*found.values] == [(1, "y", 8), (2, "x", 7)]
