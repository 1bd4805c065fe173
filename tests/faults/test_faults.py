"""Loaders that die or are interrupted: the next load completes, no row lost or doubled.

``SPECPROD_COPY_KILLS`` sets how often the loader is killed (``make test-faults``: 50).
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
from support.fault_loads import Loads, one_error, output, wait_until

from specprod_copy.plan.batches import WHOLE_BYTES

KILLS = int(os.environ.get("SPECPROD_COPY_KILLS", "4"))

pytest_plugins = ("support.fault_loads",)


def wait_for_connection(loads: Loads, process: subprocess.Popen[str]) -> None:
    """Wait until a loader has its programs in memory and begins."""
    connected = """SELECT 1 FROM pg_stat_activity
                   WHERE application_name = 'specprod-copy' AND datname = current_database()"""
    with psycopg.connect(loads.conninfo, autocommit=True) as connection:
        wait_until(lambda: connection.execute(connected).fetchone(), process)


def kill_group(process: subprocess.Popen[str]) -> None:
    """Kill a loader and its workers at once; wait until their sessions have ended."""
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


@pytest.mark.parametrize("whole_bytes", [0, WHOLE_BYTES], ids=["batches", "tables"])
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_killed_at_random_moments(loads, whole, jobs, whole_bytes):
    """Each time the loader and its workers die at once; what they committed stays."""
    choose = random.Random(f"kills {jobs} {whole_bytes}")
    process = loads.start("-j", jobs, whole_bytes=whole_bytes)
    wait_for_connection(loads, process)
    started = time.monotonic()
    output(process, code=0)
    seconds = time.monotonic() - started
    loads.is_complete(whole)
    loads.execute("DROP SCHEMA iron CASCADE")
    kills = loaded = complete = 0
    while kills < KILLS:
        process = loads.start("-j", jobs, whole_bytes=whole_bytes)
        wait_for_connection(loads, process)
        time.sleep(choose.uniform(0, 1.05 * seconds))
        if process.poll() is None:
            kill_group(process)
            kills += 1
        else:
            output(process, code=0)
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
    process = loads.start("-j", "2")
    loads.wait_for_units(process, 4)
    os.kill(workers_of(process)[0], signal.SIGKILL)
    assert one_error(process).endswith(
        "a worker process died (killed, or out of memory); run the command again: it goes on where "
        "this one stopped"
    )
    loads.complete(whole)


def test_workers_end_with_their_parent(loads, whole):
    """A parent that is killed alone leaves nobody behind who goes on loading."""
    process = loads.start("-j", "3")
    loads.wait_for_units(process, 4)
    send = workers_of(process)
    assert len(send) == 2  # the third job is the parent's own
    process.kill()
    process.communicate()
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in send))
    loads.complete(whole)


def test_ctrl_c_while_keys_are_made(loads, whole):
    """The statement that waits for a lock is cancelled."""
    process = loads.start("-j", "2")
    with psycopg.connect(loads.conninfo) as reader:
        loads.wait_for_units(process, 2)
        reader.execute("SELECT count(*) FROM iron.potential")  # keeps a lock on the table
        waiting = """SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'
                     AND datname = current_database() AND query LIKE 'ALTER TABLE%'"""
        with psycopg.connect(loads.conninfo, autocommit=True) as observer:
            wait_until(lambda: observer.execute(waiting).fetchone(), process)
        os.killpg(process.pid, signal.SIGINT)
        assert output(process, code=130).endswith("Interrupted.\n")
    loads.complete(whole)


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_ctrl_c(loads, whole, jobs):
    """A terminal sends the signal to all processes of the group."""
    process = loads.start("-j", jobs)
    loads.wait_for_units(process, 4)
    os.killpg(process.pid, signal.SIGINT)
    assert output(process, code=130).endswith("Interrupted.\n")
    loads.complete(whole)


def test_ctrl_c_while_workers_start(loads, whole):
    """They take no notice of it, not even before they could say so."""
    process = loads.start("-j", "2")

    def importing() -> bool:
        return any("numpy" in Path(f"/proc/{pid}/maps").read_text() for pid in workers_of(process))

    wait_until(importing, process)
    os.killpg(process.pid, signal.SIGINT)
    assert output(process, code=130).endswith("Interrupted.\n")
    loads.complete(whole)
