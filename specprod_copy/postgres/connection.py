"""Connections to a server: made with our settings; what its errors mean to people."""

from __future__ import annotations

import os
import selectors
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import psycopg

from specprod_copy.errors import DatabaseError, SpecprodCopyError
from specprod_copy.postgres.conninfo import conninfo_parameters
from specprod_copy.postgres.no_connection import no_connection
from specprod_copy.postgres.poolers import refuse_shared_sessions
from specprod_copy.postgres.search_path import protect
from specprod_copy.postgres.unpadded import unpad

_SECONDS_ON_ITS_WAY = 0.05
"""So long the end of a session may take until it is here, when others have noticed it."""

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
    # What values are as text, in both directions.
    "timezone": "UTC",
    "datestyle": "ISO, MDY",
    "intervalstyle": "postgres",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "array_nulls": "on",
    # Definitions of keys and indexes are compared as text.
    "quote_all_identifiers": "off",
    # Of two that write to the same row the second one sees what the first one wrote.
    "default_transaction_isolation": "read committed",
    # Tables are read by ranges of pages, and their rows are changed.
    "default_table_access_method": "heap",
    # Foreign keys are checked; only a superuser can have that otherwise.
    "session_replication_role": "origin",
    # Warnings are shown.
    "client_min_messages": "notice",
    # Rows that a policy hides would be missing without a word; so they are an error.
    "row_security": "off",
}
"""What the loader sets for its sessions, where the server knows it, whatever the role's own are.

Any role may change these, but for one, which is set only where it is another. The search_path is
always set, and before these.
"""

PROGRAM = "specprod-copy"
"""Name of our sessions, or its beginning; see `waits.watched`."""

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


def one_line(error: psycopg.Error | SpecprodCopyError) -> str:
    """Return the message of an error on one line; of a database with its detail and hint."""
    if isinstance(error, SpecprodCopyError):
        return str(error)
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
        connection = psycopg.connect(
            conninfo,
            autocommit=True,
            application_name=session_name(conninfo),
            # Statements are many and short, or long and rendered: nothing is won.
            prepare_threshold=None,
        )
        refuse_shared_sessions(connection, conninfo)
        protect(connection)
        unpad(connection)
        _set_up_socket(connection)
        set_up_session(connection, settings)
    except psycopg.Error as error:
        raise no_connection(conninfo, one_line(error)) from error
    return connection


def set_up_session(
    connection: psycopg.Connection, settings: Mapping[str, str] = SESSION_SETTINGS
) -> None:
    """Set what a session relies on, where the server knows it.

    Raises
    ------
    DatabaseError
        If the role may not set one of them, and it has another value.
    """
    try:
        connection.execute(
            # The server spells some of the names with capitals: TimeZone.
            """SELECT set_config(s.name, wanted.value, false)
               FROM unnest(%s::text[], %s::text[]) AS wanted (name, value)
               JOIN pg_settings s ON lower(s.name) = lower(wanted.name)
               WHERE s.context = 'user' OR s.setting <> wanted.value""",
            ([*settings], [*settings.values()]),
        )
    except psycopg.errors.InsufficientPrivilege as error:
        raise DatabaseError(
            f"the loader's sessions cannot be set up: {one_line(error)}. Let an administrator "
            "RESET it for this role and database"
        ) from error


def session_name(conninfo: str) -> str:
    """Return the name that sessions of a connection string have for the server."""
    name = str(conninfo_parameters(conninfo).get("application_name", ""))
    return name if name.startswith(f"{PROGRAM} ") else PROGRAM


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


def refuse_read_only(connection: psycopg.Connection) -> None:
    """Refuse a session that cannot write, and say why it cannot.

    Raises
    ------
    DatabaseError
    """
    query = """SELECT pg_is_in_recovery(), setting = 'on', source FROM pg_settings
               WHERE name = 'default_transaction_read_only'"""
    [(standby, read_only, source)] = connection.execute(query).fetchall()
    if standby:
        raise DatabaseError("this server is a standby, which takes no changes: name its primary")
    if read_only:
        raise DatabaseError(
            "sessions of this role are read-only, so nothing can be written: "
            f"default_transaction_read_only is on (set by: {source}). RESET it, or connect as a "
            "role that may write"
        )


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
def first_cause(connection: psycopg.Connection) -> Iterator[None]:
    """Raise what has ended a connection, if the block fails because of what followed from it.

    Others work for the one who has the connection, on connections of their own. When the server is
    restarted they may be the first to fail, with a server that is down, or a view of the database
    that is gone.

    Raises
    ------
    psycopg.OperationalError
        If the connection is gone, though nobody has noticed yet.
    """
    try:
        yield
    except (DatabaseError, psycopg.Error) as error:
        # Only what has come by now: who asks over a silent network may wait for ever.
        if not connection.closed and _has_come(connection):
            try:
                connection.execute("SELECT 1")
            except psycopg.OperationalError as first:
                raise first from error
            except psycopg.Error:
                pass  # Its transaction has failed, which is no end of it.
        raise


def _has_come(connection: psycopg.Connection) -> bool:
    """Say whether the server has sent something that nobody has read."""
    with selectors.DefaultSelector() as selector:
        selector.register(connection, selectors.EVENT_READ)
        return bool(selector.select(_SECONDS_ON_ITS_WAY))
