"""Rows of large arrays: verified by slices, in memory that does not grow with them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import psycopg
import pytest
from support.catalogues import Catalogues, write_fits

from specprod_copy.postgres.columns import Column
from specprod_copy.verification import file_side, run
from specprod_copy.verification.file_side import DrawnRows
from specprod_copy.verification.fingerprint import key_hashes
from specprod_copy.verification.job import FILE, ROW, TableJob

N, WIDTH = 300, 40_000
MEGABYTES = 750
STARTER = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE, text=True)
print(done.returncode, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10)
print(done.stdout)
"""


def load(vac: Catalogues, n: int, width: int) -> None:
    flux = np.random.default_rng(1).normal(size=(n, width))
    path = write_fits(
        vac.root / "spectra.fits", {"SPECTRA": {"TARGETID": np.arange(n), "FLUX": flux}}
    )
    vac.load(vac.draft(path))


def change_all(vac: Catalogues) -> None:
    with psycopg.connect(vac.conninfo) as connection:
        connection.execute("UPDATE vac.spectra SET flux[1] = flux[1] + 1")


def verified(vac: Catalogues) -> tuple[int, int, list[dict]]:
    """Verify in a process of its own; return its code, its memory in MB, and the results."""
    # A process inherits the peak of the one that starts it, so a small one starts the command.
    command = [sys.executable, "-m", "specprod_copy", "verify", "--schema", "vac", "--json", "-q"]
    command += ["--jobs", "1", "--dsn", vac.conninfo]
    process = subprocess.run(
        [sys.executable, "-c", STARTER, *command], capture_output=True, text=True, check=True
    )
    first, _, rest = process.stdout.partition("\n")
    code, peak = map(int, first.split())
    return code, peak, json.loads(rest)


@pytest.fixture
def vac(tmp_path: Path, database: str) -> Catalogues:
    return Catalogues(tmp_path, database)


def test_memory(vac):
    """The table has 96 MB, as values of Python 400 MB."""
    load(vac, N, WIDTH)
    code, peak, results = verified(vac)
    assert code == 0 and peak < MEGABYTES
    change_all(vac)
    code, peak, results = verified(vac)
    assert code == 1 and peak < MEGABYTES
    failed = {one["name"]: one["detail"] for one in results if not one["passed"]}
    assert failed.keys() == {"values", "sample"}
    assert "rows compared" in failed["values"]


def test_a_sample_that_would_be_too_large_says_so(vac, monkeypatch):
    load(vac, 60, 100)
    monkeypatch.setattr(file_side, "SAMPLE_BYTES", 20_000)
    said = vac.run("verify", "--schema", "vac", "--sample", 60)
    assert "not compared: spectra: sample: 16 rows instead of 60, because more would take" in said
    assert "instead of" not in vac.run("verify", "--schema", "vac", "--sample", 16)


def test_rows_that_differ_are_compared_up_to_a_size(vac, monkeypatch):
    load(vac, 60, 100)
    change_all(vac)
    said = vac.run("verify", "--schema", "vac", "--sample", 0, code=1)
    assert "flux: 60 values: " in said and "compared" not in said
    monkeypatch.setattr(run, "COMPARED_BYTES", 12_000)
    said = vac.run("verify", "--schema", "vac", "--sample", 0, code=1)
    assert "; among " in said and " rows compared" in said


@pytest.mark.parametrize("parts", [1, 3, 7])
@pytest.mark.parametrize(("most", "size"), [(10, 1 << 20), (1000, 2000), (0, 2000)])
def test_what_is_drawn_does_not_depend_on_the_splitting_of_the_work(monkeypatch, parts, most, size):
    monkeypatch.setattr(file_side, "SAMPLE_BYTES", size)
    columns = (Column("k", "int8"), Column("x", "_int8"))
    job = TableJob("s", "t", ("k",), columns, sample=most)
    arrays = [list(range(n * 7 % 13)) for n in range(100)]
    rows = pl.DataFrame(
        {"k": range(100), "x": arrays, FILE: ["f"] * 100, ROW: range(100)},
        schema=job.no_located_rows.schema,
    )

    def drawn(frame: pl.DataFrame, chunk: int) -> DrawnRows:
        sample = DrawnRows.of_nothing(job)
        for part in frame.iter_slices(chunk):
            sample.offer(part, key_hashes(part, job.key, seed=1), job)
        return sample

    whole, merged = drawn(rows, 100), DrawnRows.of_nothing(job)
    for number in range(parts):
        merged.add(drawn(rows[number::parts], 9), most)
    assert merged.frame.equals(whole.frame)
    assert len(whole.ranks) <= most and whole.sizes.sum() <= size
    assert sorted(whole.ranks) == [*whole.ranks]
    assert merged.end == whole.end
