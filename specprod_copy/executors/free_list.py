"""Things of which each is used by one thread at a time: connections, worker processes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Generic, TypeVar

T = TypeVar("T")


class FreeList(Generic[T]):
    """Things that are free, the one that was given back first before the others."""

    def __init__(self, things: Iterable[T]) -> None:
        self._free: SimpleQueue[T] = SimpleQueue()
        for thing in things:
            self._free.put(thing)

    @contextmanager
    def one(self) -> Iterator[T]:
        """Yield one that is free, or wait for one."""
        thing = self._free.get()
        try:
            yield thing
        finally:
            self._free.put(thing)
