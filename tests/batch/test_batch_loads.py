"""Batch scripts that load a production for real, by Slurm itself."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from astropy.io import fits
from support.batch_options import EMAIL, succeed
from support.real_slurm import RealSlurm, running_slurm, why_not

from specprod_copy.batch.slurm import Script, submit
from specprod_copy.demo import write_production
from specprod_copy.desi.configuration import find_production
from specprod_copy.desi.production import ProductionFiles
from specprod_copy.loading.api import load
from specprod_copy.loading.options import LoadOptions
from specprod_copy.tables import Inputs


@pytest.fixture(scope="module")
def slurm() -> Iterator[RealSlurm]:
    if reason := why_not():
        pytest.skip(reason)
    with running_slurm() as made:
        yield made


@pytest.fixture
def jobs(slurm: RealSlurm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder for jobs, which run the real loader (in one process, it is quicker here)."""
    program = tmp_path / "bin" / "specprod-copy"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m specprod_copy "$@" --jobs=1\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    for name in [name for name in os.environ if name.startswith(("PG", "DESI", "SPECPROD"))]:
        monkeypatch.delenv(name)
    for name, value in slurm.environment.items():
        monkeypatch.setenv(name, value)
    return tmp_path / "jobs"


@pytest.fixture
def root(tmp_path: Path, database: str) -> Path:
    """Return the root of a small production; it is loaded into schema direct."""
    root = tmp_path / "data"
    write_production(root, "fuji", tiles=3, targets=40)
    inputs = Inputs(ProductionFiles(find_production("fuji"), root), light_curves=True)
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


def submitted(output: str) -> list[str]:
    return re.findall(r"^job (\d+): ", output, re.MULTILINE)


def test_arrays_load_the_same_as_one_load_go_on_and_do_not_destroy(
    slurm: RealSlurm, jobs: Path, root: Path, database: str
) -> None:
    (file,) = (root / "target" / "fiberassign").rglob("fiberassign-080616.fits")
    good = Path(shutil.copy2(file, root / "good.fits"))
    with fits.open(file, mode="update") as hdus:
        hdus["FIBERASSIGN"].data["LOCATION"][0] = -1
    # Bad for once only: when a file really changes, those who loaded of it have to begin anew.
    os.utime(file, ns=(0, good.stat().st_mtime_ns))
    options = ("--array", "2", "--light-curves", "--dsn", database)
    arguments = (EMAIL, root, "fuji", "-j", jobs, *options)
    *before, parts, whole, verify = submitted(succeed(*arguments, "--submit", server=()))
    assert len(before) == 10
    states = slurm.wait_for(*before, parts, whole, verify)
    assert {state for job in states[:10] for state in job} == {"COMPLETED"}
    # The share with the bad file fails, the other one is loaded; keys and indexes wait.
    assert sorted(states[10]) == ["COMPLETED", "FAILED"]
    assert states[11:] == [["CANCELLED"], ["CANCELLED"]]
    logs = [path.read_text() for path in sorted(jobs.glob(f"*_fiberassign_parts-{parts}_*.log"))]
    (log,) = [log for log in logs if "exit code 1; the jobs behind this one do not run" in log]
    assert "fiberassign-080616.fits" in log
    there, wanted = rows(database, "fuji"), rows(database, "direct")
    keyless = {"fiberassign", "potential"}
    assert 0 < sum(there[t] for t in keyless) < sum(wanted[t] for t in keyless)
    assert objects(database, "fuji") == {
        o for o in objects(database, "direct") if o[0] not in keyless
    }

    shutil.copy2(good, file)
    names = [f"load_specprod_db_fuji_fiberassign{end}.sh" for end in ("_parts", "")]
    scripts = [jobs / name for name in (*names, "verify_specprod_db_fuji.sh")]
    assert sorted(jobs.glob("*.sh")) == sorted(scripts)
    again = [job for _, job in submit([Script(path, "") for path in scripts])]
    assert slurm.wait_for(*again) == [["COMPLETED"] * 2, ["COMPLETED"], ["COMPLETED"]]
    assert list(jobs.glob("*.sh")) == []
    assert re.search(
        r"all \d+ checks passed", (jobs / f"verify_specprod_db_fuji-{again[-1]}.log").read_text()
    )
    assert rows(database, "fuji") == wanted
    assert sums(database, "fuji") == sums(database, "direct")
    assert objects(database, "fuji") == objects(database, "direct")
    assert min(wanted.values()) > 0
