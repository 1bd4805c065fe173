"""Who may work on a schema: one loader alone, or several that each load a part.

Advisory locks of the session: they go with the connection, however a loader ends. And how to take
locks of tables that others use.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from typing import Final, LiteralString, TypeVar

import psycopg
from psycopg.pq import TransactionStatus

from specprod_copy.errors import DatabaseError, InUseError
from specprod_copy.postgres.connection import refuse_read_only
from specprod_copy.postgres.waits import Teller, described
from specprod_copy.progress import ProgressListener

T = TypeVar("T")
IDLE, INTRANS = TransactionStatus.IDLE, TransactionStatus.INTRANS

PATIENCE: Final = 1800
"""Seconds after which locks of tables that others use are given up."""

ATTEMPT: Final = 0.3
"""Seconds for which others may be kept waiting behind an attempt to get a lock."""

_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 10.0

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
        if connection.info.transaction_status == IDLE:
            with suppress(psycopg.Error):
                connection.execute(release, key)


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


class _ViewsNotAvailable(psycopg.errors.LockNotAvailable):
    """Another session replaces views of ours."""


def replacing_views(connection: psycopg.Connection) -> None:
    """Wait until no other session replaces views of ours, and be alone in it, as `making_tables`.

    In all schemas: views of one read tables of others.
    """
    try:
        connection.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", (_VIEWS, ""))
    except psycopg.errors.LockNotAvailable as error:
        raise _ViewsNotAvailable(*error.args) from error


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


# Tables ------------------------------------------------------------------------------------------


def attempt(connection: psycopg.Connection, work: Callable[[], T], seconds: float = ATTEMPT) -> T:
    """Do work that takes locks, unless one of them cannot be had in a moment.

    Parameters
    ----------
    connection : psycopg.Connection
        Which the work is done with; within a transaction or not.
    work : callable
    seconds : float
        How long to wait for each lock.

    Raises
    ------
    psycopg.errors.LockNotAvailable
        If somebody is in the way; then nothing is done.
    """
    within = connection.info.transaction_status == INTRANS
    with connection.transaction() if within else nullcontext():
        _limit_waits(connection, seconds)
        try:
            result = work()
        finally:
            # After an error within a transaction the setting is rolled back with the work.
            if connection.info.transaction_status in (
                TransactionStatus.IDLE,
                TransactionStatus.INTRANS,
            ):
                _limit_waits(connection, 0)
    return result


def _limit_waits(connection: psycopg.Connection, seconds: float) -> None:
    connection.execute("SELECT set_config('lock_timeout', %s, false)", (f"{seconds * 1000:.0f}",))


@dataclass(frozen=True)
class Patience:
    """How to wait for tables that others use."""

    listener: ProgressListener
    """Receives who is in the way."""

    seconds: float = PATIENCE
    """After how long to give up."""

    rest: Callable[[float], object] = time.sleep
    """Lets so many seconds pass; returns True if this is to be given up."""

    then: str = "run this again"
    """What to do when the others have ended, if it was given up."""


def with_patience(
    connection: psycopg.Connection,
    work: Callable[[], T],
    tables: Collection[tuple[str, str]],
    patience: Patience,
    *,
    readers: bool = True,
) -> T:
    """Do work that locks others out of tables, as soon as nobody is in the way.

    A lock that is waited for lets nobody pass who comes later, were it only to read. So it is tried
    for a moment, again and again, with pauses in between that grow.

    Parameters
    ----------
    connection : psycopg.Connection
    work : callable
        Is done as a whole, or not at all.
    tables : collection of (schema, table)
        What it locks. Tables that these refer to are locked with them, and all their partitions.
    patience : Patience
    readers : bool
        Whether those are in the way who only read.

    Raises
    ------
    InUseError
        If others are in the way for longer; says who. Then nothing is done.
    """
    teller = Teller(patience.listener)
    end = time.monotonic() + patience.seconds
    seconds, pause = ATTEMPT, _FIRST_PAUSE
    while True:
        try:
            result = attempt(connection, work, seconds)
        except psycopg.errors.LockNotAvailable as error:
            if isinstance(error, _ViewsNotAvailable):
                users = _holders(connection, _VIEWS, "")
            else:
                users = _users(connection, tables, readers=readers)
            if time.monotonic() > end:
                who = "; ".join(users.values()) or "sessions that have ended just now"
                raise InUseError(
                    f"after {patience.seconds:,.0f} s others still use the tables ({who}); "
                    f"{patience.then} when they have ended"
                ) from error
            teller.now(users)
            if patience.rest(pause) is True:
                raise
            pause = min(2 * pause, _LONGEST_PAUSE)
            vacuumed = any("autovacuum" in who for who in users.values())
            seconds = _until_autovacuum_ends(connection) if vacuumed else ATTEMPT
        else:
            teller.now({})
            return result


def _users(
    connection: psycopg.Connection, tables: Collection[tuple[str, str]], *, readers: bool
) -> dict[int, str]:
    """Return other sessions that have locked any of some tables, or of those they refer to."""
    query: LiteralString = """
        WITH named AS (
            SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
            JOIN unnest(%(schemas)s::text[], %(tables)s::text[]) AS given (schema, name)
            ON nspname = given.schema AND relname = given.name
        ), whole AS (
            SELECT oid FROM named
            UNION SELECT confrelid FROM pg_constraint JOIN named ON conrelid = named.oid
        ), locked AS (
            SELECT oid FROM whole UNION SELECT relid FROM whole, pg_partition_tree(oid)
        )
        SELECT pid FROM pg_locks JOIN locked ON relation = oid
        WHERE granted AND pid IS DISTINCT FROM pg_backend_pid()
          AND (%(readers)s OR mode NOT IN ('AccessShareLock', 'RowShareLock'))
          AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"""
    schemas, names = [schema for schema, _ in tables], [name for _, name in tables]
    values = {"schemas": schemas, "tables": names, "readers": readers}
    return described(connection, query, values)


def _until_autovacuum_ends(connection: psycopg.Connection) -> float:
    """Return for how long to wait for a lock until the server ends an autovacuum in the way."""
    query = "SELECT setting::int FROM pg_settings WHERE name = 'deadlock_timeout'"
    [(milliseconds,)] = connection.execute(query).fetchall()
    return milliseconds / 1000 + ATTEMPT
