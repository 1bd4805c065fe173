"""``specprod-copy render-ddl``: the SQL of the tables, for psql."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import click

from specprod_copy.atomic_files import write_output
from specprod_copy.cli.builder import options_of
from specprod_copy.cli.options import (
    Name,
    ProductionOptions,
    chosen_production,
    complete_production,
)
from specprod_copy.cli.text import put
from specprod_copy.coeff_patch import PATCH_SCHEMA, PRODUCTIONS, render_procedure
from specprod_copy.desi.production import ProductionFiles
from specprod_copy.loading.dry_run import check_load
from specprod_copy.loading.options import LoadOptions
from specprod_copy.plan.production_catalogue import production_layout
from specprod_copy.postgres import ddl
from specprod_copy.postgres.schema import DISTRIBUTED
from specprod_copy.tables import Catalogue, Inputs, Layout, specprod_catalogue
from specprod_copy.tables.light_curves import LIGHT_CURVES

_EVERY = specprod_catalogue(Layout(light_curves=True)).definition.tables
_KNOWN = tuple(t for t in _EVERY if t != ddl.LEDGER)
TABLE = Name("table", _KNOWN, f"known: {' '.join(_KNOWN)}")


@click.command("render-ddl")
@click.argument("tables", nargs=-1, metavar="[TABLE]...", type=TABLE)
@click.option("-s", "--schema", help="Schema of the tables.")
@click.option(
    "--phase",
    "phases",
    multiple=True,
    type=click.Choice(ddl.PHASES),
    help="Only this part; may be given several times.  [default: all but cluster]",
)
@click.option("--q3c/--no-q3c", default=True, help="With or without the q3c indexes.")
@click.option(
    "--grant-public", "public", is_flag=True, help="Let the roles of the public read as well."
)
@click.option(
    "--role", "roles", multiple=True, help="Role that may read; may be given several times."
)
@click.option(
    "--public-role",
    "public_roles",
    multiple=True,
    default=("desi_public",),
    show_default=True,
    help="Role that may read with --grant-public; may be given several times.",
)
@options_of(LoadOptions, "partitions")
@click.option("--citus", is_flag=True, help="Tables that Citus distributes over servers.")
@click.option(
    "--specprod",
    metavar="NAME",
    shell_complete=complete_production,
    help="The tables as this production has them, with --root.",
)
@click.option(
    "-r",
    "--root",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="With --specprod: folder that holds spectro/, vac/ and target/.",
)
@options_of(ProductionOptions, "config")
@click.option("--coeff-patch", is_flag=True, help="The procedure of patch coeff instead.")
@click.option(
    "-p",
    "--production",
    "productions",
    multiple=True,
    metavar="SPECPROD",
    help="With --coeff-patch: production, in the order of patching; may be given several times.  "
    f"[default: {', '.join(PRODUCTIONS)}]",
)
@click.option(
    "--patch-schema",
    default=PATCH_SCHEMA,
    show_default=True,
    help="With --coeff-patch: schema of the patches.",
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="File to write."
)
def render_ddl(
    tables: tuple[str, ...],
    schema: str | None,
    phases: tuple[str, ...],
    q3c: bool,
    public: bool,
    roles: tuple[str, ...],
    public_roles: tuple[str, ...],
    partitions: int | None,
    citus: bool,
    specprod: str | None,
    root: Path | None,
    config: Path | None,
    coeff_patch: bool,
    productions: tuple[str, ...],
    patch_schema: str,
    output: Path | None,
) -> None:
    """Print the SQL that makes the tables: all twelve, or those named (photometry_lc too).

    It is what the loader itself runs, in an order that works: tables, keys, indexes, foreign keys,
    q3c indexes, comments, grants.

    \b
      specprod-copy render-ddl --schema fuji | psql
      specprod-copy render-ddl zpix ztile --schema fuji --phase indexes -o indexes.sql

    Some productions have more columns, which depend on their files, e.g. on the format of their
    redshift catalogs. Their tables are printed with --specprod and --root.

    \b
      specprod-copy render-ddl --schema matterhorn --specprod matterhorn --root /data | psql

    With --partitions the large tables have hash partitions by targetid. With --citus they are
    distributed by targetid, and the others are on every server.

    \b
      specprod-copy render-ddl --schema iron --partitions 4 | psql
      specprod-copy render-ddl --schema iron --citus | psql -h COORDINATOR

    With --coeff-patch it is the whole procedure of "patch coeff", what these commands run: moving
    and applying patches, restoring what they replaced, renaming them for Data Lab. Tables are in
    the schema of their production, or for a single one in --schema.

    \b
      specprod-copy render-ddl --coeff-patch --production guadalupe | psql
      specprod-copy render-ddl --coeff-patch | psql -v datalab=on
    """
    if coeff_patch:
        if tables or phases or specprod or root or partitions or citus:
            raise click.UsageError(
                "--coeff-patch takes no tables, no --phase, no --partitions, no --citus, "
                "no --specprod and no --root"
            )
        script = render_procedure(
            productions or PRODUCTIONS, schema=schema, patch_schema=patch_schema
        )
    else:
        if schema is None:
            raise click.UsageError("Missing option '-s' / '--schema'.")
        if productions:
            raise click.UsageError("--production is for --coeff-patch")
        if citus and partitions:
            raise click.UsageError("with --citus there are no --partitions of ours")
        number = DISTRIBUTED if citus else partitions or 1
        wanted = phases or ddl.SCRIPT_PHASES
        script = ddl.render_script(
            _catalogue(specprod, root, config, schema, tables, number).definition,
            tables,
            [phase for phase in wanted if q3c or phase not in ("q3c", "cluster")],
            schema=schema,
            roles=(*roles, *(public_roles if public else ())),
        )
    if output is None:
        put(script)
    else:
        write_output(output, script.encode(), inputs=[config] if config else [])


def _catalogue(
    specprod: str | None,
    root: Path | None,
    config: Path | None,
    schema: str,
    tables: Collection[str],
    partitions: int,
) -> Catalogue:
    """Return the tables that a load of the production makes, or those of most productions."""
    light_curves = LIGHT_CURVES.table in tables
    if specprod is root is config is None:
        return specprod_catalogue(Layout(light_curves=light_curves, partitions=partitions))
    if specprod is None or root is None:
        raise click.UsageError("tables of a production need both, --specprod and --root")
    inputs = Inputs(
        ProductionFiles(chosen_production(specprod, config), root), light_curves=light_curves
    )
    layout = replace(production_layout(inputs), partitions=partitions)
    catalogue = specprod_catalogue(layout)
    if inputs.files.production.redshift_type != "daily":
        # Without its catalogs it would look like a production of the first format.
        check_load(inputs, LoadOptions(("redshift",), schema), catalogue)
    return catalogue
