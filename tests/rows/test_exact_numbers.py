"""Numbers arrive as they are in the file or are refused: ids as floats, vectors cut short."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from astropy.io import fits
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


@pytest.mark.parametrize("rest", [[0, np.nan], [np.nan, 0], [np.inf, 0]])
def test_nothing_but_zeros_is_cut(tmp_path: Path, rest: list[float]) -> None:
    columns = [Column("coeff_0", "float8"), Column("coeff_1", "float8")]
    error = refusal(tmp_path / "t.fits", columns, COEFF=[[1.0, 2, *rest], [3, 4, 0, 0]])
    assert (error.column, error.rows) == ("COEFF", [0])


def test_number_of_coefficients_that_are_cut(tmp_path: Path) -> None:
    """Zeros may be cut, but not if they count."""
    path = tmp_path / "t.fits"
    columns = [Column("coeff_0", "float8"), Column("coeff_1", "float8"), Column("ncoeff", "int8")]
    longer = [[1.0, 2, 0], [3, 4, 0]]
    assert loaded(path, columns, COEFF=longer, NCOEFF=[1, 2]) == [(1, 2, 1), (3, 4, 2)]
    error = refusal(path, columns, COEFF=longer, NCOEFF=[2, 3])
    assert (error.column, error.rows) == ("NCOEFF", [1])
    assert error.reason == "table t has columns for 2 elements only"


def test_elements_as_columns_of_their_own(tmp_path: Path) -> None:
    path, columns = tmp_path / "t.fits", [Column("coeff_0", "float8"), Column("coeff_1", "float8")]
    whole = {"COEFF_0": [1.0, 2], "COEFF_1": [3.0, 4]}
    assert loaded(path, columns, **whole, COEFF_2=[0, 0]) == [(1, 3), (2, 4)]
    error = refusal(path, columns, **whole, COEFF_11=[0.0, np.nan])
    assert (error.column, error.rows) == ("COEFF_11", [1])


@pytest.mark.parametrize(
    ("kind", "dtype", "exact", "rounded"),
    [
        ("float4", "i4", [2**24, -(2**24), 2**30], [2**24 + 1, -(2**24) - 1]),
        ("float4", "i8", [2**24, 2**62], [2**53 + 1, 2**62 + 1]),
        ("float8", "i8", [2**53, 2**62, -(2**63)], [2**53 + 1, 2**63 - 1]),
        ("float8", "u8", [2**63], [2**64 - 1, 2**63 + 1]),
    ],
)
def test_whole_numbers_that_a_float_does_not_hold(tmp_path, kind, dtype, exact, rounded) -> None:
    path, columns = tmp_path / "t.fits", [Column("z", kind)]
    assert loaded(path, columns, Z=np.array(exact, dtype)) == [(float(n),) for n in exact]
    for value in rounded:
        error = refusal(path, columns, Z=np.array([1, value], dtype))
        assert (error.column, error.rows, error.values) == ("Z", [1], [value])
        assert error.reason == f"a {kind} does not hold this number exactly"


@pytest.mark.parametrize(
    ("scale", "zero", "stored", "value"),
    [
        (1, 1, 2**53 - 3, 2**53 - 2),
        (1, -(2**62), 2**62 + 2**11, 2**11),
        (1, -(2**62), 2**62 + 1, None),
        (3, -3 * 2**52, 2**52 + 1, None),
        (1, 1, 2**60, None),
        (-2, 0, -(2**40), 2**41),
    ],
)
def test_scaled_whole_numbers(tmp_path: Path, scale, zero, stored, value) -> None:
    """TSCAL and TZERO make floats of them: what these cannot hold is refused."""
    path, columns = tmp_path / "t.fits", [Column("ref_id", "int8")]
    Table({"REF_ID": np.array([stored])}).write(path)
    with fits.open(path, mode="update") as hdus:
        hdus[1].header["TSCAL1"], hdus[1].header["TZERO1"] = scale, zero
    with open_table(path) as table:
        read = (
            row for part in transformed_rows(SOURCE, table, columns) for row in part.frame.rows()
        )
        if value is not None:
            assert [*read] == [(value,)]
            return
        with pytest.raises(BadRowsError) as caught:
            list(read)
    assert (caught.value.column, caught.value.rows) == ("REF_ID", [0])
