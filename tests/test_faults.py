"""Loaders and servers that die in the middle: the next load completes, no row lost or doubled.

``SPECPROD_COPY_KILLS`` sets how often the loader is killed (``make test-faults``: 50).
"""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from conftest import fresh_database, private_cluster

from specprod_copy.demo import write_production
from specprod_copy.server.cluster import Cluster
from specprod_copy.tables import SOURCES

KILLS = int(os.environ.get("SPECPROD_COPY_KILLS", "6"))
TABLES = tuple(dict.fromkeys(source.table for source in SOURCES.values()))

# The command line with limits so small that a small production is a load of many transactions.
DRIVER = """
import sys
from specprod_copy import loader, plan, workers
loader.SMALL_ROWS, workers.BATCH_ROWS, plan.UNIT_ROWS = 0, 400, 300
from specprod_copy.cli import main
if __name__ == "__main__":
    main()
"""


@pytest.fixture(scope="module")
def driver(tmp_path_factory) -> list[str]:
    script = tmp_path_factory.mktemp("driver") / "load.py"
    script.write_text(DRIVER)
    return [sys.executable, str(script)]


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("faults")
    write_production(root, "iron", tiles=5, targets=300)
    return root


class Loads:
    """Starts loads of one production into one database, and looks at what they left."""

    def __init__(self, driver: list[str], root: Path, conninfo: str) -> None:
        self.driver, self.root, self.conninfo = driver, root, conninfo

    def start(self, *options: str, schema: str = "iron", dsn: str = "") -> subprocess.Popen[str]:
        command = [*self.driver, "load", "all", "-p", "iron", "-r", str(self.root), "-s", schema]
        return subprocess.Popen(
            [*command, "--dsn", dsn or self.conninfo, *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            # Below a shell's background job Ctrl-C is ignored, and that is inherited.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    def finish(self, *options: str, schema: str = "iron") -> None:
        process = self.start(*options, schema=schema)
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors

    def units(self) -> int:
        """Return how many units are loaded, 0 while there is no ledger."""
        try:
            with psycopg.connect(self.conninfo) as connection:
                return connection.execute("SELECT count(*) FROM iron.load_ledger").fetchone()[0]
        except psycopg.errors.UndefinedTable:
            return 0

    def wait_for_units(self, process: subprocess.Popen[str], least: int) -> None:
        while self.units() < least:
            assert process.poll() is None, process.communicate()
            time.sleep(0.02)

    def contents(self, schema: str) -> dict[str, tuple]:
        """Return for each table its rows' number and a hash of them, and its indexes."""
        with psycopg.connect(self.conninfo) as connection:
            found = {
                table: connection.execute(
                    f"""SELECT count(*), md5(string_agg(t::text, '\n' ORDER BY t::text COLLATE "C"))
                        FROM {schema}.{table} t"""
                ).fetchone()
                for table in TABLES
            }
            found["names"] = connection.execute(
                """SELECT array_agg(indexname ORDER BY indexname) FROM pg_indexes
                   WHERE schemaname = %s""",
                (schema,),
            ).fetchone()
            found["keys"] = connection.execute(
                """SELECT array_agg(conname ORDER BY conname) FROM pg_constraint
                   WHERE connamespace = %s::text::regnamespace""",
                (schema,),
            ).fetchone()
            sums = connection.execute(
                f"""SELECT table_name, sum(rows_kept) FROM {schema}.load_ledger
                    GROUP BY table_name"""
            ).fetchall()
        assert {table: found[table][0] for table in TABLES} == {t: int(n) for t, n in sums}
        return found


@pytest.fixture(scope="module")
def loads(driver, root, module_database) -> Loads:
    loads = Loads(driver, root, module_database)
    loads.finish(schema="whole")
    return loads


@pytest.fixture(autouse=True)
def clean(loads) -> Iterator[None]:
    yield
    with psycopg.connect(loads.conninfo) as connection:
        connection.execute("DROP SCHEMA IF EXISTS iron CASCADE")


def kill_group(process: subprocess.Popen[str]) -> None:
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_killed_at_random_moments(loads, jobs):
    """Each time the loader and its workers die at once; what they committed stays."""
    choose = random.Random(f"kills {jobs}")
    started = time.monotonic()
    loads.finish("-j", jobs)
    whole = time.monotonic() - started
    assert loads.contents("iron") == loads.contents("whole")
    with psycopg.connect(loads.conninfo) as connection:
        connection.execute("DROP SCHEMA iron CASCADE")
    kills = units = 0
    while kills < KILLS:
        process = loads.start("-j", jobs)
        time.sleep(choose.uniform(0.3, 1.05) * whole)
        if process.poll() is None:
            kill_group(process)
            kills += 1
        else:
            process.communicate()
            loads.contents("iron")
            with psycopg.connect(loads.conninfo) as connection:
                connection.execute("DROP SCHEMA iron CASCADE")
            units = 0
        assert loads.units() >= units
        units = loads.units()
    loads.finish("-j", jobs)
    assert loads.contents("iron") == loads.contents("whole")


def test_killed_worker(loads):
    """The others stop, the message says what to do, the next load completes."""
    process = loads.start("-j", "2")
    loads.wait_for_units(process, 8)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    workers = [
        int(pid) for pid in children if "spawn_main" in Path(f"/proc/{pid}/cmdline").read_text()
    ]
    os.kill(workers[0], signal.SIGKILL)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Error: a worker process died" in errors
    loads.finish("-j", "2")
    assert loads.contents("iron") == loads.contents("whole")


def test_workers_end_with_their_parent(loads):
    """A parent that is killed alone leaves nobody behind who goes on loading."""
    process = loads.start("-j", "2")
    loads.wait_for_units(process, 8)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    process.kill()
    process.communicate()
    deadline = time.monotonic() + 10
    while any(Path(f"/proc/{pid}").exists() for pid in children):
        assert time.monotonic() < deadline, "workers are still there"
        time.sleep(0.05)
    loads.finish("-j", "2")
    assert loads.contents("iron") == loads.contents("whole")


def test_ctrl_c_while_keys_are_made(loads):
    """The statement that waits for a lock is cancelled."""
    process = loads.start("-j", "2")
    with psycopg.connect(loads.conninfo) as reader:
        loads.wait_for_units(process, 2)
        reader.execute("SELECT count(*) FROM iron.tile")  # keeps a lock on the table
        waiting = """SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'
                     AND datname = current_database() AND query LIKE 'ALTER TABLE%'"""
        with psycopg.connect(loads.conninfo, autocommit=True) as observer:
            while observer.execute(waiting).fetchone() == (0,):
                assert process.poll() is None, process.communicate()
                time.sleep(0.05)
        os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 130, errors
    assert errors.endswith("Interrupted.\n")
    loads.finish()
    assert loads.contents("iron") == loads.contents("whole")


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_ctrl_c(loads, jobs):
    """A terminal sends the signal to all processes of the group."""
    process = loads.start("-j", jobs)
    loads.wait_for_units(process, 8)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    assert errors.endswith("Interrupted.\n")
    loads.finish()
    assert loads.contents("iron") == loads.contents("whole")


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_cut_connections(loads, jobs):
    process = loads.start("-j", jobs)
    loads.wait_for_units(process, 8)
    with psycopg.connect(loads.conninfo) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'specprod-copy' AND datname = current_database()"
        )
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1, errors
    assert re.fullmatch(r"Error: .*\n", errors.splitlines(keepends=True)[-1])
    assert "Traceback" not in errors
    loads.finish()
    assert loads.contents("iron") == loads.contents("whole")


def test_statement_timeout_for_people(loads):
    """A limit that a server sets for the queries of people does not stop a load."""
    with psycopg.connect(loads.conninfo) as connection:
        name = connection.info.dbname
        connection.execute(f'ALTER DATABASE "{name}" SET statement_timeout = 25')
    try:
        process = loads.start("-j", "1")
        _, errors = process.communicate(timeout=60)
    finally:
        with psycopg.connect(loads.conninfo, options="-c statement_timeout=0") as connection:
            connection.execute(f'ALTER DATABASE "{name}" RESET statement_timeout')
    assert process.returncode == 0, errors
    assert loads.contents("iron") == loads.contents("whole")


def test_server_killed_in_the_middle(driver, root, loads):
    """The server crashes, recovers at its next start, and the load goes on."""
    with private_cluster() as cluster:
        cluster.start()
        with fresh_database(cluster) as conninfo:
            other = Loads(driver, root, conninfo)
            process = other.start("-j", "1")
            other.wait_for_units(process, 8)
            cluster.stop("immediate")
            _, errors = process.communicate(timeout=60)
            assert process.returncode == 1
            assert "Traceback" not in errors
            cluster.start()
            other.finish()
            assert other.contents("iron") == loads.contents("whole")


@pytest.fixture
def small_disk(cluster: Cluster) -> Iterator[str]:
    """Return a tablespace of 1 MB, on a file system of its own."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    folder = cluster.directory.parent / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(folder)], check=False
    )
    if mounted.returncode:
        folder.rmdir()
        pytest.skip("this machine does not let root mount a tmpfs")
    owner = cluster.data.stat()
    os.chown(folder, owner.st_uid, owner.st_gid)
    with psycopg.connect(cluster.conninfo("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE TABLESPACE small LOCATION '{folder}'")
        try:
            yield "small"
        finally:
            connection.execute("DROP TABLESPACE small")
            subprocess.run(["umount", str(folder)], check=True)
            folder.rmdir()


def test_full_disk(loads, small_disk):
    """The disk fills up; with room again the load goes on."""
    with psycopg.connect(loads.conninfo) as connection:
        name = connection.info.dbname
        connection.execute(f'ALTER DATABASE "{name}" SET default_tablespace = {small_disk}')
    try:
        process = loads.start("-j", "1")
        _, errors = process.communicate(timeout=60)
    finally:
        with psycopg.connect(loads.conninfo, autocommit=True) as connection:
            connection.execute(f'ALTER DATABASE "{name}" RESET default_tablespace')
            for kind in ("TABLE", "INDEX"):
                connection.execute(
                    f"ALTER {kind} ALL IN TABLESPACE {small_disk} SET TABLESPACE pg_default"
                )
    assert process.returncode == 1
    assert "No space left on device" in errors
    assert "Traceback" not in errors
    loads.finish()
    assert loads.contents("iron") == loads.contents("whole")
