"""Rights to tables: read, and given again to others of the same name."""

from __future__ import annotations

import psycopg
import pytest

from specprod_copy.postgres.grants import granted
from specprod_copy.postgres.rights import let_read_again

COLUMNS = ("id", "my {}", 'a "b" %s')
ROLE = "pg_monitor"


@pytest.fixture
def connection(database):
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA s")
        yield connection


def make(connection: psycopg.Connection, *columns: str) -> None:
    names = [psycopg.sql.Identifier(column).as_string() for column in columns]
    connection.execute("DROP TABLE IF EXISTS s.t")
    connection.execute(f"CREATE TABLE s.t ({', '.join(f'{name} int' for name in names)})")


def give(connection: psycopg.Connection, privilege: str, *columns: str) -> None:
    names = ", ".join(psycopg.sql.Identifier(column).as_string() for column in columns)
    connection.execute(f"GRANT {privilege} ({names}) ON s.t TO {ROLE}")


def test_columns_of_any_name(connection):
    make(connection, *COLUMNS)
    give(connection, "SELECT", *COLUMNS)
    before = granted(connection, "s", ["t"])
    assert [grant.column for grant in before] == [*COLUMNS]
    make(connection, *reversed(COLUMNS))
    assert let_read_again(connection, "s", ["t"], before).notes == []
    assert {*granted(connection, "s", ["t"])} == {*before}


def test_columns_that_are_no_more(connection):
    """Those of a table that had optional columns, for one."""
    make(connection, *COLUMNS)
    give(connection, "SELECT", *COLUMNS)
    give(connection, "UPDATE", *COLUMNS)
    before = granted(connection, "s", ["t"])
    make(connection, COLUMNS[0])
    lost = '"my {}", "a ""b"" %s"'
    assert let_read_again(connection, "s", ["t"], before).gone == [
        f'rights that GRANT UPDATE ("id") ON "s"."t" TO "{ROLE}" gives again',
        f'rights to what is no more, by GRANT SELECT ({lost}), UPDATE ({lost}) ON "s"."t" TO '
        f'"{ROLE}"',
    ]
    assert [grant.column for grant in granted(connection, "s", ["t"])] == ["id"]


def test_a_right_to_all_beside_one_to_columns(connection):
    make(connection, *COLUMNS)
    give(connection, "INSERT", "id")
    connection.execute(f"GRANT INSERT ON s.t TO {ROLE}")
    before = granted(connection, "s", ["t"])
    make(connection, *COLUMNS)
    [named] = let_read_again(connection, "s", ["t"], before).gone
    again = f'GRANT INSERT, INSERT ("id") ON "s"."t" TO "{ROLE}"'
    assert named == f"rights that {again} gives again"
    connection.execute(again)
    assert granted(connection, "s", ["t"]) == before
