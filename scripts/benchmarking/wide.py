"""Rows of 889 columns, as FastSpecFit has, beside a COPY of the same rows from a local file."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import fitsio
import numpy as np
import psycopg
from psycopg import sql

from benchmarking import machine, processes
from benchmarking.bench import server
from benchmarking.productions import warm
from benchmarking.report import Document, markdown, number
from specprod_copy.loading.described import load_catalogue
from specprod_copy.loading.options import LoadOptions
from specprod_copy.postgres.connection import connect
from specprod_copy.vac.draft import DraftOptions, draft
from specprod_copy.vac.parsing import read_description

SCHEMA = "wide"
COLUMNS = 889
LEAST = 0.8
"""Speed, in parts of that of the server's own COPY."""

MOST_MB = 600
LIMIT, OURS = "COPY from a local file", "specprod-copy"

_TABLE = sql.Identifier(SCHEMA, "fastspec")
_BLOCK = 10_000
_HEAD = (
    *("rows", "contender", "MB", "s", "CPU s", "speed", "largest process MB", "target", "met"),
)


@dataclass(frozen=True)
class Wide:
    """A catalogue of wide rows, and its description."""

    root: Path
    file: Path
    description: Path


def measure(work: Path, rows: int, *, runs: int, dsn: str | None) -> Document:
    """Load rows into a table without indexes, over one connection, by turns with COPY.

    Parameters
    ----------
    work, runs, dsn
        As for `comparison.compare`.
    rows : int
    """
    found: dict[str, list[float]] = {}
    with server(work, dsn) as conninfo, connect(conninfo) as connection:
        files = _written(work, rows)
        _ours(files, conninfo, connection)
        with _copied(work, connection) as ready:
            digest = _digest(connection)
            for run in range(1, runs + 1):
                for name in (LIMIT, OURS):
                    click.echo(f"run {run} of {runs}: {name}", err=True)
                    if name == LIMIT:
                        figures = {"seconds": _limit(ready, connection)}
                    else:
                        figures = _ours(files, conninfo, connection)
                    for figure, value in figures.items():
                        found.setdefault(f"{name} {figure}", []).append(value)
                    if run == 1 and _digest(connection) != digest:
                        raise processes.FailedError(f"{name} has loaded other rows")
            size = ready.stat().st_size
        circumstances = machine.circumstances(connection)
        _drop(connection)
    medians = {name: statistics.median(values) for name, values in found.items()}
    ratio = medians[f"{LIMIT} seconds"] / medians[f"{OURS} seconds"]
    memory = medians[f"{OURS} largest MB"]
    body = [
        [
            *(f"{rows:,}", LIMIT, number(size / 1e6, 0)),
            *(number(medians[f"{LIMIT} seconds"]), "-", "", "-", "", ""),
        ],
        [
            *(f"{rows:,}", OURS, number(files.file.stat().st_size / 1e6, 0)),
            *(number(medians[f"{OURS} seconds"]), number(medians[f"{OURS} cpu"])),
            *(number(ratio), number(memory, 0), f"≥ {LEAST}, ≤ {MOST_MB} MB"),
            "yes" if ratio >= LEAST and memory <= MOST_MB else "no",
        ],
    ]
    return Document(
        f"Rows of {COLUMNS} real columns, one connection, no indexes, medians of {runs} runs",
        circumstances,
        [markdown(_HEAD, body, texts=2)],
        found,
        ["Warm files. Seconds are those of the load, CPU seconds those of the whole process."],
    )


def _written(work: Path, rows: int) -> Wide:
    """Return a catalogue of so many rows, written and drafted unless it is there."""
    root = work / f"wide-{rows}"
    file = root / "fastspec.fits"
    if not root.exists():
        click.echo(f"writing {root}", err=True)
        unfinished = root.with_suffix(".unfinished")
        unfinished.mkdir(exist_ok=True)
        rng = np.random.default_rng(0)
        names = [("TARGETID", "i8"), *((f"LINE_{n}", "f4") for n in range(COLUMNS))]
        with fitsio.FITS(str(unfinished / file.name), "rw", clobber=True) as fits:
            for first in range(0, rows, _BLOCK):
                block = np.zeros(min(_BLOCK, rows - first), names)
                block["TARGETID"] = np.arange(first, first + len(block))
                for name, _ in names[1:]:
                    block[name] = rng.standard_normal(len(block), "f4")
                if first == 0:
                    fits.write(block, extname="FASTSPEC")
                else:
                    fits["FASTSPEC"].append(block)
        drafted = draft([unfinished / file.name], DraftOptions(check=False, root=unfinished))
        for name, text in drafted.texts().items():
            (unfinished / name).write_text(text)
        unfinished.rename(root)
    (description,) = root.glob("*.toml")
    return Wide(root, file, description)


def _ours(files: Wide, conninfo: str, connection: psycopg.Connection) -> dict[str, float]:
    """Load the rows, the one share of one: keys are left to a later load."""
    _drop(connection)
    warm(files.file)
    script = [sys.executable, "-m", "benchmarking.wide"]
    usage = processes.run([*script, str(files.description), str(files.root), conninfo])
    return {"seconds": float(usage.output), "cpu": usage.cpu, "largest MB": usage.largest_mb}


def _drop(connection: psycopg.Connection) -> None:
    drop = sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(SCHEMA))
    connection.execute(drop)
    connection.commit()


@contextmanager
def _copied(work: Path, connection: psycopg.Connection) -> Iterator[Path]:
    """Yield a file of what is in the table, that the server can read."""
    with TemporaryDirectory(prefix="copy-", dir=work) as folder:
        Path(folder).chmod(0o755)
        path = Path(folder) / "fastspec.copy"
        with path.open("wb") as file, connection.cursor() as cursor:
            copying = sql.SQL("COPY {} TO STDOUT (FORMAT BINARY)").format(_TABLE)
            with cursor.copy(copying) as copy:
                for data in copy:
                    file.write(data)
        connection.commit()
        path.chmod(0o644)
        yield path


def _limit(ready: Path, connection: psycopg.Connection) -> float:
    """Return the seconds in which the server itself fills the same table."""
    warm(ready)
    other = sql.Identifier(SCHEMA, "same")
    connection.execute(sql.SQL("CREATE TABLE {} (LIKE {})").format(other, _TABLE))
    connection.execute(sql.SQL("DROP TABLE {}").format(_TABLE))
    connection.execute(sql.SQL("ALTER TABLE {} RENAME TO fastspec").format(other))
    connection.commit()
    copy = sql.SQL("COPY {} FROM {} (FORMAT BINARY)").format(_TABLE, sql.Literal(str(ready)))
    started = time.monotonic()
    connection.execute(copy)
    connection.commit()
    return time.monotonic() - started


def _digest(connection: psycopg.Connection) -> object:
    """Return what tells all values of all rows, in any order."""
    query = sql.SQL("SELECT count(*), sum(hash_record_extended(t, 0)) FROM {} t").format(_TABLE)
    found = connection.execute(query).fetchone()
    connection.commit()
    return found


def load_once(description: str, root: str, conninfo: str) -> float:
    """Load the rows in this process, and return the seconds that it took."""
    options = LoadOptions(("all",), SCHEMA, roles=(), part=(1, 1))
    described = read_description(Path(description))
    started = time.monotonic()
    load_catalogue(conninfo, described, Path(root), options)
    return time.monotonic() - started


if __name__ == "__main__":
    print(load_once(*sys.argv[1:]))
