"""The rows of the table, as the server sends them.

They are streamed by binary COPY and counted here, by the code that counts the rows of the files.
That is exact (a hash made by the server would not tell 0.0 from -0.0, and folds 64-bit integers),
and quicker: to hash its columns costs the server more than to send them.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass

import numpy as np
import polars as pl
import psycopg
from psycopg import sql
from psycopg.abc import Buffer

from specprod_copy.desi.id_parts import undecodable
from specprod_copy.errors import DatabaseError
from specprod_copy.postgres.connection import SESSION_SETTINGS, connect, first_cause
from specprod_copy.postgres.decoder import HEADER, TRAILER, Decoder
from specprod_copy.reader.selection import CHUNK_ROWS
from specprod_copy.verification.fingerprint import Tally, key_hashes, parts_of
from specprod_copy.verification.job import TableJob

_EXAMPLES = 3

_CHUNK_BYTES = 1 << 24
"""Of rows that are decoded at once, if these are fewer than `CHUNK_ROWS`."""


@dataclass(frozen=True)
class Pages:
    """A range of pages of a table."""

    first: int
    last: int | None
    """The page after the last one; None: to the end."""
    without: tuple[int, ...] = ()
    """Tiles whose rows are left out; those of photometry are of the first tile of their target."""


@dataclass
class TableScan:
    """What was found in a table.

    Parameters
    ----------
    tally : Tally
    undecodable : dict of str to int
        Column of an id to the number of rows whose id does not decode to their columns.
    examples : dict of str to list of str
        The ids of some of these.
    """

    tally: Tally
    undecodable: dict[str, int]
    examples: dict[str, list[str]]

    @classmethod
    def of_nothing(cls, job: TableJob) -> TableScan:
        """Return what is found in no rows."""
        packed = list(job.decoders)
        tally = Tally.of_nothing(len(job.columns))
        return cls(tally, dict.fromkeys(packed, 0), {column: [] for column in packed})

    def add(self, other: TableScan) -> None:
        """Count what another scan has found in."""
        self.tally.add(other.tally)
        for column, count in other.undecodable.items():
            self.undecodable[column] += count
            self.examples[column] += other.examples[column]


@contextmanager
def reading(conninfo: str, tables: Sequence[tuple[str, str]]) -> Iterator[psycopg.Connection]:
    """Connect, with a view of the database that stays the same for as long as it takes.

    Parameters
    ----------
    conninfo : str
    tables : sequence of (schema, table)
        Are kept from being dropped, truncated or rewritten meanwhile. Readers and loaders are not
        disturbed.
    """
    with _connect(conninfo) as connection, connection.transaction():
        for name in tables:
            lock = sql.SQL("LOCK TABLE {} IN ACCESS SHARE MODE").format(sql.Identifier(*name))
            connection.execute(lock)
        with first_cause(connection):
            yield connection


@contextmanager
def joining(conninfo: str, snapshot: str) -> Iterator[psycopg.Connection]:
    """Connect once more, with the view of another connection, for a transaction that only reads.

    Parameters
    ----------
    conninfo : str
    snapshot : str
        From `export_snapshot` there.
    """
    with closing(_connect(conninfo)) as connection:
        connection.autocommit = False
        connection.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(snapshot)))
        yield connection


def _connect(conninfo: str) -> psycopg.Connection:
    settings = {
        **SESSION_SETTINGS,
        # The first connection waits, while others read for hours.
        "idle_in_transaction_session_timeout": "0",
        "client_encoding": "UTF8",
    }
    connection = connect(conninfo, settings=settings)
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    connection.read_only = True
    return connection


def export_snapshot(connection: psycopg.Connection) -> str:
    """Return the name of a connection's view of the database, for `joining`."""
    row = connection.execute("SELECT pg_export_snapshot()").fetchone()
    if row is None:
        raise DatabaseError("the server gave no snapshot")
    return str(row[0])


def page_ranges(connection: psycopg.Connection, schema: str, table: str, size: int) -> list[Pages]:
    """Return a table cut into ranges of so many pages.

    Those of a table in partitions are such pages of each partition.
    """
    row = connection.execute(
        """SELECT coalesce(max(pg_relation_size(p.relid)), pg_relation_size(c.oid))
                  / current_setting('block_size')::bigint, greatest(count(p.relid), 1)
           FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
           LEFT JOIN pg_partition_tree(c.oid) p ON p.isleaf
           WHERE nspname = %s AND relname = %s GROUP BY c.oid""",
        (schema, table),
    ).fetchone()
    if row is None:
        raise DatabaseError(f"table {schema}.{table} does not exist")
    pages, partitions = row
    firsts = range(0, max(pages, 1), max(size // partitions, 1))
    lasts = [*firsts[1:], None]
    return [Pages(first, last) for first, last in zip(firsts, lasts, strict=True)]


def table_frames(
    connection: psycopg.Connection, job: TableJob, pages: Pages
) -> Generator[pl.DataFrame, None, None]:
    """Yield the rows of a table, at most `CHUNK_ROWS` at a time.

    Parameters
    ----------
    connection : psycopg.Connection
    job : TableJob
    pages : Pages
        Which rows.

    Yields
    ------
    polars.DataFrame
        The job's columns.
    """
    decoder = Decoder(job.columns)
    statement = sql.SQL("COPY (SELECT {} FROM {}{}) TO STDOUT (FORMAT BINARY)").format(
        decoder.expressions(), sql.Identifier(job.schema, job.table), _where(job, pages)
    )
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        rows: list[Buffer] = []
        size = 0
        for row in _rows(iter(copy)):
            rows.append(row)
            size += len(row)
            if len(rows) == CHUNK_ROWS or size >= _CHUNK_BYTES:
                yield decoder.decode(rows)
                rows, size = [], 0
        yield decoder.decode(rows)


def _rows(messages: Iterator[Buffer]) -> Iterator[Buffer]:
    """Yield the rows of a COPY: the server sends each as a message, the header before the first."""
    first = bytes(next(messages, b""))
    if not first.startswith(HEADER):
        raise DatabaseError("the server's COPY data have an unknown header")
    rest = first[len(HEADER) :]
    if rest and rest != TRAILER:
        yield rest
    for message in messages:
        if len(message) != len(TRAILER):
            yield message


_OF_TILES = sql.SQL("tileid <> ALL({tiles})")
_OF_TARGETS = sql.SQL(
    """(targetid NOT IN (SELECT targetid FROM {target} WHERE tileid = ANY({tiles}))
       OR (SELECT min(tileid) FROM {target} AS own WHERE own.targetid = {table}.targetid)
          <> ALL({tiles}))"""
)


def _where(job: TableJob, pages: Pages) -> sql.Composed:
    bounds = [(">=", pages.first)] if pages.first else []
    bounds += [("<", pages.last)] if pages.last is not None else []
    conditions = [
        sql.SQL("ctid {} {}::tid").format(sql.SQL(sign), sql.Literal(f"({page},0)"))
        for sign, page in bounds
    ]
    if pages.without:
        left_out = _OF_TILES if job.has_tileid else _OF_TARGETS
        names = {
            "tiles": sql.Literal([*pages.without]),
            "table": sql.Identifier(job.schema, job.table),
            "target": sql.Identifier(job.schema, "target"),
        }
        conditions.append(left_out.format(**names))
    if not conditions:
        return sql.Composed([])
    return sql.SQL(" WHERE ") + sql.SQL(" AND ").join(conditions)


def scan_pages(connection: psycopg.Connection, job: TableJob, pages: Pages) -> TableScan:
    """Count the rows of a range of pages, and try their ids.

    Parameters
    ----------
    connection : psycopg.Connection
        From `joining`.
    job : TableJob
    pages : Pages
    """
    scan = TableScan.of_nothing(job)
    with closing(table_frames(connection, job, pages)) as frames:
        for frame in frames:
            scan.tally.count(frame, key_hashes(frame, job.key))
            for column in scan.undecodable:
                wrong = undecodable(frame, column, job.decoders[column])
                scan.undecodable[column] += wrong.height
                scan.examples[column] += map(str, wrong[column].head(_EXAMPLES))
    return scan


def collect_pages(
    connection: psycopg.Connection, job: TableJob, parts: np.ndarray, pages: Pages
) -> pl.DataFrame:
    """Return the rows of a range of pages that lie in some parts of the table.

    Parameters
    ----------
    connection, job
        As for `scan_pages`.
    parts : numpy.ndarray of bool, shape (fingerprint.PARTS,)
        Which parts.
    pages : Pages
    """
    found = [job.no_rows]
    with closing(table_frames(connection, job, pages)) as frames:
        for frame in frames:
            found.append(frame.filter(parts[parts_of(key_hashes(frame, job.key))]))
    return pl.concat(found)
