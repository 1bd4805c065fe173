"""Peers as turns of a comparison."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from benchmarking import limit, loader, processes
from benchmarking.bench import SCHEMA, Bench
from benchmarking.peers import Peer
from benchmarking.ready import Ready
from benchmarking.rounds import Turn
from specprod_copy.rows.units import Unit


def turn(
    bench: Bench, peer: Peer, units: Sequence[Unit], ready: Sequence[Ready], scale: float = 1
) -> Turn:
    """Return the turn of a peer.

    Parameters
    ----------
    bench : Bench
    peer : Peer
    units : sequence of Unit
        What it is to load, of one table; the last row is heeded, other selections are not.
    ready : sequence of Ready
        What the table must hold afterwards.
    scale : float
        What time and processor time are multiplied by, but for start and reading, when only part
        of the rows is loaded.
    """
    return Turn(peer.name, partial(_run, bench, peer, units, scale), ready)


def first_rows(units: Sequence[Unit], most: int) -> list[Unit]:
    """Return units of about so many rows: those of the first file, if they suffice."""
    first = units[0]
    return [replace(first, last=min(first.last, most))]


def _run(bench: Bench, peer: Peer, units: Sequence[Unit], scale: float) -> dict[str, float]:
    bench.make_tables()
    if peer.indexed:
        limit.finish(bench)
    files: dict[tuple[str, Path, str], int] = {}
    for unit in units:
        files[unit.source, unit.path, unit.hdu] = unit.last
    bench.settle([path for _, path, _ in files])
    order = {
        "module": peer.module,
        "reader": peer.reader,
        "conninfo": bench.conninfo,
        "schema": SCHEMA,
        "table": units[0].table,
        "units": [(source, str(path), hdu) for source, path, hdu in files],
        "most": next(iter(files.values())) if len(files) == 1 else None,
    }
    usage = processes.run([sys.executable, "-m", "benchmarking.peers.task", json.dumps(order)])
    told = json.loads(usage.output)
    start = told["begun"] - usage.started
    # What does not grow with the rows that were left out.
    once, once_cpu = start + told["reading"], told["begun_cpu"] + told["reading_cpu"]
    usage = replace(
        usage,
        seconds=once + (usage.seconds - once) * scale,
        cpu=once_cpu + (usage.cpu - once_cpu) * scale,
    )
    figures = {"start": start, **loader.figures("rows", usage)}
    return figures | loader.figures("ready", usage) if peer.indexed else figures
