"""Files that are no files, endless or enormous: refused at once, or read in little memory."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from astropy.table import Table
from support.raw_fits import RawColumn, cells, hdu_bytes, table_bytes, table_header, write

from specprod_copy.errors import InputError
from specprod_copy.reader import files, read_table

SUFFIXES = (".fits", ".fits.gz", ".csv", ".ecsv")


def message(path: Path, *hdus: str) -> str:
    with pytest.raises(InputError) as caught:
        read_table(path, hdus)
    return str(caught.value)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_pipe(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"t{suffix}"
    os.mkfifo(path)
    assert message(path) == f"{path}: no regular file but a pipe, a device or the like"


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null"])
def test_a_link_to_a_device(tmp_path: Path, suffix: str, device: str) -> None:
    if not os.access(device, os.R_OK):
        pytest.skip(f"no {device} to be opened")
    path = tmp_path / f"t{suffix}"
    path.symlink_to(device)
    assert message(path) == f"{path}: no regular file but a pipe, a device or the like"


@pytest.mark.parametrize("suffix", [".csv", ".ecsv"])
def test_a_text_table_that_is_too_long(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"t{suffix}"
    path.touch()
    os.truncate(path, files.TEXT_BYTES + 1)
    assert " MiB: make it a FITS table, which is read in parts" in message(path)


def test_an_ecsv_field_that_is_too_long(tmp_path: Path) -> None:
    path = tmp_path / "t.ecsv"
    header = "# %ECSV 1.0\n# ---\n# datatype:\n# - {name: A, datatype: string}\nA\n"
    path.write_text(header + 140_000 * "1" + "\n")
    assert message(path).startswith(f"{path}: not an ECSV table: field larger than field limit")


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("t.csv", "A," * 10_000 + "A", "has 10,001 columns, and at most 999 may be"),
        ("t.ecsv", "# %ECSV 1.0\n# ---\n" + "# - x\n" * (1 << 16), "has a header of 393,234 byt"),
        ("t.ecsv", "# %ECSV 1.0\n# ---\n# " + "[" * 2000 + "\n", "not an ECSV table: unable to"),
    ],
)
def test_headers_that_are_too_much(tmp_path: Path, name: str, content: str, complaint: str) -> None:
    path = tmp_path / name
    path.write_text(content)
    assert message(path).startswith(f"{path}: {complaint}")


def test_many_hdus_are_counted_not_named(tmp_path: Path) -> None:
    empty = table_bytes([RawColumn("A", "J", cells(bytes(4)))], name="X")
    path = write(tmp_path / "t.fits", *[empty] * 1000)
    there = ", ".join(["PRIMARY (image)", *["X (binary table)"] * 9])
    assert message(path, "T") == f"{path}: has no HDU T; it has {there} and 991 more"


def test_the_preferred_name_of_two(tmp_path: Path) -> None:
    parts = {name: RawColumn(name, "J", cells(bytes(4))) for name in "ABC"}
    path = write(tmp_path / "t.fits", *[table_bytes([part], name=n) for n, part in parts.items()])
    for names, column in ((("C", "B"), "C"), (("X", "B"), "B"), (("X", "c", "B"), "C")):
        assert read_table(path, names).columns == [column]


@pytest.mark.parametrize(
    ("tform", "element", "expected"),
    [("1000000A", b"x", "x"), ("100000D", bytes(8), None)],
)
def test_wide_columns_take_little_memory(
    tmp_path: Path, tform: str, element: bytes, expected: str | None
) -> None:
    """4000 rows of 1 MB, in a file with holes; only the first bytes of each are there."""
    n_rows, width = 4000, 1_000_000 if tform.endswith("A") else 800_000
    header = table_header([RawColumn("WIDE", tform, np.zeros((0, width), np.uint8))], n_rows, "T")
    header["NAXIS1"] = width
    path = write(tmp_path / "t.fits", hdu_bytes(header, b""))
    start = path.stat().st_size
    os.truncate(path, start + n_rows * width)
    with path.open("r+b") as file:
        file.seek(start)
        file.write(element)
    code = f"""
from specprod_copy.reader import open_table
from pathlib import Path
def peak():  # in kB, of this program: getrusage has that of the one that started it
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
before = peak()
with open_table(Path({str(path)!r})) as table:
    frames = iter(table.frames())
    first = next(frames)
    for _ in range(5):
        next(frames)
    print(first.height, repr(first.row(0)[0]) if {expected!r} else None)
    print((peak() - before) // 1024)
"""
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    rows, megabytes = shown.stdout.splitlines()
    assert rows == f"{(1 << 25) // width} {expected!r}" if expected else rows.startswith("41 ")
    assert int(megabytes) < 250


def test_a_column_that_is_too_wide_is_named(tmp_path: Path) -> None:
    wide = RawColumn("WIDE", "100000000A", np.zeros((0, 100_000_000), np.uint8))
    narrow = RawColumn("NARROW", "J", np.zeros((0, 4), np.uint8))
    path = write(tmp_path / "t.fits", hdu_bytes(table_header([narrow, wide], 0, "T"), b""))
    assert message(path) == (
        f"{path}[T], column WIDE: is 100,000,000 bytes wide, and rows of more than 33,554,432 are "
        "not read"
    )


def test_a_vector_of_one_element_is_that_element(tmp_path: Path) -> None:
    path = tmp_path / "t.ecsv"
    table = Table({"N": np.array([[1], [2]]), "T": np.array([["a"], ["b"]])})
    table.write(path)
    expected = pl.DataFrame({"N": [1, 2], "T": ["a", "b"]})
    assert read_table(path).equals(expected)
    table.write(path.with_suffix(".fits"))
    assert read_table(path.with_suffix(".fits")).equals(expected)


def test_text_ends_at_its_first_nul(tmp_path: Path) -> None:
    text = RawColumn("A", "5A", cells(b"AB\0CD", b"ABCDE", b"AB   ", b"AB\0\0\0", b"\0\xffBCD"))
    path = write(tmp_path / "t.fits", table_bytes([text], name="T"))
    assert read_table(path)["A"].to_list() == ["AB", "ABCDE", "AB", "AB", ""]
    pair = RawColumn("A", "6A", cells(b"A\0BC\0D"), {"TDIM": "(3,2)"})
    path = write(tmp_path / "t.fits", table_bytes([pair], name="T"))
    assert read_table(path)["A"].to_list() == [["A", "C"]]
