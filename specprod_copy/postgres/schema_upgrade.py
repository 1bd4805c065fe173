"""What a schema of an earlier definition can get of today's, without losing or changing a value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final, TypeVar

from specprod_copy.postgres.columns import Column
from specprod_copy.postgres.schema import Part, Reference, Schema, Table
from specprod_copy.postgres.schema_differences import table_differences

P = TypeVar("P", bound=Part)

_WIDER: Final[Mapping[str, tuple[str, ...]]] = {
    "int2": ("int4", "int8"),
    "int4": ("int8",),
    "float4": ("float8",),
    "varchar": ("text",),
}
"""Types whose values are all values of another type."""

_REWRITTEN: Final = ("int2", "int4", "float4")
"""Types whose rows the server writes again when they become wider."""


def upgraded(defined: Schema, found: Schema, *, rewrite: bool = True) -> Schema:
    """Return what a schema can become that was made by an earlier definition.

    Columns get wider, never narrower; columns that rows can do without, comments, defaults, keys
    and indexes are added. Nothing goes, and what users added stays. Keys and indexes are left to
    the next load where a table has no primary key yet: it is still being loaded.

    Parameters
    ----------
    defined, found : Schema
    rewrite : bool
        Whether columns may get wider where the server writes the table again for that.

    Returns
    -------
    Schema
        The tables of `found` that are defined.
    """
    both = [name for name in found.tables if name in defined.tables]
    tables = [
        _upgraded(defined.tables[name], found.tables[name], found, rewrite=rewrite) for name in both
    ]
    return replace(found, tables={table.name: table for table in tables})


def _upgraded(defined: Table, found: Table, schema: Schema, *, rewrite: bool) -> Table:
    wanted = {column.name: column for column in defined.columns}
    columns = [_widened(wanted.get(c.name), c, rewrite=rewrite) for c in found.columns]
    there = {column.name for column in found.columns}
    columns += [c for c in defined.columns if c.name not in there and not c.must_be_given]
    new = replace(found, columns=tuple(columns), comment=defined.comment or found.comment)
    if not found.primary_key:
        return new
    return replace(
        new,
        keys=found.keys + _missing(defined.keys, found),
        references=found.references
        + tuple(r for r in _missing(defined.references, found) if _can_refer(r, schema)),
        indexes=found.indexes + _missing(defined.indexes, found),
        checks=found.checks + _missing(defined.checks, found),
    )


def _missing(parts: tuple[P, ...], found: Table) -> tuple[P, ...]:
    return tuple(part for part in parts if found.part(part.name) is None)


def _can_refer(reference: Reference, schema: Schema) -> bool:
    other = schema.tables.get(reference.table)
    return other is not None and reference.keys in [key.columns for key in other.keys]


def _widened(wanted: Column | None, found: Column, *, rewrite: bool) -> Column:
    """Return a column with what today's definition has more; one of users as it is."""
    if wanted is None or wanted.generated or found.generated:
        return found
    serial = {"serial", "identity"} & {wanted.default, found.default}
    new = replace(
        found,
        not_null=found.not_null and wanted.not_null,
        default=found.default if serial else wanted.default,
        description=wanted.description or found.description,
        unit=wanted.unit if wanted.description else found.unit,
        ucd=wanted.ucd if wanted.description else found.ucd,
    )
    written_again = wanted.type != found.type and found.type in _REWRITTEN
    if is_wider(wanted, found) and (rewrite or not written_again):
        new = replace(new, type=wanted.type, max_length=wanted.max_length, digits=wanted.digits)
    return new


def is_wider(wanted: Column, found: Column) -> bool:
    """Say whether the type of a column has all values of another one's, and more."""
    if wanted.type != found.type:
        return wanted.type in _WIDER.get(found.type, ())
    if wanted.type == "varchar":
        return found.max_length is not None and found.max_length < (wanted.max_length or 1 << 30)
    if wanted.type == "numeric" and found.digits is not None:
        digits, behind = found.digits
        return wanted.digits is None or (wanted.digits[0] > digits and wanted.digits[1] == behind)
    return False


def upgrades(defined: Schema, found: Schema) -> dict[str, list[str]]:
    """Return what tables lack of today's definition and can get, in words."""
    target = upgraded(defined, found)
    lacks = {name: [*_listed(table, found.tables[name])] for name, table in target.tables.items()}
    return {name: words for name, words in lacks.items() if words}


def _listed(target: Table, found: Table) -> Iterator[str]:
    differences = table_differences(target, found)
    comments = sum(d.kind == "comment" for d in differences)
    yield from (str(d) for d in differences if d.kind != "comment")
    if comments:
        yield f"{comments} comment{'s' if comments > 1 else ''}"
