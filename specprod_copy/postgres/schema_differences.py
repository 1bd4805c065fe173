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
    kind: Literal["table", "column", "default", "comment", "key", "reference", "index", "check"]
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

    def __str__(self) -> str:
        if self.found is None:
            return f"{self.name} is missing"
        if self.wanted is None:
            return f"{self.name} is unknown"
        if self.kind == "column":
            return f"{_shown(self.found)}, not {_shown(self.wanted)}"
        return f"{self.name} is {_shown(self.found)}, not {_shown(self.wanted)}"


def _shown(thing: object) -> str:
    if isinstance(thing, Column):
        return f"{thing}{' NOT NULL' if thing.not_null else ''}"
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

    Returns
    -------
    list of Difference
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


def table_differences(defined: Table, found: Table) -> list[Difference]:
    """Compare a table with its definition; what is missing comes before what is unknown."""
    return [
        *_column_differences(defined, found),
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
