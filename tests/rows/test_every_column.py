"""Every column of every table, from every type that FITS has: equal values arrive, or an error."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import psycopg
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from support.raw_columns import bytes_of
from support.raw_fits import RawColumn, cells, table_bytes, write

from specprod_copy.coeff_patch import kinds
from specprod_copy.errors import BadRowsError, InputError
from specprod_copy.postgres import statements
from specprod_copy.postgres.columns import EXACT_BITS, Column
from specprod_copy.postgres.copy import ServerTable
from specprod_copy.postgres.encoder import Encoded, Encoder
from specprod_copy.reader import InputTable, open_table
from specprod_copy.rows.read import transformed_rows
from specprod_copy.tables import SOURCES, TableSource, specprod_catalogue

ALL = [*SOURCES.values(), *kinds.SOURCES.values()]
FEW = settings(max_examples=2, derandomize=True, phases=[Phase.generate])
WIDTHS = {"int2": 16, "int4": 32, "int8": 64}


@dataclass(frozen=True)
class Kind:
    """A type of a FITS column, and values that it can have."""

    letter: str
    stored: str = "u1"
    zero: int = 0
    """TZERO: what is added to what is stored."""

    bits: int = 0
    """Whole numbers below 2 to this power are exact, if they are read as floats."""

    def __str__(self) -> str:
        return self.letter + (f"{self.zero:+}" if self.zero else "")


def near(*bits: int) -> st.SearchStrategy[int]:
    """Draw whole numbers near powers of 2."""
    centres = st.sampled_from([0, *(sign * 2**n for n in bits for sign in (1, -1))])
    return st.builds(lambda centre, more: centre + more, centres, st.integers(-2, 2))


INTEGERS = [
    *(Kind("B", "u1", zero) for zero in (0, -(2**7))),
    *(Kind("I", ">i2", zero) for zero in (0, 2**15)),
    *(Kind("J", ">i4", zero) for zero in (0, 2**31)),
    *(Kind("K", ">i8", zero) for zero in (0, 2**63)),
    Kind("J", ">i4", 1, bits=53),
    Kind("K", ">i8", 1, bits=53),
]
FLOATS = [Kind("E", ">f4", bits=24), Kind("D", ">f8", bits=53)]
FOREIGN = [Kind(letter) for letter in "XCMPQ"]
WHOLE = near(7, 8, 15, 16, 24, 31, 32, 53, 62, 63, 64)
NUMBERS = WHOLE.map(float) | st.floats() | st.sampled_from([-0.0, 0.5, 1e-50, 2.0**127, 3.5e38])
TEXTS = st.text("aZ 5é\0", max_size=24)


@cache
def copied(source: TableSource) -> dict[str, Column]:
    """Return the columns of a table that are copies of input columns, by the names of these."""
    found = {}
    for column in specprod_catalogue().definition.tables[source.table].columns:
        for way in source.derived.get(column.name, (pl.col(column.name.upper()),)):
            if way.meta.is_column():
                found.setdefault(way.meta.root_names()[0], column)
    return found


@cache
def bare(source: TableSource) -> TableSource:
    """Return a source without the rules that are about more than types."""
    nothing = {"checks": (), "row_filter": None, "constants": None, "position": None}
    return replace(source, **nothing)


@pytest.fixture(scope="module")
def server(module_database) -> Iterator[psycopg.Connection]:
    """Return a connection to a server with an empty copy of every table, without its rules."""
    with psycopg.connect(module_database, autocommit=True) as connection:
        tables = dict.fromkeys(source.table for source in ALL)
        definition = specprod_catalogue().definition
        statements.make(connection, definition, ["schema", *tables], ["table"], schema="made")
        connection.execute("CREATE SCHEMA copies")
        for table in tables:
            connection.execute(f"CREATE TABLE copies.{table} AS TABLE made.{table} WITH NO DATA")
        yield connection


def accepted(table: InputTable, source: TableSource) -> dict[Column, dict[int, object]]:
    """Return the values that columns get, by row: those of the rows that are not refused.

    Columns of one type are read at once: what one of them refuses, all have to refuse.
    """
    of_type: dict[object, list[Column]] = {}
    for column in dict.fromkeys(copied(source).values()):
        of_type.setdefault(column.accepted, []).append(column)
    return {c: got for columns in of_type.values() for c, got in _accepted(table, source, columns)}


def _accepted(
    table: InputTable, source: TableSource, columns: list[Column]
) -> Iterator[tuple[Column, dict[int, object]]]:
    rows = np.arange(table.n_rows)
    parts = []
    while len(rows):
        try:
            parts = [*transformed_rows(bare(source), table, columns, rows=rows)]
            break
        except BadRowsError as bad:
            rows = np.setdiff1d(rows, bad.rows)
        except InputError:
            rows = rows[:0]
    for column in columns:
        values = [value for part in parts for value in part.frame[column.name]]
        yield column, dict(zip(rows.tolist(), values, strict=True))


def arrived(
    server: psycopg.Connection, table: str, sent: dict[Column, dict], n: int
) -> list[tuple]:
    """Send the values, NULL for what was refused; return the rows that the server has then."""
    columns = [replace(column, not_null=False) for column in sent]
    frame = pl.DataFrame(
        [
            pl.Series(column.name, [values.get(row) for row in range(n)], column.polars_type)
            for column, values in sent.items()
        ]
    )
    names = [column.name for column in columns]
    server.execute(f"TRUNCATE copies.{table}")
    data = Encoded([*Encoder(columns).encode(frame)], n)
    ServerTable(server, "copies", table).copy([data], names)
    query = f"SELECT {', '.join(names)} FROM copies.{table} ORDER BY ctid"
    return server.cursor(binary=True).execute(query).fetchall()


def expected(value: object, kind: Kind, column: Column) -> object:
    """Return what a value is to become, None if that cannot be and it has to be refused."""
    is_text = column.type in ("varchar", "bpchar", "text")
    if isinstance(value, str) or is_text:
        fits = isinstance(value, str) and is_text and len(value) <= (column.max_length or math.inf)
        return value if fits else None
    if column.type in ("float4", "float8") and not math.isfinite(value):
        return -9999.0
    if column.type == "float8":
        return float(value) if float(value) == value else None
    if column.type == "float4":
        try:
            (single,) = struct.unpack("<f", struct.pack("<f", value))
        except OverflowError:
            return None
        # Doubles are rounded, which is said; whole numbers are not.
        return single if kind.bits == 53 or single == value else None
    if not math.isfinite(value) or int(value) != value:
        return None
    if column.type == "bool":
        return bool(value) if value in (0, 1) else None
    in_range = -(2 ** (WIDTHS[column.type] - 1)) <= value < 2 ** (WIDTHS[column.type] - 1)
    exact = column.type != "int8" or not kind.bits or abs(value) < 2**kind.bits
    return int(value) if in_range and exact else None


def check(
    server: psycopg.Connection, folder: Path, kind: Kind, data: np.ndarray, values: Sequence[object]
) -> None:
    keywords = {"TZERO": kind.zero} if kind.zero else {}
    tform = f"{data.shape[1]}A" if kind.letter == "A" else f"1{kind.letter}"
    for source in ALL:
        raw = [RawColumn(name, tform, data, keywords) for name in copied(source)]
        path = write(folder / "t.fits", table_bytes(raw))
        with open_table(path) as table:
            sent = accepted(table, source)
        rows = arrived(server, source.table, sent, len(values))
        for row, (value, got) in enumerate(zip(values, rows, strict=True)):
            wanted = [expected(value, kind, column) for column in sent]
            # By their text -0.0 is not 0.0.
            assert [*map(repr, got)] == [*map(repr, wanted)], (source.name, row, value)


@pytest.mark.parametrize("kind", INTEGERS, ids=str)
@FEW
@given(drawn=st.lists(WHOLE, min_size=24, max_size=24))
def test_whole_numbers(server, tmp_path_factory, kind, drawn):
    limits = np.iinfo(np.dtype(kind.stored))
    stored = [min(max(value - kind.zero, limits.min), limits.max) for value in drawn]
    data = bytes_of(np.array(stored, kind.stored))
    values = [float(n) + kind.zero if kind.bits else n + kind.zero for n in stored]
    check(server, tmp_path_factory.mktemp("k"), kind, data, values)


@pytest.mark.parametrize("kind", FLOATS, ids=str)
@FEW
@given(drawn=st.lists(NUMBERS, min_size=40, max_size=40))
def test_floats(server, tmp_path_factory, kind, drawn):
    with np.errstate(over="ignore"):
        stored = np.array(drawn, kind.stored)
    check(server, tmp_path_factory.mktemp("k"), kind, bytes_of(stored), stored.tolist())


@FEW
@given(drawn=st.lists(st.sampled_from([b"T", b"F"]), min_size=4, max_size=4))
def test_logicals(server, tmp_path_factory, drawn):
    values = [byte == b"T" for byte in drawn]
    check(server, tmp_path_factory.mktemp("k"), Kind("L"), cells(*drawn), values)


@FEW
@given(drawn=st.lists(TEXTS, min_size=24, max_size=24))
def test_texts(server, tmp_path_factory, drawn):
    values = [text.partition("\0")[0].rstrip(" ") for text in drawn]
    data = cells(*(text.encode().ljust(48) for text in drawn))
    check(server, tmp_path_factory.mktemp("k"), Kind("A"), data, values)


@pytest.mark.parametrize("kind", FOREIGN, ids=str)
def test_types_that_are_not_read(tmp_path, kind):
    """Bits, complex numbers and vectors of varying length: for no column of any table."""
    width = {"X": 1, "M": 16, "Q": 16}.get(kind.letter, 8)
    for source in ALL:
        raw = [
            RawColumn(name, f"1{kind.letter}", np.zeros((1, width), np.uint8))
            for name in copied(source)
        ]
        with open_table(write(tmp_path / "t.fits", table_bytes(raw))) as table:
            assert not any(accepted(table, source).values())


def test_every_column_is_a_copy_or_made_of_others():
    """What the tests above leave out has tests of its own: ids, names and dates."""
    others = {
        column.name
        for source in ALL
        for column in specprod_catalogue().definition.tables[source.table].columns
        if column not in copied(source).values()
    }
    assert others == {"id", "targetphotid", "frameid", "date_obs", "desiname", "healpix"}
    assert {pl.Float32(): 24, pl.Float64(): 53} == EXACT_BITS
