"""A real PostgreSQL for the tests, and the files that some of them read."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from support.clusters import SHARED, fresh_database, private_cluster

from specprod_copy.demo import write_production
from specprod_copy.desi.production import ProductionFiles, find_production
from specprod_copy.loading.api import load
from specprod_copy.loading.options import LoadOptions
from specprod_copy.server.cluster import Cluster
from specprod_copy.tables import Inputs

pytest.register_assert_rewrite("support.fault_loads")

# How long an example takes is the machine's business, and so is how long it takes to draw one.
hypothesis.settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("any machine")


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """Return a running cluster for the whole session."""
    with private_cluster() as made:
        made.start()
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
