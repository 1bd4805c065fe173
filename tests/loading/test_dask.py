"""Load and verify by workers of Dask, which die, come twice, or lose their scheduler.

``SPECPROD_COPY_DASK_KILLS`` sets how many workers are killed beside (``make test-faults``: 30).
"""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import polars as pl
import psycopg
import pytest
from support.clusters import SHARED
from support.limits import cut
from support.moments import await_no_loader, await_waiting, table_held
from support.mortal import MOMENTS, mortal, twins
from support.reference import TABLES, assert_equal, read_table

import specprod_copy
from specprod_copy.desi.production import ProductionFiles, find_production
from specprod_copy.errors import ConfigurationError, DatabaseError
from specprod_copy.executors.dask_workers import dask_workers
from specprod_copy.executors.executor import Workers
from specprod_copy.loading.api import load
from specprod_copy.loading.options import LoadOptions
from specprod_copy.plan.limits import Limits
from specprod_copy.tables import Inputs
from specprod_copy.verification import VerifyOptions, verify

KILLS = int(os.environ.get("SPECPROD_COPY_DASK_KILLS", "0" if SHARED.is_dir() else "3"))

SMALL = cut(200, 100)


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    with dask_workers(number=2) as made:
        yield made


@pytest.fixture
def inputs(iron_root) -> Inputs:
    return Inputs(ProductionFiles(find_production("iron"), iron_root))


def check(conninfo: str, inputs: Inputs, schema: str = "iron") -> None:
    """Check that a schema has each row of the files once, and all keys."""
    results = verify(conninfo, inputs, VerifyOptions(("all",), schema))
    assert [result for result in results if not result.passed] == []


def deaths(choose: random.Random) -> dict[int, str]:
    """Return which batches kill their worker, and when."""
    return dict(zip(choose.sample(range(1, 31), len(MOMENTS)), MOMENTS, strict=True))


@pytest.mark.parametrize(("specprod", "what"), [("fuji", "deaths"), ("iron", "twins")])
def test_tables_equal_the_reference(workers, database, shared, tmp_path, specprod, what):
    """Though workers die at certain moments, or each batch is done by two at the same time."""
    root = shared / "reference" / specprod
    inputs = Inputs(ProductionFiles(find_production(specprod), root))
    options = LoadOptions(("all",), specprod, jobs=2, limits=SMALL)
    moments = deaths(random.Random("reference"))
    others = twins(workers) if what == "twins" else mortal(workers, tmp_path, moments)
    summary = load(database, inputs, options, workers=others)
    assert others.batches > 30
    assert len([*tmp_path.iterdir()]) == (len(MOMENTS) if what == "deaths" else 0)
    with psycopg.connect(database) as connection:
        for table in TABLES:
            path = shared / "reference" / f"{specprod}-expected" / f"{table}.parquet"
            got = read_table(connection, specprod, table)
            assert_equal(got, pl.read_parquet(path))
            assert sum(one.rows_kept for one in summary.tables if one.table == table) == len(got)
    few = Limits(unit_rows=40, batch_rows=60, quick_rows=0)
    wanted = VerifyOptions(("all",), specprod, limits=few)
    results = verify(database, inputs, wanted, workers=workers)
    assert [result for result in results if not result.passed] == []


@pytest.mark.skipif(not KILLS, reason="SPECPROD_COPY_DASK_KILLS is not set: see make test-faults")
def test_workers_that_are_killed(workers, database, inputs, tmp_path):
    choose = random.Random("workers of Dask")
    for number in range(0, KILLS, len(MOMENTS)):
        folder, schema = tmp_path / str(number), f"iron_{number}"
        folder.mkdir()
        dying = mortal(workers, folder, deaths(choose))
        load(database, inputs, LoadOptions(("all",), schema, jobs=2, limits=SMALL), workers=dying)
        assert len([*folder.iterdir()]) == len(MOMENTS)
        check(database, inputs, schema)


@contextmanager
def scheduler_and_worker(**variables: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Yield the process of a scheduler that has one worker, and its address."""
    environment = os.environ | variables
    command = [sys.executable, "-m", "dask", "scheduler", "--host", "127.0.0.1", "--port", "0"]
    options = {"stdin": subprocess.DEVNULL, "stderr": subprocess.PIPE, "env": environment}
    with subprocess.Popen([*command, "--no-dashboard"], **options, text=True) as scheduler:
        for line in scheduler.stderr:
            if found := re.search(r"Scheduler at: *(tcp://\S+)", line):
                break
        command = [sys.executable, "-m", "dask", "worker", found[1], "--no-dashboard", "--no-nanny"]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL, env=environment) as worker:
            try:
                yield scheduler, found[1]
            finally:
                worker.kill()
                scheduler.kill()


def test_a_scheduler_that_is_lost(database, inputs):
    """The load ends; what it has committed stays, and the next one loads the rest."""
    options = LoadOptions(("all",), "iron", jobs=2, limits=SMALL)
    with (
        table_held(database, inputs, "iron", "zpix") as holder,
        scheduler_and_worker() as (scheduler, address),
        ThreadPoolExecutor(1) as pool,
    ):
        where = {"specprod": "iron", "root": inputs.files.root, "dsn": database}
        by = {"executor": "dask", "scheduler": address}
        loading = pool.submit(specprod_copy.load, "all", **where, **by, jobs=2, limits=SMALL)
        await_waiting(database, 'COPY "iron"."zpix"%')
        scheduler.send_signal(signal.SIGKILL)
        with pytest.raises(DatabaseError, match="the scheduler of Dask or its workers are lost"):
            loading.result()
        holder.rollback()
    await_no_loader(database)
    with psycopg.connect(database) as connection:
        assert connection.execute("SELECT count(*) > 0 FROM iron.photometry").fetchone()[0]
    load(database, inputs, options)
    check(database, inputs)


def test_a_scheduler_of_another_version(tmp_path):
    """Of Dask's it would not answer; of this program's it might do something else."""
    about = tmp_path / "specprod_copy-0.1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: specprod-copy\nVersion: 0.1\n")
    with (
        scheduler_and_worker(PYTHONPATH=str(tmp_path)) as (_, address),
        pytest.raises(ConfigurationError, match=f"scheduler {address} of Dask has specprod_copy 0"),
        dask_workers(address),
    ):
        pass
