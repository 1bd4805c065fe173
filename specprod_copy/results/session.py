"""Sessions for queries of people: what they see, and that they cannot write.

Two sessions of the server belong to a query. psycopg asks what the result is going to be; ADBC
fetches it, as Arrow. The first rows for people are read by psycopg, as the server writes them.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import psycopg
from adbc_driver_postgresql import StatementOptions, dbapi
from psycopg import sql
from psycopg.conninfo import make_conninfo

from specprod_copy.errors import DatabaseError
from specprod_copy.postgres.catalog import require_schema
from specprod_copy.postgres.connection import KEEPALIVE, SESSION_SETTINGS, connect
from specprod_copy.postgres.search_path import SEARCH_PATH, q3c_schema

_LEFT_TO_THE_ROLE: Final = (
    # Limits that a server sets for queries of people are for these.
    "statement_timeout",
    "lock_timeout",
    "transaction_timeout",
    "idle_in_transaction_session_timeout",
    "idle_session_timeout",
    # A policy may hide rows from a reader: it is made for that.
    "row_security",
    "maintenance_work_mem",
    "synchronous_commit",
    "session_replication_role",
    "default_transaction_isolation",
)

QUERY_SETTINGS: Mapping[str, str] = {
    name: value for name, value in SESSION_SETTINGS.items() if name not in _LEFT_TO_THE_ROLE
}
"""What is set for queries; see `SESSION_SETTINGS`."""

_SAID: Final = re.compile(r"(?:ERROR|FATAL):\s+(?P<message>.*?)\s*(?:\n|$|\. SQLSTATE)", re.DOTALL)

_BATCH_BYTES: Final = 8 << 20
"""About so much of a result is in one batch."""

SECONDS_OF_A_WAIT: Final = 0.2
"""How long one may last: Polars has waits without an end go on after Ctrl-C."""

_Result = TypeVar("_Result")


def query_path(connection: psycopg.Connection, schema: str | None) -> str:
    """Return what a user's own query sees: the server's names, the schema, q3c, temporary tables.

    The server's own operators and functions come first. Where others may make functions in one of
    the other schemas, a query that needs a name which pg_catalog does not have can reach theirs, as
    in any session of the user; in a read-only transaction, and with the user's own rights.

    Raises
    ------
    DatabaseError
        If there is no such schema, or no right to use it.
    """
    if schema is not None and not require_schema(connection, schema):
        raise DatabaseError(
            f"no right to use schema {schema}: let its owner run specprod-copy grant, with --role"
        )
    names = dict.fromkeys(name for name in (schema, q3c_schema(connection)) if name is not None)
    quoted = [sql.Identifier(name).as_string(connection) for name in names]
    first, last = SEARCH_PATH.split(", ")
    return ", ".join([first, *quoted, last])


def waited(work: Callable[[], _Result], cancel: Callable[[], object]) -> _Result:
    """Do what blocks in a thread of its own, so that Ctrl-C is noticed: then it is cancelled."""
    outcome: list[_Result] = []
    errors: list[Exception] = []

    def run() -> None:
        try:
            outcome.append(work())
        except Exception as error:  # noqa: BLE001 - raised again below, in the thread that waits
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        while thread.is_alive():
            thread.join(SECONDS_OF_A_WAIT)
    except KeyboardInterrupt:
        cancel()
        thread.join()
        raise
    if errors:
        raise errors[0]
    return outcome[0]


@dataclass(frozen=True)
class Sessions:
    """The two sessions of a query."""

    asking: psycopg.Connection
    fetching: Any
    """A connection of ADBC, in autocommit mode."""
    at_the_end: list[Callable[[], object]] = field(default_factory=list)
    """Called before they are closed."""

    def both(self, statement: str) -> None:
        """Run a statement that returns nothing in both sessions."""
        self.asking.execute(statement.encode())
        self.run(statement)

    def run(self, statement: str) -> None:
        """Run a statement that returns nothing in the session that fetches."""
        try:
            with closing(self.cursor(copies=False)) as cursor:
                cursor.execute(statement)
                cursor.fetch_record_batch().read_all()
        except dbapi.Error as error:
            raise translated(error) from error

    def cursor(self, *, copies: bool) -> Any:
        """Return a cursor of ADBC; with `copies` its queries run inside of a COPY."""
        cursor = self.fetching.cursor()
        cursor.adbc_statement.set_options(
            **{
                StatementOptions.BATCH_SIZE_HINT_BYTES.value: str(_BATCH_BYTES),
                StatementOptions.USE_COPY.value: str(copies).lower(),
            }
        )
        return cursor

    def read_only(self, path: str) -> None:
        """Begin the transactions in which the user's query is described and run."""
        for statement in (f"SET search_path = {path}", "BEGIN TRANSACTION READ ONLY"):
            self.both(statement)


@contextmanager
def open_sessions(conninfo: str) -> Iterator[Sessions]:
    """Yield the sessions of a query, in autocommit mode, with the search_path of our own.

    Raises
    ------
    DatabaseError
        If there is no server, or it refuses us.
    """
    with closing(connect(conninfo, settings=QUERY_SETTINGS)) as asking:
        try:
            fetching = dbapi.connect(_same_server(asking), autocommit=True)
        except dbapi.Error as error:
            raise DatabaseError(f"cannot connect: {' '.join(str(error).split())}") from error
        with closing(fetching):
            sessions = Sessions(asking, fetching)
            sessions.run(f"SET search_path = {SEARCH_PATH}")
            sessions.run(_settings(asking))
            try:
                yield sessions
            finally:
                for call in sessions.at_the_end:
                    call()


def _settings(connection: psycopg.Connection) -> str:
    """Return the statement that sets `QUERY_SETTINGS`, where the server knows them."""
    names, values = [*QUERY_SETTINGS], [*QUERY_SETTINGS.values()]
    # The server spells some of the names with capitals: TimeZone.
    return (
        sql.SQL(
            """SELECT set_config(s.name, wanted.value, false)
               FROM unnest({}::text[], {}::text[]) AS wanted (name, value)
               JOIN pg_settings s ON lower(s.name) = lower(wanted.name)
               WHERE s.context = 'user'"""
        )
        .format(sql.Literal(names), sql.Literal(values))
        .as_string(connection)
    )


def _same_server(connection: psycopg.Connection) -> str:
    """Return how ADBC reaches the server of a connection, whatever its libpq takes for granted."""
    info = connection.info
    place = {"host": info.host, "port": str(info.port), "user": info.user, "dbname": info.dbname}
    if info.password:
        place["password"] = info.password
    keep = {} if info.host.startswith("/") else {n: str(value) for n, value in KEEPALIVE.items()}
    # The host that answered, of several that may have been given.
    left_out = ("service", "hostaddr")
    given = {n: value for n, value in info.get_parameters().items() if n not in left_out}
    if info.hostaddr:
        place["hostaddr"] = info.hostaddr
    return make_conninfo("", **(keep | given | place))


def translated(error: Exception) -> DatabaseError:
    """Return an error of ADBC as people are told it."""
    text = str(error)
    found = _SAID.search(text)
    message = " ".join((found["message"] if found else text).split())
    if found is None and getattr(error, "sqlstate", None) is None:
        if "connection" in message:
            return DatabaseError(f"the connection broke: {message}; run the query again")
        return DatabaseError(f"the result cannot be fetched: {message}")
    if "read-only" in message or "data-modifying" in message:
        message = f"{message}: queries only read"
    return DatabaseError(f"the server refuses the query: {message}")
