"""``specprod-copy load``: stages of a production into the database."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

import click

from specprod_copy.cli.builder import make, options_of
from specprod_copy.cli.connection import ServerOptions
from specprod_copy.cli.load_text import plan_lines, plan_values, refused_lines, summary_lines
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
from specprod_copy.cli.text import line_width, put, say, to_json
from specprod_copy.executors.options import ExecutorOptions
from specprod_copy.loading.api import load as run_load
from specprod_copy.loading.dry_run import check_load, plan_load
from specprod_copy.loading.options import LoadOptions
from specprod_copy.plan.limits import Limits
from specprod_copy.tables import Inputs
from specprod_copy.words import escaped


@click.command(epilog=EPILOG)
@click.argument("stages", nargs=-1, required=True, metavar="STAGE...", type=STAGE)
@options_of(ProductionOptions)
@options_of(Inputs)
@options_of(LoadOptions, "schema", "overwrite", "verify", "replace", "check_content")
@click.option("-n", "--dry-run", is_flag=True, help="Print what would be done; do nothing.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask before replacing tables or rows.")
@options_of(Readers)
@options_of(LoadOptions, "jobs", "part", "plan", "cluster", "patience")
@options_of(ExecutorOptions)
@click.option(
    "--on-error",
    type=click.Choice(["stop", "quarantine"]),
    default="stop",
    show_default=True,
    help="What to do when rows cannot be loaded: stop, or put them into quarantine, load the "
    "others, and end with code 3.",
)
@options_of(LoadOptions, "quarantine_folder", "max_quarantined")
@JSON
@options_of(Verbosity)
@options_of(ServerOptions)
@click.pass_context
def load(
    context: click.Context, dry_run: bool, yes: bool, on_error: str, as_json: bool, **values: Any
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
    options = make(
        LoadOptions,
        values,
        stages=values["stages"],
        schema=values["schema"] or inputs.files.production.name,
        roles=make(Readers, values).all,
        limits=context.ensure_object(Limits),
    )
    executor = make(ExecutorOptions, values)
    if not options.verify and not options.overwrite:
        raise click.UsageError("--no-verify belongs to --overwrite")
    if on_error != "quarantine":
        options = replace(options, max_quarantined=None, quarantine_folder=None)
    elif options.replace:
        raise click.UsageError(
            "--replace stops at rows that cannot be loaded: leave out --on-error quarantine"
        )
    if dry_run:
        with executor.workers(options.jobs, inputs.files.root) as workers:
            plan, statements = plan_load(server.if_there(), inputs, options, workers=workers)
        if as_json:
            put(to_json(plan_values(plan, statements)))
            return
        for line in plan_lines(plan, statements, options.jobs, width=line_width()):
            say(line)
        return
    if (options.overwrite or options.replace) and not yes and sys.stdin.isatty():
        _ask(options)
    conninfo = server.to_write(lambda new: check_load(inputs, options, new=new))
    with executor.workers(options.jobs, inputs.files.root) as workers:
        summary = run_load(conninfo, inputs, options, make_listener(verbosity), workers=workers)
    if as_json:
        put(to_json(summary), only_result=False)
    elif verbosity >= 0:
        for line in summary_lines(summary, width=line_width(err=True)):
            say(line, err=True)
    for line in refused_lines(summary):
        say(line, err=True)
    if summary.rows_refused:
        context.exit(3)


def _ask(options: LoadOptions) -> None:
    """Ask whether tables or rows are to be replaced."""
    rows = f"the rows of {', '.join(map(str, options.replace))} in " if options.replace else ""
    names = ", ".join(options.stages)
    question = f"Replace {rows}the tables of {names} in schema {options.schema}?"
    click.confirm(escaped(question), abort=True)
