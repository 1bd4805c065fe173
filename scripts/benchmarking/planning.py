"""Gzipped fiberassign files planned, and only unpacked, by the same workers; a process each time.

``python -m benchmarking.planning CONTENDER WORKERS ROOT`` is what runs in that process: it starts
the workers, and prints what it took from then on.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from isal import isal_zlib

from benchmarking import machine, processes
from benchmarking.gzipped import STAGE, zip_all
from benchmarking.productions import Size, demo_production, warm
from benchmarking.report import Document, markdown, number
from specprod_copy.desi.configuration import load_configuration
from specprod_copy.desi.production import ProductionFiles
from specprod_copy.executors import workers
from specprod_copy.executors.contexts import Report
from specprod_copy.executors.executor import Workers, in_order
from specprod_copy.plan.known_tiles import with_tiles_of_file
from specprod_copy.plan.ledger import NothingLoaded
from specprod_copy.plan.looks import THREADS, open_looks, tasks_of
from specprod_copy.plan.planning import Planner
from specprod_copy.tables import Inputs, specprod_catalogue

DEMO_TARGETS, LARGE_TARGETS = 600, 35_000
"""Of the tiles of ``specprod-copy demo``, and of files of 5 MB unpacked."""

LARGE_SHARE = 10
"""Of the large files there are so many times fewer."""

PLANNING, UNPACKING, IN_THREADS = "planning", "unpacking", "unpacking in threads"
DASK = "dask"


@dataclass(frozen=True)
class _Threads:
    """How many threads a worker unpacks with."""

    number: int

    @contextmanager
    def opened(self, report: Report) -> Iterator[int]:
        """Yield the number."""
        yield self.number


def _unpack(path: Path) -> int:
    """Unpack a file by the fastest way known: all of it at once, by ISA-L."""
    return len(isal_zlib.decompress(path.read_bytes(), 31))


def _unpack_several(threads: int, paths: Sequence[Path]) -> int:
    if threads == 1:
        return sum(map(_unpack, paths))
    with ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(_unpack, paths))


def _unpacking(inputs: Inputs, of: Workers, threads: int) -> None:
    paths = inputs.fiberassign()
    with of.sharing(_Threads(threads)) as executor:
        for _ in in_order(executor, _unpack_several, tasks_of(paths, of.at_once)):
            pass


def _planning(inputs: Inputs, of: Workers) -> dict[str, float]:
    """Plan, and return how long the part took that is not shared."""
    catalogue = specprod_catalogue()
    sources = catalogue.select([STAGE])
    columns = {s.table: catalogue.definition.columns_of(s.table) for s in sources}
    with open_looks(catalogue.keywords, of) as looks:
        planner = Planner(inputs, looks=looks)
        planner.look(sources)
        started = time.monotonic()
        planner.plan(sources, columns, NothingLoaded())
        return {"alone": time.monotonic() - started}


def _opened(number: str) -> AbstractContextManager[Any]:
    if not number.startswith(DASK):
        return workers.processes(int(number))
    from specprod_copy.executors.dask_workers import dask_workers

    return dask_workers(number=int(number.removeprefix(DASK)))


def _run(contender: str, number: str, root: str) -> dict[str, float]:
    """Do it once, with workers that have been started."""
    files = ProductionFiles(load_configuration()["iron"], Path(root))
    inputs = with_tiles_of_file(Inputs(files))
    with _opened(number) as of:
        with of.sharing(_Threads(1)) as executor:
            for begun in [executor.submit(_unpack_several, ()) for _ in range(of.at_once)]:
                begun.result()
        started, cpu = time.monotonic(), time.process_time()
        figures: dict[str, float] = {}
        if contender == PLANNING:
            figures = _planning(inputs, of)
        else:
            _unpacking(inputs, of, THREADS if contender == IN_THREADS else 1)
        took = {"seconds": time.monotonic() - started, "own cpu": time.process_time() - cpu}
    return took | figures


def measure(work: Path, n_files: int, *, runs: int) -> Document:
    """Plan files of two sizes, and unpack them, by turns.

    Parameters
    ----------
    work : pathlib.Path
        Folder that keeps the demo productions.
    n_files : int
        Number of small files.
    runs : int
        Number of runs of each contender.
    """
    body: list[list[str]] = []
    figures: dict[str, object] = {}
    notes = []
    large = max(4, n_files // LARGE_SHARE)
    for size in (Size(n_files, DEMO_TARGETS), Size(large, LARGE_TARGETS)):
        files = demo_production(work, "iron", size, purpose="planning")
        paths = zip_all(files, with_tiles_of_file(Inputs(files)).tileids)
        for path in paths:
            warm(path)
        packed = statistics.mean(path.stat().st_size for path in paths)
        unpacked = statistics.mean(map(_unpack, paths))
        notes.append(f"{len(paths):,} files of {packed:,.0f} byte, unpacked {unpacked:,.0f}.")
        found = _turns(files, runs)
        figures[f"{unpacked / 1e6:.2f} MB"] = found
        body += _rows(f"{packed / 1e6:.2f}", len(paths), found)
    head = ["MB", "workers", "planned/s", "least", "most", "unpacked/s", "of unpacking", "alone ms"]
    return Document(
        f"Gzipped fiberassign files planned, and only unpacked; medians of {runs} runs",
        machine.client_circumstances(),
        [markdown(head, body, texts=2)],
        figures,
        [
            *notes,
            "Planning is all that happens from the names of the files to units, without a server. "
            "Unpacking takes whole files at once, by ISA-L, in tasks of the same files for the "
            f"same workers, with one thread or {THREADS}, as looks have: the faster one counts. "
            "Processes start before the clock does. Alone: what of a file the planning process "
            "does, and no worker.",
        ],
    )


def _turns(files: ProductionFiles, runs: int) -> dict[str, dict[str, list[dict[str, float]]]]:
    """Return workers to contenders to what each run took."""
    found: dict[str, dict[str, list[dict[str, float]]]] = {}
    for run in range(runs):
        for of in ("1", "2", f"{DASK}2"):
            click.echo(f"run {run + 1} of {runs}: {of}", err=True)
            for contender in (UNPACKING, IN_THREADS, PLANNING):
                command = [sys.executable, "-m", __name__, contender, of, str(files.root)]
                figures = json.loads(processes.run(command).output)
                found.setdefault(of, {}).setdefault(contender, []).append(figures)
    return found


def _rows(
    size: str, n_files: int, found: dict[str, dict[str, list[dict[str, float]]]]
) -> Iterator[list[str]]:
    for of, contenders in found.items():

        def seconds(
            contender: str,
            contenders: dict[str, list[dict[str, float]]] = contenders,
            what: Callable[[Sequence[float]], float] = statistics.median,
            figure: str = "seconds",
        ) -> float:
            return what([run[figure] for run in contenders[contender]])

        unpacking = min(seconds(UNPACKING), seconds(IN_THREADS))
        yield [
            size,
            of,
            *(
                number(n_files / seconds(PLANNING, what=what), 0)
                for what in (statistics.median, max, min)
            ),
            number(n_files / unpacking, 0),
            number(unpacking / seconds(PLANNING)),
            number(seconds(PLANNING, figure="alone") * 1e3 / n_files),
        ]


if __name__ == "__main__":
    print(json.dumps(_run(*sys.argv[1:])))
