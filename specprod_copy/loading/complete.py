"""What a load does when it knows what is missing: rows, keys and indexes, versions and rights."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any

from specprod_copy.errors import concerning
from specprod_copy.executors.schedule import Task, run_at_once, run_in_order
from specprod_copy.loading import post_data
from specprod_copy.loading.context import LoadContext
from specprod_copy.loading.key_errors import explain_of_load
from specprod_copy.loading.key_violations import KeyViolations
from specprod_copy.loading.replace import Replaced
from specprod_copy.loading.row_tasks import END_OF_ROWS, end_of_rows, row_tasks, sending
from specprod_copy.loading.summary import LoadSummary
from specprod_copy.plan import lost_tables, versions
from specprod_copy.plan.completeness import missing_stages
from specprod_copy.plan.planning import Plan
from specprod_copy.postgres import rights
from specprod_copy.postgres.broken_keys import BrokenKey
from specprod_copy.postgres.connection import connect
from specprod_copy.postgres.connection_pool import Connections
from specprod_copy.postgres.schema import Schema
from specprod_copy.postgres.schema_from_server import read_schema


@dataclass(frozen=True)
class Work:
    """What a load has to do."""

    plan: Plan
    found: Schema
    """With all its tables."""
    whole: frozenset[str]
    """Tables that are filled by one COPY each."""
    replaced: Sequence[Replaced]
    """What was done already."""


def complete(
    context: LoadContext, work: Work, violations: KeyViolations, summary: LoadSummary
) -> None:
    """Send rows and make keys and indexes, as far as they are missing."""
    q3c = rights.enable_q3c(context.connection, context.schema, summary.notes.append)
    tables = _complete_tables(context, work, summary)
    wanted = post_data.PostData(
        q3c,
        changed={unit.table for unit in work.plan.units} | {one.table for one in work.replaced},
        cluster=context.tables if context.options.cluster else (),
    )
    with ExitStack() as stack:
        more = [
            stack.enter_context(connect(context.conninfo)) for _ in range(context.options.jobs - 1)
        ]
        connections = Connections([context.connection, *more], context.schema, context.patience)
        run = partial(violations.run, connections, context.planner)
        executor = stack.enter_context(sending(context, work.whole))
        tasks: list[Task[Any]] = [
            *end_of_rows(context),
            *post_data.finish_tasks(context.defined, work.found, run, tables, wanted),
            *row_tasks(context, work.found, work.plan.units, executor, work.whole),
            *post_data.computing_tasks(
                context.defined, run, context.schema, context.sources, context.inputs
            ),
        ]
        try:
            do(context, tasks, summary, connections.cancel)
        except BrokenKey as error:
            with concerning(error.table):
                raise explain_of_load(context, error, work.plan) from error
    for source, row in zip(context.sources, summary.tables, strict=True):
        row.lose(violations.removed[source.name])
    _conclude(context, tables, summary)


def do(
    context: LoadContext,
    tasks: Iterable[Task[Any]],
    summary: LoadSummary,
    interrupt: Callable[[], None] = lambda: None,
) -> None:
    """Do tasks, and count them."""

    def done(task: Task[Any], result: Any) -> None:
        if not task.loads:
            summary.steps += task.group != END_OF_ROWS
            return
        for source, row in zip(context.sources, summary.tables, strict=True):
            row.add([one for one in result if one.unit.source == source.name])

    jobs = context.options.jobs
    slots = max(jobs, context.at_once)
    if slots == 1:
        run_in_order([*tasks], done)
    else:
        run_at_once([*tasks], slots, done, interrupt, jobs)


def _complete_tables(context: LoadContext, work: Work, summary: LoadSummary) -> list[str]:
    """Return the tables that will have all their rows; say what the others wait for."""
    missing = missing_stages(
        context.catalogue,
        work.found.tables,
        work.plan,
        context.planner,
        context.columns,
        context.ledger,
    )
    summary.notes += [
        f"keys and indexes of {table} wait for stage {' and '.join(stages)}"
        for table, stages in missing.items()
        if stages and table in context.tables
    ]
    return [table for table, stages in missing.items() if not stages]


def _conclude(context: LoadContext, tables: Sequence[str], summary: LoadSummary) -> None:
    """Write down versions, let roles read, and say what is still to be done."""
    connection, schema = context.connection, context.schema
    lost_tables.check_kept(connection, schema, context.tables)
    described = context.catalogue.record is not None
    production = None if described else context.inputs.files.production
    found_versions = versions.versions(connection, production)
    versions.upsert(connection, schema, found_versions)
    found = read_schema(connection, schema)
    waiting = post_data.foreign_keys(context.defined, found, tables, made=False)
    for key, table in waiting:
        summary.notes.append(f"foreign key {key.name} waits for table {table}")
    granted = [*context.catalogue.house, *context.tables]
    roles = context.options.roles
    summary.notes += rights.grant(connection, context.defined, schema, granted, roles).notes
