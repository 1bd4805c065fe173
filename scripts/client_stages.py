"""Where a loader's own processor time goes, from planning to encoding, without a server.

    python scripts/client_stages.py ROOT --specprod fuji zpix ztile photometry
    python scripts/client_stages.py ROOT --specprod fuji zpix --sweep

The columns are those of the project's own DDL, asked of a server: the embedded one in a temporary
folder. Processor seconds of the process, in which Polars has one thread, the least of several runs:
other work on the machine can only add to them. Files are opened twice, to plan and to load; what
is gzipped is unpacked each time. ``--sweep`` varies the sizes that the code fixes.
"""

from __future__ import annotations

import os

os.environ.setdefault("POLARS_MAX_THREADS", "1")  # before Polars is imported

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import numpy as np

from specprod_copy.desi.production import ProductionFiles, find_production
from specprod_copy.plan.known_tiles import with_tiles_of_file
from specprod_copy.plan.ledger import NothingLoaded
from specprod_copy.plan.planning import Planner
from specprod_copy.postgres import encoder
from specprod_copy.postgres.columns import Column
from specprod_copy.postgres.copy import Nothing
from specprod_copy.postgres.encoder import Encoded, Encoder
from specprod_copy.reader import fits_table, open_table, selection
from specprod_copy.rows.sky_order import sorted_on_sky
from specprod_copy.rows.transform import Transform
from specprod_copy.tables import SOURCES, Inputs, specprod_catalogue

STAGES = ("plan", "open", "read", "transform", "encode")

SWEPT: dict[str, tuple[Any, str, tuple[int, ...]]] = {
    "chunk rows": (selection, "CHUNK_ROWS", (4096, 8192, 16384, 32768, 65536)),
    "bytes of encoder's blocks": (
        encoder,
        "BLOCK_BYTES",
        (1 << 17, 1 << 18, 1 << 19, 1 << 20, 1 << 21),
    ),
    "bytes read at once": (fits_table, "READ_BYTES", (1 << 17, 1 << 18, 1 << 19, 1 << 20, 1 << 21)),
}
"""What is varied: where it lives, its name there, its values."""


class Stopwatch:
    """Adds up the processor seconds of stages.

    Attributes
    ----------
    seconds : dict of str to float
    """

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(STAGES, 0.0)
        self._last = time.process_time()

    def lap(self, stage: str) -> None:
        """Say that what was done since the last lap belongs to a stage."""
        now = time.process_time()
        self.seconds[stage] += now - self._last
        self._last = now


def measure(name: str, inputs: Inputs, columns: list[Column]) -> dict[str, float]:
    """Return processor seconds of each stage, and rows, files and MB, for all files of a source."""
    source = SOURCES[name]
    coder = Encoder(columns)
    watch = Stopwatch()
    nothing = NothingLoaded()
    units = Planner(inputs).plan([source], {source.table: columns}, nothing).files
    watch.lap("plan")
    size = 0

    def encoded() -> Iterator[Encoded]:
        nonlocal size
        for unit in units:
            with open_table(unit.path, source.hdus) as table:
                transform = Transform(source, table, columns)
                wanted = {"rows": unit.rows, "chunk_rows": selection.CHUNK_ROWS}
                frames = table.frames(transform.inputs, **wanted)
                watch.lap("open")
                for frame in frames:
                    watch.lap("read")
                    rows = transform(frame, np.arange(frame.height)).frame
                    if source.position and source.sky_order:
                        rows = sorted_on_sky(rows, *source.position)
                    watch.lap("transform")
                    data = [*coder.encode(rows)]
                    size += sum(map(len, data))
                    yield Encoded(data, rows.height)
                    watch.lap("encode")
                watch.lap("read")

    n_rows = Nothing().copy(encoded())
    return {**watch.seconds, "rows": n_rows, "files": len(units), "MB": size / 1e6}


def least(name: str, inputs: Inputs, columns: list[Column], runs: int) -> dict[str, float]:
    """Return the run with the least processor time."""
    return min(
        (measure(name, inputs, columns) for _ in range(runs)),
        key=lambda found: sum(found[stage] for stage in STAGES),
    )


TITLES = (*STAGES, "all", "M rows", "MB sent", "files", "ms a file")


def line(label: str, found: dict[str, float]) -> str:
    """Return one line: seconds per million rows that are kept, and what each file costs."""
    per_million = [found[stage] / found["rows"] * 1e6 for stage in STAGES]
    cells = " ".join(f"{seconds:9.2f}" for seconds in (*per_million, sum(per_million)))
    per_file = (found["plan"] + found["open"]) / found["files"] * 1e3
    size = f"{found['rows'] / 1e6:9.3f} {found['MB']:9.0f} {found['files']:9.0f} {per_file:9.2f}"
    return f"{label:34} {cells} {size}"


@click.command()
@click.argument("root", type=click.Path(path_type=Path, exists=True))
@click.argument("tables", nargs=-1, required=True)
@click.option("--specprod", default="fuji", show_default=True)
@click.option("--runs", default=5, show_default=True)
@click.option("--sweep", is_flag=True, help="Vary the sizes that the code fixes.")
def main(root: Path, tables: tuple[str, ...], specprod: str, runs: int, sweep: bool) -> None:
    """Measure the stages before the server, for TABLES of a production below ROOT."""
    inputs = Inputs(ProductionFiles(find_production(specprod, None), root))
    columns = {table: specprod_catalogue().definition.columns_of(table) for table in tables}
    print(f"{'processor seconds per million rows':34} ", end="")
    print(*(f"{title:>9}" for title in TITLES))
    for name in [name for name, source in SOURCES.items() if source.table in tables]:
        table = SOURCES[name].table
        known = with_tiles_of_file(inputs)
        print(line(name, least(name, known, columns[table], runs)), flush=True)
        for what, (module, constant, values) in SWEPT.items() if sweep else ():
            usual = getattr(module, constant)
            for value in values:
                setattr(module, constant, value)
                found = least(name, known, columns[table], runs)
                mark = " *" if value == usual else ""
                print(line(f"  {what} {value:,}{mark}", found), flush=True)
            setattr(module, constant, usual)


if __name__ == "__main__":
    main()
