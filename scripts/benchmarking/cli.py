"""The command line of the benchmark."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from benchmarking import (
    comparison,
    coordinating,
    cost_measure,
    gzipped,
    joined,
    memory,
    planning,
    querying,
    scaling,
    targetphot,
    vectors,
    wide,
)
from benchmarking.bench import BEFORE
from benchmarking.chart import write_chart
from benchmarking.processes import FailedError
from benchmarking.productions import Size, demo_production
from specprod_copy.desi.production import ProductionFiles, find_production
from specprod_copy.errors import SpecprodCopyError

MODES = {
    "production": (150_000, "The limit and specprod-copy with everything, about 1 GB of files."),
    "memory": (1_000_000, "Memory of specprod-copy at two sizes, the smaller one a tenth."),
    "wide": (100_000, "Rows of 889 columns, beside the server's own COPY from a local file."),
    "joined": (1_500_000, "Rows in two files that are matched, and in one; memory at two sizes."),
    "gzip": (2_000, "So many small gzipped files, and about their rows in few large ones."),
    "cost": (150_000, "Seconds and bytes per million rows of each table; what DR1 would take."),
    "query": (1_000_000, "Results of queries into Parquet, beside the server's own COPY TO."),
    "vectors": (50_000, "Rows of 828 numbers as 18 vectors and as scalars; size on disk."),
    "coordinator": (100_000, "Batches a second to workers that do nothing, also through Dask."),
    "planning": (1_000, "Gzipped fiberassign files planned a second, beside unpacking them."),
    "scaling": (300_000, "Load and verify by 1 to 8 workers: which side is busy; a model of 64."),
    "targetphot": (10_000_000, "The decision which rows win, of so many rows, 2 and 6 times that."),
}
"""What else can be measured: its --rows unless told otherwise, and what it is."""

TABLE_ROWS = 1_000_000


def mode_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add a flag for each mode."""
    for mode, (rows, what) in reversed(MODES.items()):
        help_text = f"{what}  [--rows {rows:,}]"
        command = click.option(f"--{mode}", "mode", flag_value=mode, help=help_text)(command)
    return command


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@mode_options
@click.option("--table", type=click.Choice(list(BEFORE)), default="zpix", show_default=True)
@click.option(
    "--rows",
    type=click.IntRange(10),
    help="About so many rows of zpix in the demo production; with --gzip and --planning, files; "
    f"with --coordinator, batches; with --targetphot, rows.  [default: {TABLE_ROWS:,}]",
)
@click.option("--runs", type=click.IntRange(1), default=5, show_default=True)
@click.option(
    "--orm-rows",
    type=click.IntRange(100),
    default=20_000,
    show_default=True,
    help="About so many rows for the ORM, which is slow; its time is scaled to all rows.",
)
@click.option("--specprod", default="iron", show_default=True, help="Production to imitate.")
@click.option(
    "--root",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Data root of a production that exists, instead of a demo.",
)
@click.option(
    "--work",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("benchmark.work"),
    show_default=True,
    help="Folder for the demo productions, which are kept for the next time, and for the server, "
    "which is not.",
)
@click.option(
    "--dsn",
    help="Another server, on this machine, whose role may read its files (pg_read_server_files); "
    "otherwise the limit is missing.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("benchmark"),
    show_default=True,
    help="Begin of the names of the results: .json, .md, .png.",
)
@click.option(
    "--markdown",
    type=click.Path(path_type=Path),
    help="Another name for the Markdown file.",
)
def main(
    mode: str | None,
    table: str,
    rows: int | None,
    runs: int,
    orm_rows: int,
    specprod: str,
    root: Path | None,
    work: Path,
    dsn: str | None,
    out: Path,
    markdown: Path | None,
) -> None:
    """Measure how fast specprod-copy loads, beside the server's own limit and other ways.

    \b
      python scripts/benchmark.py                       1,000,000 rows of zpix
      python scripts/benchmark.py --table potential
      python scripts/benchmark.py --production
    """
    work = work.absolute()
    work.mkdir(parents=True, exist_ok=True)
    size = rows or (MODES[mode][0] if mode else TABLE_ROWS)

    def production(rows: int) -> ProductionFiles:
        if root is not None:
            return ProductionFiles(find_production(specprod), root)
        return demo_production(work, specprod, Size.of_rows(rows))

    try:
        if mode == "memory":
            document = memory.measure(work, production, size, table=table, runs=runs, dsn=dsn)
        elif mode == "joined":
            document = joined.measure(work, size, runs=runs, dsn=dsn)
        elif mode == "wide":
            document = wide.measure(work, size, runs=runs, dsn=dsn)
        elif mode == "gzip":
            document = gzipped.measure(work, specprod, size, runs=runs, dsn=dsn)
        elif mode == "cost":
            files = production(size)
            document = cost_measure.measure(work, files, runs=runs, orm_rows=orm_rows, dsn=dsn)
        elif mode == "query":
            document = querying.measure(work, size, runs=runs, dsn=dsn)
        elif mode == "vectors":
            document = vectors.measure(work, size, runs=runs, dsn=dsn)
        elif mode == "coordinator":
            document = coordinating.measure(size, runs=runs)
        elif mode == "planning":
            document = planning.measure(work, size, runs=runs)
        elif mode == "scaling":
            document = scaling.measure(work, production(size), runs=runs, dsn=dsn)
        elif mode == "targetphot":
            document = targetphot.measure(work, size, runs=runs)
        else:
            stages = (table,) if mode is None else ("all",)
            result = comparison.compare(
                work, production(size), stages, runs=runs, orm_rows=orm_rows, dsn=dsn
            )
            if missing := write_chart(result, out.with_suffix(".png")):
                result.notes.append(missing)
            document = result.document()
    except (FailedError, SpecprodCopyError) as error:
        raise click.ClickException(str(error)) from error
    document.write_json(out.with_suffix(".json"))
    (markdown or out.with_suffix(".md")).write_text(document.text(), "utf-8")
    click.echo(document.text())
