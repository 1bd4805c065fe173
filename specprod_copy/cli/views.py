"""``specprod-copy views``: productions side by side."""

from __future__ import annotations

from typing import Any

import click

from specprod_copy.cli.builder import make, options_of
from specprod_copy.cli.connection import ServerOptions
from specprod_copy.cli.options import Readers, complete_production
from specprod_copy.cli.progress import make_listener
from specprod_copy.cli.text import say, warn
from specprod_copy.postgres.connection import connect
from specprod_copy.postgres.waits import watched
from specprod_copy.views.productions import make_views


@click.command()
@click.argument("productions", nargs=-1, required=True, shell_complete=complete_production)
@click.option("-s", "--schema", required=True, help="Schema of the views; made if missing.")
@click.option(
    "--change",
    nargs=2,
    metavar="OLD NEW",
    help="Productions that the views of changes compare.  [default: the last two]",
)
@options_of(Readers)
@options_of(ServerOptions)
def views(
    productions: tuple[str, ...], schema: str, change: tuple[str, str] | None, **values: Any
) -> None:
    """Make views over the redshifts of several productions, the oldest first.

    For zpix, and likewise for ztile, there are zpix_all (all rows, with their production),
    zpix_best (each target once: its primary row in the newest production that has it) and
    zpix_change (primary rows of two productions side by side). All have ra and dec.

    Running it again makes the views again. Who may read them needs no right to read the
    productions.

    \b
      specprod-copy views --schema desi_all fuji guadalupe iron loa
      specprod-copy query "SELECT production, z FROM desi_all.zpix_all WHERE targetid = 39627…"
    """
    roles = make(Readers, values).all
    conninfo = make(ServerOptions, values).to_read()
    listener = make_listener(0)
    with watched(conninfo, listener) as conninfo, connect(conninfo) as connection:
        made = make_views(
            connection, schema, productions, change=change, roles=roles, listener=listener
        )
    for note in made.granted.notes:
        warn(f"Warning: {note}")
    say(f"schema {schema} has the views {', '.join(made.names)}")
