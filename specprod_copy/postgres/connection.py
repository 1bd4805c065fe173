"""Connections to a server: made with our settings; what its errors mean to people."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import psycopg
from psycopg import sql

from specprod_copy.errors import DatabaseError
from specprod_copy.postgres.conninfo import conninfo_parameters
from specprod_copy.postgres.search_path import protect

SESSION_SETTINGS: Mapping[str, str] = {
    # A commit that is lost in a crash of the server takes its ledger row along, so the unit is
    # loaded again; waiting for the disk at each commit buys nothing.
    "synchronous_commit": "off",
    # Index builds sort in memory up to this size. The server's own default is 64 MB.
    "maintenance_work_mem": "512MB",
    # Identifiers and literals are rendered for this.
    "standard_conforming_strings": "on",
    # Text is sent as UTF-8, whatever PGCLIENTENCODING says.
    "client_encoding": "UTF8",
    # Limits that a server sets for queries of people; a COPY or an index takes what it takes.
    "statement_timeout": "0",
    "lock_timeout": "0",
    "transaction_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "idle_session_timeout": "0",
    # A server that is left alone by its client stops working for it (PostgreSQL 14 and later).
    "client_connection_check_interval": "1s",
    # And one whose client has fallen silent gives up its locks.
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "60s",
    "timezone": "UTC",
    # Rows that a policy hides would be missing without a word; so they are an error.
    "row_security": "off",
}
"""What the loader sets for its sessions, where the server knows it: what any role may change.

The search_path is always set, and before these.
"""

KEEPALIVE: Mapping[str, int] = {
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}
"""After how long a silent network counts as dead [s, s, number of probes, ms].

By default a client waits for 15 minutes when it sends, and 2 hours when it waits for an index. The
user's own settings of these names, in a connection string or a service file, win.
"""

_SOCKET_OPTIONS = {
    "keepalives_idle": "TCP_KEEPIDLE",
    "keepalives_interval": "TCP_KEEPINTVL",
    "keepalives_count": "TCP_KEEPCNT",
    "tcp_user_timeout": "TCP_USER_TIMEOUT",
}

SEND_BUFFER = 2 << 20
"""Bytes that may be on their way to a server on this machine.

It takes the usual 200 kB in a millisecond, and then stands still until Python lets the thread that
sends go on. The system may allow less (``net.core.wmem_max``). For TCP it adapts the size itself.
"""


def one_line(error: psycopg.Error) -> str:
    """Return the message of a database error on one line, with its detail and hint.

    Parameters
    ----------
    error : psycopg.Error

    Returns
    -------
    str
    """
    diagnosis = error.diag
    if diagnosis.message_primary is None:
        return " ".join(str(error).split())
    parts = [diagnosis.message_primary, diagnosis.message_detail, diagnosis.message_hint]
    return ". ".join(" ".join(part.split()).rstrip(".") for part in parts if part)


def failure(doing: str, error: psycopg.Error) -> DatabaseError:
    """Return the error for people that tells what failed, and whether to try again.

    Parameters
    ----------
    doing : str
        What was going on, as the beginning of the message.
    error : psycopg.Error

    Returns
    -------
    DatabaseError
    """
    # What is not in the hands of the program: connection, server, disk, locks of others.
    passing = isinstance(error, psycopg.OperationalError)
    again = "; once that is over, run the command again" if passing else ""
    return DatabaseError(f"{doing}: {one_line(error)}{again}")


def connect(conninfo: str, *, settings: Mapping[str, str] = SESSION_SETTINGS) -> psycopg.Connection:
    """Connect to a server.

    Parameters
    ----------
    conninfo : str
        URI or key=value string; what it leaves open is libpq's business: PGHOST and the other
        variables, service files, ``.pgpass``.
    settings : mapping of str to str
        Settings of the session.

    Returns
    -------
    psycopg.Connection
        In autocommit mode.

    Raises
    ------
    ConfigurationError
        If the connection string is none.
    DatabaseError
        If there is no server, or it refuses us.
    """
    conninfo_parameters(conninfo)
    try:
        connection = psycopg.connect(conninfo, autocommit=True, application_name="specprod-copy")
        protect(connection)
        _set_up_socket(connection)
        connection.execute(
            # The server spells some of the names with capitals: TimeZone.
            """SELECT set_config(s.name, wanted.value, false)
               FROM unnest(%s::text[], %s::text[]) AS wanted (name, value)
               JOIN pg_settings s ON lower(s.name) = lower(wanted.name)""",
            ([*settings], [*settings.values()]),
        )
    except psycopg.Error as error:
        # psycopg looks a name of PGHOST up as well, but shows only that of the connection string.
        said = one_line(error).replace("resolve host None", f"resolve host {os.getenv('PGHOST')!r}")
        raise DatabaseError(
            f"cannot connect: {said.rstrip('?')}. If the server is only down for a "
            "while, run the command again then. Check --dsn, --hostname, --username and --dbname, "
            "the PG* variables and ~/.pgpass, or leave all of them out to use the embedded server"
        ) from error
    return connection


def _set_up_socket(connection: psycopg.Connection) -> None:
    """Have much on its way to a server on this machine, and notice when another one is gone."""
    with socket.socket(fileno=os.dup(connection.fileno())) as link:
        if link.family == socket.AF_UNIX:
            link.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
            return
        # What libpq used, be it from the connection string or from a service file.
        given = connection.info.get_parameters()
        for name, value in KEEPALIVE.items():
            option = getattr(socket, _SOCKET_OPTIONS[name], None)  # not every system has all
            if option is not None and name not in given:
                link.setsockopt(socket.IPPROTO_TCP, option, value)


@contextmanager
def translated_errors(doing: str) -> Iterator[None]:
    """Turn errors of the server within the block into a `DatabaseError`.

    Parameters
    ----------
    doing : str
        What was going on, as the beginning of the message.
    """
    try:
        yield
    except psycopg.Error as error:
        raise failure(doing, error) from error


@contextmanager
def making_schema(connection: psycopg.Connection, schema: str) -> Iterator[None]:
    """Say what an administrator has to do if we may not make a schema within the block.

    Raises
    ------
    DatabaseError
    """
    try:
        yield
    except psycopg.errors.InsufficientPrivilege as error:
        name, role = (sql.Identifier(n).as_string() for n in (schema, connection.info.user))
        raise DatabaseError(
            f"cannot make schema {schema}: {one_line(error)}. Let an administrator run "
            f"CREATE SCHEMA {name} AUTHORIZATION {role}"
        ) from error
