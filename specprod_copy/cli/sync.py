"""``specprod-copy sync``: what is new or changed in a production."""

from __future__ import annotations

import click

from specprod_copy.cli.options import (
    connection_options,
    input_options,
    role_options,
    verbosity_options,
)
from specprod_copy.cli.progress import make_console, make_listener
from specprod_copy.cli.tile_options import check_failures, end_options, finished
from specprod_copy.daily.run import TileOptions
from specprod_copy.daily.run import sync as run_sync
from specprod_copy.tables import Inputs


@click.command()
@input_options()
@click.option("-s", "--schema", help="Schema of the tables.  [default: name of the production]")
@click.option(
    "--since",
    type=click.IntRange(19700101, 99991231),
    default=None,
    metavar="NIGHT",
    help="Only tiles with LASTNIGHT from this night on, as YYYYMMDD.",
)
@click.option(
    "--delete",
    is_flag=True,
    help="Remove tiles that vanished from the tiles file, or are not loadable any more.",
)
@click.option("-n", "--dry-run", is_flag=True, help="Only tell what there is to do.")
@end_options
@role_options("Let the roles of the public read as well.")
@verbosity_options
@connection_options
def sync(
    inputs: Inputs,
    schema: str | None,
    since: int | None,
    delete: bool,
    dry_run: bool,
    primary: bool,
    cluster: bool,
    jobs: int,
    roles: tuple[str, ...],
    verbosity: int,
    conninfo: str,
) -> None:
    """Bring the tables into step with the tiles file: load what is new or changed.

    A tile changed if its UPDATED, its LASTNIGHT, any value of it, of its exposures or their frames,
    or its set of redshift files is not what was loaded. Each tile is one transaction.

    \b
      specprod-copy sync --specprod daily --dry-run
      specprod-copy sync --specprod daily --since 20250701
    """
    console = make_console()
    summary = run_sync(
        conninfo,
        inputs,
        TileOptions(
            schema or inputs.files.production.name,
            primary=primary,
            cluster=cluster,
            roles=roles,
            jobs=jobs,
        ),
        since=since or 0,
        delete=delete,
        dry_run=dry_run,
        listener=make_listener(console, verbosity),
    )
    if not dry_run:
        finished(console, summary, verbosity)
        return
    for found in summary.states:
        click.echo(str(found))
    check_failures(console, summary)
