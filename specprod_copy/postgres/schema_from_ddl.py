"""A schema as its SQL files define it, without a server."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Final

from specprod_copy.errors import ConfigurationError
from specprod_copy.postgres.columns import Column, split_comment
from specprod_copy.postgres.schema import (
    Check,
    Index,
    Key,
    Part,
    Partitions,
    Reference,
    Schema,
    Table,
)
from specprod_copy.postgres.sql_files import PHASES, SqlFile, block_of, cut
from specprod_copy.postgres.sql_meanings import (
    Commented,
    Meaning,
    PartAdded,
    PartitionDefined,
    TableDefined,
    Validated,
)
from specprod_copy.postgres.sql_statements import meaning_of, naming

OWN_SCHEMA: Final = "the schema itself"
"""What files are rendered for when they are read: where a reference names it, it stays inside."""


class _Everything(frozenset[str]):
    """What a file is asked for to have all columns that it can have."""

    def __bool__(self) -> bool:
        return True

    def __contains__(self, what: object) -> bool:
        return True


def define(
    files: Iterable[SqlFile],
    optional: Collection[tuple[str, str]] = (),
    *,
    everything: bool = False,
    partitions: int = 1,
    phases: Collection[str] = PHASES,
) -> Schema:
    """Return the schema that some SQL files define, one table each, which has the file's name.

    Parameters
    ----------
    files : iterable of pathlib.Path or SqlText
    optional : collection of (str, str)
        Tables, and what their files are asked for that not every production has: columns.
    everything : bool
        Whether the tables have all columns that any production has.
    partitions : int
        How many partitions the large tables have; `schema.DISTRIBUTED` if an extension spreads
        them.
    phases : collection of str
        Those of `PHASES` that are read, of which ``table`` must be one.

    Raises
    ------
    ConfigurationError
        If a file has a form that is not understood.
    """
    tables = []
    for file in files:
        own = frozenset(what for table, what in optional if table == file.stem)
        own = _Everything() if everything else own
        names = {
            "schema": f'"{OWN_SCHEMA}"',
            "roles": [],
            "q3c": "q3c",
            "optional": own,
            "partitions": partitions,
        }
        parts = [s for phase in phases for s in cut(block_of(file, phase, names))]
        tables.append(
            replace(table_of(file.stem, parts, file), optional=own, asked_partitions=partitions)
        )
    return Schema.of("", tables)


def table_of(name: str, statements: Iterable[str], file: SqlFile) -> Table:
    """Return the table that the statements of its file define.

    Raises
    ------
    ConfigurationError
        If they define another one, or have a form that is not understood.
    """
    draft = _Draft(name)
    for statement in statements:
        with naming(file, statement):
            draft.add(meaning_of(statement))
    if not draft.columns:
        raise ConfigurationError(f"{file}: must define table {name}, by CREATE TABLE")
    return draft.table(file)


class _Draft:
    """A table, as far as it is defined."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.columns: dict[str, Column] = {}
        self.keys: dict[str, Key] = {}
        self.references: dict[str, Reference] = {}
        self.indexes: dict[str, Index] = {}
        self.checks: dict[str, Check] = {}
        self.comment = ""
        self.partitioned_by: tuple[str, ...] = ()
        self.partitions = 0
        self.nullable_before_key: list[str] = []

    def add(self, meaning: Meaning) -> None:
        """Take in what a statement says."""
        if meaning is None:
            return
        if meaning.table != self.name:
            raise ConfigurationError(f"table {self.name} has this file, not {meaning.table}")
        match meaning:
            case TableDefined():
                self.columns = {column.name: column for column in meaning.columns}
                self.partitioned_by = meaning.partitioned_by
                for part in meaning.parts:
                    self._add_part(part)
            case PartitionDefined():
                self.partitions += 1
            case PartAdded():
                self._add_part(meaning.part, meaning.using, later=True)
            case Commented(column=""):
                self.comment = meaning.comment
            case Commented():
                self._comment(meaning.column, meaning.comment)
            case Validated():
                self._validate(meaning.name)

    def _add_part(self, part: Part, using: str = "", *, later: bool = False) -> None:
        match part:
            case Key():
                if using:
                    part = replace(part, columns=self._index(using).columns)
                else:
                    self.indexes[part.name] = Index.of_key(part)
                self.keys[part.name] = part
                for name in part.columns if part.primary else ():
                    if later and not self._column(name).not_null:
                        self.nullable_before_key.append(name)
                    self.columns[name] = replace(self._column(name), not_null=True)
            case Reference():
                outside = "" if part.schema == OWN_SCHEMA else part.schema
                self.references[part.name] = replace(part, schema=outside)
            case Index():
                self.indexes[part.name] = part
            case Check():
                self.checks[part.name] = part

    def _column(self, name: str) -> Column:
        if name not in self.columns:
            raise ConfigurationError(f"no column is called {name}")
        return self.columns[name]

    def _index(self, name: str) -> Index:
        if name not in self.indexes:
            raise ConfigurationError(f"no index is called {name}")
        return self.indexes[name]

    def _comment(self, name: str, comment: str) -> None:
        description, unit, ucd = split_comment(comment)
        self.columns[name] = replace(
            self._column(name), description=description, unit=unit, ucd=ucd
        )

    def _validate(self, name: str) -> None:
        if name not in self.references:
            raise ConfigurationError(f"no foreign key is called {name}")
        self.references[name] = replace(self.references[name], validated=True)

    def table(self, file: SqlFile) -> Table:
        """Return the table, its parts in order of their names."""
        return Table(
            self.name,
            tuple(self.columns.values()),
            tuple(self.keys[name] for name in sorted(self.keys)),
            tuple(self.references[name] for name in sorted(self.references)),
            tuple(self.indexes[name] for name in sorted(self.indexes)),
            tuple(self.checks[name] for name in sorted(self.checks)),
            self.comment,
            file,
            partitions=Partitions(self.partitioned_by, self.partitions)
            if self.partitioned_by
            else None,
            nullable_before_key=tuple(self.nullable_before_key),
        )
