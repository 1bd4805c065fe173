"""For whom our sessions wait: it is told as soon as it takes longer than a moment.

They are known by their name, whichever process has them; so all of them can be cancelled as well.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Final, LiteralString

import psycopg
from psycopg.conninfo import make_conninfo

from specprod_copy.errors import DatabaseError
from specprod_copy.postgres.connection import PROGRAM, connect, session_name
from specprod_copy.progress import ProgressListener

SECONDS_UNTOLD: Final = 2.0
"""Waits that are over before are not worth a word."""

_SECONDS_BETWEEN_LOOKS = 1.0

_commands: dict[str, str] = {}
"""Name of the sessions of each command that runs in this process, and whom they connect to."""

# What other roles do is hidden from an ordinary one: then the server gives NULL.
_DESCRIBED: Final = r"""
    SELECT b.pid, CASE b.pid WHEN 0 THEN 'a prepared transaction (see pg_prepared_xacts)' ELSE
        concat('process ' || a.pid, ' of ' || a.usename,
               ' (' || nullif(a.application_name, '') || ')',
               ' (' || nullif(a.backend_type, 'client backend') || ')',
               to_char(coalesce(a.xact_start, a.backend_start), '" since "YYYY-MM-DD HH24:MI:SS'),
               ', ' || a.state,
               ': ' || nullif(left(regexp_replace(a.query, '\s+', ' ', 'g'), 100), '')) END
    FROM (SELECT DISTINCT coalesce(pid, 0) AS pid FROM ({}) AS blocker) AS b
    LEFT JOIN pg_stat_activity a ON a.pid = b.pid
    WHERE b.pid = 0 OR a.pid IS NOT NULL
    ORDER BY coalesce(a.xact_start, a.backend_start)"""

_BLOCKERS: Final = """
    SELECT pid FROM (SELECT unnest(pg_blocking_pids(l.pid)) AS pid
                     FROM pg_locks l JOIN pg_stat_activity ours USING (pid)
                     WHERE NOT l.granted AND ours.application_name = %(name)s
                       AND clock_timestamp() - l.waitstart > %(seconds)s * interval '1 s') AS them
    WHERE pid NOT IN (SELECT pid FROM pg_stat_activity WHERE application_name = %(name)s)"""


def described(
    connection: psycopg.Connection, pids: LiteralString, values: Mapping[str, object]
) -> dict[int, str]:
    """Return sessions by the number of their process, and who they are, for people.

    Parameters
    ----------
    connection : psycopg.Connection
    pids : str
        Query that gives the numbers in a column `pid`; NULL or 0 stand for a prepared transaction.
    values : mapping of str to object
        Its parameters.
    """
    # Within a transaction the server would repeat what it said before.
    connection.execute("SELECT pg_stat_clear_snapshot()")
    return dict(connection.execute(_DESCRIBED.format(pids), values).fetchall())


class Teller:
    """Tells a listener who is waited for: each once, and when it is over."""

    def __init__(self, listener: ProgressListener) -> None:
        self._listener = listener
        self._told: set[int] = set()

    def now(self, blockers: Mapping[int, str]) -> None:
        """Take note of all who are waited for now: number of the process to who it is."""
        for pid in sorted(blockers.keys() - self._told):
            self._listener.info(f"waiting for {blockers[pid]}")
        for pid in sorted(self._told - blockers.keys()):
            self._listener.info(f"no longer waiting for process {pid}")
        self._told = set(blockers)


@contextmanager
def watched(conninfo: str, listener: ProgressListener) -> Iterator[str]:
    """Tell a listener for whom the sessions of a command wait, whichever process has them.

    Parameters
    ----------
    conninfo : str
        For libpq.
    listener : ProgressListener

    Yields
    ------
    str
        The connection string that the sessions are to be made with: it gives them a name.
    """
    if session_name(conninfo) != PROGRAM:  # somebody watches already
        yield conninfo
        return
    name = f"{PROGRAM} {secrets.token_hex(4)}"
    ended = threading.Event()
    watch = threading.Thread(target=_watch, args=(conninfo, name, listener, ended), daemon=True)
    watch.start()
    _commands[name] = conninfo
    try:
        yield make_conninfo(conninfo, application_name=name)
    finally:
        del _commands[name]
        ended.set()
        watch.join(_SECONDS_BETWEEN_LOOKS)


def cancel_sessions() -> None:
    """Have the server give up what it does for the commands of this process and their workers.

    Raises
    ------
    DatabaseError, psycopg.Error
        If it cannot be asked.
    """
    for name, conninfo in [*_commands.items()]:
        with closing(connect(conninfo)) as connection:
            connection.execute(
                """SELECT pg_cancel_backend(pid) FROM pg_stat_activity
                   WHERE application_name = %s AND state = 'active'""",
                (name,),
            )


def _watch(conninfo: str, name: str, listener: ProgressListener, ended: threading.Event) -> None:
    """Look for whom sessions of some name wait, until the event."""
    if ended.wait(SECONDS_UNTOLD):
        return
    teller = Teller(listener)
    try:
        with closing(connect(conninfo)) as connection:
            while not ended.wait(_SECONDS_BETWEEN_LOOKS):
                values = {"name": name, "seconds": SECONDS_UNTOLD}
                teller.now(described(connection, _BLOCKERS, values))
        teller.now({})
    except DatabaseError as error:
        listener.info(f"should this have to wait for others, it cannot tell for whom: {error}")
    except psycopg.OperationalError:
        return  # The server is gone; who works with it says so.
