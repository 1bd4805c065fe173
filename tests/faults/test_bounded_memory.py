"""Files and results made to fill the memory: a process stays below 400 MB, or says what is wrong.

Most files are nearly empty: they have holes, or are gzipped zeros.
"""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psycopg
import pytest
from astropy.io import fits
from support.catalogues import write_fits
from support.raw_fits import BLOCK, PRIMARY

MEGABYTES = 400
N_ROWS = 120


@pytest.fixture
def root(demo_root: Path, tmp_path: Path) -> Iterator[Path]:
    root = tmp_path / "desi"
    shutil.copytree(demo_root, root)
    yield root
    shutil.rmtree(root)


def catalog(root: Path) -> Path:
    """Return the catalog that table zpix is made of."""
    [path] = root.rglob("zall-pix-*.fits")
    return path


STARTER = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(code)
"""


def load(database: str, root: Path, stage: str, *options: object) -> tuple[int, str]:
    """Load in a process of its own; return its exit code and last line, if it stayed small."""
    given = ["-p", "fuji", "-r", root, "--dsn", database, "-q", "-j", 1, *options]
    process = small("load", stage, *given)
    return process.returncode, (process.stderr.splitlines() or [""])[-1]


def small(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own, which has to stay small."""
    command = [sys.executable, "-m", "specprod_copy", *map(str, arguments)]
    # A process inherits the peak of the one that starts it, so one that is small starts this.
    process = subprocess.run(
        [sys.executable, "-c", STARTER, *command], capture_output=True, text=True
    )
    assert int(process.stdout) < MEGABYTES << 10, process.stderr
    return process


def widen(path: Path, column: str, tform: str, width: int) -> None:
    """Make a column of a catalog wide; what it had are its first bytes."""
    with fits.open(path) as hdus:
        header, table = hdus[1].header.copy(), hdus[1].data
        start, old = hdus[1].fileinfo()["datLoc"], header["NAXIS1"]
        offset = table.dtype.fields[column][1] + table.dtype[column].itemsize
        more = width - table.dtype[column].itemsize
        number = table.names.index(column) + 1
    content = path.read_bytes()
    header[f"TFORM{number}"], header["NAXIS1"], header["NAXIS2"] = tform, old + more, N_ROWS
    with path.open("wb") as file:
        file.write(PRIMARY + header.tostring().encode())
        for row in range(N_ROWS):
            data = content[start + row * old :][:old]
            file.write(data[:offset])
            file.seek(more, os.SEEK_CUR)
            file.write(data[offset:])
        file.truncate(-(-file.tell() // BLOCK) * BLOCK)


def empty_image(size: int) -> bytes:
    """Return the header of an HDU with so many bytes of data."""
    header = fits.ImageHDU().header
    header["BITPIX"], header["NAXIS"], header["NAXIS1"] = 8, 1, size
    return header.tostring().encode()


def wide_text(path: Path) -> None:
    widen(path, "PROGRAM", "1000000A", 1_000_000)


def wide_vector(path: Path) -> None:
    widen(path, "COEFF", "100000D", 800_000)


def wider_than_any(path: Path) -> None:
    widen(path, "PROGRAM", "100000000A", 100_000_000)


def large_skipped(path: Path) -> None:
    """Put an HDU of 2 GB before the table."""
    content, size = path.read_bytes(), 2 << 30
    with path.open("wb") as file:
        file.write(PRIMARY + empty_image(size))
        file.seek(-(-size // BLOCK) * BLOCK, os.SEEK_CUR)
        file.write(content[len(PRIMARY) :])


def many_hdus(path: Path) -> None:
    path.write_bytes(PRIMARY + empty_image(0) * 5000)


def long_header(path: Path) -> None:
    """Make a header of so many keywords as are read, all of them others."""
    cards = b"".join(f"KEY{n:05X}= {n:>20}".ljust(80).encode() for n in range(350_000))
    path.write_bytes(PRIMARY.replace(b"END".ljust(80), b"") + cards)


def bomb(path: Path) -> None:
    """Gzip an HDU of 1 GB of zeros, which comes before the table."""
    content, size = path.read_bytes(), 1 << 30
    with gzip.open(path.with_name(f"{path.name}.gz"), "wb", 1) as file:
        file.write(PRIMARY + empty_image(size))
        for _ in range(-(-size // BLOCK) * BLOCK >> 20):
            file.write(bytes(1 << 20))
        file.write(bytes(-(-size // BLOCK) * BLOCK & 0xFFFFF))
        file.write(content[len(PRIMARY) :])
    path.unlink()


@pytest.mark.parametrize(
    ("change", "code", "complaint"),
    [
        (wide_text, 0, ""),
        (wide_vector, 0, ""),
        (wider_than_any, 1, "column PROGRAM: is 100,000,000 bytes wide, and rows of more than "),
        (large_skipped, 0, ""),
        (many_hdus, 1, " and 4,991 more"),
        (long_header, 1, "has no END"),
        (bomb, 0, ""),
    ],
)
def test_catalogs(
    database: str, root: Path, change: Callable[[Path], None], code: int, complaint: str
) -> None:
    change(catalog(root))
    found, said = load(database, root, "zpix")
    assert (found, complaint in said) == (code, True), said
    assert len(said) < 2000
    with psycopg.connect(database) as connection:
        tables = connection.execute("SELECT to_regclass('fuji.zpix')").fetchone()
    assert (tables == (None,)) == (code == 1)


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("t.csv", None, "is a text table of more than 32 MiB: make it a FITS table"),
        ("t.ecsv", None, "is a text table of more than 8 MiB: make it a FITS table"),
        ("t.csv", b"A\n" + b"1\n" * (15 << 20), "is a text table of more than 4,194,304 fields"),
        ("t.csv", b"A\n" + b"1," * (15 << 20), "line 2 has 15728641 fields, but the header line"),
        (
            "t.csv",
            b"A,B,C,D\n" + b"1234567,2.5,x,\n" * ((1 << 20) - 1),
            "column TILEID: no such column",
        ),
    ],
)
def test_text_tables(
    database: str, root: Path, tmp_path: Path, name: str, content: bytes | None, complaint: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content or b"")
    if content is None:
        os.truncate(path, 1 << 30)
    code, said = load(database, root, "tile", "--tiles-file", path)
    assert code == 1
    assert said.startswith(f"Error: {path}") and complaint in said
    path.unlink()


def test_draft_of_many_rows(tmp_path):
    """Keys are compared by hashes, whatever they are made of, one after the other."""
    columns = {"TARGETID": np.arange(2_000_000)}
    columns |= {name: np.full(2_000_000, "main", "S7") for name in ("SURVEY", "PROGRAM")}
    path = write_fits(tmp_path / "many.fits", {"MANY": columns})
    done = small("draft-ddl", path)
    assert done.returncode == 0, done.stderr
    path.unlink()


WIDE = """SELECT g, CASE g WHEN 1 THEN repeat('x', 30000) ELSE 'x' END AS t
          FROM generate_series(1, 16384) g"""
LONG = "SELECT g, repeat('x', 20000) AS t FROM generate_series(1, 30000) g"


@pytest.mark.parametrize(("query", "name"), [(WIDE, "r.fits"), (LONG, "r.parquet")])
def test_results_of_wide_rows(database: str, tmp_path: Path, query: str, name: str) -> None:
    """All of them are 500 MB: one long text makes all rows of FITS as wide."""
    file = tmp_path / name
    done = small("query", query, "-o", file, "--dsn", database, "-q")
    assert (done.returncode, done.stderr, file.exists()) == (0, "", True)
    file.unlink()
