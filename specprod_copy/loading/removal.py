"""Rows of loaded tables that go into quarantine: out of the table, into the ledger."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import psycopg
from psycopg import sql

from specprod_copy.errors import DatabaseError
from specprod_copy.loading import copying
from specprod_copy.loading.places import (
    Place,
    Values,
    by_unit,
    columns_of,
    frame_of,
    rank,
    rank_columns,
)
from specprod_copy.loading.set_aside import SetAside
from specprod_copy.plan.ledger import Ledger
from specprod_copy.plan.loaded_files import loaded_files
from specprod_copy.plan.planning import Planner
from specprod_copy.postgres import counted, ddl, statements
from specprod_copy.postgres.broken_keys import BrokenKey, DuplicateKey, OrphanKey
from specprod_copy.postgres.columns import Column
from specprod_copy.postgres.copy import ServerTable
from specprod_copy.postgres.foreign_code import keep_foreign_code_out
from specprod_copy.postgres.names import among, listed, matched, parametrized
from specprod_copy.postgres.schema import Reference
from specprod_copy.postgres.schema_from_server import read_schema
from specprod_copy.rows.keyed import ROW, as_key, rows_with
from specprod_copy.rows.units import Intake, entry_name
from specprod_copy.tables import Catalogue
from specprod_copy.tables.common import ranked_by

_SHOWN = 5


class Removal:
    """Takes rows out of the tables of a schema, in one transaction with the ledger.

    Parameters
    ----------
    catalogue : Catalogue
    connection : psycopg.Connection
    schema : str
    planner : Planner
        Of the files.
    most : int
        Rows that may be in quarantine.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        connection: psycopg.Connection,
        schema: str,
        planner: Planner,
        most: int,
    ) -> None:
        self._catalogue = catalogue
        self._connection = connection
        self._schema = schema
        self._planner = planner
        self._most = most
        self._found = read_schema(connection, schema)
        self._ledger = Ledger(connection, schema)
        self._aside = SetAside(catalogue, connection, schema, planner)
        self.notes: list[str] = []

    @property
    def removed(self) -> Counter[str]:
        """See `SetAside.removed`."""
        return self._aside.removed

    def remove(self, error: BrokenKey) -> None:
        """Take out the rows for which a key could not be made.

        Of rows with the same key the first one stays, by the order of loading; of spectra the one
        that ranks first, where the catalogue says so.

        Raises
        ------
        DatabaseError
            If there are more such rows than may be in quarantine, or rows of the table are not
            those of the files.
        """
        with self._connection.transaction():
            tables = [t for t in self._catalogue.definition.tables if t in self._found.tables]
            keep_foreign_code_out(self._connection, self._schema, tables)
            if isinstance(error, DuplicateKey):
                self._remove_duplicates(error)
            elif isinstance(error, OrphanKey):
                self._remove_orphans(error)
            self._compute_again()
            self._ledger.limit_quarantine(self._most)

    def _remove_duplicates(self, error: DuplicateKey) -> None:
        table = error.table
        # Another key may be the first to fail for these rows. If their primary keys differ, it is
        # not said which one would have to go.
        key = self._key(table)
        query = sql.SQL("SELECT {0} FROM {1} GROUP BY {0} HAVING count(*) > 1 LIMIT {2}").format(
            listed(key), sql.Identifier(self._schema, table), self._most + 1
        )
        keys = self._connection.execute(query).fetchall()
        self._check_number(len(keys), error)
        places = self._take_out(table, keys)
        best = table in self._catalogue.keep_best
        first: dict[Values, Place] = {}
        if best:
            for place in sorted(places, key=lambda place: place.rank):
                first.setdefault(place.key, place)
        reasons: dict[Place, str] = {}
        for place in places:
            origin = first.setdefault(place.key, place)
            if origin is not place:
                where = entry_name(*origin.unit.place)
                better = ", which ranks before it" if best else ""
                reasons[place] = f"{', '.join(key)} is that of row {origin.row} of {where}{better}"
        if not reasons:  # Nothing would change, and the key fail once more.
            raise error
        if best:
            shown = [f"{place.unit.file} row {place.row}" for place in reasons][:_SHOWN]
            more = f" and {len(reasons) - _SHOWN:,} more" if len(reasons) > _SHOWN else ""
            self.notes.append(
                f"{table}: keys come twice, and what does not rank first is in quarantine: "
                f"{len(reasons):,} rows, {', '.join(shown)}{more}"
            )
        self._send(table, list(first.values()))
        self._aside.record(
            table, {place: (key, place.key, why) for place, why in reasons.items()}, "key"
        )

    def _compute_again(self) -> None:
        """Compute the columns that depend on all rows of a table."""
        for source in map(self._catalogue.sources.__getitem__, self.removed):
            for name in source.after_rows(self._planner.inputs) if source.after_rows else ():
                rank = ranked_by(self._catalogue.definition.tables[source.table].columns)
                query = ddl.render_template(
                    f"{name}_counted", schema=self._schema, table=source.table, rank=rank
                )
                statements.run(self._connection, query, self._schema)

    def _check_number(self, number: int, error: DatabaseError) -> None:
        if number == 0:  # Somebody else has changed the table.
            raise error
        if number > self._most:
            raise DatabaseError(
                f"{error}; more than {self._most:,} rows are concerned, too many for the "
                "quarantine: mend the files, or allow more with --max-quarantined"
            ) from error

    def _remove_orphans(self, error: OrphanKey) -> None:
        table, reference = error.table, error.reference
        query = sql.SQL(
            """SELECT {own}, {columns} FROM {table} AS a WHERE num_nulls({columns}) = 0
               AND NOT EXISTS (SELECT 1 FROM {other} AS b WHERE {matched}) LIMIT {n}"""
        ).format(
            own=listed(self._key(table), "a"),
            columns=listed(reference.columns, "a"),
            table=sql.Identifier(self._schema, table),
            other=sql.Identifier(*reference.place(self._schema)),
            matched=matched("b", reference.keys, "a", reference.columns),
            n=self._most + 1,
        )
        orphans = self._by_key(table, self._connection.execute(query))
        self._check_number(len(orphans), error)
        gone = [*self._remove_referring(table, reference, orphans, error)]
        # What refers to a row comes after it, and may find it again.
        for other, keys in reversed(gone):
            rules = ["key"] if other == table else ["key", "reference"]
            self._aside.let_in(other, keys, rules)

    def _by_key(self, table: str, rows: Iterable[Values]) -> dict[Values, Values]:
        """Return what follows the key in each row, by the key."""
        width = len(self._key(table))
        return {as_key(row[:width]): row[width:] for row in rows}

    def _remove_referring(
        self,
        table: str,
        reference: Reference,
        orphans: Mapping[Values, Values],
        error: OrphanKey,
    ) -> Iterator[tuple[str, list[Values]]]:
        """Take out rows, given by key and by what they refer to, and before them their own.

        Yields tables and the keys of their rows.
        """
        for other, own in self._catalogue.definition.referring(table):
            if other.name in self._found.tables:
                query = sql.SQL(
                    """SELECT DISTINCT {key}, {columns} FROM {other} AS o JOIN {table} AS t
                       ON {matched} WHERE {among} LIMIT %s"""
                ).format(
                    key=listed(other.primary_key, "o"),
                    columns=listed(own.columns, "o"),
                    other=parametrized(self._schema, other.name),
                    table=parametrized(self._schema, table),
                    matched=matched("o", own.columns, "t", own.keys),
                    among=among(self._key_columns(table), "t"),
                )
                values = (*columns_of(orphans), self._most + 1)
                referring = self._by_key(other.name, self._connection.execute(query, values))
                if referring:
                    self._check_number(len(referring), error)
                    yield from self._remove_referring(other.name, own, referring, error)
        keys = ", ".join(reference.keys)
        reasons = {
            place: (
                reference.columns,
                orphans[place.key],
                f"no row of {reference.where} has this {keys}",
            )
            for place in self._take_out(table, [*orphans])
        }
        self._aside.record(table, reasons, "reference")
        yield table, [*orphans]

    def _key(self, table: str) -> tuple[str, ...]:
        return self._catalogue.definition.tables[table].primary_key

    def _key_columns(self, table: str) -> list[Column]:
        columns = {column.name: column for column in self._columns(table)}
        return [columns[name] for name in self._key(table)]

    def _take_out(self, table: str, keys: Sequence[Values]) -> list[Place]:
        """Delete the rows with some keys, and return where they come from."""
        key = self._key_columns(table)
        values, wanted = columns_of(keys), frame_of(key, keys)
        best = table in self._catalogue.keep_best
        ranked = rank_columns(self._columns(table)) if best else []
        places = [
            Place(unit, row, as_key(value), *map(rank, [by] if by else []))
            for unit in loaded_files(self._catalogue, table, self._planner, self._ledger)
            for found in [rows_with(unit, self._catalogue.sources, [*key, *ranked], wanted)]
            for value, by, row in zip(
                found.select(wanted.columns).rows(),
                found.select(c.name for c in ranked).rows() if ranked else [()] * found.height,
                found[ROW],
                strict=True,
            )
        ]
        deleted = counted.delete(
            self._connection, self._schema, table, among(key).as_string(), tuple(values)
        )
        if deleted != len(places):
            raise DatabaseError(
                f"{deleted} rows of table {self._schema}.{table} should go into quarantine, but "
                f"{len(places)} rows of the files have their keys; replace the table with "
                "--overwrite"
            )
        return places

    def _send(self, table: str, places: Sequence[Place]) -> None:
        """Load single rows that are in the ledger already."""
        units = [replace(unit, rows=np.array(rows)) for unit, rows in by_unit(places).items()]
        destination = ServerTable(self._connection, self._schema, table)
        intake = Intake(units, self._catalogue.sources, self._columns(table))
        copying.copy_units(destination, intake, lambda *_: None, digests=False)

    def _columns(self, table: str) -> list[Column]:
        return self._catalogue.definition.columns_of(table)
