"""Values of every column type that the encoder knows."""

from __future__ import annotations

import math
import struct
from datetime import UTC, datetime, timedelta

import polars as pl
import psycopg
from hypothesis import strategies as st

from specprod_copy.postgres.conforming import conform
from specprod_copy.postgres.copy import ServerTable
from specprod_copy.postgres.encoder import Encoded, Encoder
from specprod_copy.postgres.schema_from_server import read_schema

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
    columns = read_schema(connection, "public").columns_of("everything")
    encoder = Encoder(columns)
    chunks = (
        Encoded([*encoder.encode(conform(piece, columns))], piece.height)
        for piece in frame.iter_slices(chunk)
    )
    ServerTable(connection, "public", "everything").copy(
        chunks, [column.name for column in columns]
    )
