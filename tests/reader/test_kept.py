"""What was found in a file is used again only if it is that very file, as it was."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import polars as pl
import pytest
from astropy.io import fits
from astropy.table import Table

from specprod_copy.errors import InputError
from specprod_copy.reader import open_table, read_table
from specprod_copy.reader.kept import MOST_BYTES, SMALL_BYTES, Identity, keeping_files, kept
from specprod_copy.reader.look import look


def write(path: Path, *, first: str, second: str) -> None:
    """Write a file of two tables with a column each."""
    hdus = [
        fits.BinTableHDU(Table({c: [1, 2, 3]}), name=n) for n, c in (("A", first), ("B", second))
    ]
    data = path.with_suffix(".new")
    fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(data, overwrite=True)
    packed = gzip.compress(data.read_bytes(), mtime=0)
    path.write_bytes(packed if path.suffix == ".gz" else data.read_bytes())


@pytest.fixture(params=["t.fits", "t.fits.gz"])
def path(request, tmp_path) -> Path:
    path = tmp_path / request.param
    write(path, first="X", second="Y")
    return path


def test_same_rows(path):
    rows = pl.DataFrame({"X": [1, 2, 3]})
    with keeping_files():
        for _ in range(3):
            assert read_table(path, ["A"]).equals(rows)
            assert read_table(path, ["B"]).columns == ["Y"]
    assert read_table(path, ["A"]).equals(rows)


def digest(path: Path) -> str:
    with open_table(path, ["A"]) as table:
        return table.digest().hexdigest()


def test_same_look_and_digest(path):
    [before] = look(path, [("A",)])
    content = digest(path)
    with keeping_files():
        for _ in range(2):
            assert look(path, [("A",), ("A",)]) == [before, before]
            assert digest(path) == content


def test_a_changed_file_is_read_again(path):
    """Though its size and its time are the same."""
    with keeping_files():
        assert read_table(path, ["A"]).columns == ["X"]
        status = path.stat()
        write(path, first="Z", second="Y")
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
        assert read_table(path, ["A"]).columns == ["Z"]


def test_tables_are_open_at_once(path):
    with keeping_files(), open_table(path, ["A"]) as one, open_table(path, ["A"]) as two:
        first = next(one.frames(chunk_rows=1))
        assert [frame.height for frame in two.frames(chunk_rows=2)] == [2, 1]
        one.close()
        assert first.equals(next(two.frames(chunk_rows=1)))


def test_damage_is_told_as_ever(tmp_path):
    path = tmp_path / "t.fits.gz"
    write(path, first="X", second="Y")
    path.write_bytes(path.read_bytes()[:-20])
    messages = set()
    for _ in range(2):
        with pytest.raises(InputError) as caught:
            read_table(path, ["B"])
        messages.add(str(caught.value))
    with keeping_files(), pytest.raises(InputError) as caught:
        read_table(path, ["B"])
    assert messages == {str(caught.value)}


def test_a_large_file_is_not_kept_unpacked(tmp_path):
    path = tmp_path / "t.fits.gz"
    table = Table({"X": range(SMALL_BYTES // 8 + 1)})
    plain = tmp_path / "t.fits"
    fits.BinTableHDU(table, name="T").writeto(plain)
    path.write_bytes(gzip.compress(plain.read_bytes(), 1))
    with keeping_files():
        for _ in range(2):
            assert read_table(path).height == len(table)
        look(path, [("T",)])
        with path.open("rb") as packed:
            assert kept.unpacked(packed) is None
            # A gzipped file that is read as it is has buffers, though it be closed.
            known = vars(kept.table(packed, ("T",))).values()
            assert not [value for value in known if isinstance(value, gzip.GzipFile)]


def test_no_more_is_kept_than_there_is_room_for(tmp_path):
    """Several threads may have seen the same room, and each unpacked a file for it."""
    paths = [tmp_path / f"{n}.fits.gz" for n in range(2)]
    for path in paths:
        write(path, first="X", second="Y")
    with keeping_files():
        for path in paths:
            with path.open("rb") as packed:
                data = bytes(MOST_BYTES // 2 + 1)
                kept.keep_unpacked(Identity.of(packed), data)
        with paths[0].open("rb") as first, paths[1].open("rb") as second:
            assert kept.unpacked(first) is not None
            assert kept.unpacked(second) is None
