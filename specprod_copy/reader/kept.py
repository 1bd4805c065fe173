"""What is known of files that were opened before, for as long as a command wants that kept.

A file is planned with, then loaded, often for several tables. Its headers need not be parsed each
time, and a small gzipped file need not be unpacked each time.
"""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

MOST_TABLES = 128
MOST_BYTES = 1 << 23
"""Of unpacked files."""

SMALL_BYTES = 1 << 20
"""Larger files are not kept unpacked."""


class Identity(NamedTuple):
    """Tells a file, as it is, from all others; whoever writes to it changes its `ctime_ns`."""

    device: int
    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int

    @classmethod
    def of(cls, file: io.BufferedIOBase) -> Identity:
        """Return the identity of an open file."""
        if isinstance(file, UnpackedFile):
            return file.identity
        status = os.fstat(file.fileno())
        return cls(
            status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
        )


class UnpackedFile(io.BytesIO):
    """A gzipped file that was unpacked as a whole."""

    def __init__(self, data: bytes, identity: Identity) -> None:
        super().__init__(data)
        self.identity = identity


class _Kept:
    """What is kept; nothing while no command wants it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = self._size = 0
        self._tables: dict[tuple[Identity, tuple[str, ...]], Any] = {}
        self._unpacked: dict[Identity, bytes] = {}

    @property
    def wanted(self) -> bool:
        """Whether some command wants anything kept."""
        return self._users > 0

    def change_users(self, by: int) -> None:
        with self._lock:
            self._users += by
            if not self._users:
                self._tables.clear()
                self._unpacked.clear()
                self._size = 0

    def table(self, file: io.BufferedIOBase, hdus: tuple[str, ...]) -> Any:
        """Return a description of an HDU, None if there is none."""
        return self._tables.get((Identity.of(file), hdus)) if self._users else None

    def keep_table(self, file: io.BufferedIOBase, hdus: tuple[str, ...], table: Any) -> None:
        """Keep the description of an HDU of an open file."""
        with self._lock:
            if self._users and len(self._tables) < MOST_TABLES:
                self._tables[Identity.of(file), hdus] = table

    def unpacked(self, packed: io.BufferedIOBase) -> UnpackedFile | None:
        """Return a gzipped file unpacked, if it is kept like that."""
        data = self._unpacked.get(identity := Identity.of(packed)) if self._users else None
        return None if data is None else UnpackedFile(data, identity)

    def keep_unpacked(self, identity: Identity, data: bytes) -> UnpackedFile:
        """Keep a file unpacked."""
        with self._lock:
            room = self._size + len(data) <= MOST_BYTES  # of which others may have taken some
            if self._users and room and identity not in self._unpacked:
                self._unpacked[identity] = data
                self._size += len(data)
        return UnpackedFile(data, identity)


kept = _Kept()


@contextmanager
def keeping_files() -> Iterator[None]:
    """Keep what is found in files, within this block."""
    kept.change_users(1)
    try:
        yield
    finally:
        kept.change_users(-1)
