"""Stands between loaders and the server, and counts what they send."""

from __future__ import annotations

import shutil
import socket
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from psycopg.conninfo import conninfo_to_dict, make_conninfo


class Relay:
    """Passes on what clients send, up to so many bytes; then calls a function and stands still.

    The same number is the same place in a load on any machine, however fast.
    """

    def __init__(
        self, conninfo: str, most: int | None = None, then: Callable[[], None] = lambda: None
    ) -> None:
        parts = conninfo_to_dict(conninfo)
        name = f".s.PGSQL.{parts.get('port', 5432)}"
        self._server = str(Path(str(parts["host"]), name))
        self._folder = tempfile.mkdtemp(prefix="specprod-relay-")
        self.conninfo = make_conninfo(conninfo, host=self._folder)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(Path(self._folder, name)))
        self._listener.listen()
        self._most, self._then = most, then
        self.passed = 0
        self._lock = threading.Lock()
        self._sockets = [self._listener]
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        _end(self._listener)
        self._threads[0].join()
        for each in self._sockets:
            _end(each)
        for thread in self._threads:
            thread.join()
        for each in self._sockets:
            each.close()
        shutil.rmtree(self._folder)

    def _start(self, *call: Any) -> None:
        self._threads.append(threading.Thread(target=call[0], args=call[1:]))
        self._threads[-1].start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(self._server)
            self._sockets += [client, server]
            self._start(_pump, client, server, self._counted)
            self._start(_pump, server, client, bytes)

    def _counted(self, data: bytes) -> bytes:
        """Return what may pass of some data."""
        with self._lock:
            before = self.passed
            room = len(data) if self._most is None else max(self._most - before, 0)
            self.passed += len(data)
        if self._most is not None and before < self._most <= before + len(data):
            self._then()
        return data[:room]


def _pump(source: socket.socket, target: socket.socket, passing: Callable[[bytes], bytes]) -> None:
    """Pass on data until one of the two ends is closed; then close both."""
    with suppress(OSError):
        while data := source.recv(1 << 16):
            target.sendall(passing(data))
    _end(source)
    _end(target)


def _end(link: socket.socket) -> None:
    """Tell both ends, and who waits for data, that no more will come."""
    with suppress(OSError):  # the other end may be gone
        link.shutdown(socket.SHUT_RDWR)
