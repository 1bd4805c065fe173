"""Files that are matched row by row, and one file with the same columns: rows of zpix."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import LiteralString

import click
import fitsio
import numpy as np
import psycopg
from psycopg import sql

from benchmarking import machine, processes
from benchmarking.bench import server
from benchmarking.productions import Size, warm
from benchmarking.report import Document, markdown, number
from specprod_copy.demo import write_production
from specprod_copy.desi.configuration import find_production
from specprod_copy.desi.production import ProductionFiles
from specprod_copy.loading.api import LoadOptions, load
from specprod_copy.plan.production_catalogue import production_catalogue
from specprod_copy.postgres.connection import connect
from specprod_copy.tables import Inputs, redshift_v2

SCHEMA = "joined"
LEAST = 0.85
"""Speed of two files, in parts of that of one."""

MOST_MB = 400
SHAPES = ("one file", "core and extra")
_ROWS = 50_000


def measure(work: Path, rows: int, *, runs: int, dsn: str | None) -> Document:
    """Load zpix from both shapes by turns, of two sizes, the smaller one a half.

    Parameters
    ----------
    work, runs, dsn
        As for `comparison.compare`.
    rows : int
        Of zpix, at the larger size.
    """
    figures: dict[str, dict[str, list[float]]] = {}
    body = []
    with server(work, dsn) as conninfo, connect(conninfo) as connection:
        for size in (rows // 2, rows):
            files = _production(work, Size.of_rows(size))
            core = files.zall_pix()
            assert core is not None
            own = {"one file": [_one_file(core)], "core and extra": [core, _beside(core)]}
            found = figures[str(size)] = _by_turns(conninfo, connection, files, own, runs)
            medians = {name: statistics.median(values) for name, values in found.items()}
            for shape in SHAPES:
                ratio = medians["one file seconds"] / medians[f"{shape} seconds"]
                largest = medians[f"{shape} largest MB"]
                met = ratio >= LEAST and largest <= MOST_MB
                body.append(
                    [
                        f"{_asked(connection, 'count(*)')[0]:,}",
                        shape,
                        number(sum(path.stat().st_size for path in own[shape]) / 1e6, 0),
                        number(medians[f"{shape} seconds"]),
                        number(medians[f"{shape} cpu"]),
                        number(ratio),
                        number(largest, 0),
                        f"≥ {LEAST}, ≤ {MOST_MB} MB",
                        "yes" if met else "no",
                    ]
                )
        circumstances = machine.circumstances(connection)
    head = [
        "rows",
        "shape",
        "MB of FITS",
        "s",
        "CPU s",
        "speed",
        "largest process MB",
        "target",
        "met",
    ]
    return Document(
        f"Joined files: rows of zpix, one job, medians of {runs} runs",
        circumstances,
        [markdown(head, body, texts=2)],
        figures,
        ["Warm files. Seconds are those of the load, CPU seconds those of the whole process."],
    )


def _by_turns(
    conninfo: str,
    connection: psycopg.Connection,
    files: ProductionFiles,
    own: dict[str, list[Path]],
    runs: int,
) -> dict[str, list[float]]:
    figures: dict[str, list[float]] = {}
    contents = set()
    for run in range(1, runs + 1):
        for shape, paths in own.items():
            click.echo(f"run {run} of {runs}: {shape}", err=True)
            for path in paths:
                warm(path)
            drop = sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(SCHEMA))
            connection.execute(drop)
            connection.commit()
            script = [sys.executable, "-m", "benchmarking.joined"]
            usage = processes.run([*script, str(files.root), str(paths[0]), shape, conninfo])
            figures.setdefault(f"{shape} seconds", []).append(float(usage.output))
            figures.setdefault(f"{shape} cpu", []).append(usage.cpu)
            figures.setdefault(f"{shape} largest MB", []).append(usage.largest_mb)
            if run == 1:
                contents.add(_asked(connection, "count(*), sum(hashtextextended(t::text, 0))"))
    if len(contents) > 1:
        raise processes.FailedError(f"the tables are not the same: {contents}")
    return figures


def _asked(connection: psycopg.Connection, what: LiteralString) -> tuple[object, ...]:
    """Return something about all rows."""
    query = sql.SQL("SELECT {} FROM {} t").format(sql.SQL(what), sql.Identifier(SCHEMA, "zpix"))
    row = connection.execute(query).fetchone()
    connection.commit()
    assert row is not None
    return tuple(row)


def _production(work: Path, size: Size) -> ProductionFiles:
    """Return a production with catalogs of the second format, written unless it is there."""
    root = work / f"joined-loa-{size.tiles}x{size.targets}"
    production = replace(find_production("loa"), redshift="patch/v2")
    if not root.exists():
        click.echo(f"writing {root}", err=True)
        unfinished = root.with_suffix(".unfinished")
        write_production(
            unfinished, production, tiles=size.tiles, targets=size.targets, overwrite=True
        )
        unfinished.rename(root)
    return ProductionFiles(production, root)


def _beside(core: Path) -> Path:
    return redshift_v2.EXTRA.beside(core)


def _one_file(core: Path) -> Path:
    """Return a file with the columns of core and extra, written unless it is there."""
    path = core.parent.parent / "one-file.fits"
    if path.exists():
        return path
    unfinished = path.with_suffix(".unfinished.fits")
    with fitsio.FITS(str(unfinished), "rw", clobber=True) as out:
        for n, records in enumerate(_records(core)):
            if n == 0:
                header = fitsio.read_header(str(core), "ZCATALOG")
                said = [{"name": key, "value": header[key]} for key in ("SPGRP", "SPECPROD")]
                out.write(records, extname="ZCATALOG", header=said)
            else:
                out["ZCATALOG"].append(records)
    unfinished.rename(path)
    return path


def _records(core: Path) -> Iterator[np.ndarray]:
    with fitsio.FITS(str(core)) as first, fitsio.FITS(str(_beside(core))) as second:
        one, other = first["ZCATALOG"], second["ZCATALOG_EXTRA"]
        for start in range(0, one.get_nrows(), _ROWS):
            a, b = (hdu[start : start + _ROWS] for hdu in (one, other))
            more = [(name, b.dtype[name]) for name in b.dtype.names if name not in a.dtype.names]
            joined = np.empty(len(a), [*a.dtype.descr, *more])
            for part in (b, a):
                for name in part.dtype.names:
                    joined[name] = part[name]
            yield joined


def contender(root: Path, path: Path, shape: str, conninfo: str) -> None:
    """Load the rows of zpix from a file, or from it and what belongs to it."""
    production = replace(find_production("loa"), redshift="patch/v2")
    inputs = Inputs(ProductionFiles(production, root))
    source = replace(redshift_v2.ZPIX, files=lambda inputs: [path], says_unused=False)
    if shape == "one file":
        source = replace(source, joined=())
    catalogue = production_catalogue(inputs)
    catalogue = replace(catalogue, sources={**catalogue.sources, source.name: source})
    options = LoadOptions(("zpix",), SCHEMA, roles=(), part=(1, 1))
    print(load(conninfo, inputs, options, catalogue=catalogue).seconds)


if __name__ == "__main__":
    contender(Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:])
