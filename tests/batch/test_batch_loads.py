"""Batch scripts that load a production for real."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import psycopg
import pytest
from astropy.io import fits
from support.batch_options import EMAIL, succeed
from support.fake_slurm import Slurm, start_slurm

from specprod_copy.batch.slurm import Script, submit
from specprod_copy.demo import write_production
from specprod_copy.desi.configuration import find_production
from specprod_copy.desi.production import ProductionFiles
from specprod_copy.loading.api import load
from specprod_copy.loading.options import LoadOptions
from specprod_copy.tables import Inputs


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Slurm:
    """Return a stand-in for Slurm, with the real loader (in one process, which is quicker here)."""
    made = start_slurm(tmp_path, monkeypatch)
    program = f'#!/bin/sh\nexec {sys.executable} -m specprod_copy "$@" --jobs=1\n'
    made.install("specprod-copy", program)
    return made


@pytest.fixture
def root(tmp_path: Path, database: str) -> Path:
    """Return the root of a small production; it is loaded into schema direct."""
    root = tmp_path / "data"
    write_production(root, "fuji", tiles=3, targets=40)
    inputs = Inputs(ProductionFiles(find_production("fuji"), root))
    load(database, inputs, LoadOptions(stages=("all",), schema="direct"))
    return root


def query(conninfo: str, text: str, *values: str) -> list[tuple]:
    with psycopg.connect(conninfo) as connection:
        return connection.execute(text.encode(), values).fetchall()


def tables(conninfo: str, schema: str) -> list[str]:
    found = "SELECT tablename FROM pg_tables WHERE schemaname = %s ORDER BY tablename"
    return [table for (table,) in query(conninfo, found, schema)]


def rows(conninfo: str, schema: str) -> dict[str, int]:
    """Return how many rows each table has."""
    count = "SELECT count(*) FROM {}.{}"
    return {
        table: query(conninfo, count.format(schema, table))[0][0]
        for table in tables(conninfo, schema)
    }


def sums(conninfo: str, schema: str) -> dict[str, str]:
    """Return the MD5 sum of the ordered rows of each table that does not hold times of loading."""
    md5 = "SELECT md5(string_agg(t::text, chr(10) ORDER BY t::text)) FROM {}.{} t"
    return {
        table: query(conninfo, md5.format(schema, table))[0][0]
        for table in tables(conninfo, schema)
        if table != "load_ledger"
    }


def objects(conninfo: str, schema: str) -> set[tuple[str, str]]:
    """Return (table, definition) of all indexes, keys and foreign keys."""
    definitions = """
        SELECT tablename, replace(indexdef, schemaname || '.', '') FROM pg_indexes
        WHERE schemaname = %s
        UNION ALL
        SELECT relname, conname || ' ' || replace(pg_get_constraintdef(c.oid), %s || '.', '')
        FROM pg_constraint c JOIN pg_class r ON r.oid = conrelid
        WHERE r.relnamespace = %s::regnamespace"""
    found = query(conninfo, definitions, schema, schema, schema)
    assert len(set(found)) == len(found)
    return set(found)


def test_arrays_load_the_same_as_one_load_go_on_and_do_not_destroy(
    fake: Slurm, root: Path, database: str
) -> None:
    (file,) = (root / "target" / "fiberassign").rglob("fiberassign-080616.fits")
    good = Path(shutil.copy2(file, root / "good.fits"))
    with fits.open(file, mode="update") as hdus:
        hdus["FIBERASSIGN"].data["LOCATION"][0] = -1
    # Bad for once only: when a file really changes, those who loaded of it have to begin anew.
    os.utime(file, ns=(0, good.stat().st_mtime_ns))
    arguments = (EMAIL, root, "fuji", "-j", fake.jobs, "--array", "2", "--dsn", database)
    succeed(*arguments, "--submit", server=())
    assert fake.results() == [*["0"] * 9, "1", "never ran"]
    # The share with the bad file fails, the other one is loaded; keys and indexes wait.
    assert sorted(fake.tasks(110)) == ["0", "1"]
    failed = fake.tasks(110).index("1") + 1
    log = fake.log(f"*_fiberassign_parts-110_{failed}.log")
    assert "fiberassign-080616.fits" in log
    there, wanted = rows(database, "fuji"), rows(database, "direct")
    keyless = {"fiberassign", "potential"}
    assert 0 < sum(there[t] for t in keyless) < sum(wanted[t] for t in keyless)
    assert objects(database, "fuji") == {
        o for o in objects(database, "direct") if o[0] not in keyless
    }

    shutil.copy2(good, file)
    left = [fake.jobs / f"load_specprod_db_fuji_fiberassign{end}.sh" for end in ("_parts", "")]
    assert sorted(fake.jobs.glob("*.sh")) == sorted(left)
    assert [job for _, job in submit([Script(path, "") for path in left])] == ["112", "113"]
    assert fake.results()[11:] == ["0", "0"]
    assert list(fake.jobs.glob("*.sh")) == []
    assert rows(database, "fuji") == wanted
    assert sums(database, "fuji") == sums(database, "direct")
    assert objects(database, "fuji") == objects(database, "direct")
    assert min(wanted.values()) > 0

    succeed(*arguments, "--submit", "--overwrite-tables", server=())
    assert fake.results()[13:] == ["1", *["never ran"] * 10]
    assert "cannot replace tables of schema fuji" in fake.log("*_exposures-114.log")
    assert rows(database, "fuji") == wanted
