"""``specprod-copy tile``: single tiles of a production."""

from __future__ import annotations

from typing import Any

import click

from specprod_copy.cli.builder import make, options_of
from specprod_copy.cli.connection import ServerOptions
from specprod_copy.cli.load_run import YES, confirm
from specprod_copy.cli.options import JSON, ProductionOptions, Readers, Verbosity, make_inputs
from specprod_copy.cli.progress import make_listener
from specprod_copy.cli.tile_text import print_summary
from specprod_copy.daily.options import TileOptions
from specprod_copy.daily.run import load_tiles
from specprod_copy.tables import Inputs
from specprod_copy.tiles.summaries import Summaries


@click.command()
@click.argument("tileids", nargs=-1, required=True, type=click.IntRange(min=0), metavar="TILEID...")
@options_of(ProductionOptions)
@options_of(Inputs, "tiles_file", "exposures_file")
@options_of(TileOptions, "schema", "update", "overwrite")
@YES
@options_of(TileOptions, "check_content", "partitions", "primary", "cluster", "jobs", "patience")
@options_of(Readers)
@JSON
@options_of(Verbosity)
@options_of(ServerOptions)
def tile(tileids: tuple[int, ...], yes: bool, as_json: bool, **values: Any) -> None:
    """Load tiles of a production, one transaction each, while others read.

    A tile that is loaded already and did not change is left alone; one that changed is replaced
    with --update, and an error without. Tiles that are not worth loading (LASTNIGHT before
    20201214, or no positive EFFTIME_SPEC) are named and left out.

    \b
      specprod-copy tile 1000 1001 --specprod daily --primary
    """
    verbosity = make(Verbosity, values).level
    server = make(ServerOptions, values)
    inputs = make_inputs(values)
    schema = values["schema"] or inputs.files.production.name
    options = make(TileOptions, values, schema=schema, roles=make(Readers, values).all)
    if options.overwrite and not yes:
        confirm(f"Replace the tables of schema {schema}?")
    conninfo = server.to_write(
        lambda _: Summaries.read(inputs).refuse_unknown(tileids, inputs.tiles())
    )
    summary = load_tiles(conninfo, inputs, tileids, options, make_listener(verbosity))
    print_summary(summary, verbosity, as_json=as_json)
