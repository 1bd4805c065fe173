"""Columns of a CSV table are read as what they are going to be."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from astropy.table import Table

from specprod_copy.errors import BadRowsError, InputError
from specprod_copy.postgres.columns import Column
from specprod_copy.reader import open_table
from specprod_copy.rows.read import transformed_rows
from specprod_copy.tables import SOURCES, TableSource, specprod_catalogue


def read(path: Path, text: str, chunk_rows: int = 100, **types: pl.DataType) -> pl.DataFrame:
    path.write_text(text)
    with open_table(path) as table:
        table.want(types)
        frames = list(table.frames(chunk_rows=chunk_rows))
        assert frames[0].schema == table.schema
    return pl.concat(frames)


def columns_of(table: str, *names: str) -> list[Column]:
    columns = specprod_catalogue().definition.tables[table].columns
    return [column for column in columns if column.name in names]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "t.csv"


def test_text_whose_cells_are_all_digits(path: Path) -> None:
    frame = read(path, "A,B,C\n007,007,1\n12,,2\n", A=pl.String(), B=pl.String())
    assert frame.rows() == [("007", "007", 1), ("12", None, 2)]


def test_numbers_and_logical_values(path: Path) -> None:
    wanted = {"A": pl.Int16(), "B": pl.Float32(), "C": pl.Boolean(), "ABSENT": pl.Int64()}
    frame = read(path, "A,B,C\n7.0,1,True\n8,nan,F\n,-inf,0\n,,\n", **wanted)
    assert frame["A"].to_list() == [7, 8, None, None]
    assert frame["B"].to_list()[::2] == [1.0, float("-inf")]
    assert frame["C"].to_list() == [True, False, False, None]


@pytest.mark.parametrize(
    ("dtype", "value", "reason"),
    [
        (pl.Float64(), "12O.5", "not a number"),
        (pl.Int32(), "x", "not a whole number"),
        (pl.Boolean(), "yes", "neither true nor false"),
    ],
)
def test_a_bad_cell_is_named(path: Path, dtype: pl.DataType, value: str, reason: str) -> None:
    with pytest.raises(BadRowsError) as caught:
        read(path, f"N,A\nx,1\nx,0\nx,{value}\nx,1\n", 2, A=dtype)
    error = caught.value
    assert str(error) == f"{path}, column A: {reason} (row 2: {value!r}; rows counted from 0)"
    assert (list(error.rows), list(error.values)) == ([2], [value])


def test_rows_without_the_bad_cell(path: Path) -> None:
    path.write_text("A\n1\nx\n3\n")
    with open_table(path) as table:
        table.want({"A": pl.Int64()})
        (frame,) = table.frames(rows=[0, 2])
        assert frame["A"].to_list() == [1, 3]
        with pytest.raises(InputError):
            list(table.frames(first=1))


def test_the_table_says_what_its_columns_are(path: Path) -> None:
    source = TableSource(table="tile", stage="s", files=lambda inputs: (), hdus=())
    columns = [
        c
        for c in specprod_catalogue().definition.tables["tile"].columns
        if c.name in ("tileid", "faprgrm")
    ]
    path.write_text("FAPRGRM,TILEID\n100,1\n101,2\n")
    with open_table(path) as table:
        (rows,) = transformed_rows(source, table, columns)
    assert rows.frame.to_dict(as_series=False) == {"tileid": [1, 2], "faprgrm": ["100", "101"]}


def test_a_fiberassign_file_of_another_tile(tmp_path: Path) -> None:
    source = SOURCES["fiberassign<fiberassign"]
    columns = [
        c
        for c in specprod_catalogue().definition.tables["fiberassign"].columns
        if c.name == "tileid"
    ]
    for named, meta, complaint in (
        (1000, {"TILEID": 1}, "is the file of tile 1000, but its header has TILEID 1"),
        (1000, {}, "no keyword TILEID in its header"),
        (1, {"TILEID": 1}, None),
    ):
        path = tmp_path / f"fiberassign-{named:06d}.fits"
        Table({"TARGETID": [5], "LOCATION": [1]}, meta=meta).write(path, overwrite=True)
        with open_table(path) as table:
            table.hdu = "FIBERASSIGN"
            if complaint is None:
                assert [rows.frame.rows() for rows in transformed_rows(source, table, columns)]
                continue
            with pytest.raises(InputError) as caught:
                list(transformed_rows(source, table, columns))
            assert str(caught.value) == f"{path}[FIBERASSIGN]: {complaint}"
