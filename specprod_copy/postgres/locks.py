"""Who may work on a schema: one loader alone, or several that each load a part.

Advisory locks of the session: they go with the connection, however a loader ends.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import LiteralString

import psycopg
from psycopg.pq import TransactionStatus

from specprod_copy.errors import DatabaseError
from specprod_copy.postgres.connection import refuse_read_only
from specprod_copy.postgres.waits import Teller, described
from specprod_copy.progress import ProgressListener

_SECONDS_BETWEEN_LOOKS = 1.0

_MOST_TRIES = 20

# Any numbers that other programs are unlikely to lock on: rows, the making of tables, the merging
# of tiles, the counting of rows that are refused, the rebuilding of indexes, and views.
_WORK = 0x5350_4350
_TABLES = _WORK + 1
_MERGING = _WORK + 2
_REFUSING = _WORK + 3
_REBUILDING = _WORK + 4
_VIEWS = _WORK + 5


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
        If this session cannot write, or another one stands in the way; says which one.
    """
    refuse_read_only(connection)
    suffix = "_shared" if shared else ""
    key = (_WORK, schema)
    take = f"SELECT pg_try_advisory_lock{suffix}(%s, hashtext(%s))"
    release = f"SELECT pg_advisory_unlock{suffix}(%s, hashtext(%s))"
    tries = 0
    while connection.execute(take, key).fetchone() != (True,):
        who = "; ".join(holders(connection, schema))
        tries += 1
        # Whoever was in the way and is not any more has just ended.
        if who or tries == _MOST_TRIES:
            raise DatabaseError(
                f"another load is at work on schema {schema} ({who or 'a hidden session'}); wait "
                "for it and run this again"
            )
    try:
        yield
    finally:
        # The lock ends with the connection, but not at once: the next command would come too early.
        if connection.info.transaction_status == TransactionStatus.IDLE:
            with suppress(psycopg.Error):
                connection.execute(release, key)


def making_tables(connection: psycopg.Connection, schema: str) -> None:
    """Wait until no other session makes tables; be alone in that until the transaction ends."""
    connection.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", (_TABLES, schema))


@contextmanager
def making_indexes(connection: psycopg.Connection, schema: str) -> Iterator[None]:
    """Be alone in making tables, and what they lack, over several transactions."""
    connection.execute("SELECT pg_advisory_lock(%s, hashtext(%s))", (_TABLES, schema))
    yield
    # After an error the lock ends with the connection.
    connection.execute("SELECT pg_advisory_unlock(%s, hashtext(%s))", (_TABLES, schema))


def merging(connection: psycopg.Connection, schema: str) -> None:
    """Wait until no other session merges a tile; be alone in that until the transaction ends.

    Two tiles that share targets must not be merged at once: which photometry and which spectrum of
    a target counts depends on what the other one brought.
    """
    connection.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", (_MERGING, schema))


def refusing_rows(connection: psycopg.Connection, schema: str) -> None:
    """Wait until no other session refuses rows; be alone in that until the transaction ends."""
    connection.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", (_REFUSING, schema))


class ViewsInUse(psycopg.errors.LockNotAvailable):
    """Another session replaces views of ours."""


def replacing_views(connection: psycopg.Connection) -> None:
    """Wait until no other session replaces views of ours, and be alone in it, as `making_tables`.

    In all schemas: views of one read tables of others.
    """
    try:
        connection.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", (_VIEWS, ""))
    except psycopg.errors.LockNotAvailable as error:
        raise ViewsInUse(*error.args) from error


@contextmanager
def rebuilding_indexes(
    connection: psycopg.Connection, listener: ProgressListener
) -> Iterator[None]:
    """Be the only session that rebuilds indexes while others use them; wait for those before.

    In all schemas: each would wait for all queries of the database that run, the other one's too.
    A query that waits for the lock would be one of these.

    Parameters
    ----------
    connection : psycopg.Connection
        In autocommit mode.
    listener : ProgressListener
        Receives for whom this waits.
    """
    teller = Teller(listener)
    key = (_REBUILDING, "")
    take = "SELECT pg_try_advisory_lock(%s, hashtext(%s))"
    while connection.execute(take, key).fetchone() != (True,):
        teller.now(_holders(connection, *key))
        time.sleep(_SECONDS_BETWEEN_LOOKS)
    teller.now({})
    yield
    # After an error the lock ends with the connection.
    connection.execute("SELECT pg_advisory_unlock(%s, hashtext(%s))", key)


def replacers_of_views(connection: psycopg.Connection) -> dict[int, str]:
    """Return the sessions that replace views of ours, by process."""
    return _holders(connection, _VIEWS, "")


def holders(connection: psycopg.Connection, schema: str) -> list[str]:
    """Return who is at work on a schema."""
    return [*_holders(connection, _WORK, schema).values()]


def _holders(connection: psycopg.Connection, kind: int, schema: str) -> dict[int, str]:
    """Return the sessions that have an advisory lock."""
    query: LiteralString = """
        SELECT pid FROM pg_locks
        WHERE locktype = 'advisory' AND granted AND classid = %(kind)s
          AND objid = (hashtext(%(schema)s)::bigint & 4294967295)::oid
          AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"""
    return described(connection, query, {"kind": kind, "schema": schema})
