"""Tasks that wait for one another."""

from __future__ import annotations

import threading
from collections import defaultdict

import pytest
from support.waiting import PATIENCE

from specprod_copy.executors.schedule import Task, run_at_once, run_in_order


class Recorder:
    """Makes tasks that write down when they begin and end.

    One that has something `meanwhile` does not end before that other task has begun.
    """

    def __init__(self) -> None:
        self.events: list[tuple[str, str]] = []
        self.begun: defaultdict[str, threading.Event] = defaultdict(threading.Event)
        self.most = self._running = 0
        self._lock = threading.Lock()

    def task(
        self,
        name: str,
        group: str,
        after: tuple[str, ...] = (),
        *,
        loads: bool = False,
        meanwhile: str | None = None,
    ) -> Task[str]:
        def work() -> str:
            with self._lock:
                self.events.append(("begins", name))
                self._running += 1
                self.most = max(self.most, self._running)
                self.begun[name].set()
                other = self.begun[meanwhile] if meanwhile else None
            assert other is None or other.wait(PATIENCE), f"{meanwhile} does not begin meanwhile"
            with self._lock:
                self._running -= 1
                self.events.append(("ends", name))
            return name

        return Task(group, work, after, loads=loads)

    def order(self, first: str, second: str) -> bool:
        return self.events.index(("ends", first)) < self.events.index(("begins", second))


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


def two_tables(recorder: Recorder, *, meanwhile: str | None = None) -> list[Task[str]]:
    """Indexes of two tables, then their rows, then what needs both."""
    return [
        recorder.task("index a1", "indexes a", ("rows a",), meanwhile=meanwhile),
        recorder.task("index a2", "indexes a", ("rows a",)),
        recorder.task("index b", "indexes b", ("rows b", "never used")),
        recorder.task("rows a", "rows a", loads=True),
        recorder.task("rows b1", "rows b", loads=True),
        recorder.task("rows b2", "rows b", loads=True),
        recorder.task("key", "key", ("indexes a", "indexes b")),
    ]


def test_in_order(recorder):
    """Of those that may begin, the first one of the list does."""
    done = []
    run_in_order(two_tables(recorder), lambda task, result: done.append(result))
    assert done == ["rows a", "index a1", "index a2", "rows b1", "rows b2", "index b", "key"]


@pytest.mark.parametrize("slots", [2, 3, 8])
def test_at_once(recorder, slots):
    done = []
    tasks = two_tables(recorder)
    run_at_once(tasks, slots, lambda task, result: done.append(result), lambda: None)
    assert sorted(done) == sorted(task.work() for task in two_tables(Recorder()))
    assert recorder.most <= slots
    for first, second in [
        ("rows a", "index a1"),
        ("rows a", "index a2"),
        ("rows b1", "index b"),
        ("rows b2", "index b"),
        ("index a2", "key"),
        ("index b", "key"),
    ]:
        assert recorder.order(first, second)


def test_rows_flow_while_indexes_are_built(recorder):
    """With two slots an index of one table is built while rows of the other one are sent."""
    tasks = two_tables(recorder, meanwhile="rows b2")
    run_at_once(tasks, 2, lambda task, result: None, lambda: None)
    began = [name for what, name in recorder.events if what == "begins"]
    assert began.index("rows b2") < began.index("index a2")


def test_failure_ends_what_runs_and_begins_nothing_else(recorder):
    stop = threading.Event()

    def fail() -> str:
        raise KeyError("broken")

    def wait() -> str:
        assert stop.wait(PATIENCE)
        return "stopped"

    tasks = [
        Task("long", wait),
        Task("bad", fail),
        recorder.task("later", "later", ("bad",)),
        recorder.task("last", "last", ("long",)),
    ]
    done = []
    with pytest.raises(KeyError, match="broken"):
        run_at_once(tasks, 2, lambda task, result: done.append(result), stop.set)
    assert done == []
    assert recorder.events == []


def test_what_begins_just_after_the_interrupt_is_interrupted_as_well():
    begun, stop = threading.Event(), threading.Event()
    interrupts = []

    def fail() -> None:
        raise KeyError("broken")

    def wait() -> None:
        begun.set()
        assert stop.wait(PATIENCE)

    def interrupt() -> None:
        """The first one comes too early."""
        interrupts.append(begun.wait(PATIENCE))
        if len(interrupts) == 2:
            stop.set()

    with pytest.raises(KeyError, match="broken"):
        run_at_once([Task("long", wait), Task("bad", fail)], 2, lambda *_: None, interrupt)
    assert interrupts == [True, True]


def test_tasks_that_wait_for_each_other(recorder):
    tasks = [recorder.task("a", "a", ("b",)), recorder.task("b", "b", ("a",))]
    with pytest.raises(ValueError, match="2 tasks wait for each other"):
        run_in_order(tasks, lambda task, result: None)
    with pytest.raises(ValueError, match="2 tasks wait for each other"):
        run_at_once(tasks, 2, lambda task, result: None, lambda: None)
