"""Which rows of which file are in which table.

A unit is a range of rows of one HDU on its way to one table. Its ledger row is written in the same
transaction as its rows, so whatever is killed whenever, the ledger tells the truth.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import LiteralString

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from specprod_copy.errors import DatabaseError
from specprod_copy.plan.ledger_entries import (
    RECORDED,
    as_json,
    from_json,
    loaded_meanwhile,
    recorded,
    refuse_changed_meanwhile,
    table_ids,
)
from specprod_copy.postgres import counted, locks
from specprod_copy.postgres.names import listed, parametrized
from specprod_copy.rows.units import Input, Refusal, Unit, UnitResult, entry_name

TABLE = "load_ledger"
"""Name of the ledger's table."""

TILES = "daily"
"""Stage of the entries of tiles that were loaded one by one."""

PROCEDURES = "procedure"
"""Stage of the entries that have no rows: they say what has derived columns of a table."""

NO_STAGES = [TILES, PROCEDURES]
"""What is no stage of a load."""


@dataclass(frozen=True)
class LoadedRange:
    """Rows ``[first, last)`` of an HDU that are loaded, and what they were made of."""

    first: int
    last: int
    inputs: tuple[Input, ...]
    """The first one is the HDU; what was joined to it follows."""


LoadedRanges = Mapping[tuple[str, str], Sequence[LoadedRange]]
"""(file, HDU) to the rows that are loaded, in order."""


@dataclass(frozen=True)
class Renewal:
    """An entry whose rows were looked at again and are the same, though the file's time is not."""

    table: str
    entry: str
    first: int
    inputs: tuple[Input, ...]


Quarantine = Mapping[tuple[str, str], list[Refusal]]
"""(file, HDU) to the rows of it that are in quarantine, in order."""


class Ledger:
    """The ledger of one schema.

    Parameters
    ----------
    connection : psycopg.Connection
    schema : str
    check_content : bool
        Whether files are looked at again even where size and time are those that are recorded.
    """

    def __init__(
        self, connection: psycopg.Connection, schema: str, *, check_content: bool = False
    ) -> None:
        self.check_content = check_content
        self._connection = connection
        self.schema = schema
        self._name = parametrized(schema, TABLE)

    def stages(self, table: str) -> dict[str, int]:
        """Return the stages that have been loaded into a table, and how many rows each gave it."""
        query = sql.SQL(
            """SELECT stage, sum(rows_kept)::bigint FROM {}
               WHERE table_name = %s AND stage <> ALL(%s) AND failure IS NULL GROUP BY stage"""
        ).format(self._name)
        return dict(self._connection.execute(query, (table, NO_STAGES)).fetchall())

    def loaded(self, table: str, stage: str) -> LoadedRanges:
        """Return what a stage has put into a table."""
        query = sql.SQL(
            """SELECT first_row, last_row, inputs FROM {}
               WHERE table_name = %s AND stage = %s AND failure IS NULL
               ORDER BY entry, first_row"""
        ).format(self._name)
        found: dict[tuple[str, str], list[LoadedRange]] = {}
        for first, last, inputs in self._connection.execute(query, (table, stage)):
            made_of = tuple(map(from_json, inputs))
            place = (made_of[0].file, made_of[0].hdu)
            found.setdefault(place, []).append(LoadedRange(first, last, made_of))
        return found

    def quarantine(self, table: str, stage: str) -> Quarantine:
        """Return the rows of a stage that a table lacks because they were refused."""
        query = sql.SQL(
            """SELECT inputs, quarantine FROM {}
               WHERE table_name = %s AND stage = %s AND rows_quarantined > 0
               ORDER BY entry, first_row"""
        ).format(self._name)
        found: dict[tuple[str, str], list[Refusal]] = {}
        for inputs, refused in self._connection.execute(query, (table, stage)):
            one = from_json(inputs[0])
            rows = sorted((Refusal(**entry) for entry in refused), key=lambda entry: entry.row)
            found.setdefault((one.file, one.hdu), []).extend(rows)
        return found

    def refuse(self, unit: Unit, refusals: Sequence[Refusal], values_changed: int) -> None:
        """Write that rows of a loaded unit are in quarantine now.

        Parameters
        ----------
        unit : Unit
            As the ledger has it.
        refusals : sequence of Refusal
            Of this unit; the caller's transaction removes them from the table.
        values_changed : int
            NaN and infinite values in these rows that were replaced.
        """
        entries = Jsonb([asdict(refusal) for refusal in refusals])
        self._set_aside(unit, len(refusals), "quarantine || %s", entries, values_changed)

    def release(self, unit: Unit, rows: Sequence[int], values_changed: int) -> None:
        """Write that rows of a loaded unit are no longer in quarantine.

        Parameters
        ----------
        unit : Unit
            As the ledger has it.
        rows : sequence of int
            Of this unit; the caller's transaction puts them into the table.
        values_changed : int
            NaN and infinite values in these rows that were replaced.
        """
        others = "jsonb_path_query_array(quarantine, '$[*] ? (!(@.row == $rows[*]))', %s)"
        self._set_aside(unit, -len(rows), others, Jsonb({"rows": [*rows]}), -values_changed)

    def _set_aside(
        self, unit: Unit, number: int, quarantine: LiteralString, value: Jsonb, values_changed: int
    ) -> None:
        """Count rows of a loaded unit as in quarantine, or, given a negative number, as loaded."""
        query = sql.SQL(
            """UPDATE {} SET rows_kept = rows_kept - %s, rows_quarantined = rows_quarantined + %s,
                   quarantine = {}, values_changed = values_changed - %s
               WHERE (table_name, entry, first_row) = (%s, %s, %s)"""
        ).format(self._name, sql.SQL(quarantine))
        key = (unit.table, entry_name(*unit.place), unit.first)
        values = (number, number, value, values_changed, *key)
        counted.execute(self._connection, self.schema, TABLE, query, values, 1)

    def limit_quarantine(self, most: int) -> None:
        """Check how many rows are in quarantine, those of the caller's transaction included.

        Raises
        ------
        DatabaseError
            If there are more than `most`.
        """
        # Other loaders that refuse rows wait here, so that all of them are counted.
        locks.refusing_rows(self._connection, self.schema)
        query = sql.SQL(
            "SELECT coalesce(sum(rows_quarantined), 0)::bigint FROM {} WHERE rows_quarantined > %s"
        ).format(self._name)
        [(number,)] = self._connection.execute(query, (0,)).fetchall()
        if number > most:
            raise DatabaseError(
                f"{number:,} rows of schema {self.schema} would be in quarantine, and at most "
                f"{most:,} may be: mend the files, or allow more with --max-quarantined"
            )

    def files(self, table: str, stage: str) -> set[str]:
        """Return the files of which a stage has put rows into a table."""
        return {file for file, _ in self.loaded(table, stage)}

    def forget(self, table: str, stage: str, files: Iterable[str]) -> None:
        """Remove what is recorded of files; the caller's transaction removes or records their rows.

        Parameters
        ----------
        table, stage : str
        files : iterable of str
            Their names in the ledger.
        """
        condition = "table_name = %s AND stage = %s AND inputs -> 0 ->> 'file' = ANY(%s)"
        values = (table, stage, list(files))
        counted.delete(self._connection, self.schema, TABLE, condition, values)

    def rename(self, table: str, stage: str, before: str, now: str) -> None:
        """Record that a file has another name now."""
        query = sql.SQL(
            """UPDATE {} SET entry = %s || substr(entry, length(%s) + 1),
                   inputs = jsonb_set(inputs, '{{0,file}}', to_jsonb(%s::text))
               WHERE (table_name, stage, inputs -> 0 ->> 'file') = (%s, %s, %s)"""
        ).format(self._name)
        self._connection.execute(query, (now, before, now, table, stage, before))

    def record(self, results: list[UnitResult]) -> None:
        """Write ledger rows; the caller's transaction holds the rows they record.

        Raises
        ------
        InputError
            If a file changed while it was loaded.
        """
        refuse_changed_meanwhile(results)
        query = sql.SQL(
            """INSERT INTO {ledger} ({columns}, tables)
               SELECT {columns}, {tables} FROM jsonb_populate_recordset(null::{ledger}, %s)"""
        ).format(
            ledger=self._name,
            columns=listed(RECORDED),
            tables=table_ids(self.schema, "ARRAY[table_name]"),
        )
        # All at once: for thousands of small files that takes a tenth of the time.
        rows = [dict(zip(RECORDED, recorded(result), strict=True)) for result in results]
        try:
            counted.execute(self._connection, self.schema, TABLE, query, (Jsonb(rows),), len(rows))
        except psycopg.errors.UniqueViolation as error:
            raise loaded_meanwhile(results[0].unit) from error

    def renew(self, renewals: Sequence[Renewal]) -> None:
        """Write the new times of files whose rows are the same."""
        if not renewals:
            return
        query = sql.SQL(
            "UPDATE {} SET inputs = %s WHERE (table_name, entry, first_row) = (%s, %s, %s)"
        ).format(self._name)
        with self._connection.cursor() as cursor:
            cursor.executemany(
                query,
                [(Jsonb([*map(as_json, r.inputs)]), r.table, r.entry, r.first) for r in renewals],
            )
            counted.compare(self.schema, TABLE, cursor.rowcount, len(renewals))


class NothingLoaded(Ledger):
    """A ledger of nothing, so that a plan has every row of every file."""

    def __init__(self) -> None:
        """Need no server."""
        self.check_content = False

    def stages(self, table: str) -> dict[str, int]:
        """Return that no stage has been loaded."""
        return {}

    def quarantine(self, table: str, stage: str) -> Quarantine:
        """Return that nothing was refused."""
        return {}

    def loaded(self, table: str, stage: str) -> LoadedRanges:
        """Return that nothing is in a table."""
        return {}
