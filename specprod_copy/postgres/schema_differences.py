"""How a schema differs from its definition."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from specprod_copy.postgres.columns import Column
from specprod_copy.postgres.schema import Index, Key, Part, Reference, Schema, Table

PartKind: TypeAlias = Literal["key", "reference", "index", "check"]


@dataclass(frozen=True)
class Difference:
    """Something that is not as it is defined."""

    table: str
    kind: Literal[
        "table",
        "column",
        "default",
        "comment",
        "partitions",
        "key",
        "reference",
        "index",
        "check",
    ]
    name: str
    """Of the table, column, constraint or index."""
    wanted: object
    """As it is defined; None if it is not."""
    found: object
    """As it is; None if it is missing. A constraint or an index may be of another kind."""

    @property
    def is_half_made(self) -> bool:
        """Whether just the last step is missing, which an interrupted load leaves to the next one.

        A foreign key is not validated yet, or the index of a key is there and is no key yet.
        """
        if isinstance(self.wanted, Key):
            return self.found == Index.of_key(self.wanted)
        return isinstance(self.found, Reference) and self.wanted == replace(
            self.found, validated=True
        )

    @property
    def is_own(self) -> bool:
        """Whether users added it, and rows can do without it."""
        given = isinstance(self.found, Column) and self.found.must_be_given
        return self.wanted is None and not given

    @property
    def is_conflict(self) -> bool:
        """Whether rows would not arrive as they are, or what is to be made could not be made."""
        if self.kind == "column":
            return not self.is_own
        if self.kind == "partitions":
            return True
        if not isinstance(self.wanted, Part):
            return False
        return self.found is not None and not self.is_half_made

    def __str__(self) -> str:
        if self.kind == "partitions":
            return f"{self.found or 'no partitions'}, not {self.wanted or 'no partitions'}"
        if self.found is None:
            return f"{self.name} is missing"
        if self.wanted is None:
            return f"{self.name} is unknown"
        if self.kind == "column":
            return f"{shown(self.found)}, not {shown(self.wanted)}"
        return f"{self.name} is {shown(self.found)}, not {shown(self.wanted)}"


def shown(thing: object) -> str:
    """Return a part of a schema as people read it."""
    if isinstance(thing, Column):
        computed = f" GENERATED ({thing.default})" if thing.generated else ""
        return f"{thing}{' NOT NULL' if thing.not_null else ''}{computed}"
    return str(thing) if thing != "" else "none"


def differences(
    defined: Schema, found: Schema, tables: Iterable[str] | None = None
) -> list[Difference]:
    """Compare a schema with its definition.

    Parameters
    ----------
    defined, found : Schema
    tables : iterable of str, optional
        Tables to compare; all of both without it.
    """
    names = dict.fromkeys([*defined.tables, *found.tables] if tables is None else tables)
    result: list[Difference] = []
    for name in names:
        wanted, there = defined.tables.get(name), found.tables.get(name)
        if wanted is None or there is None:
            if wanted is not there:
                result.append(Difference(name, "table", name, wanted, there))
        else:
            result += table_differences(wanted, there)
    return result


def own_parts(
    defined: Schema, found: Schema, tables: Iterable[str], made_as: Schema | None = None
) -> list[str]:
    """Return what tables have of constraints and indexes of their users, in words.

    Parameters
    ----------
    defined, found : Schema
    tables : iterable of str
    made_as : Schema, optional
        The definition by which the tables were made, if it may be another one.
    """
    return [
        f"{d.name} of table {table}, {d.found}"
        for table in tables
        for d in of_users(defined, found, table, made_as)
        if d.kind != "column"
    ]


def own_columns(defined: Table, found: Table) -> list[str]:
    """Return the columns that users added to a table."""
    return [d.name for d in table_differences(defined, found) if d.kind == "column" and d.is_own]


def of_users(
    defined: Schema, found: Schema, table: str, made_as: Schema | None
) -> list[Difference]:
    """Return what users added to a table; parameters are those of `own_parts`."""
    if table not in found.tables:
        return []
    own = [d for d in differences(defined, found, [table]) if d.wanted is None]
    if made_as is None:
        return own
    odd = {(d.kind, d.name) for d in differences(made_as, found, [table])}
    return [d for d in own if (d.kind, d.name) in odd]


def table_differences(defined: Table, found: Table) -> list[Difference]:
    """Compare a table with its definition; what is missing comes before what is unknown."""
    partitions = Difference(
        defined.name, "partitions", defined.name, defined.partitions, found.partitions
    )
    return [
        *_column_differences(defined, found),
        *([partitions] if defined.partitions != found.partitions else []),
        *_differences(defined.name, "comment", "comment", defined.comment, found.comment),
        *_part_differences(defined, found),
    ]


def _column_differences(defined: Table, found: Table) -> Iterator[Difference]:
    wanted = {column.name: column for column in defined.columns}
    there = {column.name: column for column in found.columns}
    table = defined.name
    for name in (n for n in wanted if n not in there):
        yield Difference(table, "column", name, wanted[name], None)
    for name in (n for n in there if n not in wanted):
        yield Difference(table, "column", name, None, there[name])
    for name, mine in wanted.items():
        if name in there:
            other = there[name]
            if mine.accepted != other.accepted:
                yield Difference(table, "column", name, mine, other)
            yield from _differences(table, "default", name, mine.default, other.default)
            yield from _differences(table, "comment", name, mine.comment, other.comment)


def _part_differences(defined: Table, found: Table) -> Iterator[Difference]:
    for wanted in defined.parts:
        # The index of a key has the name of the constraint.
        of_index = isinstance(wanted, Index)
        there = found.index(wanted.name) if of_index else found.part(wanted.name)
        if wanted != there:
            yield Difference(defined.name, _kind(wanted), wanted.name, wanted, there)
    known = {part.name for part in defined.parts}
    unknown = {part.name: part for part in reversed(found.parts) if part.name not in known}
    for name, other in unknown.items():
        yield Difference(defined.name, _kind(other), name, None, other)


def _kind(part: Part) -> PartKind:
    if isinstance(part, Key):
        return "key"
    if isinstance(part, Reference):
        return "reference"
    return "index" if isinstance(part, Index) else "check"


def _differences(
    table: str, kind: Literal["default", "comment"], name: str, wanted: str, found: str
) -> Iterator[Difference]:
    if wanted != found:
        yield Difference(table, kind, name, wanted, found)
