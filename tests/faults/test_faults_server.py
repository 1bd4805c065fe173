"""Servers that fail in the middle of a load: the next load completes, no row lost or doubled."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import psycopg
import pytest
from support.clusters import fresh_database
from support.fault_loads import LIMITS, Loads, one_error, set_for_database
from support.moments import OURS
from support.pickling import StoppingWorkers

from specprod_copy.errors import DatabaseError
from specprod_copy.loading.api import load
from specprod_copy.loading.options import LoadOptions
from specprod_copy.server.cluster import Cluster
from specprod_copy.verification import VerifyOptions, verify

pytest_plugins = ("support.fault_loads",)


@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize("how", ["fast", "immediate"])
def test_server_stopped(loads, whole, own, how, jobs):
    """Stopped in order for a restart, or killed, so that it has to recover when it starts again."""
    own.start()
    with fresh_database(own) as conninfo:
        other = Loads(loads.driver, loads.root, conninfo)
        with other.held("zpix"):
            process = other.start("-j", jobs)
            other.await_waiting('COPY "iron"."zpix"%', process, sessions=int(jobs))
            own.stop(how)
        assert "run the command again" in one_error(process)
        own.start()
        other.complete(whole)


def test_what_happened_first_is_told(loads, whole, own):
    """Those who fail first find no server; it is told why: it was stopped."""
    own.start()
    with fresh_database(own) as conninfo:
        other = Loads(loads.driver, loads.root, conninfo)
        limits = replace(LIMITS, quick_rows=0, range_pages=1)
        ended = "terminating connection due to administrator command; once that is over, run"

        def stopped(task: str, doing: str, work: Callable[[StoppingWorkers], object]) -> None:
            with pytest.raises(DatabaseError, match=f"^cannot {doing} schema .*: {ended}"):
                work(StoppingWorkers(own, task))
            own.start()

        def load_all(workers: StoppingWorkers, **options: Any) -> None:
            wanted = LoadOptions(("all",), "iron", jobs=2, limits=limits, **options)
            load(conninfo, other.inputs, wanted, workers=workers)

        def verify_all(workers: StoppingWorkers) -> None:
            verify(
                conninfo,
                other.inputs,
                VerifyOptions(("all",), "iron", limits=limits),
                workers=workers,
            )

        stopped("send_batch", "load", load_all)
        other.complete(whole)
        stopped("scan_page_piece", "verify", verify_all)
        stopped("scan_page_piece", "load", partial(load_all, overwrite=True))
        other.is_complete(whole)


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_cut_connections(loads, whole, gate, jobs):
    """In the middle of a COPY."""
    closed = gate("zpix", 0, "read")
    process = loads.start("-j", jobs, gate=closed)
    closed.await_loader(process)
    loads.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {OURS}")
    closed.open()
    assert "run the command again" in one_error(process)
    loads.complete(whole)


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


def test_full_disk(loads, whole, small_disk):
    """The disk fills up; with room again the load goes on."""
    set_for_database(loads, "default_tablespace", small_disk)
    try:
        error = one_error(loads.start("-j", "1"))
    finally:
        set_for_database(loads, "default_tablespace", None)
        for kind in ("TABLE", "INDEX"):
            loads.execute(f"ALTER {kind} ALL IN TABLESPACE {small_disk} SET TABLESPACE pg_default")
    assert "No space left on device" in error
    assert "run the command again" in error
    assert loads.units() > 0
    loads.complete(whole)
