"""``specprod-copy sync``: what is new or changed in a production."""

from __future__ import annotations

from typing import Any

import click

from specprod_copy.cli.builder import make, options_of
from specprod_copy.cli.connection import ServerOptions
from specprod_copy.cli.options import JSON, ProductionOptions, Readers, Verbosity, make_inputs
from specprod_copy.cli.progress import make_listener
from specprod_copy.cli.text import say
from specprod_copy.cli.tile_text import check_failures, print_summary
from specprod_copy.daily.options import SyncOptions
from specprod_copy.daily.run import sync as run_sync
from specprod_copy.tables import Inputs
from specprod_copy.tiles.summaries import Summaries


@click.command()
@options_of(ProductionOptions)
@options_of(Inputs, "tiles_file", "exposures_file")
@options_of(SyncOptions, "schema", "since", "delete", "dry_run")
@options_of(SyncOptions, "check_content", "partitions", "primary", "cluster", "jobs", "patience")
@options_of(Readers)
@JSON
@options_of(Verbosity)
@options_of(ServerOptions)
def sync(as_json: bool, **values: Any) -> None:
    """Bring the tables into step with the tiles file: load what is new or changed.

    A tile changed if its UPDATED, its LASTNIGHT, any value of it, of its exposures or their frames,
    or its set of redshift files is not what was loaded. Each tile is one transaction.

    \b
      specprod-copy sync --specprod daily --dry-run
      specprod-copy sync --specprod daily --since 20250701
    """
    verbosity = make(Verbosity, values).level
    server = make(ServerOptions, values)
    inputs = make_inputs(values)
    schema = values["schema"] or inputs.files.production.name
    options = make(SyncOptions, values, schema=schema, roles=make(Readers, values).all)
    if options.dry_run:
        conninfo = server.to_read()
    else:
        conninfo = server.to_write(lambda _: Summaries.read(inputs))
    summary = run_sync(conninfo, inputs, options, make_listener(verbosity))
    if as_json or not options.dry_run:
        print_summary(summary, verbosity, as_json=as_json)
        return
    for found in summary.states:
        say(str(found))
    check_failures(summary)
