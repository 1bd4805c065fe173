"""CSV and ECSV tables behind the interface of the reader."""

from __future__ import annotations

import csv
import math
import struct
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from astropy.table import MaskedColumn, Table
from astropy.time import Time
from hypothesis import given, settings
from hypothesis import strategies as st
from support.clusters import SHARED

from specprod_copy.errors import InputError
from specprod_copy.reader import open_table, read_table


def made(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def message(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        open_table(path)
    return str(caught.value)


def test_types_are_those_of_the_whole_column(tmp_path: Path) -> None:
    path = made(
        tmp_path / "t.csv",
        " TileID , lastnight,EFFTIME,Survey,FLAG,NOTHING\n"
        "1,20210324,1.5,main, True,\n"
        "\n"
        '-2,,nan,"sv1, too",False,\n'
        "+3,20210326,-inf, ,True,\n"
        "4,20210327,,x y ,True,\n",
    )
    with open_table(path) as table:
        assert table.schema == {
            "TILEID": pl.Int64,
            "LASTNIGHT": pl.Int64,
            "EFFTIME": pl.Float64,
            "SURVEY": pl.String,
            "FLAG": pl.String,
            "NOTHING": pl.String,
        }
        assert (table.hdu, dict(table.header), table.n_rows) == ("", {}, 4)
        assert table.row_bytes == path.stat().st_size // 4
    frame = read_table(path)
    assert frame["TILEID"].to_list() == [1, -2, 3, 4]
    assert frame["LASTNIGHT"].to_list() == [20210324, None, 20210326, 20210327]
    assert math.isnan(frame["EFFTIME"][1])
    assert frame["EFFTIME"].to_list()[2:] == [-math.inf, None]
    assert frame["SURVEY"].to_list() == ["main", "sv1, too", None, "x y"]
    assert frame["NOTHING"].to_list() == [None] * 4


def test_numbers_too_large_for_int64_stay_text(tmp_path: Path) -> None:
    path = made(tmp_path / "t.csv", f"A,B\n{2**63 - 1},{2**63}\n{-(2**63)},1\n")
    assert read_table(path).to_dict(as_series=False) == {
        "A": [2**63 - 1, -(2**63)],
        "B": [str(2**63), "1"],
    }


def test_header_line_only(tmp_path: Path) -> None:
    path = made(tmp_path / "t.csv", "TILEID,SURVEY\r\n")
    with open_table(path) as table:
        assert (table.n_rows, table.row_bytes) == (0, 15)
        assert list(table.frames()) == []
    assert read_table(path).schema == {"TILEID": pl.String, "SURVEY": pl.String}


def test_byte_order_mark_and_other_line_ends(tmp_path: Path) -> None:
    path = made(tmp_path / "t.csv", b"\xef\xbb\xbfA,B\r\n1,\xc3\xa9t\xc3\xa9\r\n2,x")
    assert read_table(path).rows() == [(1, "été"), (2, "x")]


fields = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\0"), max_size=8
).map(str.strip)


@given(st.lists(st.lists(fields, min_size=3, max_size=3), min_size=1, max_size=20))
@settings(max_examples=80, deadline=None)
def test_text_as_written(tmp_path_factory: pytest.TempPathFactory, rows: list) -> None:
    path = tmp_path_factory.getbasetemp() / "text.csv"
    rows = [["start", *row] for row in rows]
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["first", "A", "B", "C"], *rows])
    got = read_table(path)
    for number, name in enumerate("ABC", 1):
        if got.schema[name] == pl.String:
            assert got[name].to_list() == [row[number] or None for row in rows]
        else:
            # An integer has no -0.
            zero = 0.0 if got.schema[name] == pl.Int64 else -0.0
            numbers = [float(row[number]) + zero if row[number] else None for row in rows]
            assert str(got[name].cast(pl.Float64).to_list()) == str(numbers)


@given(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=20))
@settings(max_examples=80, deadline=None)
def test_decimals_to_the_last_bit(tmp_path_factory: pytest.TempPathFactory, bits: list) -> None:
    path = tmp_path_factory.getbasetemp() / "decimals.csv"
    numbers = [struct.unpack("d", struct.pack("Q", pattern))[0] for pattern in bits]
    numbers = [0.5 if math.isnan(number) else number for number in numbers]  # no payload in text
    made(path, "A\n" + "".join(f"{number!r}\n" for number in [*numbers, -0.0]))
    expected = np.array([*numbers, -0.0]).tobytes()
    assert read_table(path)["A"].to_numpy().tobytes() == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "has no header line"),
        (b"\n \n", "has no header line"),
        (b"A,B\n1,2\n\n1,2,3\n", "line 4 has 3 fields, but the header line has 2"),
        (b"A,B\n1\n", "line 2 has 1 fields, but the header line has 2"),
        (b'A,B\n1,"x\ny"\n1\n', "line 4 has 1 fields, but the header line has 2"),
        (b'A,B\n1,"x\n', "line 2 is not CSV: unexpected end of data"),
        (b'A,B\n1,"x"y\n', "line 2 is not CSV: ',' expected after '\"'"),
        (b"A,B\n1,caf\xe9\n", r"line 2 is not UTF-8: b'\xe9'"),
        (b"A,,B\n1,2,3\n", "column 2 has no name in the header line"),
        (b",,B,\n1,2,3,4\n", "column 2 has no name in the header line"),
        (b",\n1,2\n", "column 2 has no name in the header line"),
    ],
)
def test_damaged_csv(tmp_path: Path, text: bytes, reason: str) -> None:
    path = made(tmp_path / "t.csv", text)
    assert message(path) == f"{path}: {reason}"


@pytest.mark.parametrize("text", [b",A,B\n0,1,x\n1,2,y\n", b"A,B,\n1,x,\n2,y,\n"])
def test_numbered_rows_and_commas_at_the_end(tmp_path: Path, text: bytes) -> None:
    assert read_table(made(tmp_path / "t.csv", text)).to_dict(as_series=False) == {
        "A": [1, 2],
        "B": ["x", "y"],
    }


@pytest.mark.parametrize("suffix", [".csv", ".ecsv"])
def test_no_such_file_or_permission(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"t{suffix}"
    assert message(path) == f"{path}: no such file"
    path.mkdir()
    assert message(path) == f"{path}: cannot be read: Is a directory"


def test_equal_names(tmp_path: Path) -> None:
    path = made(tmp_path / "t.csv", "A,B,a\n1,2,3\n")
    assert message(path) == f"{path}, column A: two columns have this name (in upper case)"


def test_unknown_columns_and_rows(tmp_path: Path) -> None:
    path = made(tmp_path / "t.csv", "TILEID,NIGHT\n1,2\n3,4\n")
    with open_table(path) as table:
        with pytest.raises(InputError) as caught:
            table.frames(["tile"])
        assert str(caught.value) == f"{path}, column TILE: no such column (similar: TILEID)"
        with pytest.raises(InputError) as caught:
            table.frames(last=3)
        assert str(caught.value) == f"{path}: rows 0 to 3 are asked for, but the table has 2"


def test_parts_and_chunks(tmp_path: Path) -> None:
    path = made(tmp_path / "t.csv", "A,B\n" + "".join(f"{i},x{i}\n" for i in range(10)))
    with open_table(path) as table:
        frames = list(table.frames(["b", "A"], first=1, last=9, chunk_rows=3))
        assert [frame["A"].to_list() for frame in frames] == [[1, 2, 3], [4, 5, 6], [7, 8]]
        assert frames[0].columns == ["B", "A"]
        rows = np.array([0, 2, 5, 8, 9])
        (frame,) = table.frames(rows=rows, first=1, last=9)
        assert frame.rows() == [(2, "x2"), (5, "x5"), (8, "x8")]
        assert list(table.frames(rows=rows[:0])) == []


@pytest.mark.skipif(not SHARED.exists(), reason="the shared sample files are not here")
def test_sample_files_as_astropy_reads_them() -> None:
    paths = sorted(SHARED.glob("*/**/*.csv"))
    assert paths
    for path in paths:
        got, expected = read_table(path), Table.read(path)
        assert got.columns == expected.colnames
        for name in got.columns:
            values = expected[name].tolist()
            if got[name].dtype.is_float():
                values = [None if value is None else float(value) for value in values]
            assert str(got[name].to_list()) == str(values)


def everything() -> Table:
    rng = np.random.default_rng(3)
    table = Table({"TargetID": np.array([2**62, -1, 0]), "GOOD": [True, False, True]})
    for kind in ("i1", "i2", "i4", "u1", "u2", "u4", "u8"):
        table[f"C_{kind}"] = rng.integers(0, 100, 3).astype(kind)
    table["C_f4"] = np.array([0.1, np.nan, -0.0], "f4")
    table["C_f8"] = np.array([1 / 3, np.inf, 5e-324])
    table["COEFF"] = rng.normal(size=(3, 10))
    table["PIXELS"] = rng.integers(0, 9, (3, 2, 2))
    table["TEXT"] = ["a b", 'quo"ted', "été"]
    table["NIGHT"] = MaskedColumn([1, 2, 3], mask=[False, True, False])
    table["NOTE"] = MaskedColumn(["", "x", "y"], mask=[False, False, True])
    table["PAIR"] = MaskedColumn([[1, 2], [3, 4], [5, 6]], mask=[[0, 1], [0, 0], [1, 1]])
    table["C_f8"].unit = "deg"
    table.meta = {"TILEID": 80613, "comments": ["x"]}
    return table


@pytest.mark.parametrize("n_rows", [1, 3])
def test_ecsv_as_written(tmp_path: Path, n_rows: int) -> None:
    table = everything()[:n_rows]
    path = tmp_path / "t.ecsv"
    table.write(path)
    with open_table(path) as opened:
        assert dict(opened.header) == {"TILEID": 80613, "comments": ["x"]}
        assert (opened.hdu, opened.n_rows) == ("", n_rows)
    got = read_table(path)
    assert got.columns == [name.upper() for name in table.colnames]
    assert got.schema["COEFF"] == pl.Array(pl.Float64, 10)
    assert got.schema["PIXELS"] == pl.Array(pl.Int64, 4)
    assert got.schema["C_U2"] == pl.UInt16
    for name in ("C_f4", "C_f8"):
        assert got[name.upper()].to_numpy().tobytes() == np.array(table[name]).tobytes()
    assert (got["COEFF"].to_numpy() == np.array(table["COEFF"])).all()
    assert (got["PIXELS"].to_numpy() == np.array(table["PIXELS"]).reshape(n_rows, 4)).all()
    for name in ("TargetID", "GOOD", "TEXT", "C_i1", "C_i2", "C_i4", "C_u1", "C_u4", "C_u8"):
        assert got[name.upper()].to_list() == table[name].tolist()
    assert got["NIGHT"].to_list() == [1, None, 3][:n_rows]
    assert got["NOTE"].to_list() == [None, "x", None][:n_rows]  # ECSV cannot tell '' from masked
    assert got["PAIR"].to_list() == [[1, None], [3, 4], [None, None]][:n_rows]


def test_ecsv_without_rows(tmp_path: Path) -> None:
    path = tmp_path / "t.ecsv"
    Table({"TILEID": np.zeros(0, "i4"), "SURVEY": np.zeros(0, "U4")}).write(path)
    assert read_table(path).schema == {"TILEID": pl.Int32, "SURVEY": pl.String}


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        (Time([59000.0], format="mjd"), "Time"),
        (np.array([[1, 2]], dtype=object), "object"),
        (np.array([1 + 2j]), "complex128"),
    ],
)
def test_ecsv_column_of_another_type(tmp_path: Path, column: object, kind: str) -> None:
    """It is an error only where it is asked for."""
    path = tmp_path / "t.ecsv"
    Table({"A": [7], "C": column, "D": ["x"]}).write(path)
    with open_table(path) as table:
        assert list(table.schema) == ["A", "C", "D"]
        assert [frame.rows() for frame in table.frames(["D", "A"])] == [[("x", 7)]]
    for columns in (None, ["C"]):
        with pytest.raises(InputError) as caught:
            read_table(path, columns=columns)
        assert str(caught.value) == f"{path}, column C: type {kind} is not supported"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("A B\n1 2\n", 'ECSV header line like "# %ECSV <version>" not found as first line.'),
        ("# %ECSV 1.0\n# ---\n# - {\nA\n1\n", "unable to parse yaml in meta header"),
        ("# %ECSV 1.0\n# ---\n# x: 1\nA\n1\n", "'datatype'"),
        (
            "# %ECSV 1.0\n# ---\n# datatype:\n# - {name: A, datatype: int64}\nA\nx\n",
            "column 'A' failed to convert: invalid literal for int() with base 10: 'x'",
        ),
        (
            "# %ECSV 1.0\n# ---\n# datatype:\n# - {name: A, datatype: int64}\nA\n1 2\n",
            "Number of header columns (1) inconsistent with data columns (2) at data line 0",
        ),
        (
            "# %ECSV 1.0\n# ---\n# datatype:\n# - {name: A, datatype: float6}\nA\n1\n",
            "unexpected datatype 'float6' of column 'A' is not in allowed ECSV datatypes",
        ),
    ],
)
def test_damaged_ecsv(tmp_path: Path, text: str, reason: str) -> None:
    path = made(tmp_path / "t.ecsv", text)
    assert message(path).startswith(f"{path}: not an ECSV table: {reason}")


@pytest.mark.parametrize("delimiter", [" ", ","])
def test_row_of_a_bad_cell_in_ecsv(tmp_path: Path, delimiter: str) -> None:
    path = tmp_path / "t.ecsv"
    table = Table({"A": ["x y", "z", ""], "N": [1, 2, 3], "E": [0.5, 1, 2]})
    table.write(path, format="ascii.ecsv", delimiter=delimiter)
    whole = path.read_text()
    for bad, column, row in ((f"2{delimiter}1.0", "N", 1), (f"3{delimiter}2.0", "E", 2)):
        n, e = bad.split(delimiter)
        cells = (f"{n}O", e) if column == "N" else (n, "2O")
        assert whole.count(bad) == 1
        path.write_text(whole.replace(bad, delimiter.join(cells)))
        with pytest.raises(InputError) as caught:
            read_table(path)
        assert str(caught.value).startswith(f"{path}: not an ECSV table: column '{column}' failed")
        assert str(caught.value).endswith(f"(row {row}; rows counted from 0)")
