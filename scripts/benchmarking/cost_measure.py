"""Measures what the cost model wants to know, on a whole demo production."""

from __future__ import annotations

import os
import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import click
from psycopg import sql

from benchmarking import cost_report, limit, loader, machine
from benchmarking.bench import SCHEMA, Bench, server
from benchmarking.cost import DR1, NODE_128, Cost, Node
from benchmarking.peers import ORM
from benchmarking.peers import contender as peers
from benchmarking.processes import FailedError
from benchmarking.ready import Ready, ready_files
from benchmarking.report import Document
from benchmarking.rounds import Figures, Rounds, Turn
from benchmarking.targets import LIMIT, jobs
from specprod_copy.desi.production import ProductionFiles
from specprod_copy.plan.ledger import TABLE as LEDGER
from specprod_copy.postgres.columns import Column
from specprod_copy.postgres.connection import connect
from specprod_copy.rows.units import Unit
from specprod_copy.tables import specprod_catalogue


def measure(
    work: Path, files: ProductionFiles, *, runs: int, orm_rows: int, dsn: str | None
) -> Document:
    """Measure, and return the tables of the model; parameters as for `comparison.compare`."""
    with server(work, dsn) as conninfo, connect(conninfo) as connection:
        bench = Bench(connection, conninfo, files, ("all",), work)
        if not limit.may_read_files(bench):
            raise FailedError("the cost model needs the right to COPY from files of the server")
        units, columns = bench.plan()
        inputs = list(dict.fromkeys(unit.path for unit in units))
        many = os.cpu_count() or 1
        sizes: dict[str, tuple[int, int]] = {}
        with ready_files(work, units, columns) as ready:
            turns = [
                Turn(LIMIT, partial(_limit, bench, ready, sizes), ready),
                Turn("one", partial(_by_table, bench, inputs), ready),
            ]
            turns += [
                Turn(jobs(n), partial(act, bench, inputs, n), ready)
                for n in sorted({1, many})
                for act in (loader.rows, loader.ready)
            ]
            rounds = Rounds(bench, turns)
            rounds.run(runs)
            orm = _orm(bench, units, columns, orm_rows)
        costs = _costs(rounds.figures, ready, units, sizes, orm)
        here = _this_machine(rounds.figures, many)
        return Document(
            f"Cost of a production, medians of {runs} runs",
            machine.circumstances(connection),
            [
                cost_report.per_million(costs),
                cost_report.for_dr1(costs),
                cost_report.machines(costs, [here, NODE_128]),
            ],
            {
                "costs": {table: asdict(cost) for table, cost in costs.items()},
                "nodes": [asdict(here), asdict(NODE_128)],
                "runs": rounds.figures,
            },
            cost_report.notes(),
        )


def _limit(
    bench: Bench, ready: Sequence[Ready], sizes: dict[str, tuple[int, int]]
) -> dict[str, float]:
    """Run the limit, and note the sizes of tables and indexes."""
    figures = limit.run(bench, ready)
    query = "SELECT pg_table_size({0}), pg_indexes_size({0})"
    for table in bench.tables:
        name = sql.Literal(sql.Identifier(SCHEMA, table).as_string())
        row = bench.connection.execute(sql.SQL(query).format(name)).fetchone()
        assert row is not None
        sizes[table] = row
    return figures


def _by_table(bench: Bench, inputs: Sequence[Path]) -> dict[str, float]:
    """Load rows by one job; return the seconds of each table, from the ledger."""
    loader.rows(bench, inputs, 1)
    query = sql.SQL("SELECT table_name, sum(seconds) FROM {} GROUP BY 1")
    ledger = sql.Identifier(SCHEMA, LEDGER)
    return dict(bench.connection.execute(query.format(ledger)).fetchall())


def _orm(
    bench: Bench, units: Sequence[Unit], columns: Mapping[str, Sequence[Column]], rows: int
) -> Mapping[str, float]:
    """Return the seconds that the ORM takes for each row of the large tables."""
    if ORM.missing():
        click.echo(f"ORM: missing; not installed: {', '.join(ORM.missing())}", err=True)
        return {}
    bench.drop_tables()
    seconds = {}
    for stage in dict.fromkeys(source.stage for source in specprod_catalogue().select(["all"])):
        own = replace(bench, stages=(stage,))
        tables = [table for table in own.tables if table in DR1 and table not in seconds]
        for table in tables:
            some = peers.first_rows([unit for unit in units if unit.table == table], rows)
            with ready_files(bench.work, some, columns) as ready:
                click.echo(f"ORM: {ready[0].rows:,} rows of {table}", err=True)
                figures = peers.turn(own, ORM, some, ready).run()
            seconds[table] = (figures["rows"] - figures["start"]) / ready[0].rows
        if tables:
            own.drop_tables()
        bench.prepare([stage])
    return seconds


def _costs(
    figures: Mapping[str, Figures],
    ready: Sequence[Ready],
    units: Sequence[Unit],
    sizes: Mapping[str, tuple[int, int]],
    orm: Mapping[str, float],
) -> dict[str, Cost]:
    parts = {name: statistics.median(values) for name, values in figures[LIMIT].items()}
    keys: dict[str, list[float]] = defaultdict(list)
    for name, seconds in parts.items():
        phase, _, rest = name.partition(" ")
        if phase in limit.PHASES:
            keys[rest.split()[0]].append(seconds)
    files: dict[str, dict[Path, int]] = defaultdict(dict)
    for unit in units:
        files[unit.table][unit.path] = unit.path.stat().st_size
    return {
        file.table: Cost(
            rows=file.rows,
            copy=parts[f"copy {file.table}"],
            load=statistics.median(figures["one"][file.table]),
            keys=sum(keys[file.table]),
            longest=max(keys[file.table]),
            analyze=parts[f"analyze {file.table}"],
            orm=orm.get(file.table, 0) * file.rows,
            file_bytes=sum(files[file.table].values()),
            copy_bytes=file.size,
            heap_bytes=sizes[file.table][0],
            index_bytes=sizes[file.table][1],
        )
        for file in ready
        if file.table in DR1
    }


def _this_machine(figures: Mapping[str, Figures], many: int) -> Node:
    """Return this machine, with the gain of several jobs over one as it was measured."""
    median = {
        (n, name): statistics.median(figures[jobs(n)][name])
        for n in (1, many)
        for name in ("rows", "ready")
    }
    finishing = {n: max(median[n, "ready"] - median[n, "rows"], 1e-3) for n in (1, many)}
    return Node(
        f"this machine, {many} processors",
        many,
        median[1, "rows"] / median[many, "rows"],
        finishing[1] / finishing[many],
    )
