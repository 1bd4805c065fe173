"""Tables and columns for people: what they mean, and where their values come from."""

from __future__ import annotations

from dataclasses import dataclass, replace

from specprod_copy.metadata.origins import source_column
from specprod_copy.metadata.positions import position_of
from specprod_copy.postgres.columns import Column
from specprod_copy.postgres.schema import Schema, Table
from specprod_copy.postgres.schema_differences import table_differences
from specprod_copy.tables import Catalogue, TableSource


@dataclass(frozen=True)
class DescribedColumn:
    """What a column means."""

    name: str
    type: str
    unit: str
    ucd: str
    description: str
    source: str
    """What of the input file it is made of; empty for a column that no file fills."""


@dataclass(frozen=True)
class DescribedTable:
    """What a table means."""

    name: str
    description: str
    sources: tuple[str, ...]
    """Kinds of HDUs that fill it; those that are joined with ``+`` between them."""
    position: str
    """Columns that it is searched by on the sky; empty where there are none."""
    columns: tuple[DescribedColumn, ...]
    differences: tuple[str, ...]
    """How the table on the server differs from its definition."""


def describe(catalogue: Catalogue, found: Schema | None = None) -> list[DescribedTable]:
    """Describe the tables of a schema as it is, or as it is defined.

    Parameters
    ----------
    catalogue : Catalogue
        The definition, and the sources.
    found : Schema, optional
        What a server has. Its comments count; where a column has none, that of the definition.
    """
    defined = catalogue.definition
    there = found or defined
    return [_table(catalogue, there, table) for table in there.tables.values()]


def _table(catalogue: Catalogue, there: Schema, table: Table) -> DescribedTable:
    defined = catalogue.definition
    wanted = defined.tables.get(table.name)
    sources = catalogue.of_table(table.name)
    position = position_of(defined, there, table.name)
    return DescribedTable(
        table.name,
        table.comment or (wanted.comment if wanted else ""),
        tuple(dict.fromkeys(map(_hdus, sources))),
        str(position or ""),
        tuple(_column(catalogue, table, _commented(c, wanted)) for c in table.columns),
        tuple(map(str, table_differences(wanted, table))) if wanted else (),
    )


def _hdus(source: TableSource) -> str:
    every = [source.hdus, *(one.hdus for one in source.joined)]
    return " + ".join("|".join(accepted) for accepted in every)


def _commented(column: Column, wanted: Table | None) -> Column:
    """Return a column with the comment of its definition, where it has none."""
    known = {c.name: c for c in wanted.columns} if wanted else {}
    if column.comment or column.name not in known:
        return column
    other = known[column.name]
    return replace(column, description=other.description, unit=other.unit, ucd=other.ucd)


def _column(catalogue: Catalogue, table: Table, column: Column) -> DescribedColumn:
    defined = catalogue.definition.tables.get(table.name)
    is_ours = defined is not None and any(c.name == column.name for c in defined.columns)
    sources = catalogue.of_table(table.name) if is_ours else []
    made = dict.fromkeys(source_column(source, column.name) for source in sources)
    return DescribedColumn(
        column.name,
        column.sized_type,
        column.unit,
        column.ucd,
        column.description,
        " or ".join(made),
    )
