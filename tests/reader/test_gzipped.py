"""Gzipped files: unpacked once, in bounded memory, to the last byte."""

from __future__ import annotations

import gzip
import resource
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psycopg
import pytest
from support.raw_fits import RawColumn, table_bytes, write

from specprod_copy.desi.production import ProductionFiles, find_production
from specprod_copy.errors import InputError
from specprod_copy.loading.api import load
from specprod_copy.loading.options import LoadOptions
from specprod_copy.plan.limits import Limits
from specprod_copy.reader import gzipped, open_table, read_table
from specprod_copy.tables import Inputs

ROWS = 4000


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    """A gzipped table of random numbers that fills 32 kB, and something behind it."""
    numbers = np.random.default_rng(0).integers(0, 256, (ROWS, 8), "u1")
    return write(tmp_path / "t.fits.gz", table_bytes([RawColumn("A", "K", numbers)], name="T"))


def test_digest_is_the_same_after_rows_were_read(packed):
    with open_table(packed) as table:
        before = table.digest().hexdigest()
        [*table.frames()]
        assert table.digest().hexdigest() == before


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Have the system refuse to write more than so many bytes to a file."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_large_ones_are_unpacked_into_a_file(packed, tmp_path, monkeypatch):
    in_memory = read_table(packed)
    monkeypatch.setattr(gzipped, "MEMORY_BYTES", 8 * ROWS - 1)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    with pytest.raises(InputError, match=r"\[T\]: cannot be .*: No such file or directory"):
        read_table(packed)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert read_table(packed).equals(in_memory)
    assert [*tmp_path.iterdir()] == [packed]


def test_no_room_to_unpack(packed, tmp_path, monkeypatch):
    monkeypatch.setattr(gzipped, "MEMORY_BYTES", 1000)
    monkeypatch.setattr(gzipped, "PIECE_BYTES", 1000)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with (
        open_table(packed) as table,
        files_of_at_most(20_000),
        pytest.raises(InputError) as error,
    ):
        table.frames()
    assert str(error.value) == (
        f"{packed}[T]: cannot be unpacked in {tmp_path}: File too large; set TMPDIR to a folder "
        "with room for 32,000 bytes, or gunzip the file"
    )


def test_not_cut_into_units(demo_root, database, tmp_path):
    """It would be unpacked from its beginning for each of them."""
    limits = Limits(unit_rows=10, small_rows=0)
    files = ProductionFiles(find_production("fuji"), demo_root)
    packed = tmp_path / "exposures.fits.gz"
    packed.write_bytes(gzip.compress(files.exposures().read_bytes()))
    for schema, inputs in (("plain", Inputs(files)), ("packed", Inputs(files, None, packed))):
        load(database, inputs, LoadOptions(("exposures",), schema, limits=limits))
    with psycopg.connect(database) as connection:
        query = """SELECT count(*), sum(last_row - first_row)::int, sum(rows_kept)::int
                   FROM {}.load_ledger WHERE table_name = 'frame'"""
        [(pieces, *rows)] = connection.execute(query.format("plain")).fetchall()
        assert connection.execute(query.format("packed")).fetchall() == [(1, *rows)]
        assert pieces == -(-rows[0] // 10) > 1
        same = "SELECT count(*) FROM (TABLE plain.frame EXCEPT ALL TABLE packed.frame) AS missing"
        assert connection.execute(same).fetchall() == [(0,)]
