"""The entry of a catalogue in table ``vac``: which tables it may take, and how it is written."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import replace
from functools import partial
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

import specprod_copy
from specprod_copy.errors import DatabaseError, OtherRowsError
from specprod_copy.postgres.catalog import table_ids
from specprod_copy.postgres.ddl import LEDGER
from specprod_copy.postgres.schema import Schema
from specprod_copy.postgres.schema_from_server import read_schema
from specprod_copy.tables import Catalogue
from specprod_copy.vac.description import Description
from specprod_copy.vac.references import check_reference
from specprod_copy.vac.stored import TABLE, stored


def recorded(catalogue: Catalogue, description: Description, root: Path) -> Catalogue:
    """Return a catalogue that writes its description into the schema, once its tables are there."""
    return replace(catalogue, record=partial(_record, catalogue, description, root))


def check(
    connection: psycopg.Connection,
    schema: str,
    catalogue: Catalogue,
    description: Description,
    *,
    replaced: bool,
) -> None:
    """Check that a catalogue can be loaded into a schema, beside what it has.

    Parameters
    ----------
    connection : psycopg.Connection
    schema : str
    catalogue : Catalogue
        That of the description.
    description : Description
    replaced : bool
        Whether the tables are loaded anew as a whole.

    Raises
    ------
    OtherRowsError
        If tables have rows of another catalogue, or of this one by another description; or if what
        is known of other tables with rows would be lost.
    DatabaseError
        If there are no tables that the rows could refer to.
    """
    refuse_mixed(connection, read_schema(connection, schema), described=True)
    tables = {*_tables(description)}
    with_rows, there = _tables_with_rows(connection, schema), table_ids(connection, schema)
    for one in stored(connection, schema):
        theirs = there.keys() & one.tables
        same = _key(one.description) == _key(description)
        if not (same or tables & theirs) or not (with_rows & theirs):
            continue
        if replaced and tables >= theirs:
            continue
        if not same or _rows_by(one.description) != _rows_by(description):
            raise _taken(schema, one.description, description, theirs, with_rows)
    for table, reference in [
        *((t.name, r) for t in catalogue.definition.tables.values() for r in t.references),
        *catalogue.partial,
    ]:
        if reference.schema:
            check_reference(connection, table, reference)


def refuse_mixed(connection: psycopg.Connection, found: Schema, *, described: bool) -> None:
    """Check that a schema is one of catalogues, or one of a production, as is wanted.

    Commands would not know which of them a schema is.

    Raises
    ------
    DatabaseError
        If it is one of the other kind, and has rows.
    """
    if described != (TABLE in found.tables) and _tables_with_rows(connection, found.name):
        has = "tables of a production" if described else "value-added catalogues"
        raise DatabaseError(
            f"schema {found.name} has {has}: the others need a schema of their own, --schema NAME"
        )


def _record(
    catalogue: Catalogue,
    description: Description,
    root: Path,
    connection: psycopg.Connection,
    schema: str,
    replaced: bool,
) -> None:
    """Write a description into table ``vac``, in place of those whose tables it takes."""
    check(connection, schema, catalogue, description, replaced=replaced)
    tables = _tables(description)
    name = sql.Identifier(schema, TABLE)
    delete = sql.SQL(
        "DELETE FROM {} WHERE tables && %s OR (catalogue, version, suffix) = (%s, %s, %s)"
    )
    connection.execute(delete.format(name), (tables, *_key(description)))
    insert = sql.SQL(
        """INSERT INTO {} (catalogue, version, suffix, release, specprod, about, url, tables, root,
               description, sql, described_by)
           VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"""
    )
    values = (
        *_key(description),
        description.release,
        description.specprod,
        description.about,
        description.url,
        tables,
        str(root.resolve()),
        description.text,
        Jsonb(dict(description.sql)),
        f"specprod-copy {specprod_copy.__version__}",
    )
    connection.execute(insert.format(name), values)


def _taken(
    schema: str,
    other: Description,
    description: Description,
    theirs: Set[str],
    with_rows: Set[str],
) -> OtherRowsError:
    """Return the error that the tables, or the name, are those of a catalogue with rows."""
    tables = {*_tables(description)}
    both, left = sorted(theirs & tables), ", ".join(sorted(theirs - tables))
    known, this = f"{other.name} {other.version}", f"{description.name} {description.version}"
    differing = next(
        (
            name
            for name in ("version", "specprod", "release")
            if getattr(other, name) != getattr(description, name)
        ),
        "version",
    )
    word = _word(getattr(description, differing) or description.version)
    suffix = f"with --suffix _{word} or into another --schema"
    if not both:
        return OtherRowsError(
            f"schema {schema} has {known} already, with other tables ({left}): give this one "
            f"another name, or load it {suffix}"
        )
    what = f"{schema}.{', '.join(both)}: "
    what += f"has rows of {known}" if not with_rows.isdisjoint(both) else f"belongs to {known}"
    beside = f"load {this} beside it {suffix}"
    if left:
        return OtherRowsError(
            f"{what}; {beside}: in place of it {left} would be left over, unless dropped, or "
            "described here as well"
        )
    if _key(other) != _key(description):
        return OtherRowsError(f"{what}; {beside}, or in place of it with --overwrite")
    if differing != "version":
        before = getattr(other, differing) or "none"
        return OtherRowsError(
            f"{what}, {differing} {before}; {beside}, or in place of it with --overwrite"
        )
    return OtherRowsError(
        f"{schema}.{', '.join(both)}: its rows were loaded with another description of {known}; "
        "--overwrite loads them with this one"
    )


def _tables(description: Description) -> list[str]:
    return [description.table(rule.name) for rule in description.tables]


def _key(description: Description) -> tuple[str, str, str]:
    return description.name, description.version, description.suffix


def _rows_by(description: Description) -> str:
    """Return what decides about rows: not what is said about the catalogue, or referred to."""
    # NaN does not equal itself, its text does.
    return repr(
        [replace(rule, references=()) for rule in description.tables]
        + [description.release, description.specprod]
    )


def _word(version: str) -> str:
    return "".join(c if c.isalnum() else "_" for c in version.lower())


def _tables_with_rows(connection: psycopg.Connection, schema: str) -> set[str]:
    """Return the tables that were loaded, by the ledger."""
    if LEDGER not in table_ids(connection, schema):
        return set()
    query = sql.SQL("SELECT DISTINCT table_name FROM {} WHERE failure IS NULL").format(
        sql.Identifier(schema, LEDGER)
    )
    return {table for (table,) in connection.execute(query)}
