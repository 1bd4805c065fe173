"""What a TAP service publishes of a schema: as the tables are now, in the words of the IVOA."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from specprod_copy.errors import DatabaseError
from specprod_copy.metadata.positions import indexed_position
from specprod_copy.metadata.principal import is_principal
from specprod_copy.postgres.columns import Column
from specprod_copy.postgres.ddl import LEDGER
from specprod_copy.postgres.identifiers import MOST_BYTES
from specprod_copy.postgres.own_views import MARK
from specprod_copy.postgres.schema import Schema, Table
from specprod_copy.postgres.sql_text import name_of, tokens_of

_NUMBERS: Final = {
    "bool": "boolean",
    "int2": "short",
    "int4": "int",
    "int8": "long",
    "float4": "float",
    "float8": "double",
}
_TEXTS: Final = ("varchar", "text", "bpchar", "name", "char")
_TIMES: Final = ("timestamptz", "timestamp", "date")
_IS_ARRAY: Final = "_"

SUFFIX: Final = "_text"
"""What the name of a view has behind that of the table whose ids it gives as text."""


@dataclass(frozen=True)
class Kind:
    """A type in the words of VOTable."""

    datatype: str
    arraysize: str | None = None
    xtype: str | None = None


def kind_of(column: Column) -> Kind | None:
    """Return the type of a column, None for one that VOTable does not have, as 128-bit ids."""
    if column.type in _NUMBERS:
        return Kind(_NUMBERS[column.type])
    if column.type in _TIMES:
        return Kind("char", "*", "timestamp")
    if column.type in _TEXTS:
        return Kind("char", f"{column.max_length}*" if column.max_length else "*")
    if column.type.startswith(_IS_ARRAY) and column.type[1:] in _NUMBERS:
        return Kind(_NUMBERS[column.type[1:]], "*")
    return None


@dataclass(frozen=True)
class PublishedColumn:
    """A column that can be queried."""

    column: Column
    kind: Kind
    indexed: bool
    principal: bool


@dataclass(frozen=True)
class PublishedTable:
    """A table or view that can be queried."""

    name: str
    is_view: bool
    description: str
    columns: tuple[PublishedColumn, ...]
    primary_key: tuple[str, ...]
    position: tuple[str, str] | None
    """Columns with the position that q3c finds rows by."""


@dataclass(frozen=True)
class PublishedKey:
    """A foreign key between tables that can be queried."""

    name: str
    table: str
    columns: tuple[str, ...]
    target: str
    """The table that is referred to."""
    targets: tuple[str, ...]
    """Columns there."""

    @property
    def description(self) -> str:
        """What it says."""
        return f"Each row of {self.table} belongs to one of {self.target}"


@dataclass(frozen=True)
class Published:
    """What can be queried of a schema."""

    name: str
    description: str
    tables: tuple[PublishedTable, ...]
    keys: tuple[PublishedKey, ...]


def needs_text(table: Table) -> list[str]:
    """Return the columns of a table that a TAP service can only publish as text."""
    return [column.name for column in table.columns if kind_of(column) is None]


def refuse_long_names(found: Schema) -> None:
    """Check that the views that tables need can have their names: a server cuts longer ones off.

    Raises
    ------
    DatabaseError
    """
    for table in publishable(found):
        name = f"{table.name}{SUFFIX}"
        if needs_text(table) and len(name.encode()) > MOST_BYTES:
            raise DatabaseError(
                f"table {found.name}.{table.name} has columns that are published as text, by a "
                f"view {name}: that name is longer than {MOST_BYTES} bytes. Rename the table"
            )


def publishable(found: Schema) -> Iterator[Table]:
    """Yield the tables and views of a schema but its ledger and the views of `text_views`."""
    for table in found.tables.values():
        if table.name != LEDGER and not is_text_view(found, table):
            yield table


def is_text_view(found: Schema, table: Table) -> bool:
    """Say whether something of a schema is a view of `text_views`."""
    base = found.tables.get(table.name.removesuffix(SUFFIX))
    return base is not None and base != table and table.comment.endswith(MARK)


def publish(found: Schema) -> Published:
    """Return what is published of a schema.

    Parameters
    ----------
    found : Schema
        With its views. Tables with columns that VOTable has no type for are published by their
        views, which have to be there.
    """
    names = {
        table.name: f"{table.name}{SUFFIX}" if needs_text(table) else table.name
        for table in publishable(found)
    }
    tables = [_table(found.tables[name], found.tables[shown]) for name, shown in names.items()]
    keys = [
        PublishedKey(
            reference.name,
            names[name],
            reference.columns,
            names[reference.table],
            reference.keys,
        )
        for name in names
        for reference in found.tables[name].references
        if reference.inside in names
    ]
    description = found.comment or f"Tables of {found.name}"
    return Published(found.name, description, tuple(tables), tuple(keys))


def _table(table: Table, shown: Table) -> PublishedTable:
    as_text = set(needs_text(table))
    indexed = set(_indexed(table)) - as_text
    return PublishedTable(
        shown.name,
        shown.is_view,
        table.comment.removesuffix(MARK).strip(),
        tuple(_columns(table, shown, indexed)),
        table.primary_key,
        indexed_position(table),
    )


def _columns(table: Table, shown: Table, indexed: set[str]) -> Iterator[PublishedColumn]:
    # Of a column of a view the server does not say that it is never null.
    for own, column in zip(table.columns, shown.columns, strict=True):
        kind = kind_of(column)
        assert kind is not None, f"{table.name}.{column.name}"
        principal = is_principal(table.name, column.name)
        whole = replace(column, not_null=own.not_null)
        yield PublishedColumn(whole, kind, column.name in indexed, principal)


def _indexed(table: Table) -> Iterator[str]:
    """Yield the columns by which an index finds rows."""
    for index in table.indexes:
        first = index.expressions[0]
        if index.valid and not index.predicate and "(" not in first:
            yield name_of(tokens_of(first)[0])
    yield from indexed_position(table) or ()
