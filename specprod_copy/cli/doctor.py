"""``specprod-copy doctor``: is this server fit for a load, and what would make it fitter."""

from __future__ import annotations

from pathlib import Path

import click

from specprod_copy.cli.options import connection_options
from specprod_copy.doctor import doctor as examine
from specprod_copy.doctor.text import print_findings, to_json
from specprod_copy.errors import ConfigurationError
from specprod_copy.production import ProductionFiles, find_production
from specprod_copy.report import make_console
from specprod_copy.tables import Inputs


@click.command()
@click.option("-s", "--schema", help="Schema to load into.  [default: name of the production]")
@click.option("-p", "--specprod", envvar="SPECPROD", show_envvar=True, help="Production.")
@click.option(
    "-r",
    "--root",
    type=click.Path(path_type=Path),
    help="Folder of the production's files: open them, to tell the space that they take.",
)
@click.option(
    "-c",
    "--config",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="TOML or INI file that adds productions or changes known ones.",
)
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@click.option("-v", "--verbose", is_flag=True, help="Tell the reason behind each line.")
@connection_options
@click.pass_context
def doctor(
    context: click.Context,
    schema: str | None,
    specprod: str | None,
    root: Path | None,
    config: Path | None,
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
    inputs = None
    if root is not None:
        if specprod is None:
            raise ConfigurationError("--root needs --specprod, to know which files there are")
        files = ProductionFiles(find_production(specprod, config), root)
        inputs = Inputs(files, skip_missing=True)
    findings = examine(conninfo, schema or specprod, inputs)
    if as_json:
        click.echo(to_json(findings))
    else:
        print_findings(make_console(stderr=False), findings, verbose=verbose)
    if any(finding.level == "problem" for finding in findings):
        context.exit(1)
