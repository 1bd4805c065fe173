"""``specprod-copy load``: stages of a production into the database."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import click

from specprod_copy.cli.load_text import print_plan, print_refused, print_summary
from specprod_copy.cli.options import (
    connection_options,
    input_options,
    role_options,
    verbosity_options,
)
from specprod_copy.cli.progress import make_console, make_listener
from specprod_copy.loading.api import LoadOptions, plan_load
from specprod_copy.loading.api import load as run_load
from specprod_copy.tables import STAGES, Inputs


class PartType(click.ParamType):
    """K/N with 1 <= K <= N."""

    name = "K/N"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        """Return (K, N)."""
        found = re.fullmatch(r"(\d{1,6})/(\d{1,6})", value)
        if found is None or not 1 <= int(found[1]) <= int(found[2]):
            self.fail(f"{value!r} is not K/N with 1 <= K <= N", param, ctx)
        return int(found[1]), int(found[2])


@click.command(epilog=f"Stages, in their order: {', '.join(STAGES)}.")
@click.argument("stages", nargs=-1, required=True, metavar="STAGE...")
@input_options(skip_missing="Leave out tiles without a fiberassign file, and say which.")
@click.option("-s", "--schema", help="Schema for the tables.  [default: name of the production]")
@click.option(
    "--overwrite",
    is_flag=True,
    help="Replace the tables of these stages, once the new ones are loaded and verified.",
)
@click.option(
    "--no-verify",
    is_flag=True,
    help="With --overwrite: do not read the files again to verify the new tables before they "
    "replace the old ones.",
)
@click.option(
    "--replace",
    type=click.Path(path_type=Path, dir_okay=False),
    multiple=True,
    metavar="FILE",
    help="Remove the rows of this changed FILE and load them anew, in one transaction; may be "
    "given several times.",
)
@click.option("-n", "--dry-run", is_flag=True, help="Print what would be done; do nothing.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask before replacing tables or rows.")
@role_options("Let the roles of the public read as well.")
@click.option(
    "-j",
    "--jobs",
    type=click.IntRange(1, 64),
    default=lambda: min(os.cpu_count() or 1, 8),
    show_default="number of processors, at most 8",
    help="How many things to do at a time.",
)
@click.option(
    "--part",
    type=PartType(),
    help="Load only share K of N, beside others that load theirs, e.g. 3/16 in a job array. A load "
    "without this, afterwards, makes the keys and indexes.",
)
@click.option("--cluster", is_flag=True, help="Order tables on their q3c index (slow, locks them).")
@click.option(
    "--on-error",
    type=click.Choice(["stop", "quarantine"]),
    default="stop",
    show_default=True,
    help="What to do when rows cannot be loaded: stop, or put them into quarantine, load the "
    "others, and end with code 3.",
)
@click.option(
    "--quarantine",
    "quarantine_folder",
    type=click.Path(path_type=Path, file_okay=False),
    default="quarantine",
    show_default=True,
    metavar="DIR",
    help="Folder for the Parquet files of rows in quarantine.",
)
@click.option(
    "--max-quarantined",
    "max_quarantined",
    type=click.IntRange(min=1),
    default=1000,
    show_default=True,
    metavar="N",
    help="Stop when more rows of the schema would be in quarantine.",
)
@verbosity_options
@connection_options
@click.pass_context
def load(
    context: click.Context,
    stages: tuple[str, ...],
    inputs: Inputs,
    schema: str | None,
    overwrite: bool,
    no_verify: bool,
    replace: tuple[Path, ...],
    dry_run: bool,
    yes: bool,
    roles: tuple[str, ...],
    jobs: int,
    part: tuple[int, int] | None,
    cluster: bool,
    on_error: str,
    quarantine_folder: Path,
    max_quarantined: int,
    verbosity: int,
    conninfo: str,
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
    if no_verify and not overwrite:
        raise click.UsageError("--no-verify belongs to --overwrite")
    if replace and on_error == "quarantine":
        raise click.UsageError(
            "--replace stops at rows that cannot be loaded: leave out --on-error quarantine"
        )
    schema = schema or inputs.files.production.name
    options = LoadOptions(
        stages=stages,
        schema=schema,
        overwrite=overwrite,
        verify=not no_verify,
        replace=replace,
        roles=roles,
        jobs=jobs,
        cluster=cluster,
        part=part,
        max_quarantined=max_quarantined if on_error == "quarantine" else None,
        quarantine_folder=quarantine_folder if on_error == "quarantine" else None,
    )
    if dry_run:
        print_plan(make_console(stderr=False), *plan_load(conninfo, inputs, options), jobs)
        return
    if (overwrite or replace) and not yes and sys.stdin.isatty():
        rows = f"the rows of {', '.join(map(str, replace))} in " if replace else ""
        names = ", ".join(stages)
        click.confirm(f"Replace {rows}the tables of {names} in schema {schema}?", abort=True)
    console = make_console()
    summary = run_load(conninfo, inputs, options, make_listener(console, verbosity))
    if verbosity >= 0:
        print_summary(console, summary)
    print_refused(console, summary)
    if summary.rows_refused:
        context.exit(3)
