"""``specprod-copy tile``: single tiles of a production."""

from __future__ import annotations

import sys

import click

from specprod_copy.cli.options import (
    connection_options,
    input_options,
    role_options,
    verbosity_options,
)
from specprod_copy.cli.progress import make_console, make_listener
from specprod_copy.cli.tile_options import end_options, finished
from specprod_copy.daily.run import TileOptions, load_tiles
from specprod_copy.tables import Inputs


@click.command()
@click.argument("tileids", nargs=-1, required=True, type=click.IntRange(min=0), metavar="TILEID...")
@input_options()
@click.option("-s", "--schema", help="Schema of the tables.  [default: name of the production]")
@click.option("--update", is_flag=True, help="Load again tiles that are in the tables already.")
@click.option("--overwrite", is_flag=True, help="Replace the tables first, with all their tiles.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask before replacing tables.")
@end_options
@role_options("Let the roles of the public read as well.")
@verbosity_options
@connection_options
def tile(
    tileids: tuple[int, ...],
    inputs: Inputs,
    schema: str | None,
    update: bool,
    overwrite: bool,
    yes: bool,
    primary: bool,
    cluster: bool,
    jobs: int,
    roles: tuple[str, ...],
    verbosity: int,
    conninfo: str,
) -> None:
    """Load tiles of a production, one transaction each, while others read.

    A tile that is loaded already and did not change is left alone; one that changed is replaced
    with --update, and an error without. Tiles that are not worth loading (LASTNIGHT before
    20201214, or no positive EFFTIME_SPEC) are named and left out.

    \b
      specprod-copy tile 1000 1001 --specprod daily --primary
    """
    schema = schema or inputs.files.production.name
    if overwrite and not yes and sys.stdin.isatty():
        click.confirm(f"Replace the tables of schema {schema}?", abort=True)
    console = make_console()
    summary = load_tiles(
        conninfo,
        inputs,
        tileids,
        TileOptions(schema, overwrite, update, primary, cluster, roles, jobs),
        make_listener(console, verbosity),
    )
    finished(console, summary, verbosity)
