"""What runs tasks: each executor does the same, also those whose workers are other processes."""

from __future__ import annotations

import multiprocessing.util
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from errno import EAGAIN, ECONNRESET, ENOSPC
from multiprocessing import resource_tracker
from pathlib import Path

import pytest
from distributed.client import ClosedClientError
from support.pickling import PicklingWorkers
from support.waiting import PATIENCE, wait_until

from specprod_copy.errors import ConfigurationError, InputError, WorkerDiedError
from specprod_copy.executors.dask_client import losses_told
from specprod_copy.executors.dask_workers import dask_workers
from specprod_copy.executors.executor import Inline, Workers, in_order
from specprod_copy.executors.options import ExecutorOptions
from specprod_copy.executors.workers import processes, threads


@dataclass(frozen=True)
class Counting:
    """Context that writes down when a worker opens and closes it."""

    log: Path

    @contextmanager
    def opened(self, report) -> Iterator[Opened]:
        self._write("opened")
        yield Opened(report)
        self._write("closed")

    def _write(self, what: str) -> None:
        with self.log.open("a") as log:
            log.write(f"{what} {os.getpid()} {threading.get_ident()}\n")

    def count(self, what: str) -> int:
        return self.log.read_text().count(what)


@dataclass
class Opened:
    report: object
    tasks: int = 0


def square(opened: Opened, number: int) -> tuple[int, int]:
    """Return the square, and how many tasks this worker has done."""
    opened.tasks += 1
    opened.report(number, "squared")
    return number**2, opened.tasks


def fail(opened: Opened, number: int) -> None:
    raise InputError(f"no {number}", path="a.fits", hdu="ZCATALOG")


def end(opened: Opened, number: int) -> None:
    os._exit(number)


def pid(opened: Opened, number: int) -> int:
    return os.getpid()


def thread(opened: Opened, number: int) -> threading.Thread:
    return threading.current_thread()


def several(opened: Opened, number: int) -> int:
    return processes(number).at_once


def wait_for(opened: Opened, folder: Path) -> int:
    (folder / "busy").touch()
    wait_until((folder / "free").exists, "this process may go on")
    for name in ("busy", "free"):
        (folder / name).unlink()
    return os.getpid()


@pytest.fixture
def context(tmp_path) -> Counting:
    return Counting(tmp_path / "log")


@pytest.fixture(scope="module")
def of_dask() -> Iterator[Workers]:
    with dask_workers(number=2) as made:
        yield made


@pytest.fixture(params=["processes", "threads", "pickling", "dask"])
def workers(request) -> Iterator[Workers]:
    if request.param == "pickling":
        yield PicklingWorkers()
        return
    if request.param == "dask":
        yield request.getfixturevalue("of_dask")
        return
    with {"processes": processes, "threads": threads}[request.param](3) as made:
        yield made


def test_results_come_in_order(workers, context):
    with workers.sharing(context) as executor:
        found = [*in_order(executor, square, range(100))]
    assert [(item, result[0]) for item, result in found] == [(n, n**2) for n in range(100)]


def test_a_worker_opens_a_context_once(workers, context):
    """And keeps what it made of it until the end."""
    with workers.sharing(context) as executor:
        most = max(done for _, (_, done) in in_order(executor, square, range(100)))
        opened = context.count("opened")
        assert context.count("closed") == 0
    assert 1 <= opened <= executor.at_once
    assert most >= 100 / opened
    workers.release()
    assert context.count("closed") == opened


def test_inline_runs_a_task_when_it_is_wanted(context):
    with context.opened(lambda *_: None) as opened:
        found = in_order(Inline(opened), square, range(3))
        assert [next(found), opened.tasks] == [(0, (0, 1)), 1]


def test_an_error_comes_as_it_is(workers, context):
    with workers.sharing(context) as executor:
        with pytest.raises(InputError, match=r"a.fits\[ZCATALOG\]: no 7") as caught:
            executor.submit(fail, 7).result()
        assert executor.submit(square, 3).result()[0] == 9
    assert (caught.value.path, caught.value.hdu) == ("a.fits", "ZCATALOG")


@pytest.mark.parametrize("workers", ["processes", "threads", "dask"], indirect=True)
def test_reports_reach_the_caller(workers, context):
    heard = []
    with workers.sharing(context, lambda *said: heard.append(said)) as executor:
        assert len([*in_order(executor, square, range(9))]) == 9
    assert sorted(heard) == [(n, "squared") for n in range(9)]


def test_several_contexts_at_once(workers, context, tmp_path):
    other = Counting(tmp_path / "other")
    with workers.sharing(context) as first, workers.sharing(other) as second:
        assert first.submit(square, 2).result()[0] == 4
        assert second.submit(square, 3).result()[0] == 9
    assert other.count("opened") == 1


def test_two_contexts_share_workers(tmp_path):
    """Each worker does a task of one or of the other, and what it says reaches whose task it is."""
    evens, odds = range(0, 400, 2), range(1, 400, 2)

    def squares(numbers: range) -> list[int]:
        own, heard = Counting(tmp_path / f"log {numbers[0]}"), []
        with workers.sharing(own, lambda *said: heard.append(said)) as executor:
            found = [result for _, (result, _) in in_order(executor, square, numbers)]
        assert sorted(heard) == [(n, "squared") for n in numbers]
        return found

    with processes(3) as workers, ThreadPoolExecutor(2) as pool:
        found = [*pool.map(squares, (evens, odds))]
    assert found == [[n**2 for n in numbers] for numbers in (evens, odds)]


def test_workers_are_released_when_none_is_busy(context, tmp_path):
    with ThreadPoolExecutor(1) as pool, processes(2) as workers, workers.sharing(context) as shared:
        with_a_process(shared, tmp_path)
        released = pool.submit(workers.release)
        with pytest.raises(TimeoutError):
            released.result(0.05)
        (tmp_path / "free").touch()
        released.result()
        assert shared.submit(square, 3).result()[0] == 9


def test_a_process_that_cannot_be_started(context, tmp_path, monkeypatch):
    """It is an error at once; when the machine has room again, so have the workers."""

    def full(*_: object) -> None:
        raise BlockingIOError(EAGAIN, "Resource temporarily unavailable")

    resource_tracker.ensure_running()
    with processes(2) as workers:
        with monkeypatch.context() as changed, workers.sharing(context) as executor:
            changed.setattr(multiprocessing.util, "spawnv_passfds", full)
            keep_busy(executor, tmp_path)
            for future in [executor.submit(pid, 0) for _ in range(3)]:
                with pytest.raises(WorkerDiedError, match="Resource temporarily unavailable; free"):
                    future.result(PATIENCE)
            (tmp_path / "free").touch()
        with workers.sharing(context) as executor:
            _, other = with_a_process(executor, tmp_path)
            (tmp_path / "free").touch()
    assert other != os.getpid()


def test_processes_start_when_there_is_something_for_them(context):
    before = children()
    with processes(3) as workers:
        with workers.sharing(context) as executor:
            assert executor.submit(pid, 0).result() == os.getpid()
        assert children() == before


def children() -> set[str]:
    """Return the workers of this process, those of Dask included."""
    found = " ".join(path.read_text() for path in Path("/proc/self/task").glob("*/children"))
    lines = {pid: Path(f"/proc/{pid}/cmdline").read_text() for pid in found.split()}
    return {pid for pid, line in lines.items() if "spawn_main" in line}


def keep_busy(executor, tmp_path):
    """Have this process busy until it is free."""
    busy = executor.submit(wait_for, tmp_path)
    wait_until((tmp_path / "busy").exists, "this process is busy")
    return busy


def with_a_process(executor, tmp_path):
    """Have this process busy; return that and the id of another one."""
    return keep_busy(executor, tmp_path), executor.submit(pid, 0).result()


def test_released_processes_end_and_others_come(context, tmp_path):
    found, before = set(), children()
    with processes(2) as workers:
        for _ in range(2):
            with workers.sharing(context) as executor:
                _, other = with_a_process(executor, tmp_path)
                (tmp_path / "free").touch()
            workers.release()
            found.add(other)
            assert children() == before
    assert len(found - {os.getpid()}) == 2


def test_a_worker_that_dies_is_an_error(context, tmp_path):
    with processes(2) as workers, workers.sharing(context) as executor:
        with_a_process(executor, tmp_path)
        ended = executor.submit(end, 1)
        with pytest.raises(WorkerDiedError, match="a worker process died"):
            ended.result()
        (tmp_path / "free").touch()


def test_workers_of_dask_are_reached_from_nowhere_else(of_dask):
    """What they listen on is of this machine alone, and asks for a certificate."""
    places = [*of_dask.client.scheduler_info()["workers"], of_dask.client.scheduler.address]
    assert len(places) == 3
    assert all(place.startswith("tls://127.0.0.1:") for place in places)


@pytest.mark.parametrize(
    ("error", "lost"),
    [
        (OSError(ENOSPC, "No space left on device"), False),
        (OSError("Timed out during handshake"), True),
        (ConnectionResetError(ECONNRESET, "Connection reset by peer"), True),
        (CancelledError("scheduler-connection-lost"), True),
        (ClosedClientError("Client is closed."), True),
    ],
)
def test_a_full_disk_is_no_lost_scheduler(error, lost):
    with pytest.raises(WorkerDiedError if lost else type(error)), losses_told():
        raise error


def test_a_daemonic_process_starts_no_others(of_dask, context):
    """Calls within workers of Dask run in one process, and say so if they are to use several."""
    with of_dask.sharing(context) as executor:
        assert executor.submit(several, 1).result() == 1
        with pytest.raises(ConfigurationError, match="jobs=2 takes other processes, and this one"):
            executor.submit(several, 2).result()


def test_options_that_do_not_fit():
    for options, message in (
        ({"scheduler": "tcp://h:1"}, "--scheduler and --dask-workers belong to --executor dask"),
        ({"executor": "dask", "scheduler": "h", "dask_workers": 2}, "either a --scheduler has"),
    ):
        with pytest.raises(ConfigurationError, match=message):
            ExecutorOptions(**options)
    far = ExecutorOptions(executor="dask", scheduler="tcp://127.0.0.1:1")
    with pytest.raises(ConfigurationError, match="need the absolute path of the folder"):
        far.workers(1, Path("data"))


def test_what_cannot_be_sent_is_an_error(context, tmp_path):
    """The worker is of use afterwards."""
    with processes(2) as workers, workers.sharing(context) as executor:
        _, other = with_a_process(executor, tmp_path)
        for function, data in ((square, threading.Lock()), (thread, 0), (lambda *_: 0, 0)):
            with pytest.raises((TypeError, AttributeError), match="pickle"):
                executor.submit(function, data).result()
        assert executor.submit(pid, 0).result() == other
        (tmp_path / "free").touch()


def test_workers_take_no_notice_of_ctrl_c(context, tmp_path):
    with processes(2) as workers, workers.sharing(context) as executor:
        _, other = with_a_process(executor, tmp_path)
        os.kill(other, signal.SIGINT)
        assert executor.submit(pid, 0).result() == other
        (tmp_path / "free").touch()


SCRIPT = """
import os, sys, time
from contextlib import contextmanager
from pathlib import Path
from specprod_copy.executors.workers import processes

class Nothing:
    @contextmanager
    def opened(self, report):
        yield

def work(opened, folder):
    Path(folder, str(os.getpid())).touch()
"""
"""How the programs begin that have workers here: each says that it has a task."""

PARENT = f"""{SCRIPT}
    while True:
        time.sleep(0.01)

if __name__ == "__main__":
    folder, nested = sys.argv[1:]
    with processes(3) as workers, workers.sharing(Nothing()) as executor:
        futures = [executor.submit(work, folder) for _ in range(3)]
        while len(os.listdir(folder)) < 3:
            time.sleep(0.01)
        if nested == "nested" and os.fork() == 0:  # it has all of this process's pipes
            Path(folder, f"{{os.getpid()}}.forked").touch()
            time.sleep(600)
        futures[0].result()
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=["kill", "term"])
@pytest.mark.parametrize("nested", ["alone", "nested"])
def test_workers_end_with_their_parent(tmp_path, number, nested):
    """Whatever they are doing, and though a process that the parent has forked lives on."""
    script, folder = tmp_path / "parent.py", tmp_path / "pids"
    script.write_text(PARENT)
    folder.mkdir()
    parent = subprocess.Popen([sys.executable, str(script), str(folder), nested])
    wait_until(lambda: len([*folder.iterdir()]) == 3 + (nested == "nested"), "all are busy", parent)
    forked = [int(path.stem) for path in folder.glob("*.forked")]
    others = {int(path.name) for path in folder.iterdir() if not path.suffix} - {parent.pid}
    assert len(others) == 2
    parent.send_signal(number)
    parent.wait(60)
    try:
        wait_until(
            lambda: not any(Path(f"/proc/{pid}").exists() for pid in others),
            "the workers have ended",
        )
    finally:
        for process in (*others, *forked):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)


SILENT = f"""{SCRIPT}
    while len(os.listdir(folder)) < 2:
        time.sleep(0.01)

if __name__ == "__main__":
    with processes(2) as workers, workers.sharing(Nothing()) as executor:
        for future in [executor.submit(work, sys.argv[1]) for _ in range(2)]:
            future.result()
"""


def test_workers_end_silently_without_a_standard_output(tmp_path):
    script, folder = tmp_path / "parent.py", tmp_path / "pids"
    script.write_text(SILENT)
    folder.mkdir()
    command = ["bash", "-c", 'exec "$@" >&-', "bash", sys.executable, script, folder]
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr, len([*folder.iterdir()])) == (0, "", 2)
