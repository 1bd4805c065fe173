"""Ready-made files for the server's own COPY: the bytes that specprod-copy would send."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
from psycopg import sql

from specprod_copy.postgres.columns import Column
from specprod_copy.postgres.copy import File
from specprod_copy.postgres.encoder import Encoder
from specprod_copy.rows.encoding import encoded_chunks
from specprod_copy.rows.units import Unit
from specprod_copy.tables import SOURCES


@dataclass(frozen=True)
class Ready:
    """A file that fills one table.

    Parameters
    ----------
    table : str
    columns : tuple of str
        Names of the columns, in the order of the file.
    path : pathlib.Path
    rows, size : int
        Number of rows, and bytes.
    """

    table: str
    columns: tuple[str, ...]
    path: Path
    rows: int
    size: int


def _write(path: Path, units: Sequence[Unit], columns: Sequence[Column]) -> Ready:
    encoder = Encoder(columns)
    chunks = (chunk.kept for unit in units for chunk in encoded_chunks(unit, SOURCES, encoder))
    rows = File(path).copy(chunks)
    path.chmod(0o644)  # the server may be another user
    names = tuple(column.name for column in columns)
    return Ready(units[0].table, names, path, rows, path.stat().st_size)


@contextmanager
def ready_files(
    work: Path, units: Sequence[Unit], columns: Mapping[str, Sequence[Column]]
) -> Iterator[list[Ready]]:
    """Yield a file for each table, deleted afterwards.

    Parameters
    ----------
    work : pathlib.Path
        Folder for them, which the server can reach.
    units : sequence of Unit
        In the order of loading.
    columns : mapping of str to sequence of Column
        Columns of each table.
    """
    with TemporaryDirectory(prefix="copy-", dir=work) as folder:
        Path(folder).chmod(0o755)
        by_table = groupby(sorted(units, key=lambda u: u.table), key=lambda u: u.table)
        made = {
            table: _write(Path(folder) / f"{table}.copy", list(group), columns[table])
            for table, group in by_table
        }
        yield [made[table] for table in dict.fromkeys(unit.table for unit in units)]


def send(connection: psycopg.Connection, schema: str, ready: Ready) -> None:
    """Fill a table with a file by COPY FROM STDIN, which needs no right to read on the server."""
    with (
        ready.path.open("rb") as file,
        connection.cursor() as cursor,
        cursor.copy(copy_statement(schema, ready)) as sending,
    ):
        while block := file.read(1 << 20):
            sending.write(block)


def copy_statement(schema: str, ready: Ready, source: sql.Composable | None = None) -> sql.Composed:
    """Return the COPY of a file, from a path on the server or from us."""
    return sql.SQL("COPY {} ({}) FROM {} (FORMAT BINARY)").format(
        sql.Identifier(schema, ready.table),
        sql.SQL(", ").join(map(sql.Identifier, ready.columns)),
        source or sql.SQL("STDIN"),
    )
