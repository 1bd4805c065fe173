"""``specprod-copy tap-schema``: what TAP services publish."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from specprod_copy.atomic_files import write_output
from specprod_copy.atomic_files.outputs import check_outputs
from specprod_copy.cli.builder import make, options_of
from specprod_copy.cli.connection import ServerOptions
from specprod_copy.cli.options import Readers
from specprod_copy.cli.progress import make_listener
from specprod_copy.cli.text import say, warn
from specprod_copy.postgres.connection import connect
from specprod_copy.postgres.waits import watched
from specprod_copy.tap import documents
from specprod_copy.tap.tap_schema import TapSummary, fill
from specprod_copy.tap.words import adql

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("tap-schema")
@click.option(
    *("-s", "--schema", "schemas"),
    multiple=True,
    envvar="SPECPROD",
    help="Schema to describe; may be given several times.",
)
@click.option("--remove", "removed", multiple=True, help="Schema to take out of TAP_SCHEMA.")
@click.option("--felis", type=_FILE, help="Write the schema as YAML for felis, too.")
@click.option("--dachs", type=_FILE, help="Write it as a resource descriptor for DaCHS, too.")
@options_of(Readers)
@options_of(ServerOptions)
def tap_schema(
    schemas: tuple[str, ...],
    removed: tuple[str, ...],
    felis: Path | None,
    dachs: Path | None,
    **values: Any,
) -> None:
    """Describe schemas in TAP_SCHEMA, where TAP services look up what they publish.

    TAP and JDBC tools (TOPCAT, DBeaver) round the 128-bit ids without a word. So tables that have
    some are published by views, zpix_text of zpix, that give them as text. The views are part of
    their schema: they come along when its tables are replaced.

    Running it again, after any change, describes the tables as they are then. Schemas that were
    described before stay beside those that are named.

    DaCHS fills its TAP_SCHEMA itself, from resource descriptors: in its database only the views and
    the files are written.

    \b
      specprod-copy tap-schema -s fuji -s iron --role tap_reader
      specprod-copy tap-schema -s iron --felis iron.yaml --dachs iron/q.rd
    """
    schemas = tuple(dict.fromkeys(schemas))
    if not schemas and not removed:
        raise click.UsageError("name a schema: --schema NAME, or set SPECPROD")
    documented = ((felis, documents.felis), (dachs, documents.dachs))
    files = [(path, render) for path, render in documented if path is not None]
    if files and len(schemas) != 1:
        raise click.UsageError("--felis and --dachs are files of one schema: name one --schema")
    if dachs is not None and adql(schemas[0]) != schemas[0]:
        raise click.UsageError(f"--dachs: DaCHS has no name for schema {schemas[0]}")
    check_outputs([path for path, _ in files])
    roles = make(Readers, values).all
    conninfo = make(ServerOptions, values).to_read()
    listener = make_listener(0)
    with watched(conninfo, listener) as conninfo, connect(conninfo) as connection:
        summary = fill(connection, schemas, removed=removed, roles=roles, listener=listener)
    for path, render in files:
        write_output(path, render(summary.schemas[0].published).encode())
    _tell(summary)
    if dachs is not None:
        for table in documents.unknown_to_dachs(summary.schemas[0].published):
            warn(f"Warning: {dachs} is without table {table}: DaCHS has no name for it")


def _tell(summary: TapSummary) -> None:
    for note in summary.granted.notes:
        warn(f"Warning: {note}")
    for name in summary.unknown:
        warn(f"TAP_SCHEMA has schema {name}, which the database does not: --remove takes it out")
    place = " in TAP_SCHEMA"
    if summary.is_of_dachs:
        place = ""
        say("TAP_SCHEMA is that of DaCHS, and as it was: dachs imp -m reads the file of --dachs")
    for filled in summary.schemas:
        shown = filled.published
        columns = sum(len(table.columns) for table in shown.tables)
        views = f"; ids as text: {', '.join(filled.text_views)}" if filled.text_views else ""
        say(
            f"schema {shown.name}: {len(shown.tables)} tables, {columns} columns, "
            f"{len(shown.keys)} keys{place}{views}"
        )
