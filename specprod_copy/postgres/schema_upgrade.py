"""What a schema of an earlier definition can get of today's, without losing or changing a value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import psycopg

from specprod_copy.postgres import own_views, statements
from specprod_copy.postgres.columns import Column
from specprod_copy.postgres.ddl import quote_identifier
from specprod_copy.postgres.foreign_code import keep_foreign_code_out
from specprod_copy.postgres.patience import Patience, with_patience
from specprod_copy.postgres.schema import Index, P, Part, Reference, Schema, Table
from specprod_copy.postgres.schema_changes import Changes
from specprod_copy.postgres.schema_differences import Difference, differences, table_differences

_WIDER: Final[Mapping[str, tuple[str, ...]]] = {
    "int2": ("int4", "int8"),
    "int4": ("int8",),
    "float4": ("float8",),
    "varchar": ("text",),
}
"""Types whose values are all values of another type."""

_REWRITTEN: Final = ("int2", "int4", "float4")
"""Types whose rows the server writes again when they become wider."""

_VIEWS: Final = (
    "-- Views that read such a column have to be dropped before; 'specprod-copy upgrade' makes "
    "those that are part of the schema again."
)


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
    if reference.schema:  # another one, which nobody has looked at
        return False
    other = schema.tables.get(reference.table)
    return other is not None and reference.keys in [key.columns for key in other.keys]


def _widened(wanted: Column | None, found: Column, *, rewrite: bool) -> Column:
    """Return a column with what today's definition has more; one of users as it is."""
    if wanted is None or wanted.generated or found.generated:
        return found
    # A default that is not defined is one of users.
    own = not wanted.default or {"serial", "identity"} & {wanted.default, found.default}
    new = replace(
        found,
        not_null=found.not_null and wanted.not_null,
        default=found.default if own else wanted.default,
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


@dataclass(frozen=True)
class Upgrade:
    """What makes a schema of an earlier definition as it is defined today, as far as can be."""

    lacks: Mapping[str, Sequence[str]]
    """Table to what it lacks, in words; those that lack nothing are left out."""
    parts: Mapping[str, Sequence[str]]
    """Those of them that lack only keys, indexes and other constraints, to the names of these."""
    statements: Mapping[str, Sequence[str]]
    """Table to the SQL that gives it all of that, but for what is left; with comments."""
    left: Sequence[str]
    """What is left as it is, because the server would write the table again."""
    target: Schema
    """What the tables become."""

    def run(self, connection: psycopg.Connection, patience: Patience) -> None:
        """Run the statements, each on its own, as soon as nobody is in the way.

        Raises
        ------
        InUseError
            If others use a table for too long; what was done before stays.
        """
        schema = self.target.name
        for table, texts in self.statements.items():
            # A foreign key that is added locks the table that it refers to.
            references = self.target.tables[table].references
            places = {(schema, table), *(reference.place(schema) for reference in references)}
            work = without_comments(texts)
            with patience.listener.step(f"{table}: {len(work)} statements"):
                for text in work:
                    run = partial(_run, connection, text, schema, table)
                    with_patience(connection, run, places, patience)


def without_comments(texts: Sequence[str]) -> list[str]:
    """Return the statements among texts some of which say why there is none."""
    return [text for text in texts if not text.startswith("--")]


def _run(connection: psycopg.Connection, text: str, schema: str, table: str) -> None:
    """Run a statement, and make the views that are part of the schema again if they read it.

    The server may write rows again for it. What the table runs then was seen before others were
    waited for.
    """
    with connection.transaction():
        keep_foreign_code_out(connection, schema, [table])
        try:
            with connection.transaction():
                statements.run(connection, text, schema)
        except psycopg.errors.FeatureNotSupported:  # it changes the type of a column that they read
            views = own_views.take_away(connection, schema, [table])
            statements.run(connection, text, schema)
            own_views.make_again(connection, views)


def plan_upgrade(
    defined: Schema, found: Schema, q3c: str | None, *, rewrite: bool = True
) -> Upgrade:
    """Compare a schema of an earlier definition with today's.

    Parameters
    ----------
    defined, found : Schema
    q3c : str or None
        Schema that q3c is in; without it nothing is said of q3c indexes.
    rewrite : bool
        See `upgraded`.
    """
    if q3c is None:
        tables = {name: _without_q3c(table) for name, table in defined.tables.items()}
        defined = replace(defined, tables=tables)
    lacks: dict[str, list[str]] = {}
    parts: dict[str, list[str]] = {}
    texts: dict[str, list[str]] = {}
    renames = {
        name: _renames(defined.tables[name], found.tables[name])
        for name in found.tables
        if name in defined.tables
    }
    renamed = replace(
        found,
        tables={
            name: table.with_parts_renamed({p.name: new for p, new in renames.get(name, ())})
            for name, table in found.tables.items()
        },
    )
    full = upgraded(defined, renamed)
    target = full if rewrite else upgraded(defined, renamed, rewrite=False)
    for name, table in target.tables.items():
        before = renamed.tables[name]
        words = [f"{part.name} is called {new} now" for part, new in renames[name]]
        lacking = table_differences(full.tables[name], before)
        words += _listed(lacking)
        wanted = replace(renamed, tables={**renamed.tables, name: table})
        sql = [_rename(found.name, name, part, new) for part, new in renames[name]]
        changed = [d for d in table_differences(table, before) if d.kind == "column" and d.found]
        sql += [_VIEWS] if changed else []
        if table != before:
            sql += Changes(wanted, renamed, q3c).statements()
        if words:
            lacks[name] = words
            if not renames[name] and all(isinstance(d.wanted, Part) for d in lacking):
                parts[name] = [d.name for d in lacking]
        if sql:
            texts[name] = sql
    left = [f"{d.table}: {d}" for d in differences(full, target)]
    return Upgrade(lacks, parts, texts, left, target)


def _without_q3c(table: Table) -> Table:
    return replace(table, indexes=tuple(i for i in table.indexes if not i.needs_q3c))


def _renames(defined: Table, found: Table) -> list[tuple[Part, str]]:
    """Return parts that are as they are defined but for their names, and these names."""
    known = {part.name for part in defined.parts}
    keys = {key.name for table in (defined, found) for key in table.keys}
    result = []
    for wanted in defined.parts:
        # The index of a key goes by the name of the key.
        if found.part(wanted.name) or (isinstance(wanted, Index) and wanted.name in keys):
            continue
        for part in found.parts:
            own = part.name not in known and not (isinstance(part, Index) and part.name in keys)
            if own and replace(part, name=wanted.name) == wanted:
                result.append((part, wanted.name))
                known.add(part.name)
                break
    return result


def _rename(schema: str, table: str, part: Part, new: str) -> str:
    before, now = quote_identifier(part.name), quote_identifier(new)
    name = quote_identifier(schema)
    if isinstance(part, Index):
        return f"ALTER INDEX {name}.{before} RENAME TO {now};"
    return f"ALTER TABLE {name}.{quote_identifier(table)} RENAME CONSTRAINT {before} TO {now};"


def _listed(lacking: Sequence[Difference]) -> Iterator[str]:
    comments = sum(d.kind == "comment" for d in lacking)
    yield from (str(d) for d in lacking if d.kind != "comment")
    if comments:
        yield f"{comments} comment{'s' if comments > 1 else ''}"
