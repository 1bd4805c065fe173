"""Vectors and arrays of any FITS table: through a real server and back, bit by bit."""

from __future__ import annotations

import struct
from decimal import Decimal
from pathlib import Path

import polars as pl
import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg import sql
from support.heaps import heap_columns, write_heap
from support.raw_columns import tables
from support.raw_fits import table_bytes, write

from specprod_copy.postgres.columns import Column, element_type
from specprod_copy.postgres.conforming import conform
from specprod_copy.postgres.copy import ServerTable
from specprod_copy.postgres.decoder import Decoder
from specprod_copy.postgres.encoder import Encoded, Encoder
from specprod_copy.reader import read_table
from specprod_copy.verification.fingerprint import words

TYPES = {
    pl.Boolean: "bool",
    pl.UInt8: "int2",
    pl.Int8: "int2",
    pl.Int16: "int2",
    pl.UInt16: "int4",
    pl.Int32: "int4",
    pl.UInt32: "int8",
    pl.Int64: "int8",
    pl.UInt64: "numeric",
    pl.Float32: "float4",
    pl.Float64: "float8",
    pl.String: "text",
}


def columns_of(frame: pl.DataFrame) -> list[Column]:
    """The columns of a table for a frame; some of them NOT NULL."""
    found = []
    for number, (name, dtype) in enumerate(frame.schema.items()):
        kind = TYPES[element_type(dtype).base_type()]
        array = "_" * isinstance(dtype, pl.List | pl.Array)
        may_be_null = frame[name].null_count() > 0 or number % 2
        digits = (20, 0) if kind == "numeric" else None
        found.append(Column(name, f"{array}{kind}", not may_be_null, digits=digits))
    return found


def made_table(connection: psycopg.Connection, columns: list[Column]) -> None:
    parts = [
        sql.SQL("{} {}").format(
            sql.Identifier(column.name),
            sql.SQL(column.type.removeprefix("_") + "(20)" * (column.digits is not None))
            + sql.SQL("[]" * (column.element is not None)),
        )
        for column in columns
    ]
    connection.execute(sql.SQL("CREATE TABLE t ({})").format(sql.SQL(", ").join(parts)))


def bits(value: object) -> object:
    if isinstance(value, list | tuple):
        return [*map(bits, value)]
    if isinstance(value, float):
        return struct.pack("d", value)
    return int(value) if isinstance(value, Decimal) else value


def round_trip(connection: psycopg.Connection, path: Path) -> None:
    """Send what is read of a file, and compare what comes back in three ways."""
    frame = read_table(path)
    columns = columns_of(frame)
    made_table(connection, columns)
    sent = conform(frame, columns)
    names = [column.name for column in columns]
    encoder = Encoder(columns)
    parts = [sent[:3], sent[3:]]
    encoded = [Encoded([*encoder.encode(part)], part.height) for part in parts]
    for part, one in zip(parts, encoded, strict=True):
        assert encoder.row_sizes(part).sum() == sum(map(len, one.data))
    ServerTable(connection, "public", "t").copy(encoded, names)
    rows = connection.execute("SELECT * FROM t", binary=True).fetchall()
    # NUL ends a text, and the driver tells an array of texts of its own.
    assert bits(rows) == bits(frame.rows())
    decoder = Decoder(columns)
    statement = sql.SQL("COPY (SELECT {} FROM t) TO STDOUT (FORMAT binary)")
    with connection.cursor().copy(statement.format(decoder.expressions())) as copy:
        messages = [bytes(message) for message in copy]
    messages[0] = messages[0][19:]
    found = decoder.decode([message for message in messages if message not in (b"", b"\xff\xff")])
    assert found.schema == sent.schema
    assert bits(found.rows()) == bits(sent.rows())
    for name in names:
        assert (words(found[name]) == words(sent[name])).all()


@pytest.fixture(scope="module")
def connection(module_database):
    # The table is another one each time: its queries cannot be prepared.
    with psycopg.connect(module_database, prepare_threshold=None) as connected:
        yield connected


@settings(max_examples=40)
@given(data=st.data())
def test_what_a_file_has_comes_back(connection, tmp_path_factory, data) -> None:
    path = tmp_path_factory.mktemp("any") / "t.fits"
    if data.draw(st.booleans()):
        write_heap(path, data.draw(heap_columns()))
    else:
        columns, _ = data.draw(tables())
        write(path, table_bytes(columns))
    with connection.transaction(force_rollback=True):
        round_trip(connection, path)


def test_one_changed_bit_of_any_element_changes_the_hash():
    lists = {
        pl.Int16: [[], [0], [0, 0], [1, 2], [2, 1], [1, 2, 0], [None], [0, None], [None, 0]],
        pl.Boolean: [[], [False], [True], [None], [True, False], [False, True]],
        pl.String: [[], [""], ["a"], ["a", ""], ["", "a"], [None]],
        pl.Decimal(38, 0): [[], [0], [2**64], [None], [2**64 - 1]],
        pl.Float64: [[0.0], [-0.0], [float("nan")], [None], [5e-324]],
    }
    for dtype, values in lists.items():
        series = pl.Series(values, dtype=pl.List(dtype))
        assert len({*words(series).tolist()}) == len(values), dtype
