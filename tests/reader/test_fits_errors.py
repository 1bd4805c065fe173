"""What a damaged, missing or odd FITS file is answered with: one exact line, never a crash."""

from __future__ import annotations

import gzip
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from astropy.io import fits
from astropy.table import Table
from hypothesis import given, settings
from hypothesis import strategies as st
from support.plain_table import NUMBER, PLAIN, TEXT, message
from support.privileges import without_privileges
from support.raw_fits import PRIMARY, RawColumn, cells, hdu_bytes, table_bytes, table_header, write

from specprod_copy.errors import InputError
from specprod_copy.reader import open_table, read_table


def test_absent_file(tmp_path: Path) -> None:
    path = tmp_path / "fiberassign-001000.fits"
    packed = tmp_path / "fiberassign-001000.fits.gz"
    assert message(open_table, path) == f"{path}: no such file"
    write(packed, PLAIN)
    assert message(open_table, path) == f"{path}: no such file, but {packed.name} exists"
    packed.unlink()
    write(path, PLAIN)
    assert message(open_table, packed) == f"{packed}: no such file, but {path.name} exists"


def test_unknown_suffix(tmp_path: Path) -> None:
    path = tmp_path / "tiles.txt"
    assert message(open_table, path) == (
        f"{path}: unknown kind of file; known suffixes are .fits, .fits.gz, .csv, .ecsv"
    )


def test_directory(tmp_path: Path) -> None:
    path = tmp_path / "dir.fits"
    path.mkdir()
    assert message(open_table, path) == f"{path}: cannot be read: Is a directory"


def test_permission_denied(tmp_path: Path) -> None:
    path = write(tmp_path / "t.fits", PLAIN)
    path.chmod(0)
    with without_privileges():
        text = message(open_table, path)
    assert text == f"{path}: cannot be read: Permission denied"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it is empty"),
        (b"TILEID,SURVEY\n1,main\n", "it begins with b'TILEID,SU'"),
        (bytes(5000), r"it begins with b'\x00\x00\x00\x00\x00\x00\x00\x00\x00'"),
    ],
)
@pytest.mark.parametrize("suffix", [".fits", ".fits.gz"])
def test_not_fits(tmp_path: Path, content: bytes, reason: str, suffix: str) -> None:
    path = tmp_path / f"t{suffix}"
    path.write_bytes(content)  # a .gz that is not gzipped is taken as it is
    assert message(open_table, path) == f"{path}: not a FITS file: {reason}"


def test_gzip_by_content_not_by_name(tmp_path: Path) -> None:
    path = tmp_path / "t.fits"
    path.write_bytes(gzip.compress(PRIMARY + PLAIN))
    assert read_table(path)["PROGRAM"].to_list() == ["dark", "", "x"]


def test_no_such_hdu(tmp_path: Path) -> None:
    image = fits.ImageHDU(np.zeros(3), name="MASK")
    path = write(tmp_path / "t.fits", hdu_bytes(image.header, image.data.tobytes()), PLAIN)
    there = "it has PRIMARY (image), MASK (image), T (binary table)"
    assert message(open_table, path, ["TILES"]) == f"{path}: has no HDU TILES; {there}"
    assert message(open_table, path, ["TILE_COMPLETENESS", "TILES"]) == (
        f"{path}: has no HDU TILE_COMPLETENESS or TILES; {there}"
    )


def test_not_a_table(tmp_path: Path) -> None:
    path = tmp_path / "t.fits"
    fits.HDUList(
        [
            fits.PrimaryHDU(np.zeros(3)),
            fits.TableHDU(Table({"A": [1]}).as_array(), name="ASCII"),
            fits.CompImageHDU(np.zeros((9, 9), "i4"), name="SPEC"),
        ]
    ).writeto(path)
    assert message(open_table, path) == (
        f"{path}: has no binary table; it has PRIMARY (image), ASCII (ASCII table), "
        "SPEC (compressed image)"
    )
    kinds = {"PRIMARY": "image", "ASCII": "ASCII table", "SPEC": "compressed image"}
    for name, kind in kinds.items():
        text = message(open_table, path, [name])
        assert text == f"{path}[{name}]: not a binary table but: {kind}"


@pytest.mark.parametrize("hdus", [(), ("T",)])
def test_tables_packed_by_fpack(tmp_path: Path, hdus: Sequence[str]) -> None:
    header = table_header([NUMBER], 3, name="T")
    header["ZTABLE"] = True
    path = write(tmp_path / "t.fits", hdu_bytes(header, NUMBER.data.tobytes()))
    packed = "is compressed by fpack, which is not read here; unpack the file by funpack"
    assert message(open_table, path, hdus) == f"{path}[T]: {packed}"
    path = path.rename(tmp_path / "t.fits.fz")
    assert message(open_table, path, hdus) == f"{path}: {packed}"


@pytest.mark.parametrize("suffix", [".fits", ".fits.gz"])
def test_truncated(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"t{suffix}"
    whole = PRIMARY + PLAIN + table_bytes([NUMBER], name="LATER")
    start = len(PRIMARY) + 2880  # of the data of T, 36 bytes

    def cut(size: int) -> None:
        path.write_bytes(gzip.compress(whole[:size]) if suffix == ".fits.gz" else whole[:size])

    ends = f"truncated: the data of 3 rows go to byte {start + 36}, but the file ends after"
    again = "fetch it again"
    cut(start + 30)
    assert message(read_table, path) == f"{path}[T]: {ends} {start + 30} bytes; {again}"
    cut(start)
    assert message(read_table, path) == f"{path}[T]: {ends} {start} bytes; {again}"
    assert message(open_table, path, ["LATER"]) == f"{path}[T]: {ends} {start} bytes; {again}"
    cut(start - 800)
    assert message(open_table, path) == (
        f"{path}: truncated: the header of HDU 1 has no END; {again}"
    )
    cut(start + 36)  # only the padding is missing: no harm
    assert read_table(path).height == 3
    assert message(open_table, path, ["LATER"]) == (
        f"{path}: has no HDU LATER; it has PRIMARY (image), T (binary table)"
    )


def test_cut_while_being_read(tmp_path: Path) -> None:
    rows = np.arange(300_000, dtype=">i8").view("u1").reshape(-1, 8)
    path = write(tmp_path / "t.fits", table_bytes([RawColumn("A", "K", rows)], name="T"))
    with open_table(path) as table:
        frames = table.frames(chunk_rows=100_000)
        assert next(frames)["A"][-1] == 99_999
        os.truncate(path, 2 * 2880 + 8 * 150_000 + 4)
        assert message(next, frames) == (
            f"{path}[T]: the file was cut while it was being read; it ends in row 150000"
        )


def test_damaged_gzip(tmp_path: Path) -> None:
    random = np.random.default_rng(0).integers(0, 256, (4000, 8), "u1")
    path = write(tmp_path / "t.fits.gz", table_bytes([RawColumn("A", "K", random)], name="T"))
    whole = path.read_bytes()
    path.write_bytes(whole[:-5000])
    assert message(read_table, path) == (
        f"{path}[T]: damaged gzip file (Compressed file ended before the end-of-stream marker "
        "was reached); fetch it again"
    )
    path.write_bytes(whole[:-8] + b"\0\0\0\0" + whole[-4:])
    text = message(read_table, path)
    assert text.startswith(f"{path}[T]: damaged gzip file (CRC check failed 0 != ")
    path.write_bytes(whole[:10] + b"\xff" * 50)
    text = message(open_table, path)
    assert text.startswith(f"{path}: damaged gzip file (Error -1 Invalid ")


def test_unknown_columns(tmp_path: Path) -> None:
    path = write(tmp_path / "t.fits", PLAIN)
    assert message(read_table, path, columns=["TARGET_ID"]) == (
        f"{path}[T], column TARGET_ID: no such column (similar: TARGETID)"
    )
    assert message(read_table, path, columns=["zwarn", "PROGRAM", "Z"]) == (
        f"{path}[T], column ZWARN: no such column (and none with a similar name); also missing: Z"
    )
    assert message(read_table, path, columns=["PROGRAM", "program"]) == (
        f"{path}[T], column PROGRAM: asked for twice"
    )
    assert message(read_table, path, columns=[]) == (
        f"{path}[T]: no columns are asked for, or there are none"
    )


def test_unknown_rows(tmp_path: Path) -> None:
    path = write(tmp_path / "t.fits", PLAIN)
    with open_table(path) as table:
        assert message(table.frames, first=2, last=4) == (
            f"{path}[T]: rows 2 to 4 are asked for, but the table has 3"
        )
        assert message(table.frames, first=-1) == (
            f"{path}[T]: rows -1 to 3 are asked for, but the table has 3"
        )
        assert message(table.frames, rows=np.array([0, 3])) == (
            f"{path}[T]: rows 0 to 3 are asked for, but the table has 3"
        )
        assert message(table.frames, rows=np.array([1, 1])) == (
            f"{path}[T]: the row numbers asked for do not ascend"
        )


NOT_LOADED = "are not loaded; write them as columns of numbers"


@pytest.mark.parametrize(
    ("column", "reason"),
    [
        (RawColumn("X", "9X", cells(b"ab")), f"TFORM 9X: bits {NOT_LOADED}"),
        (RawColumn("X", "C", cells(bytes(8))), f"TFORM C: complex numbers {NOT_LOADED}"),
        (RawColumn("X", "2M", cells(bytes(32))), f"TFORM 2M: complex numbers {NOT_LOADED}"),
        (RawColumn("X", "1PM(5)", cells(bytes(8))), f"TFORM 1PM(5): complex numbers {NOT_LOADED}"),
        (RawColumn("X", "QX", cells(bytes(16))), f"TFORM QX: bits {NOT_LOADED}"),
        (RawColumn("X", "P", cells(bytes(8))), "TFORM P is not that of arrays in the heap"),
        (RawColumn("X", "2PE", cells(bytes(16))), "TFORM 2PE is not that of arrays in the heap"),
        (RawColumn("X", "6A2", cells(b"aabbcc")), "TFORM 6A2 is not supported"),
        (
            RawColumn("X", "6A", cells(b"aabbcc"), {"TDIM": "(2,2)"}),
            "TDIM (2,2) does not fit to 6 bytes of text",
        ),
        (
            RawColumn("X", "6A", cells(b"aabbcc"), {"TDIM": "two"}),
            "TDIM two does not fit to 6 bytes of text",
        ),
        (RawColumn("X", "I", cells(b"ab"), {"TSCAL": "2"}), "TSCAL is '2', not a number"),
        (RawColumn("X", "E", cells(b"abcd"), {"TZERO": True}), "TZERO is True, not a number"),
        (
            RawColumn("X", "I", cells(b"ab"), {"TZERO": 2**15, "TNULL": 5}),
            "TNULL together with TSCAL or TZERO is read in two ways",
        ),
    ],
)
def test_unsupported_columns_are_an_error_only_when_asked_for(
    tmp_path: Path, column: RawColumn, reason: str
) -> None:
    before, after = (RawColumn(name, "B", cells(b"\7")) for name in ("BEFORE", "AFTER"))
    path = write(tmp_path / "t.fits", table_bytes([before, column, after], name="T"))
    with open_table(path) as table:
        assert table.schema == {"BEFORE": pl.UInt8, "X": pl.Unknown, "AFTER": pl.UInt8}
        (frame,) = table.frames(["AFTER", "BEFORE"])
        assert frame.rows() == [(7, 7)]
        for names in (None, ["X"]):
            assert message(table.frames, names) == f"{path}[T], column X: {reason}"


def test_text_that_is_not_utf8(tmp_path: Path) -> None:
    data = cells(b"dark", b"caf\xe9", b"\xff   ")
    path = write(tmp_path / "t.fits", table_bytes([RawColumn("P", "4A", data)], name="T"))
    assert message(read_table, path) == (
        rf"{path}[T], column P: row 1 holds text that is not UTF-8: b'caf\xe9'"
    )
    with open_table(path) as table:
        assert message(next, table.frames(rows=np.array([0, 2]))) == (
            rf"{path}[T], column P: row 2 holds text that is not UTF-8: b'\xff   '"
        )
        assert next(table.frames(last=1)).rows() == [("dark",)]
    pair = RawColumn("P", "4A", data, {"TDIM": "(2,2)"})
    path = write(tmp_path / "t.fits", table_bytes([pair], name="T"))
    assert message(read_table, path) == (
        rf"{path}[T], column P: row 1 holds text that is not UTF-8: b'f\xe9'"
    )


def test_logical_that_is_none(tmp_path: Path) -> None:
    data = cells(b"TF", b"T\1")
    path = write(tmp_path / "t.fits", table_bytes([RawColumn("L", "2L", data)], name="T"))
    assert message(read_table, path) == (
        rf"{path}[T], column L: row 1 holds a logical value that is neither T, F nor NUL: b'\x01'"
    )


@given(data=st.data())
@settings(max_examples=200, deadline=None)
def test_any_damage_is_an_input_error_or_harmless(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    suffix = data.draw(st.sampled_from([".fits", ".fits.gz"]))
    path = tmp_path_factory.getbasetemp() / f"damaged{suffix}"
    content = bytearray(PRIMARY + PLAIN)
    if suffix == ".fits.gz" and data.draw(st.booleans()):
        content = bytearray(gzip.compress(content, mtime=0))
    cards = len(table_header([NUMBER, TEXT], 3, "T").cards) * 80
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, 800) | st.integers(2880, 2880 + cards))
        content[place % len(content)] = data.draw(st.integers(0, 255) | st.sampled_from(b"0189 '="))
    del content[data.draw(st.just(len(content)) | st.integers(0, len(content))) :]
    path.write_bytes(content)
    try:
        frame = read_table(path)
    except InputError as error:
        assert str(error).startswith(str(path))
    else:
        assert frame.width >= 1
