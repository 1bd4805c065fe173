"""Numbers arrive as they are in the file or are refused: ids as floats, vectors cut short."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from astropy.table import Table

from specprod_copy.coeff_patch import kinds
from specprod_copy.errors import BadRowsError
from specprod_copy.postgres.columns import Column
from specprod_copy.reader import open_table
from specprod_copy.rows.read import transformed_rows
from specprod_copy.tables import SOURCES, TableSource, specprod_catalogue

SOURCE = TableSource(
    table="t", stage="s", files=lambda inputs: (), hdus=("T",), vectors={"COEFF": 2}
)


def loaded(path: Path, columns: list[Column], **arrays: object) -> list[tuple]:
    """Return the rows that a table of these columns gets of a FITS table of these arrays."""
    Table({name: np.array(values) for name, values in arrays.items()}).write(path, overwrite=True)
    with open_table(path) as table:
        return [
            row for part in transformed_rows(SOURCE, table, columns) for row in part.frame.rows()
        ]


def refusal(path: Path, columns: list[Column], **arrays: object) -> BadRowsError:
    with pytest.raises(BadRowsError) as caught:
        loaded(path, columns, **arrays)
    return caught.value


@pytest.mark.parametrize(("dtype", "bits"), [("f4", 24), ("f8", 53)])
def test_ids_stored_as_floats(tmp_path: Path, dtype: str, bits: int) -> None:
    path, columns = tmp_path / "t.fits", [Column("ref_id", "int8")]
    exact = [0, -9, 2**bits - 1, -(2**bits) + 1]
    assert loaded(path, columns, REF_ID=np.array(exact, dtype)) == [(value,) for value in exact]
    for value in (2**bits, -(2**bits), 2**60):
        error = refusal(path, columns, REF_ID=np.array([1, value], dtype))
        assert (error.column, error.rows) == ("REF_ID", [1])
        assert "may have been rounded" in error.reason


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.5])
@pytest.mark.parametrize("kind", ["int2", "int4", "int8", "bool"])
def test_no_number_for_a_whole_number(tmp_path: Path, kind: str, value: float) -> None:
    error = refusal(tmp_path / "t.fits", [Column("ref_id", kind)], REF_ID=[0.0, value])
    assert (error.rows, error.reason) == ([1], f"value does not fit into {kind}")


def test_nan_is_replaced_where_a_float_is_wanted(tmp_path: Path) -> None:
    columns = [Column("z", "float8"), Column("n", "int4")]
    assert loaded(tmp_path / "t.fits", columns, Z=[np.nan], N=[7.0]) == [(-9999.0, 7)]


def test_vector_longer_than_the_table_has_columns(tmp_path: Path) -> None:
    path, columns = tmp_path / "t.fits", [Column("coeff_0", "float8"), Column("coeff_1", "float8")]
    assert loaded(path, columns, COEFF=[[1.0, 2, 0, 0], [3, 4, 0, -0.0]]) == [(1, 2), (3, 4)]
    for rest in ([0, -5], [0.5, 0]):
        error = refusal(path, columns, COEFF=[[1.0, 2, 0, 0], [3, 4, *rest]])
        assert (error.column, error.rows) == ("COEFF", [1])
    assert error.reason == "table t has columns for 2 elements only"


@pytest.mark.parametrize(
    "source", (SOURCES | kinds.SOURCES).values(), ids=lambda source: source.name
)
def test_tables_say_how_long_their_vectors_are(source: TableSource) -> None:
    """A column NAME_n that is no column of a file by itself is element n of a vector."""
    path = {"zpixpatch": "zpix", "ztilepatch": "ztile"}.get(source.table, source.table)
    roots = [
        root
        for column in specprod_catalogue().definition.tables[path].columns
        for way in source.derived.get(column.name, (pl.col(column.name.upper()),))
        for root in way.meta.root_names()
    ]
    found = {
        vector: sum(re.fullmatch(rf"{vector}_\d+", root) is not None for root in set(roots))
        for vector in ("COEFF", "DCHISQ")
    }
    assert source.vectors == {vector: n for vector, n in found.items() if n}
