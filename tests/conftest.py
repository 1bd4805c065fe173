"""A real PostgreSQL for the tests, and the files that some of them read."""

from __future__ import annotations

import compileall
import gc
import os
import signal
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from support.clusters import SHARED, fresh_database, passing_cluster, private_cluster

import specprod_copy
from specprod_copy.demo import write_production
from specprod_copy.desi.production import ProductionFiles, find_production
from specprod_copy.loading.api import load
from specprod_copy.loading.options import LoadOptions
from specprod_copy.server.cluster import Cluster
from specprod_copy.tables import Inputs

pytest.register_assert_rewrite("support.fault_loads")

# Hundreds of processes of the tests import the package; a third of the time that they take to start
# would go into compiling it. They do not write that down: some may not write whole files.
compileall.compile_dir(Path(specprod_copy.__path__[0]), quiet=1)
os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
sys.dont_write_bytecode = False

# How long an example takes is the machine's business, and so is how long it takes to draw one.
hypothesis.settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("any machine")

# Below a shell's background job Ctrl-C is ignored, and that is inherited: also by the commands that
# tests interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

LONGEST = (
    "docs/test_commands.py",
    "faults/test_faults.py",
    "faults/test_bad_data.py",
    "faults/test_faults_files.py",
    "faults/test_faults_server.py",
    "faults/test_bounded_memory.py",
    "loading/test_dask.py",
    "daily/test_daily_waits.py",
    "daily/test_daily_drift.py",
    "daily/test_daily_tiles.py",
    "loading/test_productions.py",
    "scripts/test_benchmark.py",
)
"""Files that take 20 s or more: they come first, so that no process is left alone with one."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def place(item: pytest.Item) -> int:
        name = f"{item.path.parent.name}/{item.path.name}"
        return LONGEST.index(name) if name in LONGEST else len(LONGEST)

    items.sort(key=place)


def pytest_collection_finish() -> None:
    """What was collected is no garbage; to look through it again and again takes its time."""
    gc.freeze()


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """Return a running cluster for the whole session."""
    with passing_cluster() as made:
        yield made


@pytest.fixture(scope="session")
def q3c(cluster: Cluster) -> None:
    """Skip what needs q3c where the server has none: see scripts/test_versions.sh."""
    if not cluster.binaries().q3c:
        pytest.skip("this PostgreSQL has no q3c")


@pytest.fixture(scope="module")
def own() -> Iterator[Cluster]:
    """Return a cluster that the tests of a module may start, stop and kill."""
    with private_cluster("own.pgdata") as made:
        made.start()
        yield made


@pytest.fixture
def new() -> Iterator[Cluster]:
    """Return a cluster that does not exist yet."""
    with private_cluster("new.pgdata") as made:
        yield made


@pytest.fixture
def database(cluster: Cluster) -> Iterator[str]:
    """Return a fresh database for one test."""
    with fresh_database(cluster) as conninfo:
        yield conninfo


@pytest.fixture(scope="module")
def module_database(cluster: Cluster) -> Iterator[str]:
    """Return a fresh database for the tests of one module (one per set of parameters)."""
    with fresh_database(cluster) as conninfo:
        yield conninfo


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of reference data, beside the checkout."""
    if not SHARED.is_dir():
        pytest.skip(f"no reference data in {SHARED}")
    return SHARED


@pytest.fixture(scope="session")
def demo_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the data root of a small fuji production of the project's own making."""
    root = tmp_path_factory.mktemp("demo")
    write_production(root, "fuji")
    return root


@pytest.fixture(scope="session")
def iron_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the data root of a small iron production, to be copied by those who change it."""
    root = tmp_path_factory.mktemp("iron")
    write_production(root, "iron", tiles=4, targets=60)
    return root


@pytest.fixture(scope="session")
def iron_database(cluster: Cluster, iron_root: Path) -> Iterator[str]:
    """Return a database with all of it, to be copied by those who change it."""
    with fresh_database(cluster) as conninfo:
        inputs = Inputs(ProductionFiles(find_production("iron"), iron_root))
        load(conninfo, inputs, LoadOptions(("all",), "iron"))
        yield conninfo


@pytest.fixture
def password_role(cluster: Cluster, database: str) -> Iterator[tuple[str, str]]:
    """Return a role that logs in with the password "secret" and owns nothing; and where."""
    role = f"pw_{uuid.uuid4().hex[:8]}"
    rules = cluster.data / "pg_hba.conf"
    before = rules.read_text()
    reload = "SELECT pg_reload_conf()"
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'secret'").format(sql.Identifier(role))
        )
        rules.write_text(f"local all {role} scram-sha-256\n{before}")
        connection.execute(reload)
        try:
            parts = conninfo_to_dict(database)
            parts.pop("user", None)
            yield role, make_conninfo(**parts)
        finally:
            rules.write_text(before)
            connection.execute(reload)
            connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))
