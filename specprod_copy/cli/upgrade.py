"""``specprod-copy upgrade``: a schema of an earlier version, brought to today's definition."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

import click

from specprod_copy.cli.builder import make, options_of
from specprod_copy.cli.connection import ServerOptions
from specprod_copy.cli.options import Verbosity
from specprod_copy.cli.progress import make_listener
from specprod_copy.cli.text import put, say, warn
from specprod_copy.upgrade.run import UpgradeOptions, plan_upgrade
from specprod_copy.upgrade.run import upgrade as run_upgrade
from specprod_copy.words import escaped


@click.command()
@click.option("-s", "--schema", required=True, help="Schema to upgrade.")
@options_of(UpgradeOptions, "rewrite")
@click.option("-n", "--dry-run", is_flag=True, help="Print the SQL; do nothing.")
@options_of(UpgradeOptions, "patience")
@options_of(Verbosity)
@options_of(ServerOptions)
def upgrade(dry_run: bool, **values: Any) -> None:
    """Bring a schema that an earlier version has made to today's definition.

    The ledger is taken over in one transaction. Tables get wider columns, columns that rows can do
    without, comments, keys and indexes, as far as they lack them. Nothing is dropped, no column
    gets narrower, and what users added stays. "status" tells what there is to do.

    Views that are part of the schema and read a column that gets wider are made again; the SQL of
    --dry-run does not do that.

    \b
      specprod-copy upgrade --schema iron --dry-run
      specprod-copy upgrade --schema iron
    """
    options = make(UpgradeOptions, values)
    verbosity = make(Verbosity, values).level
    conninfo = make(ServerOptions, values).to_read()
    listener = make_listener(verbosity)
    found = plan_upgrade(conninfo, options, listener)
    if dry_run:
        put("".join(f"{statement}\n" for statement in found.statements))
    elif found.tables.left and sys.stdin.isatty():
        for what in found.tables.left:
            say(what, err=True)
        question = (
            f"Write these tables of schema {options.schema} again? Nobody can read them then."
        )
        options = replace(options, rewrite=click.confirm(escaped(question)))
    if not dry_run:
        found = run_upgrade(conninfo, options, listener)
        if verbosity >= 0:
            say(
                f"schema {options.schema}: {found.number} statements"
                if found.number
                else f"schema {options.schema} is up to date"
            )
    for what in found.tables.left:
        warn(f"Left as it is, the table would be written again (--rewrite): {what}")
