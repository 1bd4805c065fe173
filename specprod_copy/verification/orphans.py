"""Rows of a table that refer to no row of another one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import psycopg
from psycopg import sql

from specprod_copy.errors import InputError
from specprod_copy.postgres.columns import Column
from specprod_copy.postgres.names import listed, matched
from specprod_copy.postgres.schema import Reference
from specprod_copy.rows.keyed import first_places
from specprod_copy.rows.units import Unit
from specprod_copy.tables import TableSource
from specprod_copy.verification.compare import EXAMPLES, listing


@dataclass(frozen=True)
class Orphans:
    """How many rows have no counterpart, and the first values of them."""

    reference: Reference
    number: int
    n_values: int
    """How many different values these rows have."""
    values: Sequence[Sequence[object]]
    """The first of them."""

    def __str__(self) -> str:
        return listing(self.n_values, [", ".join(map(str, values)) for values in self.values])

    def with_places(
        self, units: Iterable[Unit], sources: Mapping[str, TableSource], columns: Sequence[Column]
    ) -> str:
        """Return the first values with the files and rows they are from.

        Parameters
        ----------
        units : iterable of Unit
            All the files of the table; read until these rows are found.
        sources : mapping of str to TableSource
            By name.
        columns : sequence of Column
            Columns of the table.
        """
        named = {column.name: column for column in columns}
        key = [named[name] for name in self.reference.columns if name in named]
        places = [""] * len(self.values)
        if self.values and len(key) == len(self.reference.columns):
            # Files that cannot be read are the business of others.
            with suppress(InputError):
                places = first_places(units, sources, key, self.values)
        shown = [
            f"{', '.join(map(str, values))}{f' ({place})' if place else ''}"
            for values, place in zip(self.values, places, strict=True)
        ]
        return listing(self.n_values, shown)


def find_orphans(
    connection: psycopg.Connection, schema: str, table: str, reference: Reference
) -> Orphans:
    """Count the rows of a table that refer to no row of another one.

    Parameters
    ----------
    connection : psycopg.Connection
    schema, table : str
    reference : Reference
        To a table that exists.
    """
    orphans = sql.SQL(
        "SELECT {0} FROM {1} a WHERE num_nulls({0}) = 0 "
        "AND NOT EXISTS (SELECT 1 FROM {2} b WHERE {3})"
    ).format(
        listed(reference.columns, "a"),
        sql.Identifier(schema, table),
        sql.Identifier(*reference.place(schema)),
        matched("b", reference.keys, "a", reference.columns),
    )
    by = sql.SQL(", ").join(map(sql.Literal, range(1, len(reference.columns) + 1)))
    # Columns of users may have any name, that of our number too.
    names = listed([*(f"key{place}" for place in range(len(reference.columns))), "number"])
    # In one statement: from one to the next rows may come.
    first = sql.SQL(
        "SELECT *, count(*) OVER (), sum(number) OVER () "
        "FROM (SELECT *, count(*) FROM ({0}) q GROUP BY {1}) d ({2}) ORDER BY {1} LIMIT {3}"
    ).format(orphans, by, names, EXAMPLES)
    rows = connection.execute(first).fetchall()
    if not rows:
        return Orphans(reference, 0, 0, ())
    n_values, number = rows[0][-2:]
    return Orphans(reference, int(number), n_values, [row[:-3] for row in rows])
