"""Contenders on one table, or on a whole production."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from benchmarking import limit, loader, machine
from benchmarking.bench import BEFORE, Bench, server
from benchmarking.peers import ORM, PEERS
from benchmarking.peers import contender as peers
from benchmarking.ready import Ready, ready_files
from benchmarking.result import Result
from benchmarking.rounds import Rounds, Turn
from benchmarking.targets import LIMIT, PARALLEL, jobs
from specprod_copy.desi.production import ProductionFiles
from specprod_copy.postgres.connection import connect
from specprod_copy.rows.units import Unit

NOTES = (
    "Every contender is a process of its own and pays for its start and imports; “start” is what "
    "specprod-copy needs to import everything and print a help text, and is part of its figures.",
    "The limit begins with a ready-made file of the bytes that specprod-copy sends, and has no "
    "FITS to read; its keys and indexes are made one after the other over one connection, each by "
    "one process, or by as many as the server's max_parallel_maintenance_workers lets.",
    "All input files are in the kernel's memory; before each run the server writes a checkpoint.",
    "Equal contents: number of rows after each run, hashes of all values after the first.",
)

PEER_NOTES = (
    "Peers, from the start of their process to the commit: imports; the FITS file read by fitsio "
    "(ORM: by astropy, as DESI's loader does), all of it at once; ids, names, row filter and "
    "checks by the project's own transform; then theirs. The table has no keys or indexes.",
    "The ORM, as DESI's loader: one object per row, a commit per 50,000 rows, keys and indexes in "
    "place before. It has part of the rows; its time beyond start and reading is multiplied.",
)


def compare(
    work: Path,
    files: ProductionFiles,
    stages: tuple[str, ...],
    *,
    runs: int,
    orm_rows: int,
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
    orm_rows : int
        About so many rows for the ORM, which is slow; its time is scaled.
    dsn : str, optional
        A server; a private one without it.
    """
    with server(work, dsn) as conninfo, connect(conninfo) as connection:
        bench = Bench(connection, conninfo, files, stages, work)
        bench.prepare(BEFORE.get(stages[0], ()))
        units, columns = bench.plan()
        inputs = list(dict.fromkeys(unit.path for unit in units))
        with ExitStack() as stack:
            ready = stack.enter_context(ready_files(work, units, columns))
            turns = loader_turns(bench, inputs, ready)
            notes = list(NOTES)
            if stages != ("all",):
                part = peers.first_rows(units, orm_rows)
                some = stack.enter_context(ready_files(work, part, columns))
                turns += peer_turns(bench, units, ready, part, some)
                notes += peer_notes(some[0].rows)
            if limit.may_read_files(bench):
                serial, parallel = (
                    partial(limit.run, bench, ready, parallel=p) for p in (False, True)
                )
                turns[:0] = [Turn(LIMIT, serial, ready), Turn(PARALLEL, parallel, ready)]
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


def peer_turns(
    bench: Bench,
    units: Sequence[Unit],
    ready: Sequence[Ready],
    part: Sequence[Unit],
    some: Sequence[Ready],
) -> list[Turn]:
    """Return the turns of the peers that are installed.

    Parameters
    ----------
    bench : Bench
    units, ready
        All rows.
    part, some
        The rows for the ORM.
    """
    installed = [peer for peer in PEERS if not peer.missing()]
    turns = [peers.turn(bench, peer, units, ready) for peer in installed if peer != ORM]
    if ORM in installed:
        turns.append(peers.turn(bench, ORM, part, some, scale=ready[0].rows / some[0].rows))
    return turns


def peer_notes(orm_rows: int) -> list[str]:
    """Return what is to be known of the peers."""
    missing = [
        f"{peer.name}: missing; not installed: {', '.join(peer.missing())} "
        "(pip install specprod-copy[benchmark])"
        for peer in PEERS
        if peer.missing()
    ]
    return [*PEER_NOTES, f"The ORM has loaded {orm_rows:,} rows.", *missing]
