"""Tables filled with the same rows in several orders."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import numpy as np
import polars as pl
import psycopg
from psycopg import sql

from sky_ordering.rows import UNIT_ROWS, Sky
from specprod_copy.errors import DatabaseError
from specprod_copy.postgres import ddl, statements
from specprod_copy.postgres.columns import Column
from specprod_copy.postgres.copy import ServerTable
from specprod_copy.postgres.encoder import Encoded, Encoder
from specprod_copy.postgres.schema_from_server import read_schema
from specprod_copy.postgres.search_path import SEARCH_PATH, others_may_create, q3c_schema
from specprod_copy.reader.selection import CHUNK_ROWS
from specprod_copy.rows.sky_order import sorted_on_sky
from specprod_copy.tables import specprod_catalogue

SCHEMA = "specprod_copy_sky_order"


@dataclass
class Case:
    """One order of the rows, and what was measured with it."""

    name: str
    seconds: dict[str, float] = field(default_factory=dict)
    heap: dict[str, float] = field(default_factory=dict)
    index: dict[str, float] = field(default_factory=dict)
    ms: dict[str, float] = field(default_factory=dict)
    found: dict[str, float] = field(default_factory=dict)
    megabytes: float = 0.0


def frame_of(columns: Sequence[Column], values: dict[str, np.ndarray]) -> pl.DataFrame:
    """Return rows of full width: the given columns, and constants in all others."""
    height = len(next(iter(values.values())))
    constants = {"numeric": Decimal(10**36), "bool": False}

    def series(column: Column) -> pl.Series:
        if column.name in values:
            return pl.Series(column.name, values[column.name])
        constant = "x" * column.max_length if column.max_length else constants.get(column.type, 0)
        one = pl.Series(column.name, [constant], dtype=column.polars_type)
        return one.new_from_index(0, height).rechunk()

    return pl.DataFrame([series(column) for column in columns])


def copy_rows(
    connection: psycopg.Connection, rows: Sky, case: Case, pieces: Iterator[np.ndarray], sort: bool
) -> None:
    """Fill the table; note the seconds of COPY, and of the processor for sorting."""
    columns = read_schema(connection, SCHEMA).columns_of(rows.table)
    encoder = Encoder(columns)
    sorting = making = 0.0
    names = rows.position

    def encoded() -> Iterator[Encoded]:
        nonlocal sorting, making
        for numbers in pieces:
            began = time.monotonic()
            frame = frame_of(columns, {names[0]: rows.ra[numbers], names[1]: rows.dec[numbers]})
            started = time.process_time()
            if sort:
                frame = sorted_on_sky(frame, *names)
            sorting += time.process_time() - started
            data = [*encoder.encode(frame.rechunk())]
            making += time.monotonic() - began
            yield Encoded(data, frame.height)

    began = time.monotonic()
    table = ServerTable(connection, SCHEMA, rows.table)
    table.copy(encoded(), [column.name for column in columns])
    case.seconds |= {"sort": sorting, "copy": time.monotonic() - began - making}


def shuffled(rows: Sky) -> Iterator[np.ndarray]:
    """Yield all rows in any order."""
    yield from np.array_split(
        np.random.default_rng(1).permutation(len(rows.ra)), -(-len(rows.ra) // UNIT_ROWS)
    )


CASES: dict[str, tuple[Callable[[Sky], Iterator[np.ndarray]], bool, bool]] = {
    "shuffled": (shuffled, False, False),
    "as in the files": (lambda rows: rows.pieces(CHUNK_ROWS), False, False),
    "sorted by chunk": (lambda rows: rows.pieces(CHUNK_ROWS), True, False),
    "sorted by unit": (lambda rows: rows.pieces(UNIT_ROWS), True, False),
    "clustered": (lambda rows: rows.pieces(CHUNK_ROWS), False, True),
}
"""Name to (pieces of rows, whether each is sorted, whether CLUSTER comes afterwards)."""


def timed(connection: psycopg.Connection, statement: str) -> float:
    """Run a statement; return its seconds."""
    started = time.monotonic()
    connection.execute(statement.encode())
    return time.monotonic() - started


def see_q3c(connection: psycopg.Connection) -> str:
    """Let the session see q3c, whose search functions call others by their bare names.

    Returns
    -------
    str
        The schema that it is in.

    Raises
    ------
    DatabaseError
        If there is no q3c, or others may put an operator beside it, which could run in its place.
    """
    schema = q3c_schema(connection)
    if schema is None:
        raise DatabaseError("this database has no extension q3c")
    if others := others_may_create(connection, schema):
        raise DatabaseError(
            f"{', '.join(others)} may make operators and functions in schema {schema}, where q3c "
            "is: what they make could run with your rights"
        )
    path = sql.SQL("SET search_path = {}, {}").format(sql.SQL(SEARCH_PATH), sql.Identifier(schema))
    connection.execute(path)
    return schema


def make(connection: psycopg.Connection, rows: Sky, case: Case) -> None:
    """Make the table again in one of the orders, with its q3c index and statistics."""
    q3c = see_q3c(connection)
    connection.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE".encode())
    statements.make(
        connection,
        specprod_catalogue().definition,
        ["schema", rows.table],
        ["table"],
        schema=SCHEMA,
    )
    pieces, sort, cluster = CASES[case.name]
    copy_rows(connection, rows, case, pieces(rows), sort)
    for phase in ["q3c", *(["cluster"] if cluster else [])]:
        for statement in ddl.statements(
            specprod_catalogue().definition, [rows.table], [phase], schema=SCHEMA, q3c=q3c
        ):
            case.seconds[phase] = timed(connection, statement.sql)
    connection.execute(f"VACUUM (ANALYZE) {SCHEMA}.{rows.table}".encode())
    size = connection.execute("SELECT pg_relation_size(%s)", (f"{SCHEMA}.{rows.table}",)).fetchone()
    case.megabytes = size[0] / 1e6 if size else 0.0
