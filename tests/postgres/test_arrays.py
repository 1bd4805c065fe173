"""Arrays of reals: from a frame through COPY to the server, and back."""

from __future__ import annotations

import math
import struct

import numpy as np
import polars as pl
import psycopg
import pytest

from specprod_copy.errors import DatabaseError
from specprod_copy.postgres.columns import BadValues, Column, WrongType
from specprod_copy.postgres.conforming import conform
from specprod_copy.postgres.copy import ServerTable
from specprod_copy.postgres.decoder import Decoder
from specprod_copy.postgres.encoder import Encoded, Encoder
from specprod_copy.verification.fingerprint import words

COLUMNS = [
    Column("name", "varchar", max_length=9),
    Column("a", "_float4"),
    Column("n", "int4"),
    Column("b", "_float4", not_null=False),
]
ROWS = [
    ("one", [1.5, -0.0, math.inf, math.nan], 1, None),
    ("", [], 2, [3.25]),
    ("three", [float(np.float32(0.1))] * 3, 3, []),
    ("four", [float(n) for n in range(500)], 4, None),
]


def frame_of(rows) -> pl.DataFrame:
    types = {c.name: c.polars_type for c in COLUMNS}
    return pl.DataFrame(rows, schema=types, orient="row")


def bits(values) -> object:
    return values if values is None else [struct.pack("f", value) for value in values]


@pytest.fixture(scope="module")
def connection(module_database):
    with psycopg.connect(module_database) as connection:
        connection.execute("CREATE TABLE t (name varchar(9), a real[] NOT NULL, n int, b real[])")
        frame = frame_of(ROWS)
        for start, n in ((0, 2), (2, 2)):  # A slice begins in the midst of the lists.
            part = frame[start : start + n]
            encoded = Encoded([*Encoder(COLUMNS).encode(part)], part.height)
            ServerTable(connection, "public", "t").copy([encoded], [c.name for c in COLUMNS])
        yield connection


def test_they_arrive_bit_by_bit(connection):
    found = connection.execute("SELECT * FROM t ORDER BY n", binary=True).fetchall()
    assert [(a, bits(b), c, bits(d)) for a, b, c, d in found] == [
        (a, bits(b), c, bits(d)) for a, b, c, d in ROWS
    ]


def decoded(connection, where: str = "true") -> pl.DataFrame:
    decoder = Decoder(COLUMNS)
    select = decoder.expressions().as_string(connection)
    query = f"COPY (SELECT {select} FROM t WHERE {where} ORDER BY n) TO STDOUT (FORMAT binary)"
    with connection.cursor().copy(query.encode()) as copy:
        data = b"".join(copy)
    # Rows as the server sends them: cut by their sizes.
    rows, position = [], 19
    while data[position : position + 2] != b"\xff\xff":
        end = position + 2
        for _ in COLUMNS:
            (length,) = struct.unpack_from("!i", data, end)
            end += 4 + max(length, 0)
        rows.append(data[position:end])
        position = end
    return decoder.decode(rows)


def test_they_are_read_back(connection):
    found = decoded(connection)
    assert found.schema == frame_of(ROWS).schema
    assert [(a, bits(b), c, bits(d)) for a, b, c, d in found.rows()] == [
        (a, bits(b), c, bits(d)) for a, b, c, d in ROWS
    ]


def test_row_sizes_are_those_of_the_data():
    frame = frame_of(ROWS)
    data = b"".join(Encoder(COLUMNS).encode(frame))
    assert Encoder(COLUMNS).row_sizes(frame).sum() == len(data)


def test_arrays_of_several_dimensions_are_not_taken_for_others(connection):
    with connection.transaction(force_rollback=True):
        connection.execute("INSERT INTO t VALUES ('x', '{{1,2},{3,4}}', 9, NULL)")
        with pytest.raises(DatabaseError, match="column a has arrays of several dimensions"):
            decoded(connection, "n = 9")


def test_null_elements_are_read_as_such(connection):
    with connection.transaction(force_rollback=True):
        connection.execute("INSERT INTO t VALUES ('x', '{1,NULL,3}', 9, '{NULL}')")
        assert decoded(connection, "n = 9").row(0) == ("x", [1, None, 3], 9, [None])


def test_one_changed_bit_changes_the_hash():
    lists = [[], [0.0], [-0.0], [0.0, 0.0], [1.0, 2.0], [2.0, 1.0], [1.0, 2.0, 0.0]]
    series = pl.Series(lists, dtype=pl.List(pl.Float32))
    assert len({*words(series).tolist()}) == len(lists)
    assert (words(series) == words(series.slice(0))).all()
    assert (words(series[2:5]) == words(series)[2:5]).all()


def test_doubles_are_rounded_and_never_become_infinite():
    column = Column("a", "_float4")
    vectors = pl.DataFrame({"a": pl.Series([[0.1, 2.0]], dtype=pl.List(pl.Float64))})
    assert conform(vectors, [column])["a"].to_list() == [[float(np.float32(0.1)), 2.0]]
    large = pl.DataFrame({"a": [[1.0], [1e39, 1.0]]})
    with pytest.raises(BadValues, match="an element: value is too large for a 4") as caught:
        conform(large, [column])
    assert caught.value.rows == [1]
    assert repr(caught.value.values[0]) == "1e+39 (element 0 of 2, counted from 0)"
    with pytest.raises(WrongType):
        conform(pl.DataFrame({"a": [["x"]]}), [column])
    with pytest.raises(WrongType):
        conform(pl.DataFrame({"a": [1.0]}), [column])
