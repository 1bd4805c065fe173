"""What columns accept: each type at its limits and beyond, against plain Python arithmetic."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from specprod_copy.postgres.columns import BadValues, Column, WrongType, check_type
from specprod_copy.postgres.conforming import conform

BITS = {"int2": 16, "int4": 32, "int8": 64}
LARGEST_FLOAT4 = (2 - 2**-23) * 2.0**127
ROUNDS_TO_INFINITY = (2 - 2**-24) * 2.0**127  # half way to what would be the next float4


def outcome(
    values: Sequence[object], dtype: pl.DataType, column: Column
) -> list[object] | tuple[str, list[int], list[object]]:
    """Return what becomes of values, or the reason, the rows and the values of a refusal."""
    frame = pl.DataFrame({column.name: pl.Series(values, dtype=dtype)})
    try:
        converted = conform(frame, [column])
    except BadValues as error:
        assert error.column == column
        return error.reason, error.rows, error.values
    assert converted.schema == {column.name: column.polars_type}
    return converted[column.name].to_list()


def check(
    values: Sequence[object],
    dtype: pl.DataType,
    column: Column,
    convert: Callable[[object], object],
    reason: str,
) -> None:
    """Check the outcome against `convert`, which raises a ValueError for what does not fit."""
    converted, bad = [], []
    for row, value in enumerate(values):
        try:
            converted.append(None if value is None else convert(value))
        except (ValueError, OverflowError):
            bad.append(row)
    found = outcome(values, dtype, column)
    if bad:
        assert repr(found) == repr((reason, bad, [values[row] for row in bad]))
    else:
        assert repr(found) == repr(converted)  # tells -0.0 from 0.0, and NaN is NaN


def within(bits: int) -> Callable[[object], object]:
    def convert(value: object) -> int:
        number = int(value)
        if number != value or not -(2 ** (bits - 1)) <= number < 2 ** (bits - 1):
            raise ValueError
        return number

    return convert


def to_float4(value: object) -> float:
    return struct.unpack("<f", struct.pack("<f", value))[0]  # raises an OverflowError


def to_bool(value: object) -> bool:
    if value not in (0, 1):
        raise ValueError
    return bool(value)


def to_numeric(value: object) -> Decimal:
    if abs(value) >= 10**38:
        raise ValueError
    return Decimal(value)


def around(*centres: int) -> st.SearchStrategy[int]:
    """Draw numbers near these, with either sign."""
    near = [st.integers(c - 2, c + 2) for c in centres]
    return st.one_of(*near, *(numbers.map(lambda n: -n) for numbers in near))


INT64 = st.integers(-(2**63), 2**63 - 1)
EDGES = around(0, 2**15, 2**31, 2**63).filter(lambda n: -(2**63) <= n < 2**63)
FLOATS = st.one_of(st.floats(), EDGES.map(float), st.sampled_from([-0.0, 0.5, 2.0**53, 2.0**63]))


def maybe(values: st.SearchStrategy[object]) -> st.SearchStrategy[list[object]]:
    return st.lists(st.none() | values, max_size=8)


@pytest.mark.parametrize("kind", BITS)
@given(values=maybe(EDGES | INT64))
def test_integers_of_integers(kind, values):
    column = Column("c", kind, not_null=False)
    check(values, pl.Int64(), column, within(BITS[kind]), f"value does not fit into {kind}")


@pytest.mark.parametrize("kind", BITS)
@given(values=maybe(around(0, 2**63).filter(lambda n: 0 <= n < 2**64)))
def test_integers_of_unsigned_ones(kind, values):
    column = Column("c", kind, not_null=False)
    check(values, pl.UInt64(), column, within(BITS[kind]), f"value does not fit into {kind}")


@pytest.mark.parametrize("kind", [kind for kind in BITS if kind != "int8"])
@given(values=maybe(FLOATS))
def test_integers_of_floats(kind, values):
    """Only whole numbers; neither infinity nor NaN."""
    column = Column("c", kind, not_null=False)
    check(values, pl.Float64(), column, within(BITS[kind]), f"value does not fit into {kind}")


@given(values=maybe(FLOATS))
def test_long_integers_of_floats(values):
    """What fits may still have been another number before somebody stored it as a float."""

    def exact(value: object) -> int:
        if abs(value) >= 2**53:
            raise ValueError
        return int(value)

    column = Column("c", "int8", not_null=False)
    numbers = [value for value in values if value is not None]
    if all(math.isfinite(n) and n == int(n) and -(2**63) <= n < 2**63 for n in numbers):
        reason = "may have been rounded: a Float64 is exact for whole numbers below 2**53 only"
        check(values, pl.Float64(), column, exact, reason)
    else:
        check(values, pl.Float64(), column, within(64), "value does not fit into int8")


@given(
    values=maybe(
        st.floats()
        | st.sampled_from([LARGEST_FLOAT4, ROUNDS_TO_INFINITY, -ROUNDS_TO_INFINITY])
        | st.just(math.nextafter(ROUNDS_TO_INFINITY, 0))
    )
)
def test_short_floats_of_long_ones(values):
    column = Column("c", "float4", not_null=False)
    check(values, pl.Float64(), column, to_float4, "value is too large for a 4-byte float")


@given(values=maybe(st.floats()))
def test_long_floats(values):
    check(values, pl.Float64(), Column("c", "float8", not_null=False), lambda v: v, "never")


@pytest.mark.parametrize("kind", ["float4", "float8"])
@given(values=maybe(INT64 | around(2**24, 2**53)))
def test_floats_of_integers(kind, values):
    """Those that it would round are refused."""

    def exact(value: object) -> float:
        number = to_float4(value) if kind == "float4" else float(value)
        if number != value:
            raise ValueError
        return number

    column = Column("c", kind, not_null=False)
    check(values, pl.Int64(), column, exact, f"a {kind} does not hold this number exactly")


@given(values=maybe(around(0, 1) | FLOATS))
def test_booleans_of_numbers(values):
    numbers = [None if value is None else float(value) for value in values]
    column = Column("c", "bool", not_null=False)
    check(numbers, pl.Float64(), column, to_bool, "value does not fit into bool")


@given(values=maybe(around(10**38, 2**64, 0)))
def test_numeric(values):
    """The column may have 39 digits, what is sent has 38."""
    column = Column("c", "numeric", not_null=False)
    check(values, pl.Int128(), column, to_numeric, "value does not fit into numeric")


@given(values=maybe(st.text(alphabet="aé\U0001d11e", max_size=6)))
def test_characters_are_counted_and_not_bytes(values):
    def convert(value: object) -> object:
        if len(value) > 3:
            raise ValueError
        return value

    column = Column("c", "varchar", not_null=False, max_length=3)
    check(values, pl.String(), column, convert, "text is longer than 3 characters")


def test_blanks_at_the_end_of_char_say_nothing():
    values = ["ab   ", " a", "\t ", None, "abc"]
    column = Column("x", "bpchar", False, 2)
    assert outcome(values[:-1], pl.String, column) == ["ab", " a", "\t", None]
    reason = "text is longer than 2 characters"
    assert outcome(values, pl.String, column) == (reason, [4], ["abc"])
    arrays, kind = [["ab   ", "c"], None, []], pl.List(pl.String)
    assert outcome(arrays, kind, Column("x", "_bpchar", False)) == [["ab", "c"], None, []]
    assert outcome(arrays, kind, Column("x", "_text", False)) == arrays


@pytest.mark.parametrize("kind", ["varchar", "text", "bpchar"])
@given(values=maybe(st.text(alphabet="a\0", max_size=3)))
def test_no_text_holds_nul(kind, values):
    def convert(value: object) -> object:
        if "\0" in value:
            raise ValueError
        return value

    column = Column("c", kind, not_null=False)
    check(values, pl.String(), column, convert, "text holds a NUL character")


@given(values=maybe(st.integers(-9, 9)))
def test_null(values):
    rows = [row for row, value in enumerate(values) if value is None]
    expected = ("NULL in a NOT NULL column", rows, [None] * len(rows)) if rows else values
    assert outcome(values, pl.Int16(), Column("c", "int2")) == expected


@pytest.mark.parametrize("kind", ["int2", "float4", "varchar", "bool", "numeric", "timestamptz"])
def test_a_column_of_nothing(kind):
    """Of type Null, as where a file gives no value at all."""
    column = Column("c", kind, not_null=False, max_length=5 if kind == "varchar" else None)
    assert outcome([None, None], pl.Null(), column) == [None, None]
    assert outcome([], pl.Null(), Column("c", kind)) == []


def test_time_is_of_one_kind():
    then = datetime(2021, 5, 14, 1, 2, 3, 456789, UTC)
    column = Column("c", "timestamptz")
    assert outcome([then], pl.Datetime("us", "UTC"), column) == [then]
    for other in (pl.Datetime("ns", "UTC"), pl.Datetime("us"), pl.Date(), pl.Int64()):
        with pytest.raises(WrongType):
            check_type(other, column)


@pytest.mark.parametrize(
    ("dtype", "kinds"),
    [
        (pl.String(), "varchar text bpchar"),
        (pl.Binary(), ""),
        (pl.Boolean(), "int2 int4 int8 float4 float8 bool"),
        (pl.Float32(), "int2 int4 int8 float4 float8 bool"),
        (pl.UInt8(), "int2 int4 int8 float4 float8 bool numeric"),
        (pl.Decimal(38, 0), "numeric"),
        (pl.List(pl.Int16()), ""),
    ],
    ids=str,
)
def test_types_that_can_become_a_columns_type(dtype, kinds):
    found = set()
    for kind in (*BITS, "float4", "float8", "varchar", "text", "bpchar", "bool", "numeric"):
        try:
            check_type(dtype, Column("c", kind))
        except WrongType as error:
            assert (error.dtype, str(error)) == (
                dtype,
                f"c {kind}: cannot hold values of type {dtype}",
            )
        else:
            found.add(kind)
    assert found == {*kinds.split()}


def test_order_is_that_of_the_table_and_the_first_column_is_blamed():
    columns = [Column("b", "int2"), Column("a", "varchar", max_length=2)]
    frame = pl.DataFrame({"a": ["x", "yy"], "other": [0.5, 0.5], "b": [1, 2]})
    converted = conform(frame, columns)
    assert converted.rows() == [(1, "x"), (2, "yy")]
    assert converted.schema == {"b": pl.Int16(), "a": pl.String()}
    bad = pl.DataFrame({"a": ["xxx", "yyy"], "b": [1, 2**15]})
    with pytest.raises(BadValues, match=r"^b int2: value does not fit into int2$") as caught:
        conform(bad, columns)
    assert (caught.value.rows, caught.value.values) == ([1], [2**15])
    with pytest.raises(BadValues, match=r"^a varchar\(2\): text is longer than 2 characters$"):
        conform(bad, columns[1:])
