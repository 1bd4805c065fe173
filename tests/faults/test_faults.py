"""Loaders that die or are interrupted: the next load completes, no row lost or doubled.

``SPECPROD_COPY_KILLS`` sets how often the loader is killed (``make test-faults``: 50).
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict
from support.fault_loads import Loads, one_error, output
from support.moments import await_no_loader
from support.relay import Relay
from support.silent_proxy import SilentProxy
from support.waiting import PATIENCE, wait_until

from specprod_copy.plan.limits import LIMITS

KILLS = int(os.environ.get("SPECPROD_COPY_KILLS", "2"))

COPY_ZPIX = 'COPY "iron"."zpix"%'

pytest_plugins = ("support.fault_loads",)


def kill_group(process: subprocess.Popen[str]) -> None:
    """Kill a loader and its workers at once, unless it has ended."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def killed_after(loads: Loads, most: int | None, jobs: str, whole_bytes: int) -> tuple[bool, int]:
    """Load until so many bytes are sent, then kill; say whether it came to that, and the bytes."""
    started: Future[subprocess.Popen[str]] = Future()
    with Relay(loads.conninfo, most, lambda: kill_group(started.result())) as relay:
        through = Loads(loads.driver, loads.root, relay.conninfo)
        started.set_result(through.start("-j", jobs, whole_bytes=whole_bytes))
        _, errors = started.result().communicate(timeout=PATIENCE)
    await_no_loader(loads.conninfo)
    code = started.result().returncode
    assert code in ((0,) if most is None else (0, -signal.SIGKILL)), errors
    return code != 0, relay.passed


@pytest.mark.parametrize("whole_bytes", [0, LIMITS.whole_bytes], ids=["batches", "tables"])
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_killed_at_random_moments(loads, whole, jobs, whole_bytes):
    """Each time the loader and its workers die at once; what they committed stays.

    A moment is a number of bytes that the server has got.
    """
    choose = random.Random(f"kills {jobs} {whole_bytes}")
    _, size = killed_after(loads, None, jobs, whole_bytes)
    loads.is_complete(whole)
    loads.execute("DROP SCHEMA iron CASCADE")
    kills = loaded = complete = 0
    while kills < KILLS:
        killed, _ = killed_after(loads, choose.randrange(1, size), jobs, whole_bytes)
        if killed:
            kills += 1
        else:
            loads.is_complete(whole)
            loads.execute("DROP SCHEMA iron CASCADE")
            loaded = 0
            complete += 1
        assert loads.units() >= loaded
        loaded = loads.units()
    output(loads.start("-j", jobs), code=0)
    loads.is_complete(whole)
    print(f"{kills} kills survived, {complete + 1} loads completed between and after them")


def workers_of(process: subprocess.Popen[str]) -> list[int]:
    children: list[str] = []
    for task in Path(f"/proc/{process.pid}/task").glob("*/children"):  # of each of its threads
        with suppress(FileNotFoundError, ProcessLookupError):  # threads come and go
            children += task.read_text().split()
    lines = {int(pid): Path(f"/proc/{pid}/cmdline").read_text() for pid in children}
    return [pid for pid, line in lines.items() if "spawn_main" in line]


def test_killed_worker(loads, whole):
    """The others stop, the message says what to do, the next load completes."""
    with loads.held("zpix"):
        process = loads.start("-j", "2")
        loads.await_waiting(COPY_ZPIX, process, sessions=2)
        os.kill(workers_of(process)[0], signal.SIGKILL)
        wait_until(lambda: workers_of(process) == [], "the killed worker is gone", process)
    assert one_error(process).endswith(
        "a worker process died (killed, or out of memory); run the command again: it goes on where "
        "this one stopped"
    )
    loads.complete(whole)


def test_workers_end_with_their_parent(loads, whole):
    """A parent that is killed alone leaves nobody behind who goes on loading."""
    with loads.held("potential"):
        process = loads.start("-j", "3")
        loads.await_waiting('COPY "iron"."potential"%', process, sessions=3)
        send = workers_of(process)
        assert len(send) == 2  # the third job is the parent's own
        process.kill()
        process.communicate()
        wait_until(
            lambda: not any(Path(f"/proc/{pid}").exists() for pid in send), "its workers have ended"
        )
    loads.complete(whole)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=["kill", "term"])
def test_workers_of_verify_end_with_their_parent(loads, whole, gate, number):
    loads.load()
    closed = gate("potential", 0, "verify")
    process = loads.start("-j", "3", command=("verify",), gate=closed)
    closed.await_loader(process, processes=3)
    others = workers_of(process)
    assert len(others) == 2
    process.send_signal(number)
    process.communicate()
    wait_until(
        lambda: not any(Path(f"/proc/{pid}").exists() for pid in others), "its workers have ended"
    )


def test_killed_worker_of_verify(loads, whole, gate):
    loads.load()
    closed = gate("zpix", 0, "verify")
    process = loads.start("-j", "2", command=("verify",), gate=closed)
    closed.await_loader(process, processes=2)
    os.kill(workers_of(process)[0], signal.SIGKILL)
    closed.open()
    assert one_error(process).endswith(
        "a worker process died (killed, or out of memory); run the command again"
    )


def test_ctrl_c_while_keys_are_made(loads, whole):
    """The statement that waits for a lock is cancelled."""
    with loads.held("potential", "ACCESS SHARE"):  # as any reader does
        process = loads.start("-j", "2")
        loads.await_waiting("ALTER TABLE%", process)
        os.killpg(process.pid, signal.SIGINT)
        assert output(process, code=130).endswith("Interrupted.\n")
    loads.complete(whole)


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_ctrl_c(loads, whole, jobs):
    """A terminal sends the signal to all processes of the group."""
    with loads.held("zpix"):
        process = loads.start("-j", jobs)
        loads.await_waiting(COPY_ZPIX, process, sessions=int(jobs))
        os.killpg(process.pid, signal.SIGINT)
        # It does not wait for the lock.
        assert output(process, code=130).endswith("Interrupted.\n")
    assert loads.units() > 0
    loads.complete(whole)


def test_ctrl_c_over_a_silent_network(loads, whole):
    """Neither the worker's COPY can be cancelled, nor this process's: their sessions end."""
    with SilentProxy(conninfo_to_dict(loads.conninfo)) as proxy, loads.held("zpix"):
        process = Loads(loads.driver, loads.root, proxy.conninfo).start("-j", "2")
        loads.await_waiting(COPY_ZPIX, process, sessions=2)
        proxy.fall_silent()
        os.killpg(process.pid, signal.SIGINT)
        assert output(process, code=130).endswith("Interrupted.\n")
    loads.complete(whole)


def test_ctrl_c_while_workers_start(loads, whole, gate):
    """They take no notice of it, not even before they could say so."""
    closed = gate("none", 0, "start")
    with loads.held("zpix"):
        process = loads.start("-j", "2", gate=closed)
        closed.await_loader(process)
        loads.await_waiting(COPY_ZPIX, process)
        os.killpg(process.pid, signal.SIGINT)
    closed.open()
    assert output(process, code=130).endswith("Interrupted.\n")
    loads.complete(whole)
