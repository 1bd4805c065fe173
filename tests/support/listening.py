"""A listener that remembers what it was told, for tests that run a command in a thread."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import psycopg

from specprod_copy.progress import ProgressListener
from support.waiting import wait_until


class Heard(ProgressListener):
    """Remembers the lines."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def info(self, text: str) -> None:
        self.lines.append(text)

    def having(self, text: str) -> list[str]:
        return [line for line in self.lines if text in line]

    def await_line(self, text: str, running: Future[Any] | None = None) -> str:
        """Wait for a line with some text, unless what is to say it ends before."""

        def said() -> bool:
            if running is not None and running.done() and not self.having(text):
                running.result()
                raise AssertionError(f"ended without {text!r}: {self.lines}")
            return bool(self.having(text))

        wait_until(said, f"a line with {text!r}")
        return self.having(text)[0]


@contextmanager
def meanwhile(work: Callable[[], Any], *others: psycopg.Connection) -> Iterator[Future[Any]]:
    """Run something in a thread; should the test fail, it has to wait for the others no longer."""
    with ThreadPoolExecutor(1) as pool:
        try:
            yield pool.submit(work)
        except BaseException:
            for other in others:
                other.close()
            raise


@contextmanager
def open_transaction(conninfo: str, *statements: str, level: str = "") -> Iterator[Any]:
    """Yield a connection of somebody who has done something, and has not ended since."""
    with psycopg.connect(conninfo, application_name="notebook") as connection:
        if level:
            connection.execute(f"SET TRANSACTION ISOLATION LEVEL {level}")
        for statement in statements:
            connection.execute(statement)
        yield connection


def read(conninfo: str, query: str) -> list[tuple]:
    """Read as somebody who comes later; to be kept waiting for a minute is an error."""
    with psycopg.connect(conninfo, options="-c lock_timeout=60s") as connection:
        return connection.execute(query).fetchall()
