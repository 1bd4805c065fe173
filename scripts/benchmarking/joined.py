"""Files that are matched row by row, and one file with the same columns: rows of zpix."""

from __future__ import annotations

import itertools
import math
import shutil
import statistics
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import LiteralString

import click
import fitsio
import numpy as np
import psycopg
from psycopg import sql

from benchmarking import machine, processes
from benchmarking.bench import server
from benchmarking.productions import Size, demo_production, warm
from benchmarking.report import Document, markdown, number
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
GROWTH = 1.1
"""So many times the memory may be needed for twice the rows."""

SHAPES = ("one file", "core and extra")
SEED = Size(4, 5_000)
"""The production whose rows the files have, many times over."""

MOST_COPIES = 880
"""Of a row; each gets another RELEASE in its TARGETID, of which there are not more."""

_HEAD = (
    *("rows", "shape", "MB of FITS", "s", "CPU s", "speed", "largest process MB"),
    *("target", "met"),
)


@dataclass(frozen=True)
class Files:
    """The same rows in both shapes."""

    root: Path
    shapes: Mapping[str, Sequence[Path]]

    def size(self, shape: str) -> int:
        """Return the bytes of a shape."""
        return sum(path.stat().st_size for path in self.shapes[shape])


def measure(work: Path, rows: int, *, runs: int, dsn: str | None) -> Document:
    """Load zpix from both shapes by turns, and once twice the rows from core and extra.

    Parameters
    ----------
    work, runs, dsn
        As for `comparison.compare`.
    rows : int
        Of zpix, about.
    """
    seed = _seed(work)
    figures: dict[str, dict[str, list[float]]] = {}
    body = []
    with server(work, dsn) as conninfo, connect(conninfo) as connection:
        files = _grown(work, seed, rows)
        found = figures[str(rows)] = _by_turns(conninfo, connection, files, SHAPES, runs)
        medians = {name: statistics.median(values) for name, values in found.items()}
        n = _asked(connection, "count(*)")[0]
        for shape in SHAPES:
            ratio = medians["one file seconds"] / medians[f"{shape} seconds"]
            met = ratio >= LEAST and medians[f"{shape} largest MB"] <= MOST_MB
            target = f"≥ {LEAST}, ≤ {MOST_MB} MB"
            body.append(_line(n, files, shape, medians, (number(ratio), target, met)))
        largest = medians[f"{SHAPES[1]} largest MB"]
        files = _grown(work, seed, 2 * rows)
        found = figures[str(2 * rows)] = _by_turns(conninfo, connection, files, SHAPES[1:], 1)
        medians = {name: statistics.median(values) for name, values in found.items()}
        n = _asked(connection, "count(*)")[0]
        most = min(MOST_MB, GROWTH * largest)
        met = medians[f"{SHAPES[1]} largest MB"] <= most
        target = f"≤ {number(most, 0)} MB"
        body.append(_line(n, files, SHAPES[1], medians, ("", target, met)))
        circumstances = machine.circumstances(connection)
    return Document(
        f"Joined files: rows of zpix, one job, medians of {runs} runs; twice the rows once",
        circumstances,
        [markdown(_HEAD, body, texts=2)],
        figures,
        ["Warm files. Seconds are those of the load, CPU seconds those of the whole process."],
    )


def _line(
    n: object,
    files: Files,
    shape: str,
    medians: Mapping[str, float],
    judged: tuple[str, str, bool],
) -> list[str]:
    """Return a line of the table, at the end of which are speed, target and whether it is met."""
    speed, target, met = judged
    return [
        f"{n:,}",
        shape,
        number(files.size(shape) / 1e6, 0),
        number(medians[f"{shape} seconds"]),
        number(medians[f"{shape} cpu"]),
        speed,
        number(medians[f"{shape} largest MB"], 0),
        target,
        "yes" if met else "no",
    ]


def _by_turns(
    conninfo: str,
    connection: psycopg.Connection,
    files: Files,
    shapes: Sequence[str],
    runs: int,
) -> dict[str, list[float]]:
    figures: dict[str, list[float]] = {}
    contents = set()
    for run in range(1, runs + 1):
        for shape in shapes:
            paths = files.shapes[shape]
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


def _seed(work: Path) -> Files:
    """Return core and extra of a demo production, and a file with the columns of both."""
    production = replace(find_production("loa"), redshift="patch/v2")
    files = demo_production(work, production, SEED, purpose="joined")
    core = files.zall_pix()
    assert core is not None
    extra, both = redshift_v2.EXTRA.beside(core), core.with_name("both.fits")
    if not both.exists():
        unfinished = both.with_suffix(".unfinished")
        records, more = (fitsio.read(str(path), 1) for path in (core, extra))
        types = {name: part.dtype[name] for part in (more, records) for name in part.dtype.names}
        joined = np.empty(len(records), [*types.items()])
        for part in (more, records):
            for name in part.dtype.names:
                joined[name] = part[name]
        header = fitsio.read_header(str(core), 1)
        said = [{"name": key, "value": header[key]} for key in ("SPGRP", "SPECPROD")]
        fitsio.write(str(unfinished), joined, extname="ZCATALOG", header=said, clobber=True)
        unfinished.rename(both)
    return Files(files.root, dict(zip(SHAPES, ([both], [core, extra]), strict=True)))


def _grown(work: Path, seed: Files, rows: int) -> Files:
    """Return files of about so many rows of zpix, written unless they are there."""
    root = work / f"joined-loa-{rows}"
    names = {
        shape: [p.relative_to(seed.root) for p in paths] for shape, paths in seed.shapes.items()
    }
    if not root.exists():
        click.echo(f"writing {root}", err=True)
        unfinished = root.with_suffix(".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        for name in itertools.chain(*names.values()):
            (unfinished / name).parent.mkdir(parents=True, exist_ok=True)
            _repeat(seed.root / name, unfinished / name, rows)
        unfinished.rename(root)
    return Files(
        root, {shape: [root / name for name in several] for shape, several in names.items()}
    )


def _repeat(seed: Path, path: Path, rows: int) -> None:
    """Write the rows of a file many times, as its bytes, each time with other TARGETIDs."""
    with fitsio.FITS(str(seed)) as file:
        hdu = file[1]
        n, start = hdu.get_nrows(), hdu.get_offsets()["data_start"]
        record = hdu.get_rec_dtype()[0]
    content = np.fromfile(seed, np.uint8)
    block = content[start : start + n * record.itemsize].reshape(n, record.itemsize)
    at = record.fields["TARGETID"][1]
    cells = block[:, at : at + 8]
    targetids = cells.copy().view(">i8")
    kept = np.count_nonzero((targetids > 0) & (targetids >> 59 & 1 == 0))
    copies = math.ceil(rows / kept)
    if copies > MOST_COPIES:
        raise click.ClickException(f"--rows {rows:,}: at most {MOST_COPIES * kept // 2:,}")
    head = content[:start].tobytes()
    number_of_rows = b"NAXIS2  =%21d"
    assert number_of_rows % n in head
    with path.open("wb") as out:
        out.write(head.replace(number_of_rows % n, number_of_rows % (n * copies)))
        for copy in range(copies):
            # RELEASE, from bit 42 on, has 16 bits; those of the seed are close to one another.
            moved = np.where(targetids > 0, targetids + (copy * 64 << 42), targetids)
            cells[:] = moved.astype(">i8").view(np.uint8)
            out.write(block.data)
        out.write(bytes(-n * copies * record.itemsize % 2880))


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
