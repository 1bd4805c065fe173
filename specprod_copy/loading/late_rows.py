"""Rows that come when their table has its keys already: which of them break one.

Then the server refuses a whole COPY. What it would say of each row is found out from a temporary
copy of the rows, so that the same rows go into quarantine as when the key is made after them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import polars as pl
import psycopg
from psycopg import sql

from specprod_copy.errors import DatabaseError
from specprod_copy.loading.copying import Advance, copy_units
from specprod_copy.postgres.copy import ServerTable
from specprod_copy.postgres.names import listed, matched
from specprod_copy.postgres.schema import Reference
from specprod_copy.postgres.schema_from_server import read_schema
from specprod_copy.rows.keyed import ROW, rows_with
from specprod_copy.rows.read import open_unit
from specprod_copy.rows.transform import Transform
from specprod_copy.rows.units import Intake, Refusal, UnitResult, entry_name

_STAGED = sql.Identifier("pg_temp", "late_rows")


@dataclass(frozen=True)
class LateRows:
    """Rows that the server has refused for a key."""

    connection: psycopg.Connection
    """In a transaction in which nothing has failed."""
    schema: str
    intake: Intake
    keep_best: bool
    """Whether the best row of a key is to be kept."""

    @property
    def table(self) -> str:
        """The table."""
        return self.intake.table

    def load_others(self, advance: Advance) -> list[UnitResult]:
        """Send all rows but those that break a key; these are in the results as refused."""
        refused = self._found(quarantine=True)
        others = [
            unit.without([refusal.row for refusal in rows])
            for unit, rows in zip(self.intake.units, refused, strict=True)
        ]
        table = ServerTable(self.connection, self.schema, self.table)
        intake = replace(self.intake, units=others)
        results = copy_units(table, intake, advance, quarantine=True)
        return [
            replace(
                result,
                unit=unit,
                rows_read=result.rows_read + len(rows),
                quarantine=tuple(sorted((*result.quarantine, *rows), key=lambda r: r.row)),
            )
            for unit, result, rows in zip(self.intake.units, results, refused, strict=True)
        ]

    def error(self, cause: psycopg.Error) -> DatabaseError | psycopg.Error:
        """Return the error that names the first row that breaks a key, and its file."""
        for unit, rows in zip(self.intake.units, self._found(quarantine=False), strict=True):
            for row in rows:
                way = "Take the row out of the file, or use --on-error quarantine"
                if self.keep_best and row.rule == "key":
                    way = (
                        "The best row of a key is found while a whole table is loaded: --overwrite "
                        "loads all of them again"
                    )
                return DatabaseError(
                    f"cannot load {self.schema}.{self.table}: "
                    f"{entry_name(str(unit.path), unit.hdu)} row "
                    f"{row.row}, column {row.column}, {row.value}: {row.reason}. {way}"
                )
        return cause

    def _found(self, *, quarantine: bool) -> list[list[Refusal]]:
        """Return the rows of each unit that break a key."""
        with self.connection.transaction(force_rollback=True):
            make = sql.SQL("CREATE TEMPORARY TABLE late_rows (LIKE {})")
            self.connection.execute(make.format(sql.Identifier(self.schema, self.table)))
            staged = ServerTable(self.connection, "pg_temp", "late_rows")
            copy_units(staged, self.intake, lambda *_: None, quarantine=quarantine)
            found: list[dict[int, Refusal]] = [{} for _ in self.intake.units]
            for number, refusal in self._broken():
                found[number].setdefault(refusal.row, refusal)
        return [list(rows.values()) for rows in found]

    def _broken(self) -> Iterator[tuple[int, Refusal]]:
        """Yield the number of the unit and the row for each key that a staged row breaks."""
        defined = read_schema(self.connection, self.schema).tables[self.table]
        for key in defined.keys:
            there = self._values(key.columns, self._loaded(key.columns))
            double = self._values(key.columns, self._double(key.columns))
            why = f"{', '.join(key.columns)} is that of a row that was loaded before"
            yield from self._rows(key.columns, there, why, "key")
            why = f"{', '.join(key.columns)} is that of an earlier row"
            later = self._rows(
                key.columns, double.join(there, on=double.columns, how="anti"), why, "key"
            )
            seen: set[str] = set()
            for number, refusal in later:
                if refusal.value in seen:
                    yield number, refusal
                seen.add(refusal.value)
        for reference in defined.references:
            orphans = self._values(reference.columns, self._orphans(reference))
            why = f"no row of {reference.where} has this {', '.join(reference.keys)}"
            yield from self._rows(reference.columns, orphans, why, "reference")

    def _loaded(self, key: Sequence[str]) -> sql.Composed:
        return sql.SQL("SELECT {} FROM {} AS a JOIN {} AS b ON {}").format(
            listed(key, "a"),
            _STAGED,
            sql.Identifier(self.schema, self.table),
            matched("a", key, "b", key),
        )

    def _double(self, key: Sequence[str]) -> sql.Composed:
        query = sql.SQL("SELECT {0} FROM {1} GROUP BY {0} HAVING count(*) > 1")
        return query.format(listed(key), _STAGED)

    def _orphans(self, reference: Reference) -> sql.Composed:
        return sql.SQL(
            """SELECT DISTINCT {own} FROM {staged} AS a WHERE num_nulls({own}) = 0
               AND NOT EXISTS (SELECT 1 FROM {other} AS b WHERE {matched})"""
        ).format(
            own=listed(reference.columns, "a"),
            staged=_STAGED,
            other=sql.Identifier(*reference.place(self.schema)),
            matched=matched("b", reference.keys, "a", reference.columns),
        )

    def _values(self, names: Sequence[str], query: sql.Composed) -> pl.DataFrame:
        """Return the values of some columns that a query finds."""
        rows = self.connection.execute(query).fetchall()
        types = {c.name: c.polars_type for c in self.intake.columns if c.name in names}
        return pl.DataFrame(
            {
                name: pl.Series([row[place] for row in rows], dtype=types[name])
                for place, name in enumerate(names)
            }
        )

    def _rows(
        self, names: Sequence[str], values: pl.DataFrame, why: str, rule: str
    ) -> Iterator[tuple[int, Refusal]]:
        """Yield the rows of the files that have certain values."""
        if not values.height:
            return
        key = [column for name in names for column in self.intake.columns if column.name == name]
        sources = self.intake.sources
        for number, unit in enumerate(self.intake.units):
            with open_unit(unit, sources[unit.source]) as file:
                transform = Transform(sources[unit.source], file, self.intake.columns)
            blamed = "+".join(map(transform.blame, names))
            for *own, row in rows_with(unit, sources, key, values).select(*names, ROW).rows():
                yield number, Refusal(row, blamed, ", ".join(map(repr, own)), why, rule)
