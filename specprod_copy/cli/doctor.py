"""``specprod-copy doctor``: is this server fit for a load, and what would make it fitter."""

from __future__ import annotations

from typing import Any

import click

from specprod_copy.cli.builder import make, options_of
from specprod_copy.cli.connection import ServerOptions
from specprod_copy.cli.doctor_text import print_findings
from specprod_copy.cli.options import JSON, SchemaOptions
from specprod_copy.cli.text import line_width, put
from specprod_copy.doctor import doctor as examine
from specprod_copy.doctor.text import to_json


@click.command()
@options_of(
    SchemaOptions,
    schema="Schema to load into.  [default: name of the production]",
    root="Folder of the production's files: open them, to find out the space that they "
    "take, and what a load would refuse.",
)
@JSON
@click.option("-v", "--verbose", is_flag=True, help="Say the reason behind each line.")
@options_of(ServerOptions)
@click.pass_context
def doctor(context: click.Context, as_json: bool, verbose: bool, **values: Any) -> None:
    """Find out whether a load is possible, and what would make it faster.

    Looks at the server, its settings, what the role may do, the connection and this machine, and
    changes nothing: a few MB are sent into a temporary table that is rolled back. Where there is no
    embedded server yet, it tells which one a load would make. Ends with code 1 only if a load is
    impossible.

    \b
      specprod-copy doctor
      specprod-copy doctor --dsn postgresql://desi@db.example.org/desi --schema iron
    """
    where = make(SchemaOptions, values)
    inputs = where.inputs()
    server = make(ServerOptions, values)
    findings = examine(server.if_there() or server.cluster or "", where.name, inputs)
    if as_json:
        put(to_json(findings))
    else:
        print_findings(findings, width=line_width(), verbose=verbose)
    if any(finding.level == "problem" for finding in findings):
        context.exit(1)
