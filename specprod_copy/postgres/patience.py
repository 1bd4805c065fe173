"""How to take locks of tables that others use: in short attempts; nobody has to wait behind us."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Final, LiteralString, TypeVar

import psycopg
from psycopg.pq import TransactionStatus

from specprod_copy.errors import InUseError
from specprod_copy.postgres import locks
from specprod_copy.postgres.waits import Teller, described
from specprod_copy.progress import ProgressListener

T = TypeVar("T")

PATIENCE: Final = 1800
"""Seconds after which locks of tables that others use are given up."""

ATTEMPT: Final = 0.3
"""Seconds for which others may be kept waiting behind an attempt to get a lock."""

_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 10.0


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
    within = connection.info.transaction_status == TransactionStatus.INTRANS
    with connection.transaction() if within else nullcontext():
        # A larger attempt, which this one is part of, has limited them as well.
        before = _limit_waits(connection, f"{seconds * 1000:.0f}")
        try:
            result = work()
        finally:
            # After an error within a transaction the setting is rolled back with the work.
            if connection.info.transaction_status in (
                TransactionStatus.IDLE,
                TransactionStatus.INTRANS,
            ):
                _limit_waits(connection, before)
    return result


def _limit_waits(connection: psycopg.Connection, limit: str) -> str:
    """Set how long to wait for a lock, and return how long it was before."""
    query = """WITH now AS MATERIALIZED (SELECT current_setting('lock_timeout') AS before)
               SELECT before, set_config('lock_timeout', %s, false) FROM now"""
    [(before, _)] = connection.execute(query, (limit,)).fetchall()
    return str(before)


def attempt_past_autovacuum(connection: psycopg.Connection, work: Callable[[], T]) -> T:
    """Do work as `attempt`, and wait for each lock until the server ends an autovacuum."""
    return attempt(connection, work, _until_autovacuum_ends(connection))


def is_for_locks(error: BaseException | None) -> bool:
    """Say whether an error comes from a lock that could not be had."""
    while error is not None:
        if isinstance(error, psycopg.errors.LockNotAvailable | psycopg.errors.DeadlockDetected):
            return True
        error = error.__cause__
    return False


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
            if isinstance(error, locks.ViewsInUse):
                users = locks.replacers_of_views(connection)
            else:
                users = _users(connection, tables, readers=readers)
            vacuumed = any("autovacuum" in who for who in users.values())
            # Even without patience: an autovacuum ends as soon as it is waited for.
            if time.monotonic() > end and not (vacuumed and seconds == ATTEMPT):
                who = "; ".join(users.values()) or "sessions that have ended just now"
                raise InUseError(
                    f"after {patience.seconds:,.0f} s others still use the tables ({who}); "
                    f"{patience.then} when they have ended"
                ) from error
            teller.now(users)
            if patience.rest(pause) is True:
                raise
            pause = min(2 * pause, _LONGEST_PAUSE)
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
