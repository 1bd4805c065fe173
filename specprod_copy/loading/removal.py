"""Rows of loaded tables that go into quarantine: out of the table, into the ledger."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import polars as pl
import psycopg
from psycopg import sql

from specprod_copy.errors import ChangedFileError, DatabaseError
from specprod_copy.loading import copying
from specprod_copy.loading.key_errors import ROW, BrokenKey, DuplicateKey, OrphanKey, rows_with
from specprod_copy.plan.ledger import Ledger, LoadedRanges, NothingLoaded
from specprod_copy.plan.planning import Planner
from specprod_copy.postgres import counted, ddl, statements
from specprod_copy.postgres.columns import Column
from specprod_copy.postgres.copy import Table
from specprod_copy.postgres.ddl import primary_key
from specprod_copy.postgres.names import parametrized
from specprod_copy.postgres.schema import Reference
from specprod_copy.postgres.schema_from_server import read_schema
from specprod_copy.reader import open_table
from specprod_copy.rows.read import table_rows
from specprod_copy.rows.transform import Transform
from specprod_copy.rows.units import Change, Fingerprint, Refusal, Unit
from specprod_copy.tables import SOURCES, TableSource


class Place(NamedTuple):
    """Where a row comes from.

    Parameters
    ----------
    unit : Unit
        The whole file.
    row : int
        Its number there.
    key : object
        Its primary key.
    """

    unit: Unit
    row: int
    key: object


class _Reference(NamedTuple):
    """A foreign key: `column` of `table` refers to `key` of an `other` table."""

    table: str
    column: str
    other: str
    key: str

    @classmethod
    def of(cls, table: str, reference: Reference) -> _Reference:
        """Return the foreign key of a table."""
        [column], [key] = reference.columns, reference.keys
        return cls(table, column, reference.table, key)


class Removal:
    """Takes rows out of the tables of a schema, in one transaction with the ledger.

    Parameters
    ----------
    connection : psycopg.Connection
    schema : str
    planner : Planner
        Of the files.
    most : int
        Rows that may be in quarantine.

    Attributes
    ----------
    removed : Counter of str
        Name of a source to the number of rows that were taken out.
    """

    def __init__(
        self, connection: psycopg.Connection, schema: str, planner: Planner, most: int
    ) -> None:
        self._connection = connection
        self._schema = schema
        self._planner = planner
        self._most = most
        self._found = read_schema(connection, schema)
        self._ledger = Ledger(connection, schema)
        self.removed: Counter[str] = Counter()

    def remove(self, error: BrokenKey) -> None:
        """Take out the rows for which a key could not be made.

        Of rows with the same key the first one stays, by the order of loading.

        Parameters
        ----------
        error : BrokenKey

        Raises
        ------
        DatabaseError
            If there are more such rows than may be in quarantine, or rows of the table are not
            those of the files.
        """
        with self._connection.transaction():
            if isinstance(error, DuplicateKey):
                self._remove_duplicates(error)
            elif isinstance(error, OrphanKey):
                self._remove_orphans(error)
            self._compute_again()
            self._ledger.limit_quarantine(self._most)

    def _remove_duplicates(self, error: DuplicateKey) -> None:
        table = error.table
        key = primary_key(table)
        if error.columns != (key,):
            raise error
        query = sql.SQL("SELECT {0} FROM {1} GROUP BY {0} HAVING count(*) > 1 LIMIT {2}").format(
            sql.Identifier(key), sql.Identifier(self._schema, table), self._most + 1
        )
        keys = [value for (value,) in self._connection.execute(query)]
        self._check_number(len(keys), error)
        places = self._take_out(table, keys)
        first: dict[object, Place] = {}
        reasons: dict[Place, str] = {}
        for place in places:
            origin = first.setdefault(place.key, place)
            if origin is not place:
                where = f"{origin.unit.file}[{origin.unit.hdu}]"
                reasons[place] = f"{key} is that of row {origin.row} of {where}"
        self._send(table, list(first.values()))
        self._record(table, {place: (key, place.key, why) for place, why in reasons.items()}, "key")

    def _compute_again(self) -> None:
        """Compute the columns that depend on all rows of a table."""
        for source in map(SOURCES.__getitem__, self.removed):
            for name in source.after_rows(self._planner.inputs) if source.after_rows else ():
                query = ddl.render_template(
                    f"{name}_counted", schema=self._schema, table=source.table
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
        reference = _Reference.of(error.table, error.reference)
        query = sql.SQL(
            """SELECT {key}, {column} FROM {table} a WHERE NOT EXISTS
               (SELECT FROM {other} b WHERE b.{other_key} = a.{column}) LIMIT {n}"""
        ).format(
            key=sql.Identifier(primary_key(reference.table)),
            column=sql.Identifier(reference.column),
            table=sql.Identifier(self._schema, reference.table),
            other=sql.Identifier(self._schema, reference.other),
            other_key=sql.Identifier(reference.key),
            n=self._most + 1,
        )
        orphans: dict[object, object] = dict(self._connection.execute(query).fetchall())
        self._check_number(len(orphans), error)
        self._remove_referring(reference, orphans, error)

    def _remove_referring(
        self, reference: _Reference, orphans: Mapping[object, object], error: OrphanKey
    ) -> None:
        """Take out rows, given by key and by what they refer to, and before them their own."""
        table, keys = reference.table, list(orphans)
        for referring_table, own in ddl.definition().referring(table):
            if referring_table.name in self._found.tables:
                other = _Reference.of(referring_table.name, own)
                query = sql.SQL("SELECT {}, {} FROM {} WHERE {} = ANY(%s) LIMIT %s").format(
                    sql.Identifier(primary_key(other.table)),
                    sql.Identifier(other.column),
                    parametrized(self._schema, other.table),
                    sql.Identifier(other.column),
                )
                referring: dict[object, object] = dict(
                    self._connection.execute(query, (keys, self._most + 1)).fetchall()
                )
                if referring:
                    self._check_number(len(referring), error)
                    self._remove_referring(other, referring, error)
        reasons = {
            place: (
                reference.column,
                orphans[place.key],
                f"no row of {reference.other} has this {reference.key}",
            )
            for place in self._take_out(table, keys)
        }
        self._record(table, reasons, "reference")

    def _take_out(self, table: str, keys: Sequence[object]) -> list[Place]:
        """Delete the rows with some keys, and return where they come from."""
        name = primary_key(table)
        [key] = [column for column in self._columns(table) if column.name == name]
        wanted = pl.DataFrame({name: pl.Series(keys, dtype=key.polars_type)})
        places = [
            Place(unit, row, value)
            for unit in self._files(table)
            for value, row in rows_with(unit, [key], wanted).select(name, ROW).iter_rows()
        ]
        condition = parametrized(name).as_string() + " = ANY(%s)"
        deleted = counted.delete(self._connection, self._schema, table, condition, (list(keys),))
        if deleted != len(places):
            raise DatabaseError(
                f"{deleted} rows of table {self._schema}.{table} should go into quarantine, but "
                f"{len(places)} rows of the files have their keys; replace the table with "
                "--overwrite"
            )
        return places

    def _files(self, table: str) -> list[Unit]:
        """Return the files whose rows are in a table, without the rows in quarantine."""
        sources = self._sources(table)
        loaded = self._loaded(table)
        refused: dict[tuple[str, str], list[Refusal]] = {}
        for source in sources:
            refused |= self._ledger.quarantine(table, source.stage)
        nothing = NothingLoaded()
        files = self._planner.plan(sources, {table: self._columns(table)}, nothing).files
        units = []
        for unit in files:
            place = unit.place
            before = loaded[place][0] if place in loaded else None
            if before is None or unit.fingerprint.change_since(before) is not Change.NONE:
                raise ChangedFileError(
                    f"rows of table {table} should go into quarantine, but the file is not the one "
                    "that was loaded; --overwrite loads the stage anew",
                    path=unit.path,
                    hdu=unit.hdu,
                )
            units.append(unit.without([refusal.row for refusal in refused.get(place, ())]))
        return units

    def _sources(self, table: str) -> list[TableSource]:
        stages = self._ledger.stages(table)
        return [s for s in SOURCES.values() if s.table == table and s.stage in stages]

    def _loaded(self, table: str) -> LoadedRanges:
        """Return what is in a table, from all stages."""
        found: dict[tuple[str, str], tuple[Fingerprint, list[tuple[int, int]]]] = {}
        for source in self._sources(table):
            found |= self._ledger.loaded(table, source.stage)
        return found

    def _send(self, table: str, places: Sequence[Place]) -> None:
        """Load single rows that are in the ledger already."""
        units = [replace(unit, rows=np.array(rows)) for unit, rows in _by_unit(places).items()]
        destination = Table(self._connection, self._schema, table)
        copying.copy_units(destination, units, self._columns(table), lambda *_: None)

    def _record(
        self, table: str, reasons: Mapping[Place, tuple[str, object, str]], rule: str
    ) -> None:
        """Write into the ledger: column, value and reason for each row."""
        columns, loaded = self._columns(table), self._loaded(table)
        for unit, rows in _by_unit(reasons).items():
            self.removed[unit.source] += len(rows)
            with open_table(unit.path, (unit.hdu,) if unit.hdu else ()) as file:
                transform = Transform(SOURCES[unit.source], file, columns)
            refusals = {
                place.row: Refusal(place.row, transform.blame(column), repr(value), why, rule)
                for place, (column, value, why) in reasons.items()
                if place.unit == unit
            }
            for first, last in loaded[unit.file, unit.hdu][1]:
                own = np.array([row for row in rows if first <= row < last])
                if len(own):
                    part = replace(unit, first=first, last=last, rows=own)
                    changed = sum(read.values_changed for read in table_rows(part, columns))
                    self._ledger.refuse(part, [refusals[row] for row in own.tolist()], changed)

    def _columns(self, table: str) -> list[Column]:
        return self._found.columns_of(table)


def _by_unit(places: Mapping[Place, object] | Sequence[Place]) -> dict[Unit, list[int]]:
    found: dict[Unit, list[int]] = {}
    for place in places:
        found.setdefault(place.unit, []).append(place.row)
    return {unit: sorted(rows) for unit, rows in found.items()}
