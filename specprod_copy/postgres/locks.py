"""Who may work on a schema: one loader alone, or several that each load a part.

Advisory locks of the session: they go with the connection, however a loader ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from specprod_copy.errors import DatabaseError

# Any numbers that other programs are unlikely to lock on: rows, the making of tables, the merging
# of tiles, and the counting of rows that are refused.
_WORK = 0x5350_4350
_TABLES = _WORK + 1
_MERGING = _WORK + 2
_REFUSING = _WORK + 3


@contextmanager
def hold_schema_lock(
    connection: psycopg.Connection, schema: str, *, shared: bool
) -> Iterator[None]:
    """Hold the lock of those who write to a schema.

    Parameters
    ----------
    connection : psycopg.Connection
    schema : str
    shared : bool
        Beside others that load their parts, instead of alone.

    Raises
    ------
    DatabaseError
        If another session stands in the way; says which one.
    """
    suffix = "_shared" if shared else ""
    key = (_WORK, schema)
    taken = connection.execute(f"SELECT pg_try_advisory_lock{suffix}(%s, hashtext(%s))", key)
    if taken.fetchone() != (True,):
        who = ", ".join(holders(connection, schema)) or "a session that just ended"
        raise DatabaseError(
            f"another load is at work on schema {schema} ({who}); wait for it and run this again"
        )
    yield
    # After an error the connection may be in any state; the lock ends with it.
    connection.execute(f"SELECT pg_advisory_unlock{suffix}(%s, hashtext(%s))", key)


def making_tables(connection: psycopg.Connection, schema: str) -> None:
    """Wait until no other session makes tables; be alone in that until the transaction ends."""
    connection.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", (_TABLES, schema))


def merging(connection: psycopg.Connection, schema: str) -> None:
    """Wait until no other session merges a tile; be alone in that until the transaction ends.

    Two tiles that share targets must not be merged at once: which photometry and which spectrum of
    a target counts depends on what the other one brought.
    """
    connection.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", (_MERGING, schema))


def refusing_rows(connection: psycopg.Connection, schema: str) -> None:
    """Wait until no other session refuses rows; be alone in that until the transaction ends."""
    connection.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", (_REFUSING, schema))


def holders(connection: psycopg.Connection, schema: str) -> list[str]:
    """Return who is at work on a schema."""
    query = """
        SELECT format('process %%s of %%s since %%s', a.pid, a.usename,
                      to_char(a.backend_start, 'YYYY-MM-DD HH24:MI:SS'))
        FROM pg_locks l JOIN pg_stat_activity a USING (pid)
        WHERE l.locktype = 'advisory' AND l.granted AND l.classid = %s
          AND l.objid = (hashtext(%s)::bigint & 4294967295)::oid
          AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
        ORDER BY a.backend_start"""
    return [who for (who,) in connection.execute(query, (_WORK, schema))]
