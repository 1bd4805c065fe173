"""``specprod-copy primary``: which spectrum of a target is the best one."""

from __future__ import annotations

from typing import Any

import click

from specprod_copy.cli.builder import make, options_of
from specprod_copy.cli.connection import ServerOptions
from specprod_copy.cli.options import Verbosity
from specprod_copy.cli.progress import make_listener
from specprod_copy.cli.text import say
from specprod_copy.daily.primary import Choice, choose_primary
from specprod_copy.postgres import locks
from specprod_copy.postgres.connection import connect
from specprod_copy.postgres.waits import watched


@click.command()
@click.option(
    "-p",
    "--specprod",
    envvar="SPECPROD",
    show_envvar=True,
    help="Name of the production: the schema, unless --schema says otherwise.",
)
@click.option("-s", "--schema", help="Schema of the tables.  [default: name of the production]")
@options_of(Verbosity)
@options_of(ServerOptions)
def primary(specprod: str | None, schema: str | None, **values: Any) -> None:
    """Count the spectra of each target and choose the best one, over whole tables.

    This sets nspec and primary of zpix and ztile, of all rows (zcat), those of sv1, sv2 and sv3
    (sv) and those of main. Good redshifts (ZWARN 0) come first, then the larger EFFTIME_SPEC where
    the table has it, else the larger TSNR2_LRG; 0, negative and missing values come last. Only rows
    that change are written. Loaders do this themselves; it is for tables that were changed by hand.
    The same in psql: scripts/primary.sql.

    Flags that catalogs brought may differ where the values do not decide. Such targets are counted.

    \b
      specprod-copy primary --specprod daily
    """
    verbosity = make(Verbosity, values).level
    name = schema or specprod
    if not name:
        raise click.UsageError("name the schema: --schema NAME, --specprod NAME, or set SPECPROD")
    conninfo = make(ServerOptions, values).to_read()
    listener = make_listener(verbosity)
    with (
        watched(conninfo, listener) as conninfo,
        connect(conninfo) as connection,
        locks.hold_schema_lock(connection, name, shared=True),
    ):
        choices = choose_primary(connection, name, listener, count_ties=True)
    if verbosity >= 0:
        for table, choice in choices.items():
            ties = f"; {_ties(choice)}" if choice.ties else ""
            say(f"{name}.{table}: {choice.changed:,} rows changed{ties}")


def _ties(choice: Choice) -> str:
    targets = "1 target" if choice.ties == 1 else f"{choice.ties:,} targets"
    return (
        f"for {targets} the table had another choice because of a tie or a value of 0 or less "
        f"({choice.ranked_by.upper()})"
    )
