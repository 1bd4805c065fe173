"""The steps of a load: make the tables, plan, send the rows, finish."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from typing import Any

import psycopg

from specprod_copy.errors import DatabaseError, InputError, WorkerDiedError
from specprod_copy.executors.executor import Executor, Inline, Workers
from specprod_copy.executors.schedule import Task, run_at_once, run_in_order
from specprod_copy.loading import post_data
from specprod_copy.loading.key_errors import BrokenKey, explain
from specprod_copy.loading.key_violations import KeyViolations
from specprod_copy.loading.options import LoadOptions
from specprod_copy.loading.prepare import make_tables
from specprod_copy.loading.replace import Replaced, replace_files
from specprod_copy.loading.send import SendContext, Sender, send_batch
from specprod_copy.loading.summary import LoadSummary, TableSummary
from specprod_copy.plan import ledger, lost_tables, versions
from specprod_copy.plan.batches import make_batches, single_copy_tables
from specprod_copy.plan.completeness import missing_stages
from specprod_copy.plan.ledger import Ledger
from specprod_copy.plan.moved_files import rename_moved
from specprod_copy.plan.planning import Plan, Planner, part_of
from specprod_copy.postgres import catalog, locks, rights
from specprod_copy.postgres.columns import Column
from specprod_copy.postgres.connection import connect
from specprod_copy.postgres.schema import Schema
from specprod_copy.postgres.schema_from_server import read_schema
from specprod_copy.progress import ProgressListener
from specprod_copy.rows.units import Unit, UnitResult
from specprod_copy.tables import Catalogue, TableSource

_END_OF_ROWS = "end of rows"
"""Group of the task that ends what sent the rows."""


class Loader:
    """One load: its steps, and what they share.

    Parameters
    ----------
    catalogue : Catalogue
    connection : psycopg.Connection
        In autocommit mode, or inside a transaction.
    conninfo : str
        For further connections.
    planner : Planner
    options : LoadOptions
    listener : ProgressListener
    sources : sequence of TableSource
        What is loaded.
    workers : Workers, optional
        Who sends the rows of a load of several transactions; without them this thread does.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        connection: psycopg.Connection,
        conninfo: str,
        planner: Planner,
        options: LoadOptions,
        listener: ProgressListener,
        sources: Sequence[TableSource],
        workers: Workers | None,
    ) -> None:
        self.catalogue = catalogue
        self.connection = connection
        self.conninfo = conninfo
        self.planner = planner
        self.inputs = planner.inputs
        self.options = options
        self.schema = options.schema
        self.listener = listener
        self.patience = locks.Patience(listener, options.patience)
        self.workers = workers
        self.sources = sources
        self.tables = list(dict.fromkeys(source.table for source in sources))
        self.ledger = Ledger(connection, options.schema, check_content=options.check_content)
        self.found = Schema(options.schema)
        self.columns: dict[str, list[Column]] = {}
        self.new_tables: list[str] = []
        self.key_violations = KeyViolations(catalogue, options.schema, options.max_quarantined)
        self.replaced: list[Replaced] = []
        self.summary = LoadSummary(options.schema)
        for source in catalogue.select(options.stages):
            if source not in sources:
                name = self.inputs.files.production.name
                self.summary.notes.append(f"{source.table}: {name} has no such catalogs, skipped")

    def run(self) -> None:
        """Load all that is missing, then make keys and indexes."""
        if self.options.replace:
            self._replace()
        with self.connection.transaction():
            self.prepare()
            plan = self.plan()
            if plan.n_rows <= self.options.limits.small_rows:
                self._complete(plan, jobs=1, whole=self.new_tables, workers=None)
                return
        jobs = self.options.jobs
        whole = single_copy_tables(plan.units, self.new_tables, jobs, self.options.limits)
        self._complete(plan, jobs=jobs, whole=whole, workers=self.workers)

    def _replace(self) -> None:
        with self.connection.transaction():
            self.prepare()
            rename_moved(self.sources, self.inputs, self.ledger)
            self.replaced = replace_files(
                self.catalogue,
                self.connection,
                self.schema,
                self.options.replace,
                self.sources,
                self.planner,
                self.columns,
                self.listener,
            )
            tables = [replaced.table for replaced in self.replaced]
            run = post_data.Connections([self.connection], self.schema, self.patience).run
            for task in post_data.computing_tasks(
                run, self.schema, [s for s in self.sources if s.table in tables], self.inputs
            ):
                task.work()
        self.summary.notes += map(str, self.replaced)

    def run_part(self, part: int, parts: int) -> None:
        """Load one share of what is missing."""
        with self.connection.transaction():
            self.prepare()
        jobs = self.options.jobs
        units = part_of(self.plan().units, part, parts, self.options.limits)
        with self._executor((), self.workers) as executor:
            self._run([*self._row_tasks(units, executor, jobs)], jobs)
        self.summary.notes.append(
            f"part {part} of {parts}: a load without --part makes the keys and indexes"
        )

    def prepare(self) -> None:
        """Make the tables that are not there, and refuse those with rows of unknown origin."""
        wanted = ["version", *self.tables, ledger.TABLE]
        lost_tables.recognize(self.connection, self.schema, self.tables)
        prepared = make_tables(self.connection, self.catalogue.definition, self.schema, wanted)
        self.found, self.new_tables = prepared.schema, prepared.new
        for table in self.tables:
            self.columns[table] = self.catalogue.definition.columns_of(table)
            # In this order: a loader of another part may commit rows and ledger in between.
            has_rows = catalog.has_rows(self.connection, self.schema, table)
            if has_rows and not self.ledger.stages(table):
                raise DatabaseError(
                    f"table {self.schema}.{table} already has rows that this program did not load; "
                    "choose another --schema, or replace the table with --overwrite"
                )

    def plan(self) -> Plan:
        """Find out what is to be loaded, and begin the summary."""
        plan = self.planner.plan(self.sources, self.columns, self.ledger)
        self.ledger.renew(plan.renewals)
        replaced = [result for replaced in self.replaced for result in replaced.results]
        for source in self.sources:
            before = self.ledger.stages(source.table).get(source.stage, 0)
            row = TableSummary(source.table, source.stage, rows_loaded=before)
            row.add([r for r in replaced if r.unit.source == source.name])
            row.rows_loaded -= row.rows_kept
            self.summary.tables.append(row)
        if self.inputs.skip_missing and any(s.stage == "fiberassign" for s in self.sources):
            missing = self.inputs.tiles_without_fiberassign()
            if missing:
                tiles = ", ".join(map(str, missing))
                self.summary.notes.append(f"no fiberassign file, skipped: tiles {tiles}")
        for source, before_name, name in dict.fromkeys(plan.moved):
            self.ledger.rename(source.table, source.stage, before_name, name)
        self.summary.notes += [*self.catalogue.notes, *plan.notes]
        return plan

    def _complete(
        self, plan: Plan, *, jobs: int, whole: Collection[str], workers: Workers | None
    ) -> None:
        """Send rows and make keys and indexes, as far as they are missing."""
        q3c = rights.enable_q3c(self.connection, self.schema, self.summary.notes.append)
        complete = self._complete_tables(plan)
        changed = {unit.table for unit in plan.units} | {table.table for table in self.replaced}
        with ExitStack() as stack:
            more = [stack.enter_context(connect(self.conninfo)) for _ in range(jobs - 1)]
            connections = post_data.Connections(
                [self.connection, *more], self.schema, self.patience
            )
            run = partial(self.key_violations.run, connections, self.planner)
            executor = stack.enter_context(self._executor(whole, workers))
            tasks: list[Task[Any]] = [
                *self._end_of_rows(workers),
                *post_data.finish_tasks(
                    self.catalogue.definition,
                    self.found,
                    run,
                    complete,
                    changed=changed,
                    q3c=q3c,
                    cluster=self.tables if self.options.cluster else (),
                ),
                *self._row_tasks(plan.units, executor, jobs, whole),
                *post_data.computing_tasks(run, self.schema, self.sources, self.inputs),
            ]
            try:
                self._run(tasks, jobs, connections.cancel)
            except BrokenKey as error:
                raise self._explained(error, plan) from error
        self._conclude(complete)

    def _explained(self, error: BrokenKey, plan: Plan) -> DatabaseError:
        """Find the rows that break a key, those that an earlier load brought among them."""
        table = error.table
        self.columns[table] = self.catalogue.definition.columns_of(table)
        loaded = self.ledger.stages(table)
        before = [
            source
            for source in self.catalogue.of_table(table)
            if source.stage in loaded and source not in self.sources
        ]
        files = list(plan.files)
        # Files that changed or vanished since cannot tell; that is not what went wrong here.
        with suppress(InputError):
            files += self.planner.plan(before, self.columns, self.ledger).files
        sources = self.catalogue.sources
        return explain(error, self.connection, self.schema, sources, self.columns[table], files)

    def _conclude(self, complete: Sequence[str]) -> None:
        """Write down versions, let roles read, and say what is still to be done."""
        for source, row in zip(self.sources, self.summary.tables, strict=True):
            row.lose(self.key_violations.removed[source.name])
        versions.upsert(
            self.connection,
            self.schema,
            versions.versions(self.connection, self.inputs.files.production),
        )
        self.found = read_schema(self.connection, self.schema)
        defined = self.catalogue.definition
        waiting = post_data.foreign_keys(defined, self.found, complete, made=False)
        for key, table in waiting:
            self.summary.notes.append(f"foreign key {key.name} waits for table {table}")
        granted = ["version", *self.tables, ledger.TABLE]
        for role in rights.grant(
            self.connection,
            defined,
            self.schema,
            granted,
            self.options.roles,
        ):
            self.summary.notes.append(f"role {role} does not exist: nothing granted to it")

    def touched_sources(self) -> list[TableSource]:
        """Return the sources that are loaded, and those that lost rows when keys were made."""
        lost = [self.catalogue.sources[name] for name in self.key_violations.removed]
        for source in lost:
            self.columns[source.table] = self.catalogue.definition.columns_of(source.table)
        return [s for s in self.catalogue.sources.values() if s in self.sources or s in lost]

    @contextmanager
    def _executor(
        self, whole: Collection[str], workers: Workers | None
    ) -> Iterator[Executor[Sender]]:
        """Yield what sends batches: workers, or this thread by its own connection."""
        context = SendContext(
            self.conninfo,
            self.schema,
            self.catalogue.sources,
            self.columns,
            frozenset(whole),
            self.options.max_quarantined,
        )
        if workers is None:
            yield Inline(Sender(self.connection, context, self.listener.advance))
        else:
            with workers.sharing(context, self.listener.advance) as executor:
                yield executor

    def _row_tasks(
        self,
        units: Sequence[Unit],
        executor: Executor[Sender],
        jobs: int,
        whole: Collection[str] = (),
    ) -> Iterator[Task[Any]]:
        """Yield what brings the tables their rows."""
        size = sum(unit.n_rows * unit.row_bytes for unit in units)
        self.listener.begin(sum(unit.n_rows for unit in units), size)
        # A table that has its foreign keys wants the rows they refer to first.
        in_order = bool(post_data.foreign_keys(self.catalogue.definition, self.found, self.tables))
        before: dict[str, object] = {}
        for batch in make_batches(units, jobs, whole, self.options.limits):
            table = batch[0].table
            after = [group for other, group in before.items() if in_order and other != table]
            before[table] = post_data.rows_of(table)
            yield Task(post_data.rows_of(table), partial(_send, executor, batch), after, loads=True)

    def _end_of_rows(self, workers: Workers | None) -> Iterator[Task[Any]]:
        """Yield what gives back the memory of other processes, as soon as all rows are sent."""
        if workers is not None:
            rows = [post_data.rows_of(table) for table in self.tables]
            yield Task(_END_OF_ROWS, workers.release, rows)

    def _run(
        self, tasks: Iterable[Task[Any]], jobs: int, interrupt: Callable[[], None] = lambda: None
    ) -> None:
        if jobs == 1:
            run_in_order([*tasks], self._done)
        else:
            run_at_once([*tasks], jobs, self._done, interrupt)

    def _done(self, task: Task[Any], result: Any) -> None:
        """Count a task."""
        if not task.loads:
            self.summary.steps += task.group != _END_OF_ROWS
            return
        for source, row in zip(self.sources, self.summary.tables, strict=True):
            row.add([one for one in result if one.unit.source == source.name])

    def _complete_tables(self, plan: Plan) -> list[str]:
        """Return the tables of the schema that will have rows from all of their stages."""
        missing = missing_stages(
            self.catalogue, self.found.tables, plan, self.planner, self.columns, self.ledger
        )
        self.summary.notes += [
            f"keys and indexes of {table} wait for stage {' and '.join(stages)}"
            for table, stages in missing.items()
            if stages and table in self.tables
        ]
        return [table for table, stages in missing.items() if not stages]


def _send(executor: Executor[Sender], batch: Sequence[Unit]) -> list[UnitResult]:
    try:
        return executor.submit(send_batch, batch).result()
    except WorkerDiedError as error:
        raise DatabaseError(f"{error}: it goes on where this one stopped") from error
