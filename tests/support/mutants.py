"""Load damaged files, one after the other, in a process that can neither hang nor eat the memory.

    python -m support.mutants DSN FOLDER FIRST COUNT

loads the mutants FIRST, FIRST + 1, ... and prints what became of them, as JSON. FOLDER holds a
small production; mutants that show a defect are kept there.
"""

from __future__ import annotations

import faulthandler
import gzip
import io
import json
import resource
import sys
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import numpy as np
import polars as pl
from astropy.table import Table

from specprod_copy.desi.production import ProductionFiles, find_production
from specprod_copy.errors import InputError
from specprod_copy.loading import copying
from specprod_copy.plan.ledger import Ledger
from specprod_copy.plan.planning import Planner
from specprod_copy.postgres import statements
from specprod_copy.postgres.columns import Column
from specprod_copy.postgres.connection import connect
from specprod_copy.postgres.copy import ServerTable
from specprod_copy.postgres.schema_from_server import read_schema
from specprod_copy.reader.memory_table import MemoryTable
from specprod_copy.rows.sky_order import sorted_on_sky
from specprod_copy.rows.transform import Transform, Transformed
from specprod_copy.rows.units import Intake
from specprod_copy.tables import SOURCES, Inputs, TableSource, specprod_catalogue
from support.mutations import mutate
from support.other_readers import Unreadable, astropy_table, fitsio_table, text_table, washed_table

SECONDS = 60  # no file of this size takes a second, but the machine may be busy
EXTRA_MEMORY = 1 << 30
SCHEMA = "mutants"


@dataclass(frozen=True, eq=False)
class Seed:
    """A valid file."""

    source: TableSource
    suffix: str
    content: bytes


def seeds(folder: Path) -> list[Seed]:
    """A file of every kind that the loader reads, unpacked."""
    inputs = Inputs(ProductionFiles(find_production("iron"), folder))
    tiles = Table.read(inputs.tiles())["TILEID"]
    inputs = replace(inputs, tileids=tuple(int(t) for t in tiles))
    found = []
    for source in SOURCES.values():
        content = source.files(inputs)[0].read_bytes()
        content = gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content
        found += [Seed(source, suffix, content) for suffix in (".fits", ".fits.gz")]
    for name, path in (("tile", inputs.tiles()), ("exposure", inputs.exposures())):
        table = Table.read(path, hdu=1)
        table.convert_bytestring_to_unicode()
        for column in table.colnames:  # ECSV has no byte order
            table[column] = table[column].astype(table[column].dtype.newbyteorder("="))
        for suffix in (".csv", ".ecsv"):
            text = io.StringIO()
            table.write(text, format=f"ascii{suffix}", delimiter=",")
            source = SOURCES[f"{name}<exposures"]
            found.append(Seed(source, suffix, text.getvalue().encode()))
    return found


class Defect(Exception):
    """What must not be."""


class Lab:
    """Tables in a database that get the rows of one mutant, for a moment."""

    def __init__(self, dsn: str, folder: Path) -> None:
        self.folder = folder
        self.seeds = seeds(folder)
        self.undamaged: dict[Seed, list[tuple] | None] = {}
        self.inputs = Inputs(ProductionFiles(find_production("iron"), folder))
        self.connection = connect(dsn)
        tables = list(dict.fromkeys(source.table for source in SOURCES.values()))
        names = ["schema", *tables, "load_ledger"]
        statements.make(
            self.connection, specprod_catalogue().definition, names, ["table"], schema=SCHEMA
        )
        self.columns = {t: read_schema(self.connection, SCHEMA).columns_of(t) for t in tables}

    def loaded(self, source: TableSource, path: Path) -> list[tuple] | None:
        """Plan and load a file; return the table's rows, or None if it was refused."""
        columns = self.columns[source.table]
        alone = replace(
            source, files=lambda inputs: [path], first_per=lambda inputs: None, unless_in=None
        )
        try:
            with self.connection.transaction(force_rollback=True):
                ledger = Ledger(self.connection, SCHEMA)
                plan = Planner(self.inputs).plan([alone], {source.table: columns}, ledger)
                # A new file, so that ctid tells the order in which the rows were sent.
                self.connection.execute(f"TRUNCATE {SCHEMA}.{source.table}")
                copying.copy_units(
                    ServerTable(self.connection, SCHEMA, source.table),
                    Intake(plan.units, SOURCES, columns),
                    lambda *_: None,
                )
                with self.connection.cursor(binary=True) as cursor:
                    query = f"SELECT * FROM {SCHEMA}.{source.table} ORDER BY ctid"
                    return cursor.execute(query).fetchall()
        except InputError as error:
            if not str(error).startswith(str(path)) or "\n" in str(error):
                raise Defect(f"message does not name the file: {error}") from error
        return None

    def expected(self, source: TableSource, suffix: str, path: Path) -> list[tuple]:
        """What the table should hold by the independent reader."""
        columns = self.columns[source.table]
        names = inputs_of(source, columns)
        refusals: list[str] = []
        readers = [astropy_table, washed_table, fitsio_table] if ".fits" in suffix else [text_table]
        for reader in readers:
            try:
                table = reader(path, source.hdus, names)
                break
            except Exception as error:  # noqa: BLE001 - of all kinds, where a file is damaged
                refusals.append(f"{reader.__name__} {type(error).__name__}: {error}")
        else:
            raise Unreadable("; ".join(refusals))
        frames = [part.frame for part in transformed(source, table, columns)]
        if source.position and source.sky_order:
            frames = [sorted_on_sky(frame, *source.position) for frame in frames]
        return [row for frame in frames for row in frame.rows()]

    def examine(self, number: int) -> tuple[str, str]:
        """Make a mutant, load it, say what became of it and what was done to it."""
        random = Random(f"mutant {number}")
        seed = random.choice(self.seeds)
        content, done = mutate(random, seed.content, seed.suffix)
        path = self.folder / f"mutant-{number}{seed.suffix}"
        path.write_bytes(content)
        what = f"{number} {seed.source.name} {seed.suffix} {done}"
        try:
            got = self.loaded(seed.source, path)
            fate = "refused" if got is None else self.compare(got, seed, path)
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not be
            message = str(error).partition("\n")[0]
            return "defect", f"{what}: {type(error).__name__}: {message}"
        if fate in ("refused", "loaded"):
            path.unlink()
        return fate.partition(":")[0], f"{what}: {fate}"

    def rows_of(self, seed: Seed) -> list[tuple] | None:
        """The table's rows from the undamaged file."""
        if seed not in self.undamaged:
            path = self.folder / f"undamaged{seed.suffix}"
            packed = seed.suffix.endswith(".gz")
            path.write_bytes(gzip.compress(seed.content) if packed else seed.content)
            self.undamaged[seed] = self.loaded(seed.source, path)
        return self.undamaged[seed]

    def compare(self, got: list[tuple], seed: Seed, path: Path) -> str:
        try:
            expected = self.expected(seed.source, seed.suffix, path)
        except Unreadable as error:
            # They mind damage to what is not needed here; then the values are those before it.
            return "loaded" if got == self.rows_of(seed) else f"unconfirmed: {error}"
        if got == expected:
            return "loaded"
        columns = self.columns[seed.source.table]
        if len(got) != len(expected):
            raise Defect(f"{len(got)} rows, not {len(expected)}")
        row, column = next(
            (n, k)
            for n, rows in enumerate(zip(got, expected, strict=True))
            for k, (a, b) in enumerate(zip(*rows, strict=True))
            if a != b
        )
        found = f"{got[row][column]!r}, not {expected[row][column]!r}"
        raise Defect(f"row {row} of {columns[column].name} is {found}")


def inputs_of(source: TableSource, columns: list[Column]) -> list[str]:
    """All input columns that any way of making the table may want, vectors by their name."""
    expressions = [source.row_filter] if source.row_filter is not None else []
    expressions += [check.bad for check in source.checks]
    for column in columns:
        expressions += source.derived.get(column.name, (pl.col(column.name.upper()),))
    names = [name for e in expressions for name in e.meta.root_names()]
    bases = [name.rpartition("_")[0] for name in names if name.rpartition("_")[2].isdigit()]
    return list(dict.fromkeys([*names, *bases]))


def transformed(
    source: TableSource, table: MemoryTable, columns: list[Column]
) -> list[Transformed]:
    transform = Transform(source, table, columns)
    return [
        transform(frame, np.arange(frame.height))
        for frame in table.frames(transform.inputs, chunk_rows=1 << 20)
    ]


def limit_memory() -> None:
    """Let the process grow by so much and no more."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + EXTRA_MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def main(dsn: str, folder: str, first: str, count: str) -> None:
    """Examine mutants; what hangs is killed with a traceback on standard error."""
    lab = Lab(dsn, Path(folder))
    lab.examine(int(first))  # threads and buffers that every later one needs, too
    limit_memory()
    fates: Counter[str] = Counter()
    stories: list[str] = []
    for number in range(int(first), int(first) + int(count)):
        faulthandler.dump_traceback_later(SECONDS, exit=True)
        fate, story = lab.examine(number)
        faulthandler.cancel_dump_traceback_later()
        fates[fate] += 1
        if fate not in ("refused", "loaded"):
            stories.append(story)
    print(json.dumps({"fates": fates, "stories": stories}))


if __name__ == "__main__":
    main(*sys.argv[1:])
