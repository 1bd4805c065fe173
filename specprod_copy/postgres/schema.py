"""A schema as a value: its tables, from SQL files or from a server, and how two of them differ."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from graphlib import CycleError, TopologicalSorter
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar

from specprod_copy.errors import ConfigurationError, DatabaseError
from specprod_copy.postgres.columns import POLARS_TYPES, Column
from specprod_copy.postgres.sql_text import column_expression, name_of


@dataclass(frozen=True)
class Key:
    """A primary key, or a constraint UNIQUE."""

    name: str
    columns: tuple[str, ...]
    primary: bool = False

    def __str__(self) -> str:
        return f"{'PRIMARY KEY' if self.primary else 'UNIQUE'} ({', '.join(self.columns)})"


@dataclass(frozen=True)
class Reference:
    """A foreign key."""

    name: str
    columns: tuple[str, ...]
    table: str
    """The table that is referred to."""
    keys: tuple[str, ...]
    """Columns there."""
    validated: bool = True
    schema: str = ""
    """That of the table referred to, if it is another one."""
    rules: str = ""
    """What it does other than refuse at once, such as ``ON DELETE CASCADE``; nothing in ours."""
    text: str = field(default="", compare=False)
    """All that the server writes behind its columns; empty for one of an SQL file."""

    @property
    def where(self) -> str:
        """The table that is referred to, for people: with its schema if that is another one."""
        return f"{self.schema}.{self.table}" if self.schema else self.table

    @property
    def inside(self) -> str:
        """The table that is referred to, if it is one of the same schema; else empty."""
        return "" if self.schema else self.table

    def place(self, schema: str) -> tuple[str, str]:
        """Return schema and name of the table referred to, for a table of a schema."""
        return self.schema or schema, self.table

    def __str__(self) -> str:
        of, to = ", ".join(self.columns), ", ".join(self.keys)
        rules = f" {self.rules}" if self.rules else ""
        doubtful = "" if self.validated else " NOT VALID"
        return f"FOREIGN KEY ({of}) REFERENCES {self.where} ({to}){rules}{doubtful}"


@dataclass(frozen=True)
class Index:
    """An index, that of a key too."""

    name: str
    expressions: tuple[str, ...]
    """Columns, or expressions as `sql_text.one_form` returns them."""
    unique: bool = False
    method: str = "btree"
    predicate: str = ""
    valid: bool = True
    clustered: bool = field(default=False, compare=False)
    """Whether the table was ordered on it."""
    text: str = field(default="", compare=False)
    """What follows USING, as the server writes it; empty for one of an SQL file."""

    @classmethod
    def of_key(cls, key: Key) -> Index:
        """Return the index that makes a key unique."""
        return cls(key.name, tuple(map(column_expression, key.columns)), unique=True)

    @property
    def columns(self) -> tuple[str, ...]:
        """Its columns.

        Raises
        ------
        ConfigurationError
            If it is on expressions.
        """
        if any("(" in expression for expression in self.expressions):
            raise ConfigurationError(f"index {self.name} is on expressions, not on columns")
        return tuple(name_of(expression) for expression in self.expressions)

    @property
    def needs_q3c(self) -> bool:
        """Whether it can only be made where the database has q3c."""
        return any("q3c_" in expression for expression in self.expressions)

    def __str__(self) -> str:
        kind = "UNIQUE INDEX" if self.unique else "INDEX"
        where = f" WHERE {self.predicate}" if self.predicate else ""
        doubtful = "" if self.valid else ", not valid"
        return f"{kind} USING {self.method} ({', '.join(self.expressions)}){where}{doubtful}"


@dataclass(frozen=True)
class Check:
    """A constraint for the values of a row."""

    name: str
    expression: str
    text: str = field(default="", compare=False)
    """As the server writes it; empty for one of an SQL file."""

    def __str__(self) -> str:
        return f"CHECK ({self.expression})"


Part: TypeAlias = Key | Reference | Index | Check
P = TypeVar("P", bound=Part)

DISTRIBUTED: Final = 0
"""Number of partitions of tables that an extension distributes over servers (Citus): they have the
keys of tables in partitions, and no partitions."""


@dataclass(frozen=True)
class Partitions:
    """The parts of a table, whose rows a hash of some columns spreads over them."""

    columns: tuple[str, ...]
    number: int
    strategy: str = "hash"

    def __str__(self) -> str:
        by = f"{self.strategy.upper()} ({', '.join(self.columns)})"
        return f"PARTITION BY {by}, {self.number} partitions"


@dataclass(frozen=True)
class Table:
    """A table."""

    name: str
    columns: tuple[Column, ...]
    keys: tuple[Key, ...] = ()
    references: tuple[Reference, ...] = ()
    indexes: tuple[Index, ...] = ()
    checks: tuple[Check, ...] = ()
    comment: str = ""
    file: Any = field(default=None, compare=False)
    """The `schema_from_ddl.SqlFile` that defines it; none for a table of a server."""
    optional: frozenset[str] = field(default=frozenset(), compare=False)
    """What its SQL file was asked for beyond what the table has in every production: columns."""
    is_view: bool = False
    partitions: Partitions | None = None
    asked_partitions: int = field(default=1, compare=False)
    """The number that its SQL file was asked for, which most tables have no use for."""
    nullable_before_key: tuple[str, ...] = field(default=(), compare=False)
    """Columns of its primary key that may be NULL until its SQL file makes the key."""

    @property
    def primary_key(self) -> tuple[str, ...]:
        """Columns of the primary key; none if there is no such key."""
        return next((key.columns for key in self.keys if key.primary), ())

    @property
    def clustered(self) -> bool:
        """Whether the table was ordered on an index."""
        return any(index.clustered for index in self.indexes)

    @property
    def parts(self) -> list[Part]:
        """Its keys, references, checks and indexes."""
        return [*self.keys, *self.references, *self.checks, *self.indexes]

    def part(self, name: str) -> Part | None:
        """Return the constraint of a name or, where there is none, the index."""
        return next((part for part in self.parts if part.name == name), None)

    def index(self, name: str) -> Index | None:
        """Return the index of a name."""
        return next((index for index in self.indexes if index.name == name), None)

    def with_parts_renamed(self, names: Mapping[str, str]) -> Table:
        """Return the table with other names of keys, references, indexes and checks, by the old."""

        def of(parts: tuple[P, ...]) -> tuple[P, ...]:
            return tuple(replace(part, name=names.get(part.name, part.name)) for part in parts)

        return replace(
            self,
            keys=of(self.keys),
            references=of(self.references),
            indexes=of(self.indexes),
            checks=of(self.checks),
        )


@dataclass(frozen=True)
class Schema:
    """Tables that belong together."""

    name: str = field(compare=False)
    tables: Mapping[str, Table] = field(default_factory=dict)
    """By name, in an order in which their references allow rows to arrive."""
    comment: str = ""
    exists: bool = field(default=True, compare=False)
    """False for a schema that a server was asked for and does not have."""

    @classmethod
    def of(cls, name: str, tables: Iterable[Table], comment: str = "") -> Schema:
        """Return a schema with its tables in order.

        Raises
        ------
        ConfigurationError
            If tables refer to each other in a circle.
        """
        return cls(name, in_order(tables), comment)

    def columns_of(self, table: str, names: Container[str] | None = None) -> list[Column]:
        """Return the columns of a table that rows can be loaded into, all or those of some names.

        Raises
        ------
        DatabaseError
            If there is no such table, or it has a column of a type that is not supported.
        """
        if table not in self.tables or not self.tables[table].columns:
            raise DatabaseError(f"table {self.name}.{table} does not exist, or has no columns")
        columns = [c for c in self.tables[table].columns if names is None or c.name in names]
        for column in columns:
            if column.type not in POLARS_TYPES:
                raise DatabaseError(
                    f"{self.name}.{table}.{column.name}: type {column.type} is not supported; "
                    f"supported: {', '.join(POLARS_TYPES)}"
                )
        return columns

    def referring(self, table: str) -> Iterator[tuple[Table, Reference]]:
        """Yield the references to a table, each with the table that has it."""
        for other in self.tables.values():
            for reference in other.references:
                if reference.inside == table:
                    yield other, reference


def in_order(tables: Iterable[Table]) -> dict[str, Table]:
    """Return tables by name, each after those that it refers to, else in alphabetical order."""
    found = {table.name: table for table in sorted(tables, key=lambda table: table.name)}
    sorter = TopologicalSorter(
        {
            name: {r.table for r in table.references if r.inside in found and r.table != name}
            for name, table in found.items()
        }
    )
    try:
        sorter.prepare()
    except CycleError as error:
        circle = ", ".join(error.args[1])
        raise ConfigurationError(f"tables refer to each other in a circle: {circle}") from error
    ordered: dict[str, Table] = {}
    while sorter.is_active():
        for name in sorted(ready := sorter.get_ready()):
            ordered[name] = found[name]
        sorter.done(*ready)
    return ordered


class Made(NamedTuple):
    """What a statement makes: an ``index``, a ``constraint``, or the ``validation`` of one."""

    table: str
    kind: str
    name: str


def made(defined: Schema, found: Schema) -> set[Made]:
    """Return the indexes and constraints of a definition that are there, just as defined."""
    return {
        Made(name, kind, part)
        for name, table in found.tables.items()
        if name in defined.tables
        for kind, part in _made(defined.tables[name], table)
    }


def _made(defined: Table, found: Table) -> Iterator[tuple[str, str]]:
    for index in defined.indexes:
        if index in found.indexes:
            yield "index", index.name
    for key in defined.keys:
        if key in found.keys:
            yield "constraint", key.name
    for reference in found.references:
        if replace(reference, validated=True) in defined.references:
            yield "constraint", reference.name
            if reference.validated:
                yield "validation", reference.name
