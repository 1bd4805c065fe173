"""Results of queries into Parquet, beside the server's own binary COPY TO and other ways."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import click
import psycopg
from psycopg import sql

from benchmarking import machine, processes
from benchmarking.bench import BEFORE, SCHEMA, Bench, server
from benchmarking.fetching import CONTENDERS, IDS_AS_TEXT
from benchmarking.productions import Size, demo_production
from benchmarking.report import Document, markdown, number
from benchmarking.rounds import summary
from specprod_copy.postgres.connection import connect
from specprod_copy.postgres.schema_from_server import read_schema

_ID = "id"

TEN = (
    *(_ID, "targetid", "survey", "program", "z", "zerr", "zwarn", "spectype", "deltachi2"),
    "zcat_primary",
)

_SMALL = 10_000
"""Rows of zpix that a demo production has; the table repeats them."""


def measure(work: Path, rows: int, *, runs: int, dsn: str | None) -> Document:
    """Fetch so many rows of zpix, by turns.

    Parameters
    ----------
    work : pathlib.Path
        Folder for server and files.
    rows : int
    runs : int
        Number of runs of each contender.
    dsn : str, optional
        A server; a private one without it.
    """
    files = demo_production(work, "iron", Size.of_rows(min(rows, _SMALL)))
    figures: dict[str, dict[str, list[float]]] = {"all columns": {}, "ten columns": {}}
    memory: dict[str, float] = {}
    with server(work, dsn) as conninfo, connect(conninfo) as connection:
        Bench(connection, conninfo, files, ("zpix",), work).prepare([*BEFORE["zpix"], "zpix"])
        _repeat(connection, rows)
        every = [column.name for column in read_schema(connection, SCHEMA).tables["many"].columns]
        columns = dict(zip(figures, (every, TEN), strict=True))
        output = work / "result.parquet"
        for number_of_run in range(runs):
            for which, name in product(figures, CONTENDERS):
                query = _query(columns[which], ids_as_text=name == IDS_AS_TEXT)
                click.echo(f"run {number_of_run + 1} of {runs}: {name}, {which}", err=True)
                words = [sys.executable, "-m", "benchmarking.fetching", name, conninfo]
                usage = processes.run([*words, query, str(output)])
                seconds = json.loads(usage.output)["seconds"]
                figures[which].setdefault(name, []).append(seconds)
                memory[name] = max(memory.get(name, 0), usage.largest_mb)
        output.unlink(missing_ok=True)
    body = [
        [
            name,
            which,
            *map(number, summary(seconds)),
            number(summary(found["COPY TO"])[0] / summary(seconds)[0]),
            number(rows / summary(seconds)[0], 0),
            number(memory[name], 0),
        ]
        for which, found in figures.items()
        for name, seconds in found.items()
    ]
    head = ["contender", "query", "median s", "least", "most", "of COPY TO", "rows/s", "peak MB"]
    return Document(
        f"{rows:,} rows of zpix out of the database, {runs} runs",
        machine.client_circumstances(),
        [markdown(head, body, texts=2)],
        figures,
        ["Seconds without start and imports. COPY TO is drained, not decoded, nor written."],
    )


def _query(columns: Sequence[str], *, ids_as_text: bool) -> str:
    names = [f"{name}::text" if ids_as_text and name == _ID else name for name in columns]
    return f"SELECT {', '.join(names)} FROM {SCHEMA}.many"  # noqa: S608 (names of our own)


def _repeat(connection: psycopg.Connection, rows: int) -> None:
    """Make a table of so many rows, which repeats those of zpix."""
    names = {"many": sql.Identifier(SCHEMA, "many"), "zpix": sql.Identifier(SCHEMA, "zpix")}
    for statement in (
        "CREATE TABLE {many} (LIKE {zpix} INCLUDING COMMENTS)",
        "INSERT INTO {many} SELECT z.* FROM generate_series(1, %s) AS n, {zpix} AS z LIMIT %s",
        "ANALYZE {many}",
    ):
        values = (rows, rows) if "%s" in statement else None
        connection.execute(sql.SQL(statement).format(**names), values)
