"""A proxy between TCP on loopback and a server's Unix socket, which can fall silent."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from contextlib import suppress
from threading import Event, Thread
from types import TracebackType
from typing import Self

from psycopg.conninfo import make_conninfo


class SilentProxy:
    """Passes bytes on until it falls silent; then it neither reads nor writes nor closes.

    Parameters
    ----------
    server : mapping
        Connection parameters of the server, with the folder of its socket as host.
    """

    def __init__(self, server: Mapping[str, object]) -> None:
        port = server.get("port", 5432)
        self._path = f"{server['host']}/.s.PGSQL.{port}"
        self._door = socket.create_server(("127.0.0.1", 0))
        # So that a silent proxy takes hardly anything that is still sent to it.
        self._door.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self._silent, self._end = Event(), Event()
        self._left: int | None = None
        self.conninfo = make_conninfo(
            **{**server, "host": "127.0.0.1", "port": self._door.getsockname()[1]}
        )

    def fall_silent(self, *, after: int | None = None) -> None:
        """Pass nothing on from now on, or after so many more bytes of the client."""
        if after is None:
            self._silent.set()
        self._left = after

    def __enter__(self) -> Self:
        Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._end.set()
        self._door.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._door.accept()
            except OSError:  # closed
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(self._path)
            Thread(target=self._pump, args=(client, server), daemon=True).start()
            Thread(target=self._pump, args=(server, client, False), daemon=True).start()

    def _pump(self, origin: socket.socket, target: socket.socket, counts: bool = True) -> None:
        with suppress(OSError):  # whichever end closes first
            while data := origin.recv(65536):
                if counts and self._left is not None:
                    self._left -= len(data)
                    if self._left < 0:
                        self._silent.set()
                if self._silent.is_set():
                    self._end.wait()
                    break
                target.sendall(data)
            target.shutdown(socket.SHUT_RDWR)
