"""Tasks that wait for one another, one or several at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Hashable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

_SECONDS_BETWEEN_LOOKS = 0.2
_SECONDS_BETWEEN_INTERRUPTS = 1.0


@dataclass(frozen=True, eq=False)
class Task(Generic[T]):
    """Something to do.

    Parameters
    ----------
    group : hashable
        Tasks of one group are waited for together.
    work : callable
        Does it.
    after : collection of hashable
        Groups that must be done before; one without tasks is.
    loads : bool
        Whether it sends rows, rather than having the server work on those it has.
    """

    group: Hashable
    work: Callable[[], T]
    after: Collection[Hashable] = ()
    loads: bool = False


class _Waiting(Generic[T]):
    """Tasks that are not begun, and which of them may begin.

    Parameters
    ----------
    tasks : sequence of Task
        Of those that may begin, the first one in this order does.
    slots : int
        How many run at a time. While there are rows to send, half of the slots are theirs: a
        server that builds indexes of one table can take rows of the next one.
    builders : int
        How many of those that send no rows run at a time, while there are rows to send.
    """

    def __init__(self, tasks: Sequence[Task[T]], slots: int, builders: int) -> None:
        self._tasks = list(tasks)
        self._open = Counter(task.group for task in tasks)
        self._loads = sum(task.loads for task in tasks)
        self._builders = 0
        self._most_builders = max(min(slots // 2, builders), 1)

    def __len__(self) -> int:
        return len(self._tasks)

    def take(self) -> Task[T] | None:
        """Return the next task that may begin, None if that takes the end of another one."""
        for task in self._tasks:
            allowed = task.loads or not self._loads or self._builders < self._most_builders
            if allowed and not any(self._open[group] for group in task.after):
                self._tasks.remove(task)
                self._loads -= task.loads
                self._builders += not task.loads
                return task
        return None

    def ended(self, task: Task[T]) -> None:
        """Take note of the end of a task."""
        self._open[task.group] -= 1
        self._builders -= not task.loads


def run_in_order(tasks: Sequence[Task[T]], done: Callable[[Task[T], T], None]) -> None:
    """Run tasks one at a time, each as early as it may.

    Parameters
    ----------
    tasks : sequence of Task
    done : callable
        Is told each task and its result.
    """
    waiting = _Waiting(tasks, 1, 1)
    while task := waiting.take():
        done(task, task.work())
        waiting.ended(task)
    _none_left(waiting)


def run_at_once(
    tasks: Sequence[Task[T]],
    slots: int,
    done: Callable[[Task[T], T], None],
    interrupt: Callable[[], None],
    builders: int | None = None,
) -> None:
    """Run tasks in threads, several at a time, each as early as it may.

    Parameters
    ----------
    tasks : sequence of Task
    slots : int
        How many at a time.
    done : callable
        Is told each task and its result, by this thread.
    interrupt : callable
        Is called after the first failure, and after Ctrl-C, to make tasks that run end soon; again
        and again until they have.
    builders : int, optional
        How many of those that send no rows can run at a time, if fewer than `slots`.

    Raises
    ------
    BaseException
        The first failure, when all tasks that were running have ended; no others are begun.
    """
    waiting = _Waiting(tasks, slots, builders or slots)
    running: dict[Future[T], Task[T]] = {}
    with ThreadPoolExecutor(slots, thread_name_prefix="task") as pool:
        try:
            while True:
                while len(running) < slots and (task := waiting.take()):
                    running[pool.submit(task.work)] = task
                if not running:
                    break
                # Ctrl-C is noticed between two waits: the signal may have reached another thread.
                for future in wait(running, _SECONDS_BETWEEN_LOOKS, FIRST_COMPLETED).done:
                    done(running[future], future.result())
                    waiting.ended(running.pop(future))
        except BaseException:
            interrupt()
            # What was about to begin then has begun by now.
            while wait(running, _SECONDS_BETWEEN_INTERRUPTS).not_done:
                interrupt()
            raise
    _none_left(waiting)


def _none_left(waiting: _Waiting[T]) -> None:
    if len(waiting):
        raise ValueError(f"{len(waiting)} tasks wait for each other")
