"""``specprod-copy status``: how far a schema is."""

from __future__ import annotations

import dataclasses
import json

import click
from rich.console import Console
from rich.table import Table

from specprod_copy.cli.options import connection_options, schema_options
from specprod_copy.cli.progress import make_console
from specprod_copy.postgres.connection import connect
from specprod_copy.status import Status, schema_status
from specprod_copy.tables import Inputs


@click.command()
@schema_options("look at", "what is missing")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@connection_options
def status(
    schema: str | None,
    inputs: Inputs | None,
    as_json: bool,
    conninfo: str,
) -> None:
    """Tell what of a production is loaded, what is missing, and who is at work.

    Without --root the ledger alone is asked; with it the files are opened as well.

    \b
      specprod-copy status --schema iron
      specprod-copy status --specprod iron --root /global/cfs/cdirs/desi/public/dr1 --json
    """
    if not schema:
        raise click.UsageError("name the schema: --schema NAME, or --specprod NAME")
    with connect(conninfo) as connection:
        found = schema_status(connection, schema, inputs)
    if as_json:
        click.echo(json.dumps(dataclasses.asdict(found), default=str, indent=2))
    else:
        print_status(make_console(stderr=False), found)


def print_status(console: Console, found: Status) -> None:
    """Print the state of a schema, a line per source of a table."""
    table = Table(box=None, pad_edge=False)
    for name in ("table", "stage"):
        table.add_column(name, no_wrap=True)
    for name in ("files", "units", "rows", "missing", "rows/s", "steps", "loaded"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in found.progress:
        done, missing = (
            len(steps.get(row.table, [])) for steps in (found.steps_done, found.steps_missing)
        )
        table.add_row(
            row.table,
            row.stage,
            f"{row.files_loaded:,}",
            f"{row.units_loaded:,}",
            f"{row.rows_kept:,}",
            "?" if row.rows_missing is None else f"{row.rows_missing:,}",
            f"{row.rows_per_second:,.0f}" if row.rows_per_second else "",
            f"{done}/{done + missing}",
            row.last.strftime("%Y-%m-%d %H:%M") if row.last else "",
        )
    console.print(table)
    for row in found.progress:
        if row.rows_quarantined:
            console.print(
                f"rows in quarantine: {row.rows_quarantined:,} of {row.table}, stage {row.stage}",
                highlight=False,
            )
    for holder in found.at_work:
        console.print(f"at work: {holder}", highlight=False)
    programs = sorted({name for row in found.progress for name in row.loaded_by})
    if programs:
        console.print(f"loaded by {', '.join(programs)}", highlight=False)
