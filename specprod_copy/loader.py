"""The steps of a load: make the tables, plan, send the rows, finish."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg

from specprod_copy import database, ddl, finish, ledger, locks, workers
from specprod_copy.columns import Column
from specprod_copy.duplicates import DuplicateKey, explain
from specprod_copy.errors import DatabaseError
from specprod_copy.ledger import Ledger, Unit
from specprod_copy.plan import Plan, make_plan, part_of, sources_of, with_tiles
from specprod_copy.report import Report
from specprod_copy.summary import LoadSummary, TableSummary
from specprod_copy.tables import SOURCES, Inputs, TableSource, version

SMALL_ROWS = 500_000
"""Up to so many rows a load is one transaction, from CREATE TABLE to the last index."""


@dataclass(frozen=True)
class LoadOptions:
    """How to load.

    Parameters
    ----------
    stages : tuple of str
        Stages, or ``all``.
    schema : str
        Schema that receives the tables.
    overwrite : bool
        Replace the tables of the stages.
    roles : tuple of str
        Roles that may read.
    jobs : int
        Processes that send rows, and index builds that run at a time.
    cluster : bool
        Order tables on their q3c index.
    part : tuple of int, optional
        (k, n): load only the k-th of n shares of the rows, beside others that load theirs, and
        leave keys and indexes to a load without this.
    """

    stages: tuple[str, ...]
    schema: str
    overwrite: bool = False
    roles: tuple[str, ...] = ("desi",)
    jobs: int = 1
    cluster: bool = False
    part: tuple[int, int] | None = None


class Loader:
    """One load: its steps, and what they share.

    Parameters
    ----------
    connection : psycopg.Connection
        In autocommit mode, or inside a transaction.
    conninfo : str
        For further connections.
    inputs : Inputs
    options : LoadOptions
    report : Report
    sources : sequence of TableSource
        What is loaded.
    """

    def __init__(
        self,
        connection: psycopg.Connection,
        conninfo: str,
        inputs: Inputs,
        options: LoadOptions,
        report: Report,
        sources: Sequence[TableSource],
    ) -> None:
        self.connection = connection
        self.conninfo = conninfo
        self.inputs = inputs
        self.options = options
        self.schema = options.schema
        self.report = report
        self.sources = sources
        self.tables = list(dict.fromkeys(source.table for source in sources))
        self.ledger = Ledger(connection, options.schema)
        self.columns: dict[str, list[Column]] = {}
        self.summary = LoadSummary(options.schema)
        for source in sources_of(options.stages):
            if source not in sources:
                name = inputs.files.production.name
                self.summary.notes.append(f"{source.table}: {name} has no such catalogs, skipped")

    def run(self) -> None:
        """Load all that is missing, then make keys and indexes."""
        with self.connection.transaction():
            self.prepare()
            plan = self.plan()
            if plan.n_rows <= SMALL_ROWS:
                self._send(plan.units, jobs=1)
                self._finish(plan, one_transaction=True)
                return
        self._send(plan.units, jobs=self.options.jobs)
        self._finish(plan, one_transaction=False)

    def run_part(self, part: int, parts: int) -> None:
        """Load one share of what is missing."""
        with self.connection.transaction():
            self.prepare()
        self._send(part_of(self.plan().units, part, parts), jobs=self.options.jobs)
        self.summary.notes.append(
            f"part {part} of {parts}: a load without --part makes the keys and indexes"
        )

    def prepare(self) -> None:
        """Make the tables that are not there, and refuse those with rows of unknown origin."""
        locks.making_tables(self.connection, self.schema)
        if not database.schema_exists(self.connection, self.schema):
            self._execute(["schema"], ["table"])
        existing = database.existing_tables(self.connection, self.schema)
        wanted = ["version", *self.tables, ledger.TABLE]
        new = [table for table in wanted if table not in existing]
        self._execute(new, ["table", "comments"])
        self._execute([table for table in new if table == "version"], ["keys"])
        for table in self.tables:
            self.columns[table] = database.table_columns(self.connection, self.schema, table)
            # In this order: a loader of another part may commit rows and ledger in between.
            has_rows = database.has_rows(self.connection, self.schema, table)
            if has_rows and not self.ledger.stages(table):
                raise DatabaseError(
                    f"table {self.schema}.{table} already has rows that this program did not load; "
                    "choose another --schema, or replace the table with --overwrite"
                )

    def _execute(self, tables: Sequence[str], phases: Sequence[str]) -> None:
        for statement in ddl.statements(tables, phases, schema=self.schema):
            self.connection.execute(statement.sql.encode())

    def plan(self) -> Plan:
        """Find out what is to be loaded, and begin the summary."""
        self.inputs = with_tiles(self.inputs, self.sources, self.connection, self.schema)
        plan = make_plan(self.sources, self.inputs, self.columns, self.ledger)
        for source in self.sources:
            before = self.ledger.stages(source.table).get(source.stage, 0)
            self.summary.tables.append(TableSummary(source.table, source.stage, rows_loaded=before))
        if self.inputs.skip_missing and any(s.stage == "fiberassign" for s in self.sources):
            missing = self.inputs.tiles_without_fiberassign()
            if missing:
                tiles = ", ".join(map(str, missing))
                self.summary.notes.append(f"no fiberassign file, skipped: tiles {tiles}")
        return plan

    def _send(self, units: Sequence[Unit], *, jobs: int) -> None:
        size = sum(unit.n_rows * unit.row_bytes for unit in units)
        self.report.begin(sum(unit.n_rows for unit in units), size)
        batches = list(workers.make_batches(units))
        arguments = (self.schema, batches, self.columns, self.report.advance)
        # A table that has its foreign keys wants the rows they refer to first.
        in_order = bool(finish.foreign_keys(self.connection, self.schema, self.tables))
        if jobs == 1 or in_order or len(batches) < 2:
            done = workers.send(self.connection, *arguments)
        else:
            done = workers.send_in_parallel(self.conninfo, *arguments, jobs)
        for results in done:
            source = SOURCES[results[0].unit.source]
            self.summary.tables[self.sources.index(source)].add(results)

    def _run_after_rows(self) -> None:
        for source in self.sources:
            for name in source.after_rows(self.inputs) if source.after_rows else ():
                with self._step(f"{source.table}: {name}"):
                    statement = ddl.render_template(name, schema=self.schema, table=source.table)
                    self.connection.execute(statement.encode())

    def _finish(self, plan: Plan, *, one_transaction: bool) -> None:
        self._run_after_rows()
        version.upsert(
            self.connection,
            self.schema,
            version.versions(self.connection, self.inputs.files.production),
        )
        q3c = finish.enable_q3c(self.connection, self.schema, self.summary.notes.append)
        complete = self._complete_tables()
        try:
            finish.finish(
                self.connection,
                self.schema,
                complete,
                step=self._step,
                changed=[row.table for row in self.summary.tables if row.rows_kept],
                q3c=q3c,
                cluster=self.tables if self.options.cluster else (),
                connect_more=None if one_transaction else lambda: database.connect(self.conninfo),
                jobs=self.options.jobs,
            )
        except DuplicateKey as error:
            columns = self.columns.get(error.table, [])
            raise explain(error, self.connection, self.schema, columns, plan.files) from error
        waiting = finish.foreign_keys(self.connection, self.schema, complete, made=False)
        for name, table in waiting.items():
            self.summary.notes.append(f"foreign key {name} waits for table {table}")
        granted = ["version", *self.tables, ledger.TABLE]
        for role in finish.grant(self.connection, self.schema, granted, self.options.roles):
            self.summary.notes.append(f"role {role} does not exist: nothing granted to it")

    @contextmanager
    def _step(self, what: str) -> Iterator[None]:
        with self.report.step(what):
            yield
        self.summary.steps += 1

    def _is_interrupted(self, table: str, stage: str) -> bool:
        """Say whether an earlier run has left a stage of a table half loaded."""
        if table not in self.tables:
            return False
        others = [
            source
            for source in SOURCES.values()
            if (source.table, source.stage) == (table, stage) and source not in self.sources
        ]
        return bool(make_plan(others, self.inputs, self.columns, self.ledger).units)

    def _complete_tables(self) -> list[str]:
        """Return the tables of the schema that have rows from all of their stages."""
        existing = database.existing_tables(self.connection, self.schema)
        complete = []
        stages: dict[str, set[str]] = {}
        for source in SOURCES.values():
            if source.table in existing and source.applies(self.inputs):
                stages.setdefault(source.table, set()).add(source.stage)
        for table, needed in stages.items():
            missing = needed - self.ledger.stages(table).keys()
            missing |= {stage for stage in needed - missing if self._is_interrupted(table, stage)}
            if not missing:
                complete.append(table)
            elif table in self.tables:
                self.summary.notes.append(
                    f"keys and indexes of {table} wait for stage {' and '.join(sorted(missing))}"
                )
        return complete
