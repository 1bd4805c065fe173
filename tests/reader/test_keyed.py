"""Tables whose rows are matched by the values of columns."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from support.catalogues import write_fits

from specprod_copy.errors import BadRowsError, InputError
from specprod_copy.reader import InputTable, open_table
from specprod_copy.reader.joined import digests_of, open_joined
from specprod_copy.reader.look import joined_look, look
from specprod_copy.reader.view import AS_IT_IS, View

LEFT = View(by=("KEY",), how="left")
PLACES = ("ONE",), ("TWO",)


def write(folder: Path, one: np.ndarray, two: np.ndarray) -> Path:
    hdus = {
        "ONE": {"KEY": one, "X": np.arange(len(one), dtype="i4")},
        "TWO": {"KEY": two, "V": np.arange(len(two), dtype="i4")},
    }
    return write_fits(folder / "a.fits", hdus)


def joined(path: Path, view: View = LEFT, keys: tuple[str, ...] = ()) -> list[tuple]:
    """Return what is joined to each row, after a look at it."""
    looks = [look(path, [hdus])[0] for hdus in PLACES]
    joined_look(looks, keys, (), [AS_IT_IS, view], by_number=True)
    places = [(path, hdus) for hdus in PLACES]
    with open_joined(places, keys, [AS_IT_IS, view], by_number=True) as table:
        return [row for frame in table.frames(["X", "V"]) for row in frame.rows()]


@pytest.mark.parametrize(
    ("first", "other"),
    [
        ("i8", "i4"),
        ("i4", "i8"),
        ("u1", "i2"),
        ("i2", "f4"),
        ("f8", "i4"),
        ("f8", "f4"),
        ("f4", "f8"),
    ],
)
def test_types_that_have_all_values_exactly(tmp_path, first, other):
    values = np.array([3, 1, 2])
    path = write(tmp_path, values.astype(first), values[::-1].astype(other))
    assert joined(path) == [(0, 2), (1, 1), (2, 0)]
    path = write(tmp_path, values.astype(first), values.astype(other))
    assert joined(path, AS_IT_IS, ("KEY",)) == [(0, 0), (1, 1), (2, 2)]


@pytest.mark.parametrize(
    ("first", "other"),
    [
        (np.array([2**40, 1]), np.array([1, 0], "i4")),
        (np.array([0.5, 1]), np.array([1, 0], "i4")),
        (np.array([0.1, 1]), np.array([1, 0.1], "f4")),
    ],
    ids=["number", "fraction", "precision"],
)
def test_a_key_that_the_other_type_does_not_hold_has_no_counterpart(tmp_path, first, other):
    path = write(tmp_path, first, other)
    assert joined(path) == [(0, None), (1, 0)]
    path = write(tmp_path, other, first)
    assert joined(path) == [(0, 1), (1, None)]


@pytest.mark.parametrize(
    ("first", "other", "blamed", "message"),
    [
        (
            "i8",
            "f8",
            "TWO",
            r"rounded: a Float64 is exact for whole numbers below 2\*\*53 only, and",
        ),
        ("f8", "i8", "ONE", r"rounded: a Float64 .* as Int64: write it as Int64 here as well"),
        (
            "i4",
            "f4",
            "TWO",
            r"rounded: a Float32 is exact for whole numbers below 2\*\*24 only, and",
        ),
        (
            "i8",
            "S20",
            "TWO",
            r"is String, and .*a.fits\[ONE\], to whose rows it is matched, has it",
        ),
        ("S20", "f4", "TWO", r"is Float32, and .* has it as String: write it as String here"),
    ],
)
def test_types_that_do_not(tmp_path, first, other, blamed, message):
    """The nearest double of a TARGETID is that of several targets."""
    target = np.array([39627646567811416])
    path = write(tmp_path, target.astype(first), target.astype(other))
    with pytest.raises(InputError, match=rf"\[{blamed}\], column KEY: .*{message}"):
        joined(path)


def undecodable(folder: Path, prefix: str = "") -> InputTable:
    """Open a table, each row of the second HDU joined to two, with a text that is none."""
    keys = np.arange(6, dtype="i8")
    texts = np.array([b"ok", b"\xff\xfe", b"ok"], "S2")
    hdus = {"ONE": {"KEY": keys // 2}, "TWO": {"KEY": np.array([2, 1, 0]), "NAME": texts}}
    path = write_fits(folder / "a.fits", hdus)
    views = [AS_IT_IS, View(prefix, by=("KEY",), kept=frozenset({"KEY"}))]
    return open_joined([(path, hdus) for hdus in PLACES], (), views, by_number=True)


@pytest.mark.parametrize("prefix", ["", "GAIA_"])
def test_what_cannot_be_read_is_said_of_the_rows_that_it_is_joined_to(tmp_path, prefix):
    with undecodable(tmp_path, prefix) as table:
        for options, rows in (
            ({}, [2, 3]),
            ({"chunk_rows": 3}, [2]),
            ({"first": 3}, [3]),
            ({"rows": np.array([0, 3, 5])}, [3]),
        ):
            with pytest.raises(BadRowsError, match="row 1 holds text that is not UTF-8") as caught:
                list(table.frames([f"{prefix}NAME"], **options))
            bad = caught.value
            assert bad.hdu == "TWO"
            assert (bad.column, bad.rows, len(bad.values)) == (f"{prefix}NAME", rows, len(rows))
            assert ("it is NAME there" in str(bad)) == bool(prefix)
        (frame,) = table.frames([f"{prefix}NAME"], rows=np.array([0, 1, 4]))
        assert frame.height == 3


def test_a_key_that_cannot_be_read_belongs_to_no_row(tmp_path):
    path = write(tmp_path, np.array([b"a", b"b"]), np.array([b"b", b"\xff"]))
    with pytest.raises(InputError, match=r"not UTF-8.*; rows are joined by this column") as caught:
        joined(path)
    assert not isinstance(caught.value, BadRowsError)


def test_joined_rows_are_read_once_more_than_their_keys_however_wide_they_are(tmp_path):
    """In another order, with a digest, which has seen all rows when it has seen their keys."""
    keys = np.arange(32)
    order = np.random.default_rng(1).permutation(keys)
    wide = np.zeros((32, 1 << 19), "f4")
    wide[:, -1] = order
    hdus = {"ONE": {"KEY": keys}, "TWO": {"KEY": order, "W": wide}}
    path = write_fits(tmp_path / "a.fits", hdus)
    places = [(path, hdus) for hdus in PLACES]
    with open_joined(places, (), [AS_IT_IS, View(by=("KEY",))], by_number=True) as table:
        digests = digests_of(table)
        before = bytes_read()
        frames = [
            frame.select("KEY", pl.col("W").arr.last()) for frame in table.frames(["KEY", "W"])
        ]
        assert (bytes_read() - before) / path.stat().st_size == pytest.approx(2, abs=0.1)
        for digest, hdus in zip(digests, PLACES, strict=True):
            with open_table(path, hdus) as alone:
                assert digest.hexdigest() == alone.digest().hexdigest()
    assert [frame.height for frame in frames] == [16, 16]
    assert pl.concat(frames).rows() == [(n, float(n)) for n in range(32)]


@pytest.mark.parametrize("prefix", ["", "MY_"])
def test_a_frame_has_more_rows_where_wide_columns_are_not_asked_for(tmp_path, prefix):
    keys = np.arange(32)
    hdus = {
        "ONE": {"KEY": keys},
        "TWO": {"KEY": keys[::-1], "V": keys, "W": np.zeros((32, 1 << 19), "f4")},
    }
    path = write_fits(tmp_path / "a.fits", hdus)
    places = [(path, hdus) for hdus in PLACES]
    views = [AS_IT_IS, View(prefix, by=("KEY",), kept=frozenset({"KEY"}))]
    with open_joined(places, (), views, by_number=True) as table:
        (frame,) = table.frames(["KEY", f"{prefix}V"])
        assert table.bytes_of(["KEY", f"{prefix}W"]) == 8 + 4 * (1 << 19)
    assert frame.rows() == [(n, 31 - n) for n in range(32)]


def bytes_read() -> int:
    """Return how much this process has read from files so far."""
    (line,) = (one for one in Path("/proc/self/io").read_text().splitlines() if "rchar" in one)
    return int(line.split()[1])
