"""Thousands of small gzipped files: they must not be slower than their rows."""

from __future__ import annotations

import gzip
import os
import statistics
import time
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import click
from isal import isal_zlib

from benchmarking import limit, loader, machine
from benchmarking.bench import Bench, server
from benchmarking.productions import MOST_TARGETS, Size, demo_production
from benchmarking.ready import ready_files
from benchmarking.report import Document, markdown, number
from benchmarking.rounds import Rounds, Turn
from benchmarking.targets import LIMIT, jobs
from specprod_copy.desi.production import ProductionFiles
from specprod_copy.postgres.connection import connect

SMALL_TARGETS = 100
STAGE = "fiberassign"
START = "start"

HEAD = (
    *("files", "contender", "median s", "files/s", "rows/s", "MB/s unpacked", "of limit"),
    *("CPU s per 10⁶ rows", "largest process MB"),
)


@dataclass(frozen=True)
class Found:
    """What was found with one production: its files and figures."""

    files: int
    size: int
    unpacked: int
    unpacking: dict[str, float]
    rows: int
    figures: dict[str, dict[str, list[float]]]


def zip_all(files: ProductionFiles, tileids: Sequence[int]) -> list[Path]:
    """Gzip the fiberassign files that are not yet; return all of them."""
    paths = []
    for path in files.fiberassign(tileids).values():
        assert path is not None
        if path.suffix != ".gz":
            packed = path.with_name(f"{path.name}.gz")
            packed.write_bytes(gzip.compress(path.read_bytes(), 6, mtime=0))
            path.unlink()
            path = packed
        paths.append(path)
    return paths


def _unpack_all(paths: Sequence[Path]) -> tuple[int, dict[str, float]]:
    """Return the size of the unpacked files, and the seconds that several libraries take."""
    size, seconds = 0, {}
    for name, library in (("zlib", zlib), ("ISA-L", isal_zlib)):
        started = time.monotonic()
        size = sum(len(library.decompress(path.read_bytes(), 31)) for path in paths)
        seconds[name] = time.monotonic() - started
    return size, seconds


def _measure(work: Path, files: ProductionFiles, runs: int, dsn: str | None) -> tuple[Found, dict]:
    with server(work, dsn) as conninfo, connect(conninfo) as connection:
        bench = Bench(connection, conninfo, files, (STAGE,), work)
        bench.prepare(["exposures"])
        paths = zip_all(files, bench.tileids())
        unpacked, unpacking = _unpack_all(paths)
        units, columns = bench.plan()
        with ready_files(work, units, columns) as ready:
            turns = [
                Turn(jobs(n), partial(loader.rows, bench, paths, n), ready)
                for n in sorted({1, 2, os.cpu_count() or 1})
            ]
            turns.append(Turn(START, loader.start))
            if limit.may_read_files(bench):
                turns.insert(0, Turn(LIMIT, partial(limit.rows, bench, ready), ready))
            rounds = Rounds(bench, turns)
            rounds.run(runs)
            rows = sum(file.rows for file in ready)
        size = sum(path.stat().st_size for path in paths)
        found = Found(len(paths), size, unpacked, unpacking, rows, rounds.figures)
        return found, machine.circumstances(connection)


def measure(work: Path, specprod: str, n_files: int, *, runs: int, dsn: str | None) -> Document:
    """Load many small files, and then about the same rows in few large ones.

    Parameters
    ----------
    work, runs, dsn
        As for `comparison.compare`.
    specprod : str
        The production to imitate.
    n_files : int
        Number of small files.
    """
    large = max(4, n_files * SMALL_TARGETS // MOST_TARGETS)
    results = {}
    for size in (Size(n_files, SMALL_TARGETS), Size(large, MOST_TARGETS)):
        click.echo(f"{size.tiles} files", err=True)
        files = demo_production(work, specprod, size, purpose="gzip")
        results[size.tiles], circumstances = _measure(work, files, runs, dsn)
    body = [cells for found in results.values() for cells in _body(found)]
    notes = [
        f"{found.files:,} files: {found.rows:,} rows of fiberassign and potential, "
        f"{found.size / 1e6:,.0f} MB, {found.unpacked / 1e6:,.0f} MB unpacked; "
        f"unpacking alone, in one thread: {_by_library(found)}; start and imports of "
        f"specprod-copy, which its figures include: "
        f"{statistics.median(found.figures[START]['start']):.2f} s"
        for found in results.values()
    ]
    return Document(
        f"Small gzipped files: rows of stage {STAGE}, medians of {runs} runs",
        circumstances,
        [markdown(HEAD, body, texts=2)],
        {str(n): vars(found) for n, found in results.items()},
        notes,
    )


def _by_library(found: Found) -> str:
    return ", ".join(f"{seconds:.2f} s by {name}" for name, seconds in found.unpacking.items())


def _body(found: Found) -> Iterator[list[str]]:
    """Yield what contenders have reached with one production."""
    medians = {
        contender: {name: statistics.median(values) for name, values in figures.items()}
        for contender, figures in found.figures.items()
    }
    del medians[START]
    for contender, median in medians.items():
        seconds, cpu = median["rows"], median.get("rows cpu")
        yield [
            f"{found.files:,}",
            contender,
            number(seconds),
            number(found.files / seconds, 0),
            number(found.rows / seconds, 0),
            number(found.unpacked / seconds / 1e6, 0),
            number(seconds / medians[LIMIT]["rows"] if LIMIT in medians else None),
            number(cpu * 1e6 / found.rows if cpu is not None else None),
            number(median.get("rows largest MB"), 0),
        ]
