"""The encoder, through a real server: what comes back is what went in, bit for bit."""

from __future__ import annotations

import math
import struct

import polars as pl
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from support.column_values import (
    DDL,
    EDGE_IDS,
    copy_in,
    frames,
    series,
)

from specprod_copy.postgres import encoder
from specprod_copy.postgres.columns import BadValues, Column, WrongType
from specprod_copy.postgres.conforming import conform

"""Column to type; text at the beginning, in the middle and side by side."""


@pytest.fixture
def everything(database):
    with psycopg.connect(database, autocommit=True) as connection:
        body = ", ".join(f"{name} {kind}" for name, kind in DDL.items())
        connection.execute(f"CREATE TABLE everything ({body})")
        yield connection


def bits(value: float | None, form: str) -> bytes | None:
    return None if value is None else struct.pack(form, value)


@pytest.fixture(params=[1, 400, encoder.BLOCK_BYTES])
def block_bytes(request, monkeypatch):
    """Blocks of one row, of a few, of all: the shorter they are, the more often one is reused."""
    monkeypatch.setattr(encoder, "BLOCK_BYTES", request.param)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(frame=frames())
def test_round_trip(everything, block_bytes, frame):
    everything.execute("TRUNCATE everything")
    copy_in(everything, frame)
    rows = everything.execute(
        """SELECT i2, t1, i4, i8, t2, t3, float4send(f4), float8send(f8), b, n::text, ts
           FROM everything ORDER BY ctid"""
    ).fetchall()
    got = list(zip(*rows, strict=True)) or [()] * len(DDL)
    for name, column in zip(DDL, got, strict=True):
        expected = frame[name].to_list()
        if name == "f4":
            raw = frame[name].to_numpy().view("<u4").tolist() if expected else []
            expected = (
                [
                    None if v is None else struct.pack(">I", b)
                    for v, b in zip(expected, raw, strict=True)
                ]
                if not frame[name].null_count()
                else [bits(v, ">f") for v in expected]
            )
        elif name == "f8":
            expected = [bits(v, ">d") for v in expected]
        elif name == "n":
            expected = [None if v is None else str(v) for v in expected]
        assert list(column) == expected, name


def test_ids_at_the_edges(everything):
    """Every power and neighbour that a base-10000 digit could get wrong."""
    n = len(EDGE_IDS)
    frame = pl.DataFrame([series(c, EDGE_IDS if c == "n" else [None] * n) for c in DDL])
    copy_in(everything, frame, chunk=n)
    got = everything.execute("SELECT n::text FROM everything ORDER BY ctid").fetchall()
    assert [int(v) for (v,) in got] == EDGE_IDS


def test_widest_texts(everything):
    frame = pl.DataFrame(
        [series(c, {"t1": ["é" * 7], "t2": ["x" * 3_000_000]}.get(c, [None])) for c in DDL]
    )
    copy_in(everything, frame)
    got = everything.execute("SELECT t1, length(t2) FROM everything").fetchone()
    assert got == ("é" * 7, 3_000_000)


BAD = {
    "null": (Column("x", "int4"), [1, None, None], "NULL in a NOT NULL column", [1, 2]),
    "small integer": (Column("x", "int2"), [1, 40_000], "value does not fit into int2", [1]),
    "unsigned": (
        Column("x", "int8"),
        pl.Series([1, 2**64 - 1], dtype=pl.UInt64),
        "value does not fit into int8",
        [1],
    ),
    "fraction": (Column("x", "int2"), [1.0, 2.5], "value does not fit into int2", [1]),
    "float": (Column("x", "int4"), [3e9, 1.0], "value does not fit into int4", [0]),
    "truth": (Column("x", "bool"), [0, 1, 2], "value does not fit into bool", [2]),
    "real": (
        Column("x", "float4"),
        [1e300, math.inf, math.nan],
        "value is too large for a 4-byte float",
        [0],
    ),
    "long": (
        Column("x", "varchar", max_length=3),
        ["abc", "éééé"],
        "text is longer than 3 characters",
        [1],
    ),
    "NUL": (Column("x", "text"), ["a\0b"], "text holds a NUL character", [0]),
    "no text": (Column("x", "varchar", max_length=3), [None, ""], "NULL in a NOT NULL column", [0]),
    "long id": (
        Column("x", "numeric"),
        pl.Series([1, 10**38], dtype=pl.Int128),
        "value does not fit into numeric",
        [1],
    ),
}


@pytest.mark.parametrize(("column", "values", "reason", "rows"), BAD.values(), ids=BAD)
def test_values_that_do_not_fit(column, values, reason, rows):
    frame = pl.DataFrame({"x": values})
    with pytest.raises(BadValues) as caught:
        conform(frame, [column])
    bad = caught.value
    assert (bad.reason, bad.rows) == (reason, rows)
    assert bad.values == [frame["x"][row] for row in rows]


@pytest.mark.parametrize(
    ("values", "kind"),
    [(["1"], "int4"), ([1], "varchar"), ([b"x"], "text"), ([1.5], "timestamptz"), ([[1]], "int4")],
)
def test_types_that_never_fit(values, kind):
    with pytest.raises(WrongType, match=f"x {kind}: cannot hold values of type"):
        conform(pl.DataFrame({"x": values}), [Column("x", kind)])


GOOD = {
    "narrower": ("int2", pl.Series([1, -2], dtype=pl.Int64), [1, -2]),
    "byte": ("int2", pl.Series([255], dtype=pl.UInt8), [255]),
    "flag": ("int2", [True, False], [1, 0]),
    "whole float": ("int2", [31.0, -9999.0], [31, -9999]),
    "truth": ("bool", pl.Series([0, 1], dtype=pl.UInt8), [False, True]),
    "widened": (
        "float8",
        pl.Series([0.1], dtype=pl.Float32),
        [struct.unpack("f", struct.pack("f", 0.1))[0]],
    ),
    "infinite": ("float4", [math.inf, -math.inf], [math.inf, -math.inf]),
}


@pytest.mark.parametrize(("kind", "values", "expected"), GOOD.values(), ids=GOOD)
def test_conversions(kind, values, expected):
    column = Column("x", kind)
    result = conform(pl.DataFrame({"x": values}), [column])["x"]
    assert result.dtype == column.polars_type
    assert result.to_list() == expected


def test_characters_count_not_bytes():
    """Text may have more bytes than the column has characters."""
    values = ["ééé", "€ab", "abc", ""]
    column = Column("x", "varchar", max_length=3)
    assert conform(pl.DataFrame({"x": values}), [column])["x"].to_list() == values


def test_sign_of_zero_and_rounding_into_real():
    result = conform(pl.DataFrame({"x": [-0.0, 0.1]}), [Column("x", "float4")])["x"]
    assert math.copysign(1, result[0]) == -1
    assert result[1] == struct.unpack("f", struct.pack("f", 0.1))[0]
