"""Table ``vac``: which catalogue is in which tables of a schema, with the description itself.

So ``verify``, ``status`` and others need no file: the schema says what it was made of.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

import specprod_copy
from specprod_copy.errors import ConfigurationError, DatabaseError, OtherRowsError
from specprod_copy.postgres.catalog import table_ids
from specprod_copy.postgres.connection import translated_errors
from specprod_copy.postgres.schema import Schema
from specprod_copy.postgres.schema_from_server import read_schema
from specprod_copy.tables import Catalogue, layout_of, specprod_catalogue
from specprod_copy.vac.description import Description
from specprod_copy.vac.parsing import parse
from specprod_copy.vac.references import check_reference
from specprod_copy.vac.sources import HOUSE, catalogue_of

TABLE = "vac"
_LEDGER = "load_ledger"


@dataclass(frozen=True)
class Stored:
    """A catalogue that a schema has."""

    description: Description
    root: Path
    """Folder that its files lie below."""
    tables: tuple[str, ...]
    """Their names in the schema."""

    def __str__(self) -> str:
        one = self.description
        of = f" ({', '.join(word for word in (one.release, one.specprod) if word)})"
        return f"{one.name} {one.version}{of if of != ' ()' else ''}: {', '.join(self.tables)}"


def stored(connection: psycopg.Connection, schema: str) -> list[Stored]:
    """Return the catalogues that a schema has, none where it has no table ``vac`` of ours.

    Raises
    ------
    DatabaseError
        If a description there is not understood any more, or we may not read the table.
    """
    found = read_schema(connection, schema, tables=[TABLE]).tables.get(TABLE)
    if found is None or not {"catalogue", "description", "sql"} <= {c.name for c in found.columns}:
        return []
    query = sql.SQL(
        """SELECT catalogue, version, release, specprod, suffix, root, description, sql, tables
           FROM {} ORDER BY catalogue, version, suffix"""
    ).format(sql.Identifier(schema, TABLE))
    catalogues = []
    with translated_errors(f"cannot read which catalogues schema {schema} has"):
        rows = connection.execute(query).fetchall()
    for name, version, release, specprod, suffix, root, text, files, tables in rows:
        try:
            description = replace(
                parse(text, f"{name} in {schema}.{TABLE}", files),
                version=version,
                release=release,
                specprod=specprod,
                suffix=suffix,
            )
        except ConfigurationError as error:
            raise DatabaseError(
                f"{error}; it was written by another version of this program, or by hand"
            ) from error
        catalogues.append(Stored(description, Path(root), tuple(tables)))
    return catalogues


def catalogue_in(connection: psycopg.Connection, found: Schema) -> Catalogue:
    """Return what the tables of a schema are: those of its catalogues, or those of a production.

    Parameters
    ----------
    connection : psycopg.Connection
    found : Schema
        What the server has.
    """
    catalogues = stored(connection, found.name) if TABLE in found.tables else []
    return merged(catalogues) if catalogues else specprod_catalogue(layout_of(found))


def merged(catalogues: Sequence[Stored]) -> Catalogue:
    """Return several catalogues of a schema as one, or say that a file there is not accepted."""
    try:
        every = [catalogue_of(one.description, root=one.root) for one in catalogues]
    except ConfigurationError as error:
        way_out = "load-vac --overwrite with a mended SQL file"
        raise DatabaseError(f"table {TABLE}: {error}; {way_out} puts that in its place") from error
    tables = {name: table for one in every for name, table in one.definition.tables.items()}
    return Catalogue(
        Schema.of("", tables.values()),
        {name: source for one in every for name, source in one.sources.items()},
        partial=tuple(reference for one in every for reference in one.partial),
        house=HOUSE,
    )


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
    suffix = f"with --suffix _{_word(description.version)} or into another --schema"
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
    if _LEDGER not in table_ids(connection, schema):
        return set()
    query = sql.SQL("SELECT DISTINCT table_name FROM {} WHERE failure IS NULL").format(
        sql.Identifier(schema, _LEDGER)
    )
    return {table for (table,) in connection.execute(query)}


def chosen(catalogues: Iterable[Stored], names: Sequence[str], schema: str) -> list[Stored]:
    """Return the catalogues of some names, all without any.

    Raises
    ------
    ConfigurationError
        If the schema has none of a name.
    """
    catalogues = [*catalogues]
    known = dict.fromkeys(one.description.name for one in catalogues)
    for name in names:
        if name not in known:
            raise ConfigurationError(
                f"schema {schema} has no catalogue {name!r}; it has {', '.join(known)}"
            )
    return [one for one in catalogues if not names or one.description.name in names]
