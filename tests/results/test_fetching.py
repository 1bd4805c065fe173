"""What fetches a result: its errors reach who waits for it."""

from __future__ import annotations

import pyarrow as pa
import pytest
from psycopg import sql

from specprod_copy.results.session import Sessions, open_sessions, translated
from specprod_copy.results.stream import fetched


class WithoutMemory(Sessions):
    """Sessions whose rows nobody has room for."""

    def cursor(self, *, copies):
        cursor = super().cursor(copies=copies)

        def fail():
            raise MemoryError("out of memory")

        cursor.fetch_record_batch = fail
        return cursor


def test_any_error_of_the_thread_is_raised(dsn):
    with open_sessions(dsn) as sessions:
        without = WithoutMemory(sessions.asking, sessions.fetching)
        with (
            pytest.raises(MemoryError, match="out of memory"),
            fetched(without, "SELECT 1 AS a", sql.SQL("a")) as batches,
        ):
            next(batches)


def test_the_server_is_not_blamed_for_what_it_did_not_do():
    told = str(translated(pa.ArrowInvalid("[libpq] ReadRecord failed at row 10972:")))
    assert told == "the result cannot be fetched: [libpq] ReadRecord failed at row 10972:"
