"""Rows of loaded tables that go into quarantine, or come out of it again: what the ledger says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import psycopg

from specprod_copy.loading.late_rows import LateRows
from specprod_copy.loading.places import Place, Values, by_unit, frame_of
from specprod_copy.plan.ledger import Ledger, LoadedRange
from specprod_copy.plan.loaded_files import loaded_ranges, refused_files
from specprod_copy.plan.planning import Planner
from specprod_copy.rows.keyed import ROW, rows_with
from specprod_copy.rows.read import open_unit, table_rows
from specprod_copy.rows.transform import Transform
from specprod_copy.rows.units import Intake, Refusal, Unit
from specprod_copy.tables import Catalogue


class SetAside:
    """Writes into the ledger which rows are in quarantine, in the caller's transaction.

    Parameters
    ----------
    catalogue : Catalogue
    connection : psycopg.Connection
    schema : str
    planner : Planner
        Of the files.

    Attributes
    ----------
    removed : Counter of str
        Name of a source to the number of rows that were taken out, less those that were let in.
    """

    def __init__(
        self, catalogue: Catalogue, connection: psycopg.Connection, schema: str, planner: Planner
    ) -> None:
        self._catalogue = catalogue
        self._connection = connection
        self._schema = schema
        self._planner = planner
        self._ledger = Ledger(connection, schema)
        self.removed: Counter[str] = Counter()

    def record(
        self, table: str, reasons: Mapping[Place, tuple[Sequence[str], Values, str]], rule: str
    ) -> None:
        """Write into the ledger: column, value and reason for each row."""
        columns, sources = self._catalogue.definition.columns_of(table), self._catalogue.sources
        ranges = loaded_ranges(self._catalogue, table, self._ledger)
        for unit in by_unit(reasons):
            with open_unit(unit, sources[unit.source]) as file:
                transform = Transform(sources[unit.source], file, columns)
            refusals = [
                Refusal(
                    place.row,
                    "+".join(map(transform.blame, names)),
                    ", ".join(map(repr, values)),
                    why,
                    rule,
                )
                for place, (names, values, why) in reasons.items()
                if place.unit == unit
            ]
            self._refuse(unit, refusals, ranges[unit.place])

    def _refuse(
        self, unit: Unit, refusals: Sequence[Refusal], ranges: Sequence[LoadedRange]
    ) -> None:
        """Write into the ledger that rows of a file are in quarantine."""
        by_row = {refusal.row: refusal for refusal in refusals}
        self.removed[unit.source] += len(by_row)
        for part, own, changed in self._parts(unit, sorted(by_row), ranges):
            self._ledger.refuse(part, [by_row[row] for row in own], changed)

    def _parts(
        self, unit: Unit, rows: Sequence[int], ranges: Sequence[LoadedRange]
    ) -> Iterator[tuple[Unit, list[int], int]]:
        """Yield units of a file in the ledger, which of the rows they have, and values changed."""
        sources = self._catalogue.sources
        columns = self._catalogue.definition.columns_of(unit.table)
        for loaded in ranges:
            first, last = loaded.first, loaded.last
            if own := [row for row in rows if first <= row < last]:
                part = replace(unit, first=first, last=last, rows=np.array(own))
                yield part, own, sum(r.values_changed for r in table_rows(part, sources, columns))

    def let_in(self, table: str, keys: Sequence[Values], rules: Sequence[str]) -> None:
        """Load rows in quarantine that have a key of rows that were taken out.

        Of each key that is the first row whose counterparts are there. The others stay, each with
        the reason that it has now.

        Parameters
        ----------
        table : str
        keys : sequence of tuple
            Its primary keys.
        rules : sequence of str
            Which rows are concerned (`Refusal.rule`).
        """
        sources, definition = self._catalogue.sources, self._catalogue.definition
        columns = {column.name: column for column in definition.columns_of(table)}
        key = [columns[name] for name in definition.tables[table].primary_key]
        refused = refused_files(self._catalogue, table, self._planner, self._ledger, rules)
        found = [rows_with(unit, sources, key, frame_of(key, keys))[ROW] for unit in refused]
        units = [
            replace(unit, rows=rows.to_numpy())
            for unit, rows in zip(refused, found, strict=True)
            if len(rows)
        ]
        if not units:
            return
        best = table in self._catalogue.keep_best
        intake = Intake(units, sources, [*columns.values()])
        ranges = loaded_ranges(self._catalogue, table, self._ledger)
        late = LateRows(self._connection, self._schema, intake, best)
        for result in late.load_others(lambda *_: None, digests=False):
            unit = result.unit
            rows = [] if unit.rows is None else unit.rows.tolist()
            for part, own, changed in self._parts(unit, rows, ranges[unit.place]):
                self._ledger.release(part, own, changed)
            self.removed[unit.source] -= len(rows)
            self._refuse(unit, result.quarantine, ranges[unit.place])
