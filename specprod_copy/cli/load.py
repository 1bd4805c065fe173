"""``specprod-copy load``: stages of a production into the database."""

from __future__ import annotations

from typing import Any

import click

from specprod_copy.cli.builder import make, options_of
from specprod_copy.cli.connection import ServerOptions
from specprod_copy.cli.load_run import (
    DRY_RUN,
    ON_ERROR,
    OVERWRITTEN,
    YES,
    ask,
    load_options,
    tell,
    tell_plan,
)
from specprod_copy.cli.options import (
    EPILOG,
    JSON,
    STAGE,
    ProductionOptions,
    Readers,
    Verbosity,
    make_inputs,
)
from specprod_copy.cli.progress import make_listener
from specprod_copy.executors.options import ExecutorOptions
from specprod_copy.loading.api import load as run_load
from specprod_copy.loading.dry_run import check_load, plan_load
from specprod_copy.loading.options import LoadOptions
from specprod_copy.tables import Inputs


@click.command(epilog=EPILOG)
@click.argument("stages", nargs=-1, required=True, metavar="STAGE...", type=STAGE)
@options_of(ProductionOptions)
@options_of(Inputs)
@options_of(LoadOptions, "schema", "overwrite", "verify", "replace", "check_content")
@DRY_RUN
@OVERWRITTEN
@YES
@options_of(Readers)
@options_of(LoadOptions, "jobs", "part", "plan", "partitions", "cluster", "patience")
@options_of(ExecutorOptions)
@ON_ERROR
@options_of(LoadOptions, "quarantine_folder", "max_quarantined")
@JSON
@options_of(Verbosity)
@options_of(ServerOptions)
@click.pass_context
def load(
    context: click.Context,
    dry_run: bool,
    overwritten: tuple[str, ...],
    yes: bool,
    on_error: str,
    as_json: bool,
    **values: Any,
) -> None:
    """Load stages of a production; "all" loads every stage, a table's name its part of a stage.

    Rows that are in the database already are not loaded again, so a load that was interrupted is
    simply run once more. Keys, indexes and foreign keys are made after the rows.

    Rows in quarantine are written as they are in the file, with the reason, to a Parquet file for
    each table. Errors of a file as a whole (no such column, truncated) always stop.

    \b
      specprod-copy load exposures --specprod fuji --root /global/cfs/cdirs/desi/public/edr
      specprod-copy load all --specprod iron --schema iron --public
      specprod-copy load targetphot target --specprod iron --replace targetphot-sv1-iron.fits
    """
    verbosity = make(Verbosity, values).level
    server = make(ServerOptions, values)
    inputs = make_inputs(values)
    schema = values["schema"] or inputs.files.production.name
    options = load_options(context, values, values["stages"], schema, on_error)
    executor = make(ExecutorOptions, values)
    if overwritten and not dry_run:
        raise click.UsageError("--overwritten belongs to --dry-run")
    if dry_run:
        with executor.workers(options.jobs, inputs.files.root) as workers:
            plan, statements = plan_load(
                server.if_there(), inputs, options, workers=workers, overwritten=overwritten
            )
        tell_plan(plan, statements, options, as_json=as_json)
        return
    of = ", ".join(options.stages)
    ask(options, "all tables" if "all" in options.stages else f"the tables of {of}", yes=yes)
    conninfo = server.to_write(lambda new: check_load(inputs, options, new=new))
    with executor.workers(options.jobs, inputs.files.root) as workers:
        summary = run_load(conninfo, inputs, options, make_listener(verbosity), workers=workers)
    tell(context, summary, verbosity, as_json=as_json)
