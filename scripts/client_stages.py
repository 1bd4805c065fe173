"""Where a loader's own processor time goes: reading, transforming, encoding, without a server.

    python scripts/client_stages.py ROOT --specprod fuji zpix ztile photometry
    python scripts/client_stages.py ROOT --specprod fuji zpix --sweep

The columns are those of the project's own DDL, asked of a server: the embedded one in a temporary
folder. Processor seconds of one thread (Polars has one, too), the least of several runs: other
work on the machine can only add to them. ``--sweep`` varies the sizes that the code fixes.
"""

from __future__ import annotations

import os

os.environ.setdefault("POLARS_MAX_THREADS", "1")  # before Polars is imported

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import numpy as np
import psycopg

from specprod_copy import database, ddl, pgcopy
from specprod_copy.columns import Column
from specprod_copy.pgcopy import Encoder
from specprod_copy.plan import with_tiles
from specprod_copy.production import ProductionFiles, find_production
from specprod_copy.reader import fits, open_table
from specprod_copy.server.cluster import Cluster
from specprod_copy.tables import SOURCES, Inputs, tile
from specprod_copy.transform import Transform

STAGES = ("read", "transform", "encode")

SWEPT: dict[str, tuple[Any, str, tuple[int, ...]]] = {
    "chunk rows": (pgcopy, "CHUNK_ROWS", (4096, 8192, 16384, 32768, 65536)),
    "bytes of encoder's blocks": (
        pgcopy,
        "BLOCK_BYTES",
        (1 << 17, 1 << 18, 1 << 19, 1 << 20, 1 << 21),
    ),
    "bytes read at once": (fits, "READ_BYTES", (1 << 17, 1 << 18, 1 << 19, 1 << 20, 1 << 21)),
}
"""What is varied: where it lives, its name there, its values."""


def table_columns(tables: list[str]) -> dict[str, list[Column]]:
    """Ask an embedded server for the columns of tables."""
    with tempfile.TemporaryDirectory(prefix="client-stages-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)
        cluster = Cluster(Path(folder) / "pg")
        cluster.start()
        try:
            with psycopg.connect(cluster.conninfo(), autocommit=True) as connection:
                for statement in ddl.statements(["schema", *tables], ["table"], schema="s"):
                    connection.execute(statement.sql.encode())
                return {t: database.table_columns(connection, "s", t) for t in tables}
        finally:
            cluster.stop("immediate")


def measure(name: str, inputs: Inputs, columns: list[Column]) -> dict[str, float]:
    """Return processor seconds of each stage, and rows and bytes, for all files of a source."""
    source = SOURCES[name]
    found = dict.fromkeys((*STAGES, "rows", "MB"), 0.0)
    encoder = Encoder(columns)
    for path in source.files(inputs):
        with open_table(path, source.hdus) as table:
            transform = Transform(source, table, columns)
            frames = table.frames(transform.inputs, chunk_rows=pgcopy.CHUNK_ROWS)
            for stage, seconds, rows, size in _chunks(frames, transform, encoder):
                found[stage] += seconds
                found["rows"] += rows
                found["MB"] += size / 1e6
    return found


def _chunks(
    frames: Iterator[Any], transform: Transform, encoder: Encoder
) -> Iterator[tuple[str, float, int, int]]:
    begin = time.thread_time()
    for frame in frames:
        read = time.thread_time()
        yield "read", read - begin, 0, 0
        begin = time.thread_time()
        rows = transform(frame, np.arange(frame.height)).frame
        transformed = time.thread_time()
        yield "transform", transformed - begin, 0, 0
        begin = time.thread_time()
        size = sum(data.size for data in encoder.encode(rows))
        yield "encode", time.thread_time() - begin, rows.height, size
        begin = time.thread_time()


def least(name: str, inputs: Inputs, columns: list[Column], runs: int) -> dict[str, float]:
    """Return the run with the least processor time."""
    return min(
        (measure(name, inputs, columns) for _ in range(runs)),
        key=lambda found: sum(found[stage] for stage in STAGES),
    )


def line(label: str, found: dict[str, float]) -> str:
    """Return one line of the table: seconds per million rows that are kept."""
    per_million = {stage: found[stage] / found["rows"] * 1e6 for stage in STAGES}
    total = sum(per_million.values())
    cells = " ".join(f"{per_million[stage]:9.2f}" for stage in STAGES)
    return f"{label:34} {cells} {total:9.2f} {found['rows'] / 1e6:9.3f} {found['MB']:9.0f}"


@click.command()
@click.argument("root", type=click.Path(path_type=Path, exists=True))
@click.argument("tables", nargs=-1, required=True)
@click.option("--specprod", default="fuji", show_default=True)
@click.option("--runs", default=5, show_default=True)
@click.option("--sweep", is_flag=True, help="Vary the sizes that the code fixes.")
def main(root: Path, tables: tuple[str, ...], specprod: str, runs: int, sweep: bool) -> None:
    """Measure the stages before the server, for TABLES of a production below ROOT."""
    inputs = Inputs(ProductionFiles(find_production(specprod, None), root))
    columns = table_columns(list(tables))
    print(f"{'processor seconds per million rows':34} ", end="")
    print(*(f"{title:>9}" for title in (*STAGES, "all", "M rows", "MB sent")))
    for name in [name for name, source in SOURCES.items() if source.table in tables]:
        table = SOURCES[name].table
        known = with_tiles(inputs, [tile.SOURCE], None, "")  # type: ignore[arg-type]
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
