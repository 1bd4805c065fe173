"""Arrays of any length, in the heap of a table: read as they are, or refused."""

from __future__ import annotations

import struct
from pathlib import Path

import fitsio
import numpy as np
import polars as pl
import pytest
from astropy.io import fits
from hypothesis import given, settings
from hypothesis import strategies as st
from support.heaps import HeapColumn, heap_columns, write_heap
from support.raw_fits import RawColumn, cells, table_bytes, write

from specprod_copy.errors import BadRowsError, InputError
from specprod_copy.reader import open_table, read_table


def bits(values: object) -> object:
    """Values that are equal only if they are the same, NaN and -0.0 among them."""
    if isinstance(values, list | tuple):
        return [*map(bits, values)]
    return struct.pack("d", values) if isinstance(values, float) else values


def plain(value: object) -> object:
    """A value of another reader as Python has it."""
    if isinstance(value, np.ndarray) and value.dtype.kind in "SU":
        return "".join(v.decode() if isinstance(v, bytes) else v for v in value.tolist())
    if isinstance(value, bytes):
        return value.decode()
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


@settings(max_examples=25)
@given(st.data())
def test_they_are_what_was_written_and_what_others_read(tmp_path_factory, data) -> None:
    columns = data.draw(heap_columns())
    path = tmp_path_factory.mktemp("heap") / "t.fits"
    numbers = range(len(columns) * len(columns[0].arrays))
    order = data.draw(st.permutations(numbers))
    write_heap(path, columns, order, gap=data.draw(st.sampled_from([0, 3, 5000])))
    found = read_table(path)
    for column in columns:
        assert found[column.name].dtype == column.series.dtype
        assert bits(found[column.name].to_list()) == bits(column.series.to_list())
    # Frames, digests and other readers are about the same rows, however they are cut.
    with open_table(path) as table:
        digest = table.digest()
        frames = [*table.frames(chunk_rows=2)]
        assert bits(pl.concat(frames).rows()) == bits(found.rows())
        assert digest.hexdigest() == table.digest().hexdigest()
    # Astropy is asked where it gives, in heaps, what is meant: no other signedness, no scaling.
    with fits.open(path) as opened:
        for column in columns:
            if column.kind in "LBIJKEDA":
                others = [plain(value) for value in opened[1].data[column.name]]
                assert bits(others) == bits(column.series.to_list())
    # CFITSIO, too, and gives no subnormal numbers.
    with fitsio.FITS(path, vstorage="object") as opened:
        for column in columns:
            if column.kind in "LBIJKED":
                others = opened[1][column.name].read()
                for array, other in zip(column.arrays, others, strict=True):
                    wanted = np.asarray(array, other.dtype) if array else other
                    assert np.allclose(wanted, other, 0, 1e-30, equal_nan=True)


def test_without_elements_and_without_descriptors(tmp_path: Path) -> None:
    path = write_heap(tmp_path / "t.fits", [HeapColumn("N", "J", [[], []])])
    assert read_table(path)["N"].to_list() == [[], []]
    empty = RawColumn("N", "0PE(0)", np.empty((2, 0), "u1"))
    columns = [RawColumn("A", "B", cells(b"\1", b"\2")), empty]
    path = write(tmp_path / "none.fits", table_bytes(columns))
    assert read_table(path).rows() == [(1, []), (2, [])]


def test_null_elements_are_those_of_tnull_alone(tmp_path: Path) -> None:
    column = HeapColumn("N", "I", [[1, -1, 0], [], [-1]])
    assert read_table(write_heap(tmp_path / "t.fits", [column]))["N"].null_count() == 0
    path = write_heap(tmp_path / "t.fits", [column], TNULL1=-1)
    assert read_table(path)["N"].to_list() == [[1, None, 0], [], [None]]


ARRAYS = [[1.0, 2.0], [3.0], [], [4.0, 5.0, 6.0]]
"""Of 8 bytes: 48 of them."""


def surgery(path: Path, row: int, count: int, start: int) -> Path:
    """Write a table with a descriptor of one's own."""
    write_heap(path, [HeapColumn("X", "D", ARRAYS, "Q")])
    content = bytearray(path.read_bytes())
    with fits.open(path) as opened:
        begin = opened[1].fileinfo()["datLoc"]
    content[begin + 16 * row : begin + 16 * row + 16] = struct.pack(">qq", count, start)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("count", "start", "reason"),
    [
        (1, 41, "an array that is not within the heap of 48 bytes"),
        (1, -8, "an array that is not within the heap of 48 bytes"),
        (-1, 0, "an array that is not within the heap of 48 bytes"),
        (2**62, 0, "an array that is not within the heap of 48 bytes"),
        (7, 0, "an array that is not within the heap of 48 bytes"),
        (1, 2**63 - 1, "an array that is not within the heap of 48 bytes"),
    ],
)
def test_descriptors_that_point_nowhere(tmp_path: Path, count: int, start: int, reason: str):
    path = surgery(tmp_path / "t.fits", 1, count, start)
    with pytest.raises(BadRowsError) as caught:
        read_table(path)
    shown = f"{count} elements from byte {start} on"
    assert str(caught.value) == f"{path}[TAB], column X: row 1 holds {reason}: {shown}"
    assert caught.value.rows == [1]
    with open_table(path) as table:  # Other rows, and the digest, can be had.
        [frame] = table.frames(rows=np.array([0, 2, 3]))
        assert frame["X"].to_list() == [ARRAYS[0], [], ARRAYS[3]]
        assert table.digest().hexdigest()


def test_places_of_empty_arrays_mean_nothing(tmp_path: Path) -> None:
    path = surgery(tmp_path / "t.fits", 2, 0, -77)
    assert read_table(path)["X"].to_list() == ARRAYS


def test_arrays_that_overlap(tmp_path: Path) -> None:
    path = surgery(tmp_path / "t.fits", 1, 2, 8)
    with pytest.raises(InputError) as caught:
        read_table(path)
    assert str(caught.value) == (
        f"{path}[TAB], column X: damaged heap: the array of row 0, from byte 0 on, shares bytes "
        "with that of row 1 of X"
    )
    same = surgery(tmp_path / "same.fits", 1, 2, 0)  # Rows may share an array.
    assert read_table(same)["X"].to_list() == [ARRAYS[0], ARRAYS[0], [], ARRAYS[3]]


def test_a_heap_that_is_not_there(tmp_path: Path) -> None:
    column = HeapColumn("X", "D", ARRAYS)
    for place in (16, 81):
        path = write_heap(tmp_path / "t.fits", [column], THEAP=place)
        with pytest.raises(InputError, match=f"THEAP is {place}, but the rows end at byte 32"):
            open_table(path)
    path = write_heap(tmp_path / "t.fits", [column])
    path.write_bytes(path.read_bytes()[:-2880])
    with pytest.raises(InputError, match="truncated: the data of 4 rows go to byte"):
        open_table(path)


def test_values_without_meaning_are_named_by_their_rows(tmp_path: Path) -> None:
    path = write_heap(tmp_path / "t.fits", [HeapColumn("F", "L", [[True], [], [False, True]])])
    content = path.read_bytes()
    place = content.rindex(b"TFT")
    path.write_bytes(content[:place] + b"TF?" + content[place + 3 :])
    with pytest.raises(BadRowsError, match=r"row 2 holds a logical value that is .*: b'\?'"):
        read_table(path)


def test_any_bit_changes_the_digest(tmp_path: Path) -> None:
    path = write_heap(
        tmp_path / "t.fits", [HeapColumn("X", "D", ARRAYS), HeapColumn("F", "L", [[True]] * 4)]
    )
    content = path.read_bytes()

    def digest(data: bytes, first: int = 0, last: int | None = None) -> str:
        path.write_bytes(data)
        with open_table(path) as table:
            return table.digest(first, last).hexdigest()

    heap = content.rindex(struct.pack(">d", 1.0))
    before = digest(content), digest(content, 0, 2)
    for byte in range(52):
        changed = bytearray(content)
        changed[heap + byte] ^= 1
        whole, part = digest(bytes(changed)), digest(bytes(changed), 0, 2)
        assert whole != before[0]
        # The first two rows have the first three numbers, and the first two letters.
        assert (part != before[1]) == (byte < 24 or 48 <= byte < 50)


def test_long_arrays_come_in_frames_of_fewer_rows(tmp_path: Path) -> None:
    n = 17 << 20
    rows = np.array([(n, 0), (5, n), (n, n + 5)], ">i4").tobytes()
    header = fits.Header()
    header.update({"XTENSION": "BINTABLE", "BITPIX": 8, "NAXIS": 2, "NAXIS1": 8, "NAXIS2": 3})
    header.update({"PCOUNT": 2 * n + 5, "GCOUNT": 1, "TFIELDS": 1})
    header.update({"TTYPE1": "X", "TFORM1": f"1PB({n})"})
    data = rows + bytes(n) + b"abcde" + bytes(n)
    path = write(tmp_path / "t.fits", header.tostring().encode() + data + bytes(-len(data) % 2880))
    with open_table(path) as table:
        frames = [frame["X"].list.len().to_list() for frame in table.frames()]
    assert frames == [[n, 5], [n]]
