"""``specprod-copy export``: tables as other systems keep them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from specprod_copy.cli.builder import absolute, make, options_of
from specprod_copy.cli.connection import ServerOptions
from specprod_copy.cli.options import ProductionOptions, Verbosity, complete_table
from specprod_copy.cli.progress import make_listener
from specprod_copy.cli.text import say
from specprod_copy.executors.options import ExecutorOptions
from specprod_copy.export.hats import check, export_files, export_schema
from specprod_copy.export.options import HatsOptions
from specprod_copy.tables import Inputs


@click.group()
def export() -> None:
    """Write tables as other systems keep them."""


@export.command()
@click.argument("table", shell_complete=complete_table)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path), callback=absolute)
@click.option("-s", "--schema", help="Export the loaded table of a schema, not the files.")
@options_of(HatsOptions)
@options_of(
    ExecutorOptions,
    executor="Who reads, sorts and writes: as many processes as --jobs says, or workers of Dask.",
    scheduler="Scheduler of the Dask workers. They need this package with its extra hats, and the "
    "files and DIR at the same places.",
)
@options_of(ProductionOptions)
@options_of(ServerOptions)
@options_of(Verbosity)
def hats(schema: str | None, **values: Any) -> None:
    """Make a HATS catalog of a table, for LSDB, with a margin cache for crossmatches.

    The rows are those of the table: read from the production's files, in which case no database is
    needed, or with --schema from a loaded table. Rows whose position is not known are left out.
    Where the loader writes -9999 for NaN and infinities the catalog has nulls. Behind the columns
    of zpix and ztile come ra and dec: of the catalog files, with --schema those of photometry.

    Needs the extra hats: pip install 'specprod-copy[hats]'. On the way, DIR's disk holds the rows
    up to three times.

    \b
      specprod-copy export hats zpix iron_zpix --specprod iron --root $DESI_ROOT --jobs 8
      specprod-copy export hats zpix iron_zpix --schema iron
      python -c "import lsdb; print(lsdb.open_catalog('iron_zpix'))"
    """
    options = make(HatsOptions, values, table=values["table"], folder=values["folder"])
    check(options)
    listener = make_listener(make(Verbosity, values).level)
    executor = make(ExecutorOptions, values)
    if schema is None:
        inputs = Inputs(make(ProductionOptions, values).files())
        with executor.workers(options.jobs, inputs.files.root) as workers:
            summary = export_files(inputs, options, listener, workers=workers)
    else:
        conninfo = make(ServerOptions, values).to_read()
        with executor.workers(options.jobs) as workers:
            summary = export_schema(conninfo, schema, options, listener, workers=workers)
    left_out = f"; {summary.left_out} without a known position left out" if summary.left_out else ""
    say(f"{options.folder}: {summary.rows} rows, {len(summary.columns)} columns{left_out}")
