"""The steps of a load: make the tables, plan, send the rows, finish."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import psycopg

from specprod_copy.errors import DatabaseError
from specprod_copy.loading import post_data
from specprod_copy.loading.complete import Work, complete, do
from specprod_copy.loading.context import LoadContext
from specprod_copy.loading.key_violations import KeyViolations
from specprod_copy.loading.prepare import Prepared, make_tables
from specprod_copy.loading.quarantine import lost_primaries, refused_rows
from specprod_copy.loading.repeated_keys import refuse_repeated
from specprod_copy.loading.replace import Replaced, replace_files
from specprod_copy.loading.row_tasks import row_tasks, sending
from specprod_copy.loading.summary import LoadSummary, TableSummary
from specprod_copy.plan import lost_tables
from specprod_copy.plan.batches import single_copy_tables
from specprod_copy.plan.moved_files import rename_moved
from specprod_copy.plan.planning import Plan, share_of
from specprod_copy.postgres import catalog
from specprod_copy.postgres.connection_pool import Connections
from specprod_copy.postgres.late_steps import unfinished_tables
from specprod_copy.postgres.patience import attempt_past_autovacuum, is_for_locks
from specprod_copy.postgres.schema import Schema
from specprod_copy.postgres.search_path import q3c_schema
from specprod_copy.postgres.waiting_room import is_distributed, one_by_one


def run(context: LoadContext) -> LoadSummary:
    """Load all that is missing, then make keys and indexes; or load one share, without these."""
    summary = LoadSummary(context.schema)
    for source in context.catalogue.select(context.options.stages):
        if source not in context.sources:
            name = context.inputs.files.production.name
            summary.notes.append(f"{source.table}: {name} has no such catalogs, skipped")
    try:
        if context.options.part is None:
            summary, removed = _load(context, summary)
        else:
            removed = Counter[str]()
            _load_part(context, *context.options.part, summary)
    finally:
        context.listener.end()
    _tell_refused(context, removed, summary)
    return summary


def _load(context: LoadContext, begun: LoadSummary) -> tuple[LoadSummary, Counter[str]]:
    """Load all; return what was done, and how many rows of each source were taken out again.

    What is small is one transaction. Its locks last until its end, so it waits for nobody for more
    than a moment: if somebody is in the way, it begins anew, with a transaction for each step.
    """
    replaced = _replace(context, begun) if context.options.replace else []
    most = context.options.max_quarantined
    for at_once in (True, False):
        summary = replace(begun, tables=[], notes=[*begun.notes])
        violations = KeyViolations(context.catalogue, context.schema, most)
        begin = partial(_begin, context, replaced, violations, summary, at_once=at_once)
        try:
            work = attempt_past_autovacuum(context.connection, begin) if at_once else begin()
        except (DatabaseError, psycopg.Error) as error:
            if not (at_once and is_for_locks(error)):
                raise
            context.listener.info("others use the tables: again, with a transaction for each step")
            continue
        if work is not None:
            complete(context, work, violations, summary)
        break
    summary.notes += violations.notes
    return summary, violations.removed


def _begin(
    context: LoadContext,
    replaced: Sequence[Replaced],
    violations: KeyViolations,
    summary: LoadSummary,
    *,
    at_once: bool,
) -> Work | None:
    """Make tables and plan, in one transaction; do all in it that is small, or return the rest."""
    with context.connection.transaction():
        prepared = _prepare(context)
        plan = _plan(context, replaced, summary)
        summary.notes += _refuse_repeated(context, plan, prepared.schema)
        if at_once and _is_small(context, prepared, plan):
            options = replace(context.options, jobs=1, patience=0)
            alone = replace(context, options=options, workers=None)
            work = Work(plan, prepared.schema, frozenset(prepared.single_copy), replaced)
            complete(alone, work, violations, summary)
            return None
    limits = context.options.limits
    whole = single_copy_tables(plan.units, prepared.single_copy, context.at_once, limits)
    return Work(plan, prepared.schema, whole, replaced)


def _is_small(context: LoadContext, prepared: Prepared, plan: Plan) -> bool:
    """Say whether all that is missing can be one transaction, the rows of an interrupted load too.

    Their tables get keys and indexes that others must not be kept waiting for.
    """
    # Citus analyzes no distributed tables within a transaction.
    if is_distributed(context.defined):
        return False
    # Those of other stages are finished too, when they have all their rows.
    before = {source.table for source in context.catalogue.sources.values()} - {*prepared.new}
    before &= prepared.schema.tables.keys()
    unfinished = set[str]()
    if before:
        q3c = q3c_schema(context.connection) is not None
        unfinished = unfinished_tables(context.defined, prepared.schema, before, q3c=q3c)
    if context.options.cluster:
        unfinished |= before.intersection(context.tables)
    loaded = sum(rows for table in unfinished for rows in context.ledger.stages(table).values())
    return plan.n_rows + loaded <= context.options.limits.small_rows


def _load_part(context: LoadContext, part: int, parts: int, summary: LoadSummary) -> None:
    """Load one share of what is missing."""
    with context.connection.transaction():
        found = _prepare(context).schema
    plan = _plan(context, (), summary)
    units = share_of(plan, found, part, parts, context.options.limits)
    summary.notes += _refuse_repeated(context, replace(plan, units=units, files=units), found)
    with sending(context) as executor:
        do(context, row_tasks(context, found, units, executor), summary)
    summary.notes.append(
        f"part {part} of {parts}: a load without --part makes the keys and indexes"
    )


def _replace(context: LoadContext, summary: LoadSummary) -> list[Replaced]:
    """Replace the rows of files."""
    with context.connection.transaction():
        one_by_one(context.connection, context.defined)
        _prepare(context)
        rename_moved(context.sources, context.inputs, context.ledger)
        replaced = replace_files(context)
        tables = [one.table for one in replaced]
        sources = [source for source in context.sources if source.table in tables]
        run = Connections([context.connection], context.schema, context.patience).run
        for task in post_data.computing_tasks(
            context.defined, run, context.schema, sources, context.inputs
        ):
            task.work()
    summary.notes += map(str, replaced)
    return replaced


def _prepare(context: LoadContext) -> Prepared:
    """Make the tables that are not there, and refuse those with rows of unknown origin."""
    connection, schema, tables = context.connection, context.schema, context.tables
    wanted = [*context.catalogue.house, *tables]
    lost_tables.recognize(connection, schema, tables)
    prepared = make_tables(connection, context.defined, schema, wanted)
    if context.catalogue.record is not None:
        context.catalogue.record(connection, schema, context.options.overwrite)
    for table in tables:
        # In this order: a loader of another part may commit rows and ledger in between.
        if catalog.has_rows(connection, schema, table) and not context.ledger.stages(table):
            raise DatabaseError(
                f"table {schema}.{table} already has rows that this program did not load; "
                "'specprod-copy adopt' takes them over if they are those of the files; or choose "
                "another --schema, or replace the table with --overwrite"
            )
    return prepared


def _plan(context: LoadContext, replaced: Sequence[Replaced], summary: LoadSummary) -> Plan:
    """Find out what is to be loaded, and begin the summary."""
    loaded = context.ledger
    plan = context.planner.plan(context.sources, context.columns, loaded)
    loaded.renew(plan.renewals)
    results = [result for one in replaced for result in one.results]
    for source in context.sources:
        before = loaded.stages(source.table).get(source.stage, 0)
        row = TableSummary(source.table, source.stage, rows_loaded=before)
        row.add([result for result in results if result.unit.source == source.name])
        row.rows_loaded -= row.rows_kept
        summary.tables.append(row)
    if context.inputs.skip_missing and any(s.stage == "fiberassign" for s in context.sources):
        missing = context.inputs.tiles_without_fiberassign()
        if missing:
            tiles = ", ".join(map(str, missing))
            alike = context.inputs.files.like_fiberassign(missing)
            summary.notes.append(f"no fiberassign file, skipped: tiles {tiles}{alike}")
    for source, before_name, name in dict.fromkeys(plan.moved):
        loaded.rename(source.table, source.stage, before_name, name)
    summary.notes += [*context.catalogue.notes, *plan.notes]
    return plan


def _refuse_repeated(context: LoadContext, plan: Plan, found: Schema) -> list[str]:
    """Check keys beforehand, unless rows that repeat one are to go into quarantine."""
    if context.options.max_quarantined is not None:
        return []
    catalogue, limits = context.catalogue, context.options.limits
    return refuse_repeated(catalogue, found, plan, limits, context.workers, context.listener.info)


def _tell_refused(context: LoadContext, removed: Counter[str], summary: LoadSummary) -> None:
    """Say which rows are in quarantine, and write them, for all sources that lost some."""
    touched = [
        source
        for source in context.catalogue.sources.values()
        if source in context.sources or source.name in removed
    ]
    summary.refused = refused_rows(
        context.ledger,
        context.schema,
        context.inputs.files.root,
        touched,
        context.columns,
        # Concurrent parts would write the same files.
        context.options.quarantine_folder if context.options.part is None else None,
    )
    summary.notes += lost_primaries(context.ledger, context.schema, context.inputs, touched)
