"""What a load would do, found out without doing it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

import psycopg

from specprod_copy.executors.executor import Workers
from specprod_copy.executors.workers import processes
from specprod_copy.loading.options import LoadOptions, applicable_sources
from specprod_copy.loading.repeated_keys import refuse_repeated
from specprod_copy.plan import ledger, ledger_format, lost_tables, saved_looks
from specprod_copy.plan.existing_tables import kept_layout
from specprod_copy.plan.known_tiles import with_tiles, with_tiles_of_file
from specprod_copy.plan.ledger import Ledger, NothingLoaded
from specprod_copy.plan.looks import Looks, open_looks
from specprod_copy.plan.moved_files import rename_moved
from specprod_copy.plan.planning import Plan, Planner, share_of
from specprod_copy.plan.production_catalogue import (
    production_catalogue,
    production_layout,
    refuse_other_format,
    refuse_without_light_curves,
)
from specprod_copy.plan.space import space_needed
from specprod_copy.plan.stale_files import find_stale, forget
from specprod_copy.postgres import ddl
from specprod_copy.postgres.connection import connect, refuse_read_only, translated_errors
from specprod_copy.postgres.ddl import Statement
from specprod_copy.postgres.foreign_code import refuse_foreign_code
from specprod_copy.postgres.schema import Schema, made
from specprod_copy.postgres.schema_conflicts import refuse_conflicts, refuse_own_columns
from specprod_copy.postgres.schema_from_server import read_schema
from specprod_copy.tables import (
    V1,
    Catalogue,
    Inputs,
    as_made,
    fiberassign,
    specprod_catalogue,
    tile,
)
from specprod_copy.vac.entries import refuse_mixed
from specprod_copy.vac.stored import TABLE

_PLANNED_PHASES = ("table", "keys", "indexes", "q3c", "foreign_keys", "validation")


def check_load(
    inputs: Inputs,
    options: LoadOptions,
    catalogue: Catalogue | None = None,
    *,
    new: bool = False,
) -> None:
    """Check what can be checked without a server: options, and whether the files are there.

    Parameters
    ----------
    inputs, options
        As for `load`.
    new : bool
        Whether there are no tables yet, which could know the tiles.

    Raises
    ------
    SpecprodCopyError
        As `load` for the same reasons.
    """
    sources = applicable_sources(catalogue or production_catalogue(inputs), inputs, options)
    options.check()
    if tile.SOURCE in sources and not inputs.tileids:
        inputs = with_tiles_of_file(inputs)
    for source in sources:
        # The tiles may be in the database.
        if new or inputs.tileids or source.stage != fiberassign.FIBERASSIGN.stage:
            source.files(inputs)


def plan_load(
    conninfo: str | None,
    inputs: Inputs,
    options: LoadOptions,
    catalogue: Catalogue | None = None,
    *,
    workers: Workers | None = None,
    overwritten: Sequence[str] = (),
) -> tuple[Plan, list[Statement]]:
    """Find out what a load would do, without doing it.

    Every file is opened and checked. Tables that do not exist yet have the columns of their
    definition, so nothing is made, and no server is needed where there is none. With
    `LoadOptions.plan` what was seen of the files is saved for loads.

    Parameters
    ----------
    conninfo : str or None
        As for `load`; None where there is no server yet.
    inputs, options, catalogue, workers
        As for `load`.
    overwritten : sequence of str, optional
        Stages and tables of which a load with `LoadOptions.overwrite` comes before this one.

    Returns
    -------
    plan : Plan
    statements : list of Statement
        Statements that make tables, keys and indexes, as far as they are missing.

    Raises
    ------
    SpecprodCopyError
        As `load` before it sends the first row.
    """
    options.check()
    layout = None if catalogue else production_layout(inputs)
    catalogue = catalogue or specprod_catalogue(layout or V1)
    connection, found = None, Schema(options.schema, exists=False)
    with ExitStack() as stack:
        if conninfo is not None:
            connection = stack.enter_context(connect(conninfo))
            stack.enter_context(translated_errors(f"cannot plan a load of schema {options.schema}"))
            stack.enter_context(connection.transaction(force_rollback=True))
            refuse_read_only(connection)
            ledger_format.require(connection, catalogue.definition, options.schema)
            found = read_schema(connection, options.schema)
        replaced = _replaced(catalogue, inputs, options, overwritten)
        if layout:
            layout = kept_layout(layout, found, replaced, options.partitions)
            catalogue = specprod_catalogue(layout)
        if workers is None and options.jobs > 1:
            workers = stack.enter_context(processes(options.jobs))
        looks = stack.enter_context(open_looks(catalogue.keywords, workers))
        context = _Context(catalogue, inputs, options, replaced, looks, workers)
        planned = _plan(context, connection, found)
        if options.plan is not None:
            kept = looks.kept
            files = [path for path, _ in kept.looks]
            saved_looks.save(options.plan, catalogue.keywords, kept, inputs=files)
    return planned


@dataclass(frozen=True)
class _Context:
    """What is to be planned, and what was seen of it."""

    catalogue: Catalogue
    inputs: Inputs
    options: LoadOptions
    replaced: Sequence[str]
    """Tables that are made anew, by this load or by one before it."""
    looks: Looks
    workers: Workers | None


def _replaced(
    catalogue: Catalogue, inputs: Inputs, options: LoadOptions, overwritten: Sequence[str]
) -> list[str]:
    """Return the tables that are made anew, of those that are to be loaded."""
    tables = dict.fromkeys(s.table for s in applicable_sources(catalogue, inputs, options))
    before = {source.table for source in catalogue.select(overwritten)}
    return [table for table in tables if options.overwrite or table in before]


def _plan(
    context: _Context, connection: psycopg.Connection | None, found: Schema
) -> tuple[Plan, list[Statement]]:
    """Plan a load into a schema, in a transaction that is rolled back."""
    catalogue, inputs, options = context.catalogue, context.inputs, context.options
    defined, looks = catalogue.definition, context.looks
    sources = applicable_sources(catalogue, inputs, options)
    tables = list(dict.fromkeys(source.table for source in sources))
    kept = [table for table in tables if table not in context.replaced]
    refuse_other_format(catalogue, found, tables, replaced=context.replaced)
    refuse_without_light_curves(catalogue, found, sources)
    if connection is not None:
        refuse_mixed(connection, found, described=TABLE in catalogue.house)
    inputs = with_tiles(inputs, sources, connection, found, looks)
    if context.replaced:
        refuse_own_columns(defined, found, context.replaced, as_made(found))
        gone = {*context.replaced, *(() if kept else (ledger.TABLE,))}
        there_still = [table for table in found.tables.values() if table.name not in gone]
        found = Schema.of(found.name, there_still)
    refuse_conflicts(defined, found, [*catalogue.house, *tables])
    if connection is not None and kept:
        refuse_foreign_code(connection, options.schema, [*catalogue.house, *kept])
    loaded: Ledger = NothingLoaded()
    if connection is not None:
        lost_tables.check_referenced(connection, defined, options.schema, tables)
    if connection is not None and ledger.TABLE in found.tables:
        lost_tables.check_tables(connection, options.schema, kept)
        loaded = Ledger(connection, options.schema, check_content=options.check_content)
        for source in sources:
            if source.table in context.replaced:
                name = source.table, source.stage
                loaded.forget(*name, loaded.files(*name))
    if options.replace:
        rename_moved(sources, inputs, loaded)
        stale = find_stale(catalogue, options.replace, sources, inputs, loaded)
        forget(catalogue, stale, loaded)
    columns = {table: defined.columns_of(table) for table in tables}
    plan = Planner(inputs, options.limits, looks).plan(sources, columns, loaded)
    plan.notes[:0] = catalogue.notes
    if options.part is not None:
        plan.units = share_of(plan, found, *options.part, options.limits)
    if options.max_quarantined is None:
        own = replace(plan, files=plan.units) if options.part is not None else plan
        plan.notes += refuse_repeated(catalogue, found, own, options.limits, context.workers)
    plan.space = space_needed(plan.units, catalogue)
    there = made(defined, found)
    return plan, [
        statement
        for statement in ddl.statements(defined, tables, _PLANNED_PHASES, schema=options.schema)
        if statement.table not in found.tables or statement.makes not in there
        if not (statement.phase == "table" and statement.table in found.tables)
    ]
