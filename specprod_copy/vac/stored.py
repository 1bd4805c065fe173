"""Table ``vac``: which catalogue is in which tables of a schema, with the description itself.

So ``verify``, ``status`` and others need no file: the schema says what it was made of.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
from psycopg import sql

from specprod_copy.errors import ConfigurationError, DatabaseError
from specprod_copy.postgres.connection import translated_errors
from specprod_copy.postgres.schema import Schema
from specprod_copy.postgres.schema_from_server import read_schema
from specprod_copy.tables import Catalogue, layout_of, specprod_catalogue
from specprod_copy.vac.description import Description
from specprod_copy.vac.parsing import parse
from specprod_copy.vac.sources import HOUSE, catalogue_of

TABLE = "vac"


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
