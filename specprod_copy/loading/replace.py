"""Rows of changed files, removed from their tables and loaded anew.

A table does not know which file a row came from, and the file's old content may be gone. But it is
known which rows are not from it: those whose keys the other files give. So the new rows and the
keys of all other files of a table are put into tables where they wait, and what is in neither goes.

That reads the other files once more, as far as their keys need it; rows whose values did not
change are not touched.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import psycopg
from psycopg import sql

from specprod_copy.errors import DatabaseError
from specprod_copy.loading import copying
from specprod_copy.loading.context import LoadContext
from specprod_copy.loading.key_errors import explain
from specprod_copy.plan.ledger import Ledger
from specprod_copy.plan.loaded_files import loaded_sources, without_refused
from specprod_copy.plan.stale_files import Stale, find_stale, forget
from specprod_copy.postgres.broken_keys import DuplicateKey
from specprod_copy.postgres.merge import Merge
from specprod_copy.postgres.schema_conflicts import refuse_cascades
from specprod_copy.postgres.schema_from_server import read_schema
from specprod_copy.postgres.waiting_room import WaitingRoom, waiting_room
from specprod_copy.progress import ProgressListener
from specprod_copy.rows.units import Intake, Unit, UnitResult
from specprod_copy.tables import Catalogue
from specprod_copy.tables.procedures import PROCEDURES


@dataclass
class Replaced:
    """What became of a table.

    Parameters
    ----------
    table : str
    results : list of UnitResult
        Units that were loaded anew.
    changed, new, removed : int
        Rows.
    """

    table: str
    results: list[UnitResult] = field(default_factory=list)
    changed: int = 0
    new: int = 0
    removed: int = 0

    def __str__(self) -> str:
        return (
            f"{self.table}: {self.changed:,} rows changed, {self.new:,} new, "
            f"{self.removed:,} removed"
        )


def replace_files(
    context: LoadContext,
) -> list[Replaced]:
    """Replace the rows of files, those of `LoadOptions.replace`, within the caller's transaction.

    Returns
    -------
    list of Replaced
        Table by table.

    Raises
    ------
    ConfigurationError
        As `find_stale`.
    InputError
        If a file cannot be read or holds values that the table does not accept, or another file
        changed since it was loaded.
    DatabaseError
        If a row that vanished is referred to, a new one refers to nothing, or a key is not unique.
    """
    with waiting_room(context.connection, context.defined) as room:
        return _replace_files(context, room)


def _replace_files(context: LoadContext, room: WaitingRoom) -> list[Replaced]:
    catalogue, planner, inputs = context.catalogue, context.planner, context.inputs
    connection, schema, columns = context.connection, context.schema, context.columns
    ledger, listener = Ledger(connection, schema), context.listener
    stale = find_stale(catalogue, context.options.replace, context.sources, inputs, ledger)
    tables = list(dict.fromkeys(s.table for s in catalogue.sources.values() if s.name in stale))
    refuse_cascades(catalogue.definition, read_schema(connection, schema), tables)
    feeding = [s for table in tables for s in loaded_sources(catalogue, table, ledger)]
    forget(catalogue, stale, ledger)
    plan = planner.plan(feeding, columns, ledger)
    files = without_refused(plan.files, feeding, ledger)
    works = []
    for table in tables:
        new = [u for u in plan.units if u.table == table and u.file in stale.get(u.source, ())]
        own = [unit for unit in files if unit.table == table]
        key = catalogue.definition.tables[table].primary_key
        merge = Merge(room, schema, table, columns[table], key)
        works.append(TableReplacement(catalogue, merge, new, own, stale))
    listener.begin(sum(work.n_rows for work in works), sum(work.size for work in works))
    for work in works:
        work.stage(listener)
        ledger.record(work.outcome.results)
    for work in works:
        computed = [
            name
            for source in feeding
            if source.table == work.outcome.table and source.after_rows
            for step in source.after_rows(inputs)
            for name in PROCEDURES[step].columns[source.table]
        ]
        work.merge(computed)
    # What refers to rows goes before them.
    for work in reversed(works):
        work.remove()
    for work in works:
        work.check_total(sum(ledger.stages(work.outcome.table).values()))
    return [work.outcome for work in works]


class _StagedTwice(DuplicateKey):
    """Rows of a replaced file share a key with each other, or with rows of other files."""

    def __init__(self, merge: Merge) -> None:
        message = f"{', '.join(merge.key)} of table {merge.table} is not unique"
        super().__init__(message, merge.table, merge.key)
        self.merge = merge

    def offenders(self, schema: str, limit: int) -> sql.Composed:
        """Return the query for such keys."""
        return sql.SQL(
            """SELECT {0} FROM {1} GROUP BY {0} HAVING count(*) > 1
               UNION SELECT {0} FROM {1} JOIN {2} USING ({0}) ORDER BY {0} LIMIT {3}"""
        ).format(
            sql.SQL(", ").join(map(sql.Identifier, self.columns)),
            sql.Identifier(self.merge.room.schema, self.merge.staged),
            sql.Identifier(self.merge.room.schema, self.merge.kept),
            limit,
        )


class TableReplacement:
    """The replacement of rows in one table: its steps, and what they share."""

    def __init__(
        self,
        catalogue: Catalogue,
        merge: Merge,
        new: Sequence[Unit],
        files: Sequence[Unit],
        stale: Stale,
    ) -> None:
        self.outcome = Replaced(merge.table)
        self._catalogue = catalogue
        self._merge = merge
        self._connection, self._schema, self._table = merge.connection, merge.schema, merge.table
        self._new = new
        self._files = files
        self._others = [u for u in files if u.file not in stale.get(u.source, ())]

    @property
    def n_rows(self) -> int:
        """Rows to read."""
        return sum(unit.n_rows for unit in (*self._new, *self._others))

    @property
    def size(self) -> int:
        """Bytes to read."""
        return sum(unit.n_rows * unit.row_bytes for unit in (*self._new, *self._others))

    def stage(self, listener: ProgressListener) -> None:
        """Put new rows, and the keys of those of other files, into tables where they wait."""
        merge = self._merge
        merge.make(kept=True)
        intake = Intake(self._new, self._catalogue.sources, merge.columns)
        self.outcome.results = copying.copy_units(merge.staging, intake, listener.advance)
        if self._others:
            key = [column for column in merge.columns if column.name in merge.key]
            others = replace(intake, units=self._others, columns=key)
            copying.copy_units(merge.keeping, others, listener.advance)
        merge.analyze(kept=True)
        error = _StagedTwice(merge)
        if self._connection.execute(error.offenders(self._schema, 1)).fetchall():
            sources = self._catalogue.sources
            raise explain(
                error, self._connection, self._schema, sources, merge.columns, self._files
            )

    def merge(self, computed: Sequence[str]) -> None:
        """Bring new rows into the table, but for values that are computed in the database."""
        found = read_schema(self._connection, self._schema).tables[self._table]
        if found.primary_key != self._merge.key:
            # A load that was interrupted: without its key the table may have rows twice.
            self.outcome.removed = self._merge.remove(self._merge.kept)
        self.outcome.changed, self.outcome.new = self._merge.write(computed)

    def remove(self) -> None:
        """Remove the rows that no file gives any more."""
        try:
            with self._connection.transaction():
                removed = self._merge.remove(self._merge.staged, self._merge.kept)
        except psycopg.errors.ForeignKeyViolation as error:
            referring = error.diag.table_name
            stages = dict.fromkeys(s.stage for s in self._catalogue.of_table(referring or ""))
            raise DatabaseError(
                f"table {referring} refers to a row of table {self._table} that no file gives any "
                f"more: {error.diag.message_detail} Replace the files of stage "
                f"{' and '.join(stages) or referring} as well, in the same command, or load all "
                "--overwrite"
            ) from error
        self.outcome.removed += removed

    def check_total(self, recorded: int) -> None:
        """Check that the table has as many rows as the ledger says.

        Raises
        ------
        DatabaseError
            If not: it had rows of unknown origin, or several rows of one key.
        """
        name = sql.Identifier(self._schema, self._table)
        query = sql.SQL("SELECT count(*) FROM {}").format(name)
        [(rows,)] = self._connection.execute(query).fetchall()
        if rows != recorded:
            raise DatabaseError(
                f"table {self._schema}.{self._table} would have {rows:,} rows, and {recorded:,} "
                "by the ledger: it has rows that this program did not load, or lacks some, or "
                "files had rows of the same key: then replace all of them in one command. "
                "--overwrite loads the table anew"
            )
