"""Things of which each is used by one thread at a time: connections, worker processes."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from queue import PriorityQueue
from typing import Generic, TypeVar

T = TypeVar("T")


class FreeList(Generic[T]):
    """Things that are free; of several, the first one of the sequence is taken first."""

    def __init__(self, things: Sequence[T]) -> None:
        self._things = things
        self._free: PriorityQueue[int] = PriorityQueue()
        for number in range(len(things)):
            self._free.put(number)
        self._all_wanted = threading.Lock()

    @contextmanager
    def one(self) -> Iterator[T]:
        """Yield one that is free, or wait for one."""
        number = self._free.get()
        try:
            yield self._things[number]
        finally:
            self._free.put(number)

    @contextmanager
    def all(self) -> Iterator[Sequence[T]]:
        """Yield all of them, once nobody uses one; who has one must not ask for all."""
        taken: list[int] = []
        with self._all_wanted:  # two who have half of them each would wait for ever
            try:
                while len(taken) < len(self._things):
                    taken.append(self._free.get())
                yield self._things
            finally:
                for number in taken:
                    self._free.put(number)
