"""Batch scripts that load a production for real."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from batch_options import EMAIL, succeed
from fake_slurm import Slurm, start_slurm

from specprod_copy.configuration import find_production
from specprod_copy.load import LoadOptions, load
from specprod_copy.production import ProductionFiles
from specprod_copy.tables import Inputs


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Slurm:
    return start_slurm(tmp_path, monkeypatch)


def rows(conninfo: str, schema: str) -> dict[str, int]:
    with psycopg.connect(conninfo) as connection:
        tables = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = %s", (schema,)
        ).fetchall()
        count = "SELECT count(*) FROM {}.{}"
        return {
            name: connection.execute(count.format(schema, name)).fetchone()[0]  # type: ignore
            for (name,) in tables
        }


def objects(conninfo: str, schema: str) -> set[tuple[str, str]]:
    """Return (table, name) of all indexes and foreign keys."""
    query = """
        SELECT tablename, indexname FROM pg_indexes WHERE schemaname = %(schema)s
        UNION SELECT table_name, constraint_name FROM information_schema.table_constraints
        WHERE table_schema = %(schema)s AND constraint_type <> 'CHECK'"""
    with psycopg.connect(conninfo) as connection:
        return set(connection.execute(query, {"schema": schema}).fetchall())


@pytest.mark.skipif(
    importlib.util.find_spec("specprod_copy.demo") is None, reason="there is no demo production"
)
def test_jobs_load_a_production_go_on_and_do_not_destroy(fake: Slurm, database: str) -> None:
    from specprod_copy.demo import write_production

    root = fake.jobs.parent / "data"
    write_production(root, "fuji", tiles=3, targets=40)
    inputs = Inputs(ProductionFiles(find_production("fuji"), root))
    load(database, inputs, LoadOptions(stages=("all",), schema="direct"))
    fake.install("specprod-copy", f'#!/bin/sh\nexec {sys.executable} -m specprod_copy "$@"\n')
    arguments = (EMAIL, root, "fuji", "-j", fake.jobs, "--submit", "--dsn", database)

    tiles = (root / "target" / "fiberassign").rename(root / "elsewhere")
    succeed(*arguments, server=())
    assert fake.results() == [*["0"] * 5, "1"]
    assert "fiberassign/tiles" in fake.log("*_fiberassign-106.log")
    assert rows(database, "fuji").keys().isdisjoint({"fiberassign", "potential"})

    tiles.rename(root / "target" / "fiberassign")
    (left,) = fake.jobs.glob("*.sh")
    subprocess.run([fake.programs / "sbatch", left], check=True, capture_output=True)
    assert fake.results()[6:] == ["0"]
    loaded = rows(database, "fuji")
    assert loaded == rows(database, "direct")
    assert loaded["tile"] == 3
    assert min(loaded.values()) > 0
    assert objects(database, "fuji") == objects(database, "direct")

    succeed(*arguments, "--overwrite-tables", server=())
    assert fake.results()[7:] == ["1", *["never ran"] * 5]
    assert "cannot replace tables of schema fuji" in fake.log("*_exposures-108.log")
    assert rows(database, "fuji") == loaded
