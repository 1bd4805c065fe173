"""Contenders on one table, or on a whole production."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from benchmarking import limit, loader, machine
from benchmarking.bench import Bench, server
from benchmarking.ready import Ready, ready_files
from benchmarking.report import Result
from benchmarking.rounds import Rounds, Turn
from benchmarking.targets import LIMIT, jobs
from specprod_copy import database
from specprod_copy.production import ProductionFiles

NOTES = (
    "Every contender is a process of its own and pays for its start and imports; “start” is what "
    "specprod-copy needs to import everything and print a help text, and is part of its figures.",
    "The limit begins with a ready-made file of the bytes that specprod-copy sends, and has no "
    "FITS to read; its keys and indexes are made one after the other over one connection.",
    "All input files are in the kernel's memory; before each run the server writes a checkpoint.",
    "Equal contents: number of rows after each run, hashes of all values after the first.",
)


def compare(
    work: Path,
    files: ProductionFiles,
    stages: tuple[str, ...],
    *,
    runs: int,
    dsn: str | None,
) -> Result:
    """Run all contenders.

    Parameters
    ----------
    work : pathlib.Path
        Folder for server and large files.
    files : ProductionFiles
        What is loaded.
    stages : tuple of str
        The name of one table, or ``all``.
    runs : int
        Number of runs of each contender.
    dsn : str, optional
        A server; a private one without it.
    """
    with server(work, dsn) as conninfo, database.connect(conninfo) as connection:
        bench = Bench(connection, conninfo, files, stages, work)
        bench.prepare()
        units, columns = bench.plan()
        inputs = list(dict.fromkeys(unit.path for unit in units))
        with ready_files(work, units, columns) as ready:
            turns = loader_turns(bench, inputs, ready)
            notes = list(NOTES)
            if limit.may_read_files(bench):
                turns.insert(0, Turn(LIMIT, partial(limit.run, bench, ready), ready))
            else:
                notes.append(
                    "limit: missing; the role may not COPY from files of the server "
                    "(pg_read_server_files)"
                )
            rounds = Rounds(bench, turns)
            rounds.run(runs)
        rows = sum(file.rows for file in ready)
        size = sum(file.size for file in ready)
        subject = "whole production" if stages == ("all",) else stages[0]
        return Result(
            f"{subject}: {rows:,} rows, {size / 1e6:,.0f} MB of COPY data, "
            f"{sum(path.stat().st_size for path in inputs) / 1e6:,.0f} MB in {len(inputs)} files, "
            f"{runs} runs",
            "" if stages == ("all",) else stages[0],
            rows,
            machine.circumstances(connection),
            rounds.figures,
            notes,
        )


def loader_turns(bench: Bench, inputs: Sequence[Path], ready: Sequence[Ready]) -> list[Turn]:
    """Return the turns of specprod-copy with 1, 2 and as many jobs as there are processors."""
    turns = []
    for n in sorted({1, 2, os.cpu_count() or 1}):
        turns += [
            Turn(jobs(n), partial(loader.rows, bench, inputs, n), ready),
            Turn(jobs(n), partial(loader.ready, bench, inputs, n), ready),
        ]
    return [Turn(jobs(1), loader.start), *turns]
