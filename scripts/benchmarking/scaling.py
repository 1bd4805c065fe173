"""Loads and verification by more and more workers against one server, and a model of more."""

from __future__ import annotations

import os
import statistics
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from benchmarking import loader, machine, processes
from benchmarking.bench import BEFORE, Bench, server
from benchmarking.processes import FailedError
from benchmarking.report import Document, markdown, number
from specprod_copy.desi.production import ProductionFiles
from specprod_copy.postgres.connection import connect

TABLE = "zpix"

CONTENDERS: dict[str, tuple[int, tuple[str, ...]]] = {
    **{f"{n} jobs": (n, ("--jobs", str(n))) for n in (1, 2, 4, 8)},
    **{
        f"{n} workers of Dask": (n, ("--executor", "dask", "--dask-workers", str(n), "--jobs", "1"))
        for n in (1, 2, 4)
    },
}
"""Name to number of workers, and options of load and verify."""

COMMANDS = ("load", "verify")

HEAD = (
    *("command", "workers", "median s", "rows/s", "client CPU s", "server CPU s"),
    *("client busy", "server busy", "all processes MB", "model s"),
)

MANY, MODEL_ROWS = 64, 100_000_000
"""Workers and processors of the server, and rows, of which nobody has measured anything."""


@dataclass(frozen=True)
class Work:
    """What a command takes of processors for a row, and before its first one."""

    client: float
    """By workers [s]."""
    server: float
    """By the server [s]."""
    start: float
    """Seconds until rows flow."""

    def seconds(
        self, rows: int, workers: int, client: int, server: int, *, shared: bool = False
    ) -> float:
        """Return how long it takes if nothing but processors limits it.

        A worker has one connection, and so one process of the server: it reads rows while the
        server stores those before.

        Parameters
        ----------
        rows, workers : int
        client, server : int
            Processors of the machines of workers and of the server.
        shared : bool
            Whether the two are one machine, of `server` processors.
        """
        limits = [
            self.client / min(workers, client),
            self.server / min(workers, server),
            (self.client + self.server) / server if shared else 0,
        ]
        return self.start + rows * max(limits)


def _ticks(pid: int) -> Iterator[int]:
    """Yield the processor time of a process, of children that have ended, and of those that live.

    In ticks of the system's clock.
    """
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    yield sum(map(int, fields[11:15]))
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in children.read_text().split():
            yield from _ticks(int(child))


def _postmaster(bench: Bench) -> int:
    """Return the process of the server; its children are all others."""
    status = Path(f"/proc/{bench.connection.info.backend_pid}/stat")
    if not status.exists() or "(postgres)" not in status.read_text():
        raise FailedError("the server is not on this machine, where its processor time is counted")
    return int(status.read_text().rpartition(")")[2].split()[1])


def _metered(command: list[str], postmaster: int) -> dict[str, float]:
    """Run a command; return seconds, and processor time of both sides."""

    def of_server() -> float:
        return sum(_ticks(postmaster)) / os.sysconf("SC_CLK_TCK")

    before = of_server()
    figures = loader.figures("took", processes.run(command))
    return {**figures, "server cpu": of_server() - before}


def measure(work: Path, files: ProductionFiles, *, runs: int, dsn: str | None) -> Document:
    """Load and verify zpix by each number of workers, by turns.

    Parameters
    ----------
    work, files, runs, dsn
        As for `comparison.compare`.
    """
    figures: dict[str, dict[str, list[dict[str, float]]]] = {
        command: defaultdict(list) for command in COMMANDS
    }
    with server(work, dsn) as conninfo, connect(conninfo) as connection:
        bench = Bench(connection, conninfo, files, (TABLE,), work)
        bench.prepare(BEFORE[TABLE])
        units, _ = bench.plan()
        paths, rows = [*{unit.path for unit in units}], sum(unit.n_rows for unit in units)
        postmaster = _postmaster(bench)
        start = statistics.median(loader.start()["start"] for _ in range(3))
        for run in range(runs):
            for command in COMMANDS:
                if command == "verify":
                    bench.prepare([TABLE])  # the keys and indexes of what was loaded last
                for name, (_, options) in CONTENDERS.items():
                    click.echo(f"run {run + 1} of {runs}: {command}, {name}", err=True)
                    if command == "load":
                        bench.drop_tables()
                        options = (*options, "--part", "1/1")
                    bench.settle(paths)
                    line = bench.command(command, bench.stages, *options)
                    figures[command][name].append(_metered(line, postmaster))
        circumstances = machine.circumstances(connection)
    body = [
        cells for command in COMMANDS for cells in _rows(command, rows, start, figures[command])
    ]
    return Document(
        f"{TABLE}, {rows:,} rows: load (rows, without keys) and verify by several workers; "
        f"medians of {runs} runs",
        circumstances,
        [markdown(HEAD, body, texts=2)],
        figures,
        [
            "Busy: processors of this machine that each side kept busy, on average; workers and "
            "server share them. Every command pays for its start and imports, "
            f"{start:.2f} s for the first process. Model: start, and for each row the largest of "
            "client / workers, server / workers and (client + server) / processors, with the "
            "processor time per row of 1 job.",
            _model(rows, start, figures),
        ],
    )


def _work(rows: int, start: float, runs: list[dict[str, float]]) -> Work:
    """Return what one worker took."""
    client, of_server = (
        statistics.median(run[figure] for run in runs) for figure in ("took cpu", "server cpu")
    )
    return Work((client - start) / rows, of_server / rows, start)


def _rows(
    command: str, rows: int, start: float, figures: dict[str, list[dict[str, float]]]
) -> Iterator[list[str]]:
    """Yield a line of the table for each contender."""
    one = _work(rows, start, figures[next(iter(CONTENDERS))])
    for name, (workers, _) in CONTENDERS.items():
        took, client, of_server, together = (
            statistics.median(run[figure] for run in figures[name])
            for figure in ("took", "took cpu", "server cpu", "took together MB")
        )
        processors = os.cpu_count() or 1
        model = one.seconds(rows, workers, processors, processors, shared=True)
        yield [
            *(command, name),
            *(number(took), number(rows / took, 0)),
            *(number(client), number(of_server)),
            *(number(client / took), number(of_server / took)),
            *(number(together, 0), number(model)),
        ]


def _model(rows: int, start: float, figures: dict[str, dict[str, list[dict[str, float]]]]) -> str:
    """Return what the model says of many workers and a server of its own, as a sentence."""
    said = []
    for command in COMMANDS:
        one = _work(rows, start, figures[command][next(iter(CONTENDERS))])
        for workers in (1, MANY):
            rate = MODEL_ROWS / one.seconds(MODEL_ROWS, workers, MANY, MANY)
            said.append(f"{command} by {workers}: {rate:,.0f} rows/s")
    return (
        f"The model for {MODEL_ROWS:,} rows, workers with a processor each, and a server with "
        f"{MANY} of its own: {'; '.join(said)}. Nothing but processors is in it: no disk, no log, "
        "no network, no waiting for one another."
    )
