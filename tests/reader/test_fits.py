"""FITS tables read into Polars, bit for bit what was stored and what astropy makes of it."""

from __future__ import annotations

import warnings
from pathlib import Path

import fitsio
import numpy as np
import polars as pl
import pytest
from astropy.io import fits
from astropy.table import MaskedColumn, Table
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.clusters import SHARED
from support.raw_columns import tables
from support.raw_fits import RawColumn, cells, hdu_bytes, table_bytes, write

from specprod_copy.reader import open_table, read_table
from specprod_copy.reader.fits import read_header
from specprod_copy.reader.fits_columns import make_columns
from specprod_copy.reader.fits_header import parse_block


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One directory for all examples of a property."""
    return tmp_path_factory.mktemp("fits")


def bits(values: pl.Series) -> tuple[object, object]:
    """Null flags and bits (or texts) of a series, vectors flattened."""
    if isinstance(values.dtype, pl.Array):
        values = values.reshape((-1,)) if values.dtype.size else values.clear().explode()
    if values.dtype == pl.String:
        return None, values.to_list()
    nulls = values.is_null().to_list()
    numbers = values.fill_null(False if values.dtype == pl.Boolean else 0).to_numpy()
    return nulls, np.ascontiguousarray(numbers).tobytes()


def assert_same(got: pl.DataFrame, expected: pl.DataFrame) -> None:
    """Both frames have the same columns of the same types with the same bits."""
    assert got.schema == expected.schema
    assert got.height == expected.height
    for name in got.columns:
        assert bits(got[name]) == bits(expected[name]), name


def astropy_bits(column: np.ndarray) -> tuple[object, object]:
    """What astropy read, in the form of `bits`; masked values count as 0, a NUL ends a text."""
    if column.dtype.kind in "SU":
        flat = [v.encode() if isinstance(v, str) else v for v in np.ravel(column).tolist()]
        return None, [v.decode().partition("\0")[0].rstrip(" ") for v in flat]
    nulls = np.ma.getmaskarray(column).reshape(-1)
    values = np.ma.getdata(column)
    values = np.array(values, values.dtype.newbyteorder("=")).reshape(-1)
    if values.dtype.kind in "iu":
        values[nulls] = 0
    else:
        nulls = np.zeros_like(nulls)  # astropy masks NaN; we keep it
    return nulls.tolist(), values.tobytes()


def assert_like_astropy(path: Path, hdu: str) -> None:
    got = read_table(path, (hdu,))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # units that astropy does not know, NUL as false
        table = Table.read(path, hdu=hdu, character_as_bytes=True, strip_spaces=False)
    assert got.columns == [name.upper() for name in table.colnames]
    assert got.height == len(table)
    for name in table.colnames:
        assert bits(got[name.upper()]) == astropy_bits(table[name]), name


@given(made=tables(), suffix=st.sampled_from([".fits", ".fits.gz"]))
@settings(max_examples=100, deadline=None)
def test_stored_values_arrive(scratch: Path, made: tuple, suffix: str) -> None:
    stored, expected = made
    path = write(scratch / f"made{suffix}", table_bytes(stored))
    with open_table(path) as table:
        assert (table.hdu, table.n_rows) == ("TAB", expected.height)
        assert table.row_bytes == sum(column.data.shape[1] for column in stored)
        assert table.schema == expected.schema
    assert_same(read_table(path), expected)


@given(made=tables())
@settings(max_examples=50, deadline=None)
def test_astropy_reads_the_same(scratch: Path, made: tuple) -> None:
    # Set apart: columns without elements, TNULL beyond the type, signed bytes (Float64 there).
    stored, _ = made
    odd = {"TNULL": 2**40, "TZERO": -128}
    known = [c for c in stored if c.data.shape[1] and not odd.items() & c.keywords.items()]
    if known and len(known[0].data):
        path = write(scratch / "astropy.fits", table_bytes(known))
        assert_like_astropy(path, "TAB")


def everything(rng: np.random.Generator, n_rows: int) -> dict[str, np.ndarray]:
    """Columns of all types that both writers know."""
    info = {k: np.iinfo(k) for k in ("u1", "i2", "i4", "i8", "u2", "u4", "u8")}
    columns: dict[str, np.ndarray] = {
        f"C_{kind}": rng.integers(i.min, i.max, n_rows, dtype=kind, endpoint=True)
        for kind, i in info.items()
    }
    columns["C_f4"] = rng.integers(0, 2**32, n_rows, dtype="u4").view("f4")
    columns["C_f8"] = rng.integers(0, 2**64, n_rows, dtype="u8").view("f8")
    columns["COEFF"] = rng.normal(size=(n_rows, 10))
    columns["PIXELS"] = rng.integers(-5, 5, (n_rows, 2, 3), dtype="i4")
    columns["GOOD"] = rng.random(n_rows) < 0.5
    columns["PROGRAM"] = rng.choice(np.array([b"", b"dark", b"bright", b"a b"]), n_rows)
    return columns


@pytest.mark.parametrize("suffix", [".fits", ".fits.gz"])
@pytest.mark.parametrize("n_rows", [0, 1, 1000])
@pytest.mark.parametrize("writer", ["astropy", "fitsio"])
def test_other_writers(tmp_path: Path, writer: str, n_rows: int, suffix: str) -> None:
    columns = everything(np.random.default_rng(n_rows), n_rows)
    path = tmp_path / f"{writer}{suffix}"
    if writer == "astropy":
        fits.BinTableHDU(Table(columns), name="T").writeto(path)
    else:
        fitsio.write(path, [*columns.values()], names=[*columns], extname="T")
    got = read_table(path, ("T",))
    assert got.columns == [name.upper() for name in columns]
    assert got.schema["C_U8"] == pl.UInt64
    assert got.schema["PIXELS"] == pl.Array(pl.Int32, 6)
    for name, values in columns.items():
        assert bits(got[name.upper()]) == astropy_bits(values), name


def test_masked_integers_are_null(tmp_path: Path) -> None:
    # Blank text is '' here, where astropy masks it; NaN is NaN, where astropy masks it.
    masked = {
        "TILEID": MaskedColumn([1, 2, 3], mask=[False, True, False], dtype="i4"),
        "MJD": MaskedColumn([1.5, np.nan, np.inf], dtype="f8"),
        "PROGRAM": MaskedColumn(["dark", "", "x"], mask=[False, True, False]),
    }
    path = tmp_path / "masked.fits"
    Table(masked).write(path)
    got = read_table(path)
    assert got["TILEID"].to_list() == [1, None, 3]
    assert got["PROGRAM"].to_list() == ["dark", "", "x"]
    assert got["MJD"].is_nan().to_list() == [False, True, False]


def test_scaled_column_is_float64(tmp_path: Path) -> None:
    short = np.array([-32768, 0, 3, 32767], ">i2")
    column = RawColumn("V", "I", short.view("u1").reshape(-1, 2), {"TSCAL": 0.5, "TZERO": 3})
    path = write(tmp_path / "scaled.fits", table_bytes([column]))
    assert read_table(path)["V"].to_list() == [-16381.0, 3.0, 4.5, 16386.5]
    assert read_table(path)["V"].to_list() == fits.getdata(path)["V"].tolist()


def test_negative_zero_and_nan_payload(tmp_path: Path) -> None:
    data = cells(b"\x80\0\0\0", b"\x7f\xa0\x12\x34", b"\xff\xc0\0\1", b"\0\0\0\1")
    path = write(tmp_path / "bits.fits", table_bytes([RawColumn("F", "E", data)]))
    stored = read_table(path)["F"].to_numpy().view("u4").tolist()
    assert stored == [0x80000000, 0x7FA01234, 0xFFC00001, 0x00000001]


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_any_part_equals_that_part_of_the_whole(scratch: Path, data: st.DataObject) -> None:
    columns = everything(np.random.default_rng(5), 300)
    path = scratch / "parts.fits"
    if not path.exists():
        Table(columns).write(path)
    whole = read_table(path)
    first = data.draw(st.integers(0, 300))
    last = data.draw(st.integers(first, 300) | st.none())
    names = data.draw(st.lists(st.sampled_from(list(columns)), min_size=1, unique=True))
    chunk_rows = data.draw(st.integers(1, 400))
    rows = data.draw(st.none() | st.lists(st.integers(0, 299), unique=True).map(sorted))
    with open_table(path) as table:
        picked = None if rows is None else np.array(rows, dtype=np.int64)
        frames = list(
            table.frames(names, first=first, last=last, rows=picked, chunk_rows=chunk_rows)
        )
    stop = 300 if last is None else last
    numbers = list(range(300)) if rows is None else rows
    wanted = [number for number in numbers if first <= number < stop]
    sizes = [frame.height for frame in frames]
    assert sizes[:-1] == [chunk_rows] * (len(sizes) - 1)
    assert sum(sizes) == len(wanted)
    expected = whole.select(name.upper() for name in names)
    assert_same(pl.concat([expected.clear(), *frames]), expected[wanted])


def test_rows_wider_than_a_block_of_reading(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(3, 150_000))  # 1.2 MB a row
    path = tmp_path / "wide.fits"
    fitsio.write(path, {"V": values})
    assert (read_table(path)["V"].to_numpy() == values).all()


def test_columns_by_name_in_any_case_and_order(tmp_path: Path) -> None:
    path = tmp_path / "t.fits"
    Table({"TargetID": [1, 2], "z": [0.5, 1.5]}).write(path)
    assert read_table(path, columns=["Z", "targetid"]).rows() == [(0.5, 1), (1.5, 2)]


def test_column_without_name_has_its_number(tmp_path: Path) -> None:
    columns = [RawColumn("A", "B", cells(b"\1")), RawColumn("X", "B", cells(b"\2"))]
    path = write(tmp_path / "t.fits", table_bytes(columns, TTYPE2=None))
    assert read_table(path).to_dict(as_series=False) == {"A": [1], "COL2": [2]}


def test_hdus_in_order_of_preference(tmp_path: Path) -> None:
    column = [RawColumn("A", "B", cells(b"\1"))]
    path = write(
        tmp_path / "t.fits",
        table_bytes(column, name="TILES"),
        table_bytes(column, name="Tile_Completeness"),
        table_bytes(column, name=""),
    )
    for names, found in {
        (): "TILES",
        ("TILE_COMPLETENESS", "TILES"): "Tile_Completeness",
        ("FRAMES", "tiles"): "TILES",
        ("3",): "3",
    }.items():
        with open_table(path, names) as table:
            assert table.hdu == found
            assert table.header["XTENSION"] == "BINTABLE"


def test_header_falls_back_to_the_primary_header(tmp_path: Path) -> None:
    primary = fits.PrimaryHDU()
    primary.header["TILEID"] = 80613
    primary.header["NIGHT"] = 20210324
    table = fits.BinTableHDU(Table({"A": [1]}), name="T")
    table.header["NIGHT"] = 20210325
    for name in ("t.fits", "t.fits.gz"):
        path = tmp_path / name
        fits.HDUList([primary, table]).writeto(path)
        with open_table(path) as opened:
            assert opened.header["TILEID"] == 80613
            assert opened.header["NIGHT"] == 20210325
            assert "LASTNIGHT" not in opened.header
        assert read_header(path, "primary")["NIGHT"] == 20210324
        assert read_header(path, "T")["TILEID"] == 80613


keywords = st.from_regex(r"[A-Z][A-Z0-9_-]{0,7}", fullmatch=True).map(lambda key: key[:7] + "Q")
ascii_text = st.characters(min_codepoint=32, max_codepoint=126)
values = (
    st.text(ascii_text, max_size=60)
    # astropy 8.0 ends a card with half of a doubled quote, where by the standard the text ends.
    | st.text(ascii_text.filter(lambda letter: letter != "'"), max_size=150)
    | st.booleans()
    | st.integers(-(2**63), 2**64)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.none()
)


@example({"AQ": "'/"})
@given(
    st.dictionaries(keywords | keywords.map(lambda key: f"HIERARCH ESO {key}"), values, max_size=12)
)
@settings(max_examples=50, deadline=None)
def test_header_values_as_astropy_reads_them(scratch: Path, cards: dict) -> None:
    hdu = fits.ImageHDU(name="IMAGE")
    for key, value in cards.items():
        hdu.header[key] = value
    hdu.header["COMMENT"] = "no value = here"
    path = scratch / "header.fits"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a card too long for its comment
        hdu.writeto(path, overwrite=True)
        expected = fits.getheader(path, "IMAGE")
    header = read_header(path, "image")
    for key, written in cards.items():
        key = key.removeprefix("HIERARCH ")
        value = expected[key]
        if isinstance(written, str) and value != written.rstrip(" "):
            # astropy 8.0 misreads some quotes, as in "'/": what was written is right.
            assert header[key] == written.rstrip(" ")
        else:
            assert header[key] == (None if isinstance(value, fits.card.Undefined) else value)


@pytest.mark.skipif(not SHARED.exists(), reason="the shared sample files are not here")
@pytest.mark.parametrize("production", ["real/iron", "reference/fuji", "reference/patch"])
def test_sample_files_as_astropy_reads_them(production: str) -> None:
    paths = [*SHARED.glob(f"{production}/**/*.fits"), *SHARED.glob(f"{production}/**/*.fits.gz")]
    assert paths
    n_tables = 0
    for path in sorted(paths):
        with fits.open(path) as hdus:
            names = [hdu.name for hdu in hdus if isinstance(hdu, fits.BinTableHDU)]
        for name in names:
            assert_like_astropy(path, name)
            n_tables += 1
    assert n_tables >= len(paths)


@pytest.mark.skipif(not SHARED.exists(), reason="the shared sample files are not here")
def test_header_of_a_packed_raw_exposure() -> None:
    path = SHARED / "reference/patch/spectro/data/20201218/00064285/desi-00064285.fits.fz"
    assert read_header(path, "SPEC")["MJD-OBS"] == fits.getheader(path, "SPEC")["MJD-OBS"]


def test_image_with_a_name_of_its_own_is_skipped(tmp_path: Path) -> None:
    image = fits.ImageHDU(np.zeros((7, 11), "f4"), name="IMAGE")
    table = table_bytes([RawColumn("A", "B", cells(b"\5"))], name="T")
    path = write(tmp_path / "t.fits", hdu_bytes(image.header, image.data.tobytes()), table)
    assert read_table(path)["A"].to_list() == [5]


def test_columns_that_only_look_equal():
    """They are kept by the values of their keywords, and 1 == 1.0 == True in Python."""
    scales = (1, True, 1.0, "1")
    columns = [make_columns("A", "J", None, scale, None, None)[0].by_name["A"] for scale in scales]
    assert [column.problem for column in columns] == [
        "",
        "TSCAL is True, not a number",
        "",
        "TSCAL is '1', not a number",
    ]


@pytest.mark.parametrize(("place", "found"), [(0, True), (80, True), (2800, True), (8, False)])
def test_end_of_a_header(place, found):
    """A card that is END, not one that holds the word, also if that stands before it."""
    block = bytearray(b"COMMENT     END     ".ljust(80) * 36)
    block[place : place + 8] = b"END     "
    assert parse_block(bytes(block)).has_end == found
