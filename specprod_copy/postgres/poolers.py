"""Poolers between this program and the server: which of them a load can use.

A pooler in transaction mode gives each transaction any session of the server. What belongs to a
session is lost on the way then, or met by others: locks, settings, temporary tables.
"""

from __future__ import annotations

import selectors
from contextlib import closing
from typing import Final

import psycopg

from specprod_copy.errors import DatabaseError

_ASK: Final = b"SELECT pg_catalog.pg_backend_pid()"

_SECONDS_TO_ANSWER = 2.0


def refuse_shared_sessions(connection: psycopg.Connection, conninfo: str) -> None:
    """Refuse a pooler that does not keep a session of the server for each connection.

    To be called before anything is set: it might be set for others.

    Parameters
    ----------
    connection : psycopg.Connection
        In autocommit mode.
    conninfo : str
        How it was made.

    Raises
    ------
    DatabaseError
        If there is such a pooler.
    """
    session = _session(connection)
    # A pooler gives the number of a session of its own when a connection begins.
    if session == connection.info.backend_pid:
        return
    if session == _session(connection) != _session_of_another(conninfo):
        return
    info = connection.info
    raise DatabaseError(
        f"between this program and the server is a pooler in transaction mode ({info.host}, port "
        f"{info.port}), where locks and settings get lost or meet others: connect past it, to the "
        "server itself, or have it keep whole sessions (pgbouncer: pool_mode = session)"
    )


def _session(connection: psycopg.Connection) -> int:
    """Return the number of the session of the server that answers."""
    [(number,)] = connection.execute(_ASK).fetchall()
    return int(number)


def _session_of_another(conninfo: str) -> int | None:
    """Return the number of the session that one more connection gets, None if it has to wait."""
    with (
        closing(psycopg.connect(conninfo, autocommit=True)) as other,
        selectors.DefaultSelector() as selector,
    ):
        selector.register(other, selectors.EVENT_READ)
        other.pgconn.send_query(_ASK)
        other.pgconn.flush()
        # All sessions of the pooler are taken, ours among them: so it is not given to others.
        if not selector.select(_SECONDS_TO_ANSWER):
            return None
        result = other.pgconn.get_result()
        answer = result and result.get_value(0, 0)
        return int(answer) if answer else None
