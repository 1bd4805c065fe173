"""The formula for rows of a table, beside what the server does."""

from __future__ import annotations

import psycopg
import pytest

from specprod_copy.errors import ConfigurationError
from specprod_copy.postgres.columns import Column
from specprod_copy.postgres.row_size import MOST_BYTES, refuse_too_wide, row_size

ROWS = 60


def columns(kinds: str, *, not_null: bool = True) -> list[Column]:
    """Return columns by letters, such as ``2f 1017d``."""
    types = {"f": "float4", "d": "float8", "s": "int2", "b": "bool", "i": "int4"}
    words = [(int(word[:-1]), types[word[-1]]) for word in kinds.split()]
    every = [kind for n, kind in words for _ in range(n)]
    return [Column(f"c{n}", kind, not_null) for n, kind in enumerate(every)]


def fill(database: str, own: list[Column], nulls: int = 0) -> int:
    """Make a table of such rows, and return how many pages it has."""
    defined = ", ".join(f"{column.name} {column.type}" for column in own)
    values = ["NULL"] * nulls + [f"1::int::{c.type}" for c in own[nulls:]]
    with psycopg.connect(database) as connection:
        connection.execute(f"CREATE TABLE t ({defined})".encode())
        rows = f"INSERT INTO t SELECT {', '.join(values)} FROM generate_series(1, {ROWS})"
        connection.execute(rows.replace("1::int::int2", "1::int2").encode())
        (size,) = connection.execute("SELECT pg_relation_size('t') / 8192").fetchone()
        connection.execute("DROP TABLE t")
    return size


@pytest.mark.parametrize("kinds", ["1d 889f", "1017d", "1600f", "3s 1b 5d 7i", "500d", "505d"])
def test_rows_a_page(database, kinds):
    own = columns(kinds)
    assert row_size(own).most <= MOST_BYTES
    assert fill(database, own) == -(-ROWS // row_size(own).rows_a_page)


def test_what_no_page_can_hold(database):
    """The largest row that the formula allows is stored, the next one is not."""
    refuse_too_wide("t", columns("1017d"))
    with pytest.raises(ConfigurationError, match="takes 8,168 bytes"):
        refuse_too_wide("t", columns("1018d"))
    with pytest.raises(psycopg.errors.ProgramLimitExceeded, match="8168"):
        fill(database, columns("1018d"))
    # With a single NULL a row has a bit for each column, and one column less.
    most = next(
        n
        for n in range(1017, 0, -1)
        if row_size(columns(f"{n}d", not_null=False)).most <= MOST_BYTES
    )
    assert fill(database, columns(f"{most}d"), nulls=1) == ROWS
    with pytest.raises(psycopg.errors.ProgramLimitExceeded):
        fill(database, columns(f"{most + 1}d"), nulls=1)


def test_what_is_said_of_a_row_that_is_just_too_large():
    assert row_size(columns("1d 889f")).note == ""
    size = row_size(columns("508d"))
    assert "just larger than 4,080, of which a page has 2" in size.note
