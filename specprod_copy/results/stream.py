"""A result as Arrow batches of bounded size, fetched by ADBC while the one before is used."""

from __future__ import annotations

import queue
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial
from typing import Any, Final

import pyarrow as pa
from adbc_driver_postgresql import dbapi
from psycopg import sql

from specprod_copy.results.session import SECONDS_OF_A_WAIT, Sessions, translated

PARTS: Final = re.compile(
    r"""(?P<kept>--[^\n]*            # comments
      | /\*
      | \b[eE]'(?:[^'\\]|\\.|'')*'   # texts, with and without escapes
      | '(?:[^']|'')*'
      | "(?:[^"]|"")*"               # names
      | \$(?P<tag>(?:[^\W\d]\w*)?)\$.*?\$(?P=tag)\$
      )|(?P<end>;)|(?P<word>[^\W\d]\w*|\()|.""",
    re.VERBOSE | re.DOTALL,
)

_COPIED: Final = frozenset({"select", "with", "values", "table", "("})
"""First words of queries that run inside of a COPY; SHOW and EXPLAIN do not."""

_SECONDS_BETWEEN_CANCELS: Final = 0.1


def trimmed(query: str) -> tuple[str, bool]:
    """Return a statement without the semicolon at its end, and whether it runs in a COPY.

    Parameters
    ----------
    query : str
        One statement, as the server has found. Comments may stand anywhere.
    """
    first, begin, position = "", 0, 0
    while position < len(query):
        part = PARTS.match(query, position)
        assert part is not None
        position = part.end() if part["kept"] != "/*" else _after_comment(query, position)
        if part["word"] and not first:
            first = part["word"].lower()
        elif part["end"] and first:
            return query[begin : part.start()], first in _COPIED
        elif part["end"]:
            begin = position  # an empty statement stands before it
    return query[begin:], first in _COPIED


def _after_comment(query: str, position: int) -> int:
    """Return the position after a comment, in which others may stand."""
    depth = 0
    for mark in re.finditer(r"/\*|\*/", query[position:]):
        depth += 1 if mark[0] == "/*" else -1
        if depth == 0:
            return position + mark.end()
    return len(query)


@contextmanager
def fetched(
    sessions: Sessions, query: str, wanted: sql.Composable
) -> Iterator[Iterator[pa.RecordBatch]]:
    """Run a query; yield an iterator of its batches, at most one of which is made ahead.

    However the block ends, the query ends with it, on the server too.

    Parameters
    ----------
    sessions : Sessions
    query : str
    wanted : psycopg.sql.Composable
        What is fetched of the query, which is called ``q``; see `Converter`. All of it where it
        does not run in a COPY.

    Raises
    ------
    DatabaseError
        If the server refuses, or the connection breaks.
    """
    statement, copies = trimmed(query)
    if copies:
        # A comment at its end must not take along the bracket behind it.
        wrapped = sql.SQL("SELECT {} FROM ({}\n) AS q").format(wanted, sql.SQL(statement))
        statement = wrapped.as_string()
    source = _Source(sessions.cursor(copies=copies), statement)
    # Once more in the end: Ctrl-C may raise twice, in Polars and in Python, so that what cleans up
    # after the first one is interrupted. What a thread uses must not be closed.
    stop = partial(source.stop, sessions.fetching.adbc_cancel)
    sessions.at_the_end.append(stop)
    try:
        yield iter(source)
    finally:
        stop()


class _Source:
    """A thread that executes and reads, for neither can be interrupted, and what it has read."""

    def __init__(self, cursor: Any, query: str) -> None:
        self._cursor = cursor
        self._query = query
        self._ready: queue.Queue[pa.RecordBatch | Exception | None] = queue.Queue(1)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        try:
            with closing(self._cursor):
                self._cursor.execute(self._query)
                for batch in self._cursor.fetch_record_batch():
                    self._ready.put(batch)
                    if self._stopped.is_set():
                        return
            self._ready.put(None)
        except Exception as error:  # noqa: BLE001 - raised again in the thread that waits for it
            self._ready.put(error)

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        while (item := self._next()) is not None:
            if isinstance(item, dbapi.Error | pa.ArrowException | OSError):
                raise translated(item) from item
            if isinstance(item, Exception):
                raise item
            yield item

    def _next(self) -> pa.RecordBatch | Exception | None:
        while True:
            with suppress(queue.Empty):
                return self._ready.get(timeout=SECONDS_OF_A_WAIT)

    def stop(self, cancel: Callable[[], object]) -> None:
        """End the query, if it has not ended."""
        self._stopped.set()
        while self._thread.is_alive():
            # Again, for it may have come before the query; a connection that is gone has none.
            with suppress(dbapi.Error):
                cancel()
            with suppress(queue.Empty):
                self._ready.get(timeout=_SECONDS_BETWEEN_CANCELS)
        self._thread.join()
