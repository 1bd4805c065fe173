"""``specprod-copy render-ddl``: the SQL of the tables, for psql."""

from __future__ import annotations

from pathlib import Path

import click

from specprod_copy import ddl
from specprod_copy.cli.options import role_options


@click.command("render-ddl")
@click.argument("tables", nargs=-1, metavar="[TABLE]...")
@click.option("-s", "--schema", required=True, help="Schema of the tables.")
@click.option(
    "--phase",
    "phases",
    multiple=True,
    type=click.Choice(ddl.PHASES),
    help="Only this part; may be given several times.  [default: all but cluster]",
)
@click.option("--q3c/--no-q3c", default=True, help="With or without the q3c indexes.")
@role_options("Let the roles of the public read as well.", flag="--grant-public")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="File to write."
)
def render_ddl(
    tables: tuple[str, ...],
    schema: str,
    phases: tuple[str, ...],
    q3c: bool,
    roles: tuple[str, ...],
    output: Path | None,
) -> None:
    """Print the SQL that makes the tables (all twelve, or those named).

    It is what the loader itself runs, in an order that works: tables, keys, indexes, foreign keys,
    q3c indexes, comments, grants.

    \b
      specprod-copy render-ddl --schema fuji | psql
      specprod-copy render-ddl zpix ztile --schema fuji --phase indexes -o indexes.sql
    """
    wanted = phases or ddl.SCRIPT_PHASES
    script = ddl.render_script(
        tables or ddl.TABLES,
        [phase for phase in wanted if q3c or phase not in ("q3c", "cluster")],
        schema=schema,
        roles=roles,
    )
    if output is None:
        click.echo(script, nl=False)
    else:
        output.write_text(script)
