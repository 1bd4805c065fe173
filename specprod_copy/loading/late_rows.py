"""Rows that come when their table has its keys already: which of them break one.

Then the server refuses a whole COPY. What it would say of each row is found out from a temporary
copy of the rows, so that the same rows go into quarantine as when the key is made after them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import polars as pl
import psycopg
from psycopg import sql

from specprod_copy.errors import DatabaseError
from specprod_copy.loading.copying import Advance, copy_units
from specprod_copy.loading.places import Values, rank, rank_columns
from specprod_copy.postgres.columns import Column
from specprod_copy.postgres.copy import ServerTable
from specprod_copy.postgres.names import listed, matched
from specprod_copy.postgres.schema import Reference
from specprod_copy.postgres.schema_from_server import read_schema
from specprod_copy.rows.keyed import ROW, as_key, rows_with
from specprod_copy.rows.read import open_unit
from specprod_copy.rows.transform import Transform
from specprod_copy.rows.units import Intake, Refusal, UnitResult, entry_name

_STAGED = sql.Identifier("pg_temp", "late_rows")

_Row = tuple[int, int]
"""Number of a unit, and of a row in its file."""


class _Found(NamedTuple):
    """A row of a file, and its values in some columns."""

    place: _Row
    values: Values
    blamed: str
    """The input columns that they come from."""
    more: tuple[Any, ...]
    """What else was asked for."""

    def refused(self, why: str, rule: str) -> Refusal:
        return Refusal(self.place[1], self.blamed, ", ".join(map(repr, self.values)), why, rule)


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

    def load_others(self, advance: Advance, *, digests: bool = True) -> list[UnitResult]:
        """Send all rows but those that break a key; these are in the results as refused."""
        refused = self._found(quarantine=True)
        others = [
            unit.without([refusal.row for refusal in rows])
            for unit, rows in zip(self.intake.units, refused, strict=True)
        ]
        table = ServerTable(self.connection, self.schema, self.table)
        intake = replace(self.intake, units=others)
        results = copy_units(table, intake, advance, quarantine=True, digests=digests)
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
            # Without columns that users have added, which may have to have a value.
            make = sql.SQL("CREATE TEMPORARY TABLE late_rows AS SELECT {} FROM {} WITH NO DATA")
            names = listed([column.name for column in self.intake.columns])
            self.connection.execute(make.format(names, sql.Identifier(self.schema, self.table)))
            staged = ServerTable(self.connection, "pg_temp", "late_rows")
            copy_units(staged, self.intake, lambda *_: None, quarantine=quarantine, digests=False)
            broken = self._broken(ranked=self.keep_best and quarantine)
        refused: list[list[Refusal]] = [[] for _ in self.intake.units]
        for (number, _), refusal in sorted(broken.items()):
            refused[number].append(refusal)
        return refused

    def _broken(self, *, ranked: bool) -> dict[_Row, Refusal]:
        """Return the staged rows that break a key.

        A row that refers to nothing is never the first one of its key, for it is not loaded.
        """
        defined = read_schema(self.connection, self.schema).tables[self.table]
        sent = {column.name for column in self.intake.columns}
        orphans: dict[_Row, Refusal] = {}
        for reference in defined.references:
            # What users have added columns for is not broken by rows that have none of them.
            if sent.issuperset(reference.columns):
                values = self._values(reference.columns, self._orphans(reference))
                why = f"no row of {reference.where} has this {', '.join(reference.keys)}"
                for one in self._rows(reference.columns, values):
                    orphans.setdefault(one.place, one.refused(why, "reference"))
        broken: dict[_Row, Refusal] = {}
        for key in defined.keys:
            if sent.issuperset(key.columns):
                for one, why in self._repeated(key.columns, ranked, {*orphans}, {*broken}):
                    broken[one.place] = one.refused(why, "key")
        return orphans | broken

    def _repeated(
        self, key: Sequence[str], ranked: bool, orphans: Set[_Row], broken: Set[_Row]
    ) -> Iterator[tuple[_Found, str]]:
        """Yield rows with the key of another one, and what is wrong with them.

        Parameters
        ----------
        key : sequence of str
        ranked : bool
            Whether the first row of a key is the best one.
        orphans, broken : set
            Rows that refer to nothing, and those that another key has refused.
        """
        names = ", ".join(key)
        there = self._values(key, self._loaded(key))
        for one in self._rows(key, there):
            if one.place not in broken:
                yield one, f"{names} is that of a row that was loaded before"
        double = self._values(key, self._double(key)).join(there, on=key, how="anti")
        by = rank_columns(self.intake.columns) if ranked else []
        rows = [one for one in self._rows(key, double, by) if one.place not in broken]
        if ranked:
            rows.sort(key=lambda one: rank(one.more))
        first: dict[Values, _Row] = {}
        for one in rows:
            if origin := first.get(one.values):
                number, row = origin
                where = entry_name(*self.intake.units[number].place)
                better = ", which ranks before it" if ranked else ""
                yield one, f"{names} is that of row {row} of {where}{better}"
            elif one.place not in orphans:
                first[one.values] = one.place

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
        self, names: Sequence[str], values: pl.DataFrame, more: Sequence[Column] = ()
    ) -> Iterator[_Found]:
        """Yield the rows of the files that have certain values, by the order of loading."""
        if not values.height:
            return
        columns, sources = self.intake.columns, self.intake.sources
        wanted = [column for name in names for column in columns if column.name == name]
        for number, unit in enumerate(self.intake.units):
            with open_unit(unit, sources[unit.source]) as file:
                transform = Transform(sources[unit.source], file, columns)
            blamed = "+".join(map(transform.blame, names))
            found = rows_with(unit, sources, [*wanted, *more], values)
            for row, *own in found.select(ROW, *names, *(c.name for c in more)).rows():
                one, other = own[: len(names)], own[len(names) :]
                yield _Found((number, row), as_key(one), blamed, tuple(other))
