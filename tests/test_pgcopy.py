"""The encoder, through a real server: what comes back is what went in, bit for bit."""

from __future__ import annotations

import math
import struct
from datetime import UTC, datetime, timedelta

import polars as pl
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from specprod_copy import pgcopy
from specprod_copy.columns import BadValues, Column, WrongType, conform
from specprod_copy.database import table_columns
from specprod_copy.pgcopy import Encoder

DDL = {
    "i2": "smallint",
    "t1": "varchar(7)",
    "i4": "integer",
    "i8": "bigint",
    "t2": "text",
    "t3": "char(3)",
    "f4": "real",
    "f8": "double precision",
    "b": "boolean",
    "n": "numeric(39)",
    "ts": "timestamptz",
}
"""Column to type; text at the beginning, in the middle and side by side."""

POLARS = {
    "i2": pl.Int16,
    "t1": pl.String,
    "i4": pl.Int32,
    "i8": pl.Int64,
    "t2": pl.String,
    "t3": pl.String,
    "f4": pl.Float32,
    "f8": pl.Float64,
    "b": pl.Boolean,
    "n": pl.Decimal(38, 0),
    "ts": pl.Datetime("us", "UTC"),
}

EDGE_IDS = [
    *(sign * (10**k + d) for k in (0, 4, 8, 9, 16, 20, 37) for d in (-1, 0, 1) for sign in (1, -1)),
    *(2**k + d for k in (32, 63, 64, 96, 125) for d in (-1, 0, 1)),
    10**38 - 1,
    -(10**38 - 1),
]


def text(limit: int) -> st.SearchStrategy[str]:
    alphabet = st.characters(exclude_characters="\0", exclude_categories=["Cs"])
    return st.text(alphabet, max_size=limit)


def single(bits: int) -> float:
    return struct.unpack("<f", struct.pack("<I", bits))[0]


def double(bits: int) -> float:
    return struct.unpack("<d", struct.pack("<Q", bits))[0]


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
VALUES = {
    "i2": st.integers(-(2**15), 2**15 - 1),
    "t1": text(7),
    "i4": st.integers(-(2**31), 2**31 - 1),
    "i8": st.integers(-(2**63), 2**63 - 1),
    "t2": text(300),
    "t3": st.text("abc", min_size=3, max_size=3),
    "f4": st.integers(0, 2**32 - 1).map(single) | st.just(-0.0) | st.just(math.inf),
    "f8": st.integers(0, 2**64 - 1).map(double) | st.just(-0.0) | st.just(5e-324),
    "b": st.booleans(),
    "n": st.sampled_from(EDGE_IDS) | st.integers(-(10**38 - 1), 10**38 - 1),
    "ts": st.integers(-(10**16), 10**16).map(lambda us: EPOCH + timedelta(microseconds=us)),
}


def series(name: str, values: list) -> pl.Series:
    if name == "n":
        return pl.Series(name, values, pl.Int128).cast(pl.Decimal(38, 0))
    return pl.Series(name, values, POLARS[name])


@st.composite
def frames(draw: st.DrawFn) -> pl.DataFrame:
    n = draw(st.integers(0, 12))
    nullable = draw(st.sets(st.sampled_from(sorted(DDL))))
    data = []
    for name in DDL:
        value = VALUES[name] | st.none() if name in nullable else VALUES[name]
        data.append(series(name, draw(st.lists(value, min_size=n, max_size=n))))
    return pl.DataFrame(data)


def copy_in(connection: psycopg.Connection, frame: pl.DataFrame, *, chunk: int = 5) -> None:
    columns = table_columns(connection, "public", "everything")
    encoder = Encoder(columns)
    statement = "COPY everything FROM STDIN (FORMAT BINARY)"
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(pgcopy.HEADER)
        for piece in frame.iter_slices(chunk):
            for data in encoder.encode(conform(piece, columns)):
                copy.write(memoryview(data))
        copy.write(pgcopy.TRAILER)


@pytest.fixture
def everything(database):
    with psycopg.connect(database, autocommit=True) as connection:
        body = ", ".join(f"{name} {kind}" for name, kind in DDL.items())
        connection.execute(f"CREATE TABLE everything ({body})")
        yield connection


def bits(value: float | None, form: str) -> bytes | None:
    return None if value is None else struct.pack(form, value)


@pytest.fixture(params=[1, 400, pgcopy.BLOCK_BYTES])
def block_bytes(request, monkeypatch):
    """Blocks of one row, of a few, of all: the shorter they are, the more often one is reused."""
    monkeypatch.setattr(pgcopy, "BLOCK_BYTES", request.param)


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
