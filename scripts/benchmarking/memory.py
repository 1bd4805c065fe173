"""Memory of the loader at two sizes, ten times apart: it must not grow with the file."""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable
from pathlib import Path

import click

from benchmarking import loader, machine
from benchmarking.bench import BEFORE, Bench, server
from benchmarking.report import Document, markdown, number
from benchmarking.targets import jobs
from specprod_copy.desi.production import ProductionFiles
from specprod_copy.postgres.connection import connect

MOST_MB = 400
FACTOR = 10


def measure(
    work: Path,
    production: Callable[[int], ProductionFiles],
    rows: int,
    *,
    table: str,
    runs: int,
    dsn: str | None,
) -> Document:
    """Load a table of two sizes with 1, 2 and as many jobs as there are processors.

    Parameters
    ----------
    work, runs, dsn
        As for `comparison.compare`.
    production : callable
        Returns a production of a number of rows.
    rows : int
        The larger size.
    table : str
    """
    figures: dict[str, list[dict[str, float]]] = {}
    sizes: dict[int, tuple[int, int]] = {}
    for size in (rows // FACTOR, rows):
        files = production(size)
        with server(work, dsn) as conninfo, connect(conninfo) as connection:
            bench = Bench(connection, conninfo, files, (table,), work)
            bench.prepare(BEFORE[table])
            units, _ = bench.plan()
            inputs = list(dict.fromkeys(unit.path for unit in units))
            sizes[size] = sum(unit.n_rows for unit in units), sum(p.stat().st_size for p in inputs)
            for n in sorted({1, 2, os.cpu_count() or 1}):
                click.echo(f"{table}, {sizes[size][0]:,} rows: {jobs(n)}", err=True)
                figures[f"{size} {n}"] = [loader.rows(bench, inputs, n) for _ in range(runs)]
            circumstances = machine.circumstances(connection)
    body = []
    for key, found in figures.items():
        size, n = map(int, key.split())
        largest, together = (
            statistics.median(run[f"rows {name} MB"] for run in found)
            for name in ("largest", "together")
        )
        cells = [f"{sizes[size][0]:,}", number(sizes[size][1] / 1e6, 0), str(n)]
        cells += [number(largest, 0), number(together, 0)]
        body.append([*cells, f"≤ {MOST_MB}", "yes" if largest <= MOST_MB else "no"])
    head = ["rows", "MB of FITS", "jobs", "largest process MB", "all processes MB", "target", "met"]
    return Document(
        f"Memory: {table} at two sizes, medians of {runs} runs",
        circumstances,
        [markdown(head, body)],
        {"sizes": sizes, "runs": figures},
        [
            "Peak resident memory; pages that processes share (code of libraries) count in each "
            "of them.",
        ],
    )
