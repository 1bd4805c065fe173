"""Does CLUSTER help where rows come in sorted on the sky, and where they do not?

    python scripts/sky_order.py --embedded DIR --markdown FILE

Fills the tables photometry and fiberassign several times with the same made-up rows, each time in
another order, gives them their q3c index and counts the pages that searches in cones read.

The sky is made up so that density and files are those of the survey, which a demo production of a
few separate fields is not:

* A patch of 10 degrees of declination in the middle of the footprint, with 5300 targets per square
  degree (76 million in 14,000) at random.
* photometry: a file for each HEALPix pixel of nside 4, its rows in the order of TARGETID, that is
  by brick (rows of declination), and in any order within a brick. So does the public code that
  makes these files (moustakas/desi-photometry, mpi-photometry). The last 6 % of the rows, those
  without Tractor photometry, come from the targetphot files, tile by tile.
* fiberassign: a file per tile, in the order of TILEID; seven passes over the sky of tiles 2.7
  degrees apart, each pass with its own offset. 4200 rows per tile in the order of FIBER, that is
  petal by petal, and in any order within a petal (an assumption: fibers follow no line there).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import click
import numpy as np
import polars as pl
import psycopg
from psycopg import sql

from specprod_copy import database, ddl
from specprod_copy.cli.options import connection_options
from specprod_copy.columns import Column
from specprod_copy.demo import sky
from specprod_copy.errors import DatabaseError
from specprod_copy.pgcopy import CHUNK_ROWS, HEADER, TRAILER, Encoder

SCHEMA = "specprod_copy_sky_order"
UNIT_ROWS = 500_000
DENSITY = 5300.0
DEC = (25.0, 35.0)
RADII = {"1'": 1 / 60, "10'": 1 / 6, "1°": 1.0}
UNMATCHED = 0.06
PASSES, TILE_SPACING, TILE_ROWS = 7, 2.7, 4200

# Pages are to be counted, in one process, and no plan is to read the whole table.
PLANNER = {
    "enable_seqscan": "off",
    "enable_indexscan": "off",
    "max_parallel_workers_per_gather": "0",
    "jit": "off",
    "work_mem": "64MB",
}


def place(ra: np.ndarray, dec: np.ndarray) -> np.ndarray:
    """Return a number of each position that is near for positions that are near each other.

    The bits of right ascension and declination, in units of 20 arcsec, by turns: a curve in the
    shape of a Z, as those of q3c and of HEALPix in nested order, but with less to compute.
    """
    number = np.zeros(len(ra), dtype=np.uint32)
    for coordinate, bit in ((ra, 0), (dec + 90, 1)):
        bits = (coordinate * (65536 / 360)).astype(np.uint32)
        for shift, mask in ((8, 0x00FF00FF), (4, 0x0F0F0F0F), (2, 0x33333333), (1, 0x55555555)):
            bits = (bits | bits << np.uint32(shift)) & np.uint32(mask)
        number |= bits << np.uint32(bit)
    return number


@dataclass(frozen=True)
class Sky:
    """Rows of a table in the order of the files.

    Parameters
    ----------
    table : str
    ra, dec : numpy.ndarray
        Position [deg], shape (n,).
    files : list of int
        Number of rows of each file, n in all.
    """

    table: str
    ra: np.ndarray
    dec: np.ndarray
    files: list[int]

    @property
    def position(self) -> tuple[str, str]:
        """Names of the columns that the q3c index is made of."""
        return ("ra", "dec") if self.table == "photometry" else ("target_ra", "target_dec")

    def pieces(self, rows: int) -> Iterator[np.ndarray]:
        """Yield row numbers, at most so many at a time and of one file."""
        start = 0
        for size in self.files:
            for first in range(start, start + size, rows):
                yield np.arange(first, min(first + rows, start + size))
            start += size


@dataclass
class Case:
    """One order of the rows, and what was measured with it."""

    name: str
    seconds: dict[str, float] = field(default_factory=dict)
    heap: dict[str, float] = field(default_factory=dict)
    index: dict[str, float] = field(default_factory=dict)
    ms: dict[str, float] = field(default_factory=dict)
    found: dict[str, float] = field(default_factory=dict)
    megabytes: float = 0.0


def targets(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return n random positions in a patch of the given density."""
    low, high = np.sin(np.radians(DEC))
    width = n / DENSITY / (np.degrees(high - low))
    ra = 140 + width * rng.random(n)
    return ra, np.degrees(np.arcsin(low + (high - low) * rng.random(n)))


def tile_centres(rng: np.random.Generator, ra: np.ndarray) -> Iterator[tuple[float, float]]:
    """Yield centres of tiles over the patch, in the order of TILEID: pass by pass, row by row."""
    for _ in range(PASSES):
        down, right = rng.uniform(0, TILE_SPACING, 2)
        for dec in np.arange(DEC[0] - down, DEC[1] + 1.6, TILE_SPACING):
            step = TILE_SPACING / np.cos(np.radians(dec))
            for centre in np.arange(ra.min() - right, ra.max() + 1.6, step):
                yield float(centre), float(dec)


def photometry(rng: np.random.Generator, ra: np.ndarray, dec: np.ndarray) -> Sky:
    """Put targets in the order of the tractorphot files, the rest in that of targetphot."""
    rest = np.flatnonzero(rng.random(len(ra)) < UNMATCHED)
    tractor = np.setdiff1d(np.arange(len(ra)), rest)
    pixel = sky.healpix(ra[tractor], dec[tractor], 4)
    brick, _ = sky.bricks(ra[tractor], dec[tractor])
    tractor = tractor[np.lexsort((rng.random(len(tractor)), brick, pixel))]
    tile = np.full(len(rest), 1 << 20)
    for number, (tile_ra, tile_dec) in enumerate(tile_centres(rng, ra)):
        near = sky.separation(ra[rest], dec[rest], tile_ra, tile_dec) < sky.TILE_RADIUS
        tile[near] = np.minimum(tile[near], number)
    brick, _ = sky.bricks(ra[rest], dec[rest])
    rest = rest[np.lexsort((brick, tile))]
    order = np.concatenate([tractor, rest])
    files = [*np.unique(pixel, return_counts=True)[1].tolist(), len(rest)]
    return Sky("photometry", ra[order], dec[order], files)


def fiberassign(rng: np.random.Generator, ra: np.ndarray, dec: np.ndarray) -> Sky:
    """Give the fibers of each tile to targets, and put them in the order of its file."""
    rows = []
    for tile_ra, tile_dec in tile_centres(rng, ra):
        near = np.flatnonzero(sky.separation(ra, dec, tile_ra, tile_dec) < sky.TILE_RADIUS)
        # Where the patch ends, so does the tile.
        number = TILE_ROWS * len(near) / (DENSITY * np.pi * sky.TILE_RADIUS**2)
        chosen = rng.permutation(near)[: round(min(number, TILE_ROWS))]
        east = (ra[chosen] - tile_ra) * np.cos(np.radians(tile_dec))
        north = dec[chosen] - tile_dec
        petal = np.floor((np.degrees(np.arctan2(east, north)) % 360) / 36)
        rows.append(chosen[np.argsort(petal, kind="stable")])
    order = np.concatenate(rows)
    return Sky("fiberassign", ra[order], dec[order], [len(r) for r in rows if len(r)])


def frame_of(columns: Sequence[Column], values: dict[str, np.ndarray]) -> pl.DataFrame:
    """Return rows of full width: the given columns, and constants in all others."""
    height = len(next(iter(values.values())))
    constants = {"numeric": Decimal(10**36), "bool": False}

    def series(column: Column) -> pl.Series:
        if column.name in values:
            return pl.Series(column.name, values[column.name])
        constant = "x" * column.max_length if column.max_length else constants.get(column.type, 0)
        one = pl.Series(column.name, [constant], dtype=column.polars_type)
        return one.new_from_index(0, height).rechunk()

    return pl.DataFrame([series(column) for column in columns])


def copy_rows(
    connection: psycopg.Connection, rows: Sky, case: Case, pieces: Iterator[np.ndarray], sort: bool
) -> None:
    """Fill the table; note the seconds of COPY, and of the processor for sorting."""
    columns = database.table_columns(connection, SCHEMA, rows.table)
    encoder = Encoder(columns)
    statement = sql.SQL("COPY {} FROM STDIN (FORMAT BINARY)").format(
        sql.Identifier(SCHEMA, rows.table)
    )
    case.seconds |= {"sort": 0.0, "copy": 0.0}
    names = rows.position
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(HEADER)
        for numbers in pieces:
            frame = frame_of(columns, {names[0]: rows.ra[numbers], names[1]: rows.dec[numbers]})
            started = time.process_time()
            if sort:
                frame = frame[np.argsort(place(*(frame[name].to_numpy() for name in names)))]
            case.seconds["sort"] += time.process_time() - started
            for start in range(0, len(numbers), CHUNK_ROWS):
                data = encoder.encode(frame[start : start + CHUNK_ROWS].rechunk())
                sending = time.monotonic()
                copy.write(data)
                case.seconds["copy"] += time.monotonic() - sending
        copy.write(TRAILER)
        ending = time.monotonic()
    case.seconds["copy"] += time.monotonic() - ending


def shuffled(rows: Sky) -> Iterator[np.ndarray]:
    """Yield all rows in any order."""
    yield from np.array_split(
        np.random.default_rng(1).permutation(len(rows.ra)), -(-len(rows.ra) // UNIT_ROWS)
    )


CASES: dict[str, tuple[Callable[[Sky], Iterator[np.ndarray]], bool, bool]] = {
    "shuffled": (shuffled, False, False),
    "as in the files": (lambda rows: rows.pieces(CHUNK_ROWS), False, False),
    "sorted by chunk": (lambda rows: rows.pieces(CHUNK_ROWS), True, False),
    "sorted by unit": (lambda rows: rows.pieces(UNIT_ROWS), True, False),
    "clustered": (lambda rows: rows.pieces(CHUNK_ROWS), False, True),
}
"""Name to (pieces of rows, whether each is sorted, whether CLUSTER comes afterwards)."""


def timed(connection: psycopg.Connection, statement: str) -> float:
    """Run a statement; return its seconds."""
    started = time.monotonic()
    connection.execute(statement.encode())
    return time.monotonic() - started


def make(connection: psycopg.Connection, rows: Sky, case: Case) -> None:
    """Make the table anew in one of the orders, with its q3c index and statistics."""
    connection.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE".encode())
    for statement in ddl.statements(["schema", rows.table], ["table"], schema=SCHEMA):
        connection.execute(statement.sql.encode())
    pieces, sort, cluster = CASES[case.name]
    copy_rows(connection, rows, case, pieces(rows), sort)
    for phase in ["q3c", *(["cluster"] if cluster else [])]:
        for statement in ddl.statements([rows.table], [phase], schema=SCHEMA):
            case.seconds[phase] = timed(connection, statement.sql)
    connection.execute(f"VACUUM (ANALYZE) {SCHEMA}.{rows.table}".encode())
    size = connection.execute("SELECT pg_relation_size(%s)", (f"{SCHEMA}.{rows.table}",)).fetchone()
    case.megabytes = size[0] / 1e6 if size else 0.0


def buffers(plan: dict) -> int:
    """Return the pages that a node of a plan and those below it asked for."""
    return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]


def search(
    connection: psycopg.Connection, rows: Sky, case: Case, centres: np.ndarray, warm: bool
) -> None:
    """Search around centres; note the mean pages, rows and milliseconds per search."""
    query = sql.SQL(
        "EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) SELECT * FROM {} "
        "WHERE q3c_radial_query({}, {}, %s, %s, %s)"
    ).format(sql.Identifier(SCHEMA, rows.table), *map(sql.Identifier, rows.position))
    for name, radius in RADII.items():
        found = []
        for ra, dec in np.repeat(centres, 2 if warm else 1, axis=0).tolist():
            fetched = connection.execute(query, (ra, dec, radius)).fetchone()
            explained = fetched[0][0] if fetched else {}
            plan = explained["Plan"]
            if plan["Node Type"] != "Bitmap Heap Scan":
                raise DatabaseError(f"the server chose a {plan['Node Type']}")
            below = sum(buffers(child) for child in plan["Plans"])
            found.append((buffers(plan) - below, below, plan["Actual Rows"],
                          explained["Execution Time"]))  # fmt: skip
        measured = np.array(found[1::2] if warm else found)
        case.heap[name], case.index[name], case.found[name] = measured[:, :3].mean(axis=0)
        case.ms[name] = float(np.median(measured[:, 3]))


def table_of(rows: Sky, cases: Sequence[Case]) -> list[str]:
    """Return the results as a Markdown table."""
    head = ["order", "sort [CPU s]", "COPY [s]", "q3c index [s]", "CLUSTER [s]"]
    for radius in RADII:
        head += [f"{radius}: heap pages", "index pages", "ms"]
    lines = [f"| {' | '.join(head)} |", "|---|" + "---:|" * (len(head) - 1)]
    for case in cases:
        cells = [case.name]
        cells += [
            f"{case.seconds[key]:.2f}" if case.seconds.get(key, 0) >= 0.01 else ""
            for key in ("sort", "copy", "q3c", "cluster")
        ]
        for radius in RADII:
            cells += [
                f"{case.heap[radius]:,.1f}",
                f"{case.index[radius]:,.1f}",
                f"{case.ms[radius]:,.2f}",
            ]
        lines.append(f"| {' | '.join(cells)} |")
    first = cases[0]
    found = ", ".join(f"{first.found[radius]:,.1f} within {radius}" for radius in RADII)
    lines += [
        "",
        f"{rows.table}: {len(rows.ra):,} rows of {len(rows.files):,} files, "
        f"{first.megabytes:,.0f} MB; rows per search: {found}.",
    ]
    return lines


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--targets", "number", type=click.IntRange(10_000), default=1_000_000)
@click.option("--searches", type=click.IntRange(1), default=50, show_default=True)
@click.option("--seed", default=0, show_default=True)
@click.option("--markdown", type=click.Path(path_type=Path, dir_okay=False), help="Write it here.")
@connection_options
def main(number: int, searches: int, seed: int, markdown: Path | None, conninfo: str) -> None:
    """Count the pages that searches on the sky read, for rows in several orders."""
    rng = np.random.default_rng(seed)
    ra, dec = targets(rng, number)
    # Not closer to the border than the largest radius.
    inner = (ra > ra.min() + 1.3) & (ra < ra.max() - 1.3) & (np.abs(dec - 30) < 3.9)
    around = rng.choice(np.flatnonzero(inner), searches, replace=False)
    centres = np.stack([ra[around], dec[around]], axis=1)
    text: list[str] = []
    with database.connect(conninfo) as connection:
        for name, value in PLANNER.items():
            connection.execute("SELECT set_config(%s, %s, false)", (name, value))
        for rows in (photometry(rng, ra, dec), fiberassign(rng, ra, dec)):
            cases = [Case(name) for name in CASES]
            for case in cases:
                make(connection, rows, case)
                search(connection, rows, case, centres, warm=True)
                click.echo(f"{rows.table}, {case.name}: done", err=True)
            text += [f"### {rows.table}", "", *table_of(rows, cases), ""]
        connection.execute(f"DROP SCHEMA {SCHEMA} CASCADE".encode())
    click.echo("\n".join(text))
    if markdown is not None:
        markdown.write_text("\n".join(text), encoding="utf-8")


if __name__ == "__main__":
    main()
