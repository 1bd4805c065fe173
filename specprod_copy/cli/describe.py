"""``specprod-copy describe``: what tables and columns mean."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import click

from specprod_copy.cli.builder import make, options_of
from specprod_copy.cli.connection import ServerOptions
from specprod_copy.cli.options import JSON, complete_table
from specprod_copy.cli.text import entry_lines, line_width, put, say, to_json
from specprod_copy.metadata.described import DescribedTable
from specprod_copy.metadata.described import describe as find
from specprod_copy.postgres.catalog import require_schema
from specprod_copy.postgres.connection import connect
from specprod_copy.postgres.schema_from_server import read_schema
from specprod_copy.tables import specprod_catalogue
from specprod_copy.vac.stored import catalogue_in
from specprod_copy.words import did_you_mean


@click.command()
@click.argument("names", nargs=-1, metavar="[TABLE[.COLUMN]]...", shell_complete=complete_table)
@click.option("-s", "--schema", help="Schema to look at.  [default: the definition, no server]")
@JSON
@options_of(ServerOptions)
def describe(names: tuple[str, ...], schema: str | None, as_json: bool, **values: Any) -> None:
    """Tell what tables and columns mean: unit, UCD, source in the files, position.

    With --schema as the server has them, and how they differ from their definition.

    \b
      specprod-copy describe zpix.z
      specprod-copy describe photometry --schema iron
    """
    found, catalogue = None, specprod_catalogue()
    if schema is not None:
        with connect(make(ServerOptions, values).to_read()) as connection:
            require_schema(connection, schema)
            found = read_schema(connection, schema)
            catalogue = catalogue_in(connection, found)
    tables = chosen(find(catalogue, found), names)
    if as_json:
        put(to_json(tables))
        return
    for line in described_lines(tables, width=line_width(), all_columns=bool(names)):
        say(line)


def chosen(tables: Sequence[DescribedTable], names: Sequence[str]) -> list[DescribedTable]:
    """Return the tables of some names; of those with the name of a column, that column."""
    if not names:
        return [*tables]
    found = []
    for name in names:
        wanted, _, column = name.partition(".")
        table = next((table for table in tables if table.name == wanted), None)
        if table is None:
            meant = did_you_mean(wanted, [table.name for table in tables])
            raise click.UsageError(f"no table is called {wanted}{meant and f'; {meant}'}")
        columns = tuple(c for c in table.columns if column in ("", c.name))
        if not columns:
            meant = did_you_mean(column, [c.name for c in table.columns])
            raise click.UsageError(f"{wanted} has no column {column}{meant and f'; {meant}'}")
        found.append(replace(table, columns=columns))
    return found


def described_lines(
    tables: Sequence[DescribedTable], *, width: int, all_columns: bool
) -> Iterator[str]:
    """Yield what is to be known of tables, and of their columns if that is wanted."""
    indent = max((len(table.name) for table in tables), default=0) + 2
    for number, table in enumerate(tables):
        if all_columns and number:
            yield ""
        yield from entry_lines(table.name, table.description, indent=indent, width=width)
        for label, text in (
            ("from HDU ", ", ".join(table.sources)),
            ("searched by ", table.position),
            ("differs: ", "; ".join(table.differences)),
        ):
            if text:
                yield from entry_lines("", label + text, indent=indent, width=width)
        if all_columns:
            yield from _column_lines(table, width=width)


def _column_lines(table: DescribedTable, *, width: int) -> Iterator[str]:
    labels = [f"  {column.name} {column.type}" for column in table.columns]
    indent = max(map(len, labels)) + 2
    for label, column in zip(labels, table.columns, strict=True):
        unit = f" [{column.unit}]" if column.unit else ""
        ucd = f" (UCD {column.ucd})" if column.ucd else ""
        source = f"; from {column.source}" if column.source else ""
        text = f"{column.description}{unit}{ucd}{source}"
        yield from entry_lines(label, text, indent=indent, width=width)
