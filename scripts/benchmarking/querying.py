"""Results of queries into Parquet, beside the server's own binary COPY TO and other ways."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click
import psycopg
from psycopg import sql

from benchmarking import machine, processes
from benchmarking.bench import BEFORE, SCHEMA, Bench, server
from benchmarking.fetching import CONTENDERS
from benchmarking.productions import Size, demo_production
from benchmarking.report import Document, markdown, number
from benchmarking.rounds import summary
from specprod_copy.postgres.connection import connect

TEN = "id, targetid, survey, program, z, zerr, zwarn, spectype, deltachi2, zcat_primary"

QUERIES = {
    "all columns": f"SELECT * FROM {SCHEMA}.many",  # noqa: S608 (names of our own)
    "ten columns": f"SELECT {TEN} FROM {SCHEMA}.many",  # noqa: S608
}

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
    figures: dict[str, dict[str, list[float]]] = {query: {} for query in QUERIES}
    memory: dict[str, float] = {}
    with server(work, dsn) as conninfo, connect(conninfo) as connection:
        Bench(connection, conninfo, files, ("zpix",), work).prepare([*BEFORE["zpix"], "zpix"])
        _repeat(connection, rows)
        output = work / "result.parquet"
        for number_of_run in range(runs):
            for which, query in QUERIES.items():
                for name in CONTENDERS:
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
