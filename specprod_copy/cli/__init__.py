"""The command line: one thin module per command."""

from __future__ import annotations

import logging
import sys

import click

import specprod_copy
from specprod_copy.cli.batch import batch
from specprod_copy.cli.demo import demo
from specprod_copy.cli.grant import grant
from specprod_copy.cli.load import load
from specprod_copy.cli.patch import patch
from specprod_copy.cli.primary import primary
from specprod_copy.cli.render_ddl import render_ddl
from specprod_copy.cli.server import server
from specprod_copy.cli.status import status
from specprod_copy.cli.sync import sync
from specprod_copy.cli.tile import tile
from specprod_copy.cli.verify import verify
from specprod_copy.errors import SpecprodCopyError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(specprod_copy.__version__, "-V", "--version", prog_name="specprod-copy")
def cli() -> None:
    """Load DESI spectroscopic productions from FITS files into PostgreSQL.

    \b
    A small production to try, in an embedded server:
      specprod-copy demo demo
      specprod-copy load all --specprod fuji --root demo
      specprod-copy server psql

    \b
    Your own production, in your own server:
      export DESI_ROOT=/path/to/desi SPECPROD=iron PGHOST=... PGDATABASE=...
      specprod-copy load all
    """


for command in (
    load,
    status,
    verify,
    tile,
    sync,
    primary,
    patch,
    grant,
    batch,
    render_ddl,
    demo,
    server,
):
    cli.add_command(command)


def main() -> None:
    """Run the command line; expected errors end with one line and exit code 1."""
    # What psycopg notices while a connection breaks is in our own message.
    logging.getLogger("psycopg").addHandler(logging.NullHandler())
    try:
        code = cli.main(standalone_mode=False)
    except SpecprodCopyError as error:
        click.echo(f"Error: {error}", err=True)
        code = 1
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("Interrupted.", err=True)
        code = 130
    sys.exit(code)
