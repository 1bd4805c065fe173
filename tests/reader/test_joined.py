"""Tables that are matched row by row, as one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from astropy.io import fits
from astropy.table import Table
from polars.testing import assert_frame_equal

from specprod_copy.errors import InputError
from specprod_copy.reader import open_table
from specprod_copy.reader.joined import digests_of, open_joined
from specprod_copy.reader.look import joined_look, look

N = 70


def write(folder: Path, name: str, hdu: str, **columns: object) -> Path:
    path = folder / f"{name}.fits"
    Table(columns, meta={"EXTNAME": hdu}).write(path, overwrite=True)
    return path


@pytest.fixture
def two(tmp_path) -> list[tuple[Path, tuple[str, ...]]]:
    keys = np.arange(N) + 7
    core = write(tmp_path, "core", "CORE", TARGETID=keys, TILEID=keys % 3, Z=np.arange(N) / 4)
    extra = write(tmp_path, "extra", "EXTRA", TARGETID=keys, Z=-np.ones(N), CHI2=keys * 2.0)
    return [(core, ("CORE",)), (extra, ("EXTRA",))]


def read(places, columns, **options) -> pl.DataFrame:
    with open_joined(places, ("TARGETID", "TILEID")) as table:
        return pl.concat(table.frames(columns, **options))


def test_columns_come_from_the_first_table_that_has_them(two):
    got = read(two, ["CHI2", "Z", "TARGETID"])
    keys = np.arange(N) + 7
    wanted = pl.DataFrame({"CHI2": keys * 2.0, "Z": np.arange(N) / 4, "TARGETID": keys})
    assert_frame_equal(got, wanted)


def test_a_table_of_which_nothing_is_wanted(tmp_path):
    first = write(tmp_path, "gaia", "GAIA", SOURCE_ID=np.arange(3))
    second = write(tmp_path, "rv", "RV", TARGETID=np.arange(3))
    places = [(first, ("GAIA",)), (second, ("RV",))]
    with open_joined(places, by_number=True) as table:
        [frame] = table.frames(["TARGETID"])
    assert frame.to_dict(as_series=False) == {"TARGETID": [0, 1, 2]}


def test_frames_of_wide_rows_are_in_step(tmp_path):
    """Of the second table a frame has 7 rows, of the first one 16384."""
    keys = np.arange(16)
    core = write(tmp_path, "core", "CORE", TARGETID=keys, Z=keys / 4)
    wide = np.zeros((16, 4_500_000 // 4), "f4")
    wide[:, -1] = keys
    extra = write(tmp_path, "extra", "EXTRA", TARGETID=keys, W=wide)
    with open_joined([(core, ("CORE",)), (extra, ("EXTRA",))], ("TARGETID",)) as table:
        frames = [*table.frames(["Z", "W"], first=1)]
        assert table.row_bytes == 16 + 8 + 4_500_000
    assert [frame.height for frame in frames] == [7, 7, 1]
    whole = pl.concat(frames)
    assert whole["Z"].to_list() == [n / 4 for n in range(1, 16)]
    assert whole["W"].arr.last().to_list() == [float(n) for n in range(1, 16)]


def test_some_rows(two):
    rows = np.array([3, 30, 31, 69])
    got = read(two, ["TARGETID", "CHI2"], rows=rows, chunk_rows=3)
    assert got["TARGETID"].to_list() == [10, 37, 38, 76]
    assert got["CHI2"].to_list() == [20, 74, 76, 152]


@pytest.mark.parametrize("key", ["TARGETID", "TILEID"])
def test_the_last_key_is_another_one(tmp_path, key):
    keys = np.arange(N)
    others = {"TARGETID": keys, "TILEID": keys % 3}
    core = write(tmp_path, "core", "CORE", **others)
    others[key] = np.where(keys == N - 1, 99, others[key])
    extra = write(tmp_path, "extra", "EXTRA", **others, CHI2=keys * 1.0)
    own = {"TARGETID": 69, "TILEID": 0}[key]
    message = rf"row 69 is about 99, and that of {core}\[CORE\] about {own}: they are to be matched"
    with pytest.raises(InputError, match=message) as caught:
        read([(core, ("CORE",)), (extra, ("EXTRA",))], ["CHI2"], chunk_rows=16)
    assert (caught.value.path, caught.value.hdu, caught.value.column) == (extra, "EXTRA", key)


def test_only_rows_that_are_read_are_compared_and_named_by_their_number(tmp_path):
    keys = np.arange(N)
    core = write(tmp_path, "core", "CORE", TARGETID=keys)
    extra = write(
        tmp_path, "extra", "EXTRA", TARGETID=np.where(keys == 20, -1, keys), CHI2=keys * 1.0
    )
    places = [(core, ("CORE",)), (extra, ("EXTRA",))]
    assert read(places, ["CHI2"], rows=np.array([1, 30])).height == 2
    with pytest.raises(InputError, match="row 20 is about -1"):
        read(places, ["CHI2"], rows=np.array([1, 20, 30]), chunk_rows=2)
    with pytest.raises(InputError, match="row 20 is about -1"):
        read(places, ["CHI2"], first=18, last=22)


def test_other_numbers_of_rows(tmp_path):
    core = write(tmp_path, "core", "CORE", TARGETID=np.arange(N))
    extra = write(tmp_path, "extra", "EXTRA", TARGETID=np.arange(N - 1))
    places = [(core, ("CORE",)), (extra, ("EXTRA",))]
    message = rf"has 69 rows, and {core}\[CORE\], to which it is joined row by row, has 70"
    with pytest.raises(InputError, match=message):
        open_joined(places, ("TARGETID",))
    with pytest.raises(InputError, match=message):
        joined_look([look(path, [hdus])[0] for path, hdus in places], ("TARGETID",))


def test_a_table_without_the_key(tmp_path):
    core = write(tmp_path, "core", "CORE", TARGETID=np.arange(N))
    extra = write(tmp_path, "extra", "EXTRA", CHI2=np.arange(N))
    with pytest.raises(InputError, match="lacks the key") as caught:
        open_joined([(core, ("CORE",)), (extra, ("EXTRA",))], ("TARGETID",))
    assert (caught.value.path, caught.value.column) == (extra, "TARGETID")


def test_another_keyword_is_seen_by_the_look(tmp_path):
    for name, production in (("core", "loa"), ("extra", "kibo")):
        hdu = fits.BinTableHDU(Table({"TARGETID": [1]}), name=name.upper())
        hdu.header["SPECPROD"] = production
        hdu.writeto(tmp_path / f"{name}.fits")
    looks = [
        look(tmp_path / f"{name}.fits", [(name.upper(),)], ["SPECPROD"])[0]
        for name in ("core", "extra")
    ]
    with pytest.raises(InputError, match="SPECPROD is 'kibo' in its header, and 'loa' in that of"):
        joined_look(looks, ("TARGETID",), ("SPECPROD",))


def test_tables_of_one_file(tmp_path):
    keys = np.arange(5)
    path = tmp_path / "several.fits"
    fits.HDUList(
        [
            fits.PrimaryHDU(),
            fits.BinTableHDU(Table({"TARGETID": keys, "A": keys * 2}), name="ONE"),
            fits.BinTableHDU(Table({"TARGETID": keys, "B": keys * 3}), name="TWO"),
        ]
    ).writeto(path)
    got = read([(path, ("ONE",)), (path, ("TWO",))], ["A", "B"])
    assert got.rows() == [(2 * n, 3 * n) for n in range(5)]


def test_each_table_has_its_digest(two):
    with open_joined(two, ("TARGETID",)) as table:
        digests = digests_of(table, 0, 20)
        for _ in table.frames(["Z"], first=0, last=20):
            pass
        got = [digest.hexdigest() for digest in digests]
    for (path, hdus), digest in zip(two, got, strict=True):
        with open_table(path, hdus) as alone:
            assert alone.digest(0, 20).hexdigest() == digest


@pytest.mark.parametrize(
    ("first", "other", "rows"),
    [
        (np.array([2**53, 5, -(2**63)]), np.array([2.0**53, 5, -(2.0**63)]), []),
        (np.array([2**24, 5], "i4"), np.array([2**24, 5], "f4"), []),
        (np.array([0, 5]), np.array([-0.0, 5]), []),
        (np.array([[2**53, 5]]), np.array([[2.0**53, 5]]), []),
        (np.array([5, 2**53 + 1]), np.array([5, 2.0**53]), [1]),
        (np.array([5, 39627646567811416]), np.array([5, 39627646567811416], "f4"), [1]),
        (np.array([5, 2**63 - 1]), np.array([5, 2.0**63]), [1]),
        (np.array([5, 2**63 - 1]), np.array([5, 2**63], "u8"), [1]),
        (np.array([5, 0, 0, 0]), np.array([5, 0.5, np.nan, np.inf]), [1, 2, 3]),
        (np.array([[5, 2**53 + 1]]), np.array([[5, 2.0**53]]), [0]),
    ],
)
def test_keys_of_other_types(tmp_path, first, other, rows):
    """A whole number and a float are equal where the float is that number, and not near to it."""
    for one, two in ((first, other), (other, first)):
        core = write(tmp_path, "core", "CORE", KEY=one)
        extra = write(tmp_path, "extra", "EXTRA", KEY=two, X=np.arange(len(two)))
        places = [(core, ("CORE",)), (extra, ("EXTRA",))]
        joined_look([look(path, [hdus])[0] for path, hdus in places], ("KEY",))
        for row in range(len(one)):
            with open_joined(places, ("KEY",)) as table:
                frames = table.frames(["X"], rows=np.array([row]))
                if row in rows:
                    with pytest.raises(InputError, match=f"row {row} is about .* differ"):
                        next(frames)
                else:
                    assert next(frames).rows() == [(row,)]


@pytest.mark.parametrize("number", ["i8", "f4"])
def test_texts_are_not_compared_with_numbers(tmp_path, number):
    core = write(tmp_path, "core", "CORE", KEY=np.array([5], number))
    extra = write(tmp_path, "extra", "EXTRA", KEY=np.array(["5"]))
    with pytest.raises(InputError, match=r"KEY: is .* to whose rows it is matched, has it as"):
        open_joined([(core, ("CORE",)), (extra, ("EXTRA",))], ("KEY",))
