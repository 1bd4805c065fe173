"""Tile-compressed tables, packed by ``fpack`` where it is installed, and by hand everywhere."""

from __future__ import annotations

import gzip
import io
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given, settings
from hypothesis import strategies as st
from support.raw_columns import tables
from support.raw_fits import RawColumn, hdu_bytes, table_bytes, table_header, write

from specprod_copy.errors import InputError
from specprod_copy.reader import open_table, read_table

ITEM_BYTES = {"L": 1, "B": 1, "A": 1, "I": 2, "J": 4, "K": 8, "E": 4, "D": 8}


def shuffle(data: bytes, size: int) -> bytes:
    return b"".join(data[byte::size] for byte in range(size))


def rice(data: bytes, size: int) -> bytes:
    """Rice code of integers, taken out of an image that astropy compresses as a single tile."""
    values = np.frombuffer(data, f">{'u' if size == 1 else 'i'}{size}").reshape(1, -1)
    image = fits.CompImageHDU(values, compression_type="RICE_1", tile_shape=values.shape)
    file = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), image]).writeto(file)
    file.seek(0)
    with fits.open(file, disable_image_compression=True) as hdus:
        return bytes(hdus[1].data["COMPRESSED_DATA"][0])


METHODS = {
    "NOCOMPRESS": lambda data, size: data,
    "GZIP_1": lambda data, size: gzip.compress(data, 1),
    "GZIP_2": lambda data, size: gzip.compress(shuffle(data, size), 1),
    "RICE_1": rice,
}


def packed(columns: list[RawColumn], methods: list[str], tile_rows: int, form: str) -> bytes:
    """A tile-compressed table; descriptors are of form P (32 bit) or Q (64 bit)."""
    n_rows = len(columns[0].data)
    header = table_header(columns, n_rows, name="T")
    heap, descriptors, n_tiles = b"", b"", 0
    for first in range(0, n_rows, tile_rows):
        n_tiles += 1
        for column, method in zip(columns, methods, strict=True):
            size = ITEM_BYTES[column.tform.strip("0123456789")]
            cells = column.data[first : first + tile_rows].tobytes()
            part = METHODS[method](cells, size) if cells else b""
            place = np.array([len(part), len(heap)], ">i4" if form == "P" else ">i8")
            descriptors += place.tobytes()
            heap += part
    descriptor_bytes = len(columns) * (8 if form == "P" else 16)
    gap = b"gap" if form == "Q" else b""  # the heap need not follow at once
    if gap:
        header["THEAP"] = descriptor_bytes * n_tiles + len(gap)
    header["ZTABLE"] = True
    header["ZTILELEN"] = tile_rows
    header["ZNAXIS1"], header["ZNAXIS2"] = header["NAXIS1"], header["NAXIS2"]
    header["ZPCOUNT"] = 0
    header["NAXIS1"], header["NAXIS2"] = descriptor_bytes, n_tiles
    header["PCOUNT"] = len(gap) + len(heap)
    for number, method in enumerate(methods, 1):
        header[f"ZFORM{number}"] = header[f"TFORM{number}"]
        header[f"TFORM{number}"] = f"1{form}B(99)"
        header[f"ZCTYP{number}"] = method
    return hdu_bytes(header, descriptors + gap + heap)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tiles")


@given(
    made=tables(),
    tile_rows=st.sampled_from([1, 3, 40, 1000]),
    suffix=st.sampled_from([".fits.fz", ".fits.gz"]),
    form=st.sampled_from("PQ"),
    data=st.data(),
)
@settings(max_examples=60, deadline=None)
def test_unpacked_as_it_was(
    scratch: Path, made: tuple, tile_rows: int, suffix: str, form: str, data: st.DataObject
) -> None:
    columns, expected = made
    methods = []
    for column in columns:
        integers = column.tform.strip("0123456789") in "BIJ"
        known = sorted(METHODS) if integers else ["GZIP_1", "GZIP_2", "NOCOMPRESS"]
        methods.append(data.draw(st.sampled_from(known)))
    path = write(scratch / f"t{suffix}", packed(columns, methods, tile_rows, form))
    plain = write(scratch / "t.fits", table_bytes(columns, name="T"))
    with open_table(path, ["T"]) as table, open_table(plain, ["T"]) as original:
        assert table.schema == original.schema == expected.schema
        assert (table.n_rows, table.row_bytes) == (original.n_rows, original.row_bytes)
        assert dict(table.header) == dict(original.header)
    # Polars takes NaN for equal to NaN; that every bit is kept, the file's own bytes show.
    got, stored = read_table(path), read_table(plain)
    assert got.equals(stored)
    for name in got.columns:
        if got[name].dtype.is_float():
            assert got[name].to_numpy().tobytes() == stored[name].to_numpy().tobytes()


@pytest.mark.skipif(shutil.which("fpack") is None, reason="fpack (libcfitsio-bin) is missing")
@given(made=tables())
@settings(max_examples=30, deadline=None)
def test_packed_by_fpack(scratch: Path, made: tuple) -> None:
    columns = [column for column in made[0] if column.data.shape[1]]
    if not columns or not len(columns[0].data):
        return  # fpack leaves empty tables alone
    path = write(scratch / "fpack.fits", table_bytes(columns, name="T"))
    target = scratch / "fpack.fits.fz"
    target.unlink(missing_ok=True)
    subprocess.run(["fpack", "-table", path], check=True, capture_output=True)
    assert read_table(target).equals(read_table(path))


def some_columns() -> list[RawColumn]:
    rng = np.random.default_rng(0)
    return [
        RawColumn("A", "J", rng.integers(0, 9, 100).astype(">i4").view("u1").reshape(100, 4)),
        RawColumn("B", "D", rng.normal(size=100).astype(">f8").view("u1").reshape(100, 8)),
    ]


def test_rows_across_tiles(tmp_path: Path) -> None:
    path = write(tmp_path / "t.fits.fz", packed(some_columns(), ["RICE_1", "GZIP_2"], 7, "P"))
    whole = read_table(path)
    rows = np.array([0, 6, 7, 8, 50, 98, 99])
    with open_table(path) as table:
        frames = list(table.frames(["B", "A"], rows=rows, chunk_rows=3))
    assert [frame.rows() for frame in frames] == [
        whole.select("B", "A")[part].rows() for part in (rows[:3], rows[3:6], rows[6:])
    ]


@pytest.mark.parametrize(
    ("card", "value", "reason"),
    [
        ("ZCTYP2", "HCOMPRESS_1", ", column B: compression HCOMPRESS_1 is not supported"),
        ("ZFORM2", "2D", ": damaged header: NAXIS1 is 12 bytes, but the columns take 20"),
        ("ZTILELEN", 60, ", column A: damaged tile: 200 bytes, not 240; fetch the file again"),
        ("ZTILELEN", 40, ": damaged header: 100 rows in 2 tiles of 40"),
        ("ZTILELEN", 0, ": damaged header: 100 rows in 2 tiles of 0"),
        ("ZCTYP2", "RICE_1", ", column B: damaged tile (no Rice code of integers of 8 bytes)"),
        ("ZCTYP1", "RICE_1", ", column A: damaged tile (the Rice code does not end with the data)"),
        ("PCOUNT", 30, ", column A: damaged tile: it lies outside the heap"),
        ("ZCTYP1", "GZIP_1", ", column A: damaged tile (Not a gzipped file (b'\\x00\\x00'))"),
    ],
)
def test_damaged_table(tmp_path: Path, card: str, value: object, reason: str) -> None:
    hdu = packed(some_columns(), ["NOCOMPRESS", "GZIP_1"], 50, "P")
    header = fits.Header.fromstring(hdu.decode("latin-1"))
    n = len(header.tostring())
    header[card] = value
    path = write(tmp_path / "t.fits.fz", header.tostring().encode() + hdu[n:])
    with pytest.raises(InputError) as caught:
        read_table(path)
    assert str(caught.value).startswith(f"{path}[T]{reason}")


def test_damaged_tile(tmp_path: Path) -> None:
    hdu = bytearray(packed(some_columns(), ["NOCOMPRESS", "GZIP_1"], 50, "P"))
    crc = hdu.index(gzip.compress(b"")[:4], hdu.index(b"END     ")) + 100
    hdu[crc] ^= 1
    path = write(tmp_path / "t.fits.fz", bytes(hdu))
    assert read_table(path, columns=["A"]).height == 100
    with pytest.raises(InputError) as caught:
        read_table(path)
    assert str(caught.value).startswith(f"{path}[T], column B: damaged tile (")


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_any_damage_is_an_input_error_or_harmless(scratch: Path, data: st.DataObject) -> None:
    methods = [data.draw(st.sampled_from(["RICE_1", "GZIP_2"])), "GZIP_1"]
    content = bytearray(packed(some_columns(), methods, 50, "P"))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] = data.draw(st.integers(0, 255) | st.sampled_from(b"0189 '="))
    path = write(scratch / "damaged.fits.fz", bytes(content))
    try:
        frame = read_table(path)
    except InputError as error:
        assert str(error).startswith(str(path))
    else:
        assert frame.width >= 1
