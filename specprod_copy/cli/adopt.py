"""``specprod-copy adopt``: a schema that another program has loaded."""

from __future__ import annotations

from typing import Any

import click

from specprod_copy.adopt.options import AdoptOptions
from specprod_copy.adopt.run import adopt as run_adopt
from specprod_copy.cli.builder import make, options_of
from specprod_copy.cli.connection import ServerOptions
from specprod_copy.cli.options import (
    EPILOG,
    JSON,
    STAGE,
    ProductionOptions,
    Verbosity,
    make_inputs,
)
from specprod_copy.cli.progress import make_listener
from specprod_copy.cli.text import put, say, to_json
from specprod_copy.plan.limits import Limits
from specprod_copy.tables import Inputs


@click.command(epilog=EPILOG)
@click.argument("stages", nargs=-1, metavar="[STAGE]...", type=STAGE)
@options_of(ProductionOptions)
@options_of(Inputs)
@options_of(AdoptOptions, "schema", "by_tile", "trust", "outdated", "repair", "patience")
@JSON
@options_of(Verbosity)
@options_of(ServerOptions)
@click.pass_context
def adopt(context: click.Context, as_json: bool, **values: Any) -> None:
    """Take over tables that specprod-db has loaded, or that lost their ledger.

    The files are read again and compared with the tables, bit by bit; then the ledger is written,
    in one transaction, so that load, --replace, tile, sync and verify go on from there. What is
    different and harmless is listed: names of indexes, narrower columns, 0.0 for -0.0, names of
    positions by desiutil before 3.5, primary spectra that were not chosen again. Any other
    difference stops it, with rows and values.

    Tables that were filled tile by tile are compared with the files of their tiles. So it is with
    a daily production; of others say --by-tile.

    \b
      specprod-copy adopt --specprod iron --root /global/cfs/cdirs/desi/public/dr1
      specprod-copy adopt redshift --specprod iron --repair
      specprod-copy adopt --specprod daily --outdated
    """
    verbosity = make(Verbosity, values).level
    inputs = make_inputs(values)
    options = make(
        AdoptOptions,
        values,
        stages=values["stages"] or ("all",),
        schema=values["schema"] or inputs.files.production.name,
        limits=context.ensure_object(Limits),
    )
    conninfo = make(ServerOptions, values).to_read()
    found = run_adopt(conninfo, inputs, options, make_listener(verbosity))
    if as_json:
        put(to_json(found), only_result=False)
    elif verbosity >= 0:
        compared = "counted" if options.trust else "equal to the files"
        for table, rows in found.rows.items():
            say(f"{table}: {rows:,} rows, {compared}")
        for table, differences in found.harmless.items():
            done = "mended" if found.repaired else "different, but harmless (--repair mends it)"
            say(f"{done}: {table}: {', '.join(differences)}")
        for table in found.left_out:
            say(f"{table}: no rows, left out ('specprod-copy load {table}' loads what there is)")
        for tile in found.outdated:
            say(f"not compared, for sync to bring up to date: {tile}")
