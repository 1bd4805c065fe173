"""``specprod-copy doctor``: is this server fit for a load, and what would make it fitter."""

from __future__ import annotations

import click

from specprod_copy.cli.doctor_text import print_findings
from specprod_copy.cli.options import connection_options, schema_options
from specprod_copy.cli.progress import make_console
from specprod_copy.doctor import doctor as examine
from specprod_copy.doctor.text import to_json
from specprod_copy.tables import Inputs


@click.command()
@schema_options("load into", "the space that they take")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@click.option("-v", "--verbose", is_flag=True, help="Tell the reason behind each line.")
@connection_options
@click.pass_context
def doctor(
    context: click.Context,
    schema: str | None,
    inputs: Inputs | None,
    as_json: bool,
    verbose: bool,
    conninfo: str,
) -> None:
    """Tell whether a load is possible, and what would make it faster.

    Looks at the server, its settings, what the role may do, the connection and this machine, and
    changes nothing: a few MB are sent into a temporary table that is rolled back. Ends with code 1
    only if a load is impossible.

    \b
      specprod-copy doctor
      specprod-copy doctor --dsn postgresql://desi@db.example.org/desi --schema iron
    """
    findings = examine(conninfo, schema, inputs)
    if as_json:
        click.echo(to_json(findings))
    else:
        print_findings(make_console(stderr=False), findings, verbose=verbose)
    if any(finding.level == "problem" for finding in findings):
        context.exit(1)
