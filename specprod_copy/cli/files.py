"""``specprod-copy files``: where the spectra of targets lie."""

from __future__ import annotations

from typing import Any

import click

from specprod_copy.cli.builder import make, options_of
from specprod_copy.cli.connection import ServerOptions
from specprod_copy.cli.options import JSON
from specprod_copy.cli.text import put, say, to_json, warn
from specprod_copy.postgres.connection import connect
from specprod_copy.results.target_files import files_of


@click.command()
@click.argument("targetids", nargs=-1, required=True, type=int, metavar="TARGETID...")
@click.option("-s", "--schema", required=True, envvar="SPECPROD", help="Schema of the tables.")
@JSON
@options_of(ServerOptions)
def files(targetids: tuple[int, ...], schema: str, as_json: bool, **values: Any) -> None:
    """Print the coadd, redrock and fiberassign files of targets.

    Paths are below the folder of the production, spectro/redux/SPECPROD; of fiberassign files the
    name is printed. The petal of a target on a tile is known from table fiberassign.

    \b
      specprod-copy files 39627788403084531 --schema iron
    """
    with connect(make(ServerOptions, values).to_read()) as connection:
        found = files_of(connection, schema, targetids)
    if as_json:
        put(to_json(found))
        return
    for file in found:
        say(f"{file.targetid}  {file.table:5}  {file.kind:11}  {file.path}")
    known = {file.targetid for file in found}
    for targetid in (one for one in dict.fromkeys(targetids) if one not in known):
        warn(f"target {targetid} has no spectrum in schema {schema}")
