"""Load stages of a production, or find out what that would do."""

from __future__ import annotations

import dataclasses
import time

import psycopg

from specprod_copy import database, ddl, ledger, locks, replace
from specprod_copy.ddl import Statement
from specprod_copy.errors import ChangedFileError, ConfigurationError, SpecprodCopyError
from specprod_copy.ledger import Ledger
from specprod_copy.loader import Loader, LoadOptions
from specprod_copy.plan import Plan, make_plan, part_of, sources_of, with_tiles
from specprod_copy.quarantine import refused_rows
from specprod_copy.report import Report
from specprod_copy.summary import LoadSummary
from specprod_copy.tables import Inputs, TableSource

__all__ = ["LoadOptions", "load", "plan_load"]

_PLANNED_PHASES = ("table", "keys", "indexes", "q3c", "foreign_keys", "validation")


def load(
    conninfo: str, inputs: Inputs, options: LoadOptions, report: Report | None = None
) -> LoadSummary:
    """Load stages of a production.

    What is loaded already, by the ledger of the schema, is not loaded again. A load of at most
    `loader.SMALL_ROWS` rows is one transaction. A larger one commits every `workers.BATCH_ROWS`
    rows or so, by several processes at a time; if it is interrupted, the next one goes on from
    there.

    Parameters
    ----------
    conninfo : str
        For libpq.
    inputs : Inputs
        The production's files.
    options : LoadOptions
    report : Report, optional
        Is told what is going on.

    Returns
    -------
    LoadSummary

    Raises
    ------
    SpecprodCopyError
        If the options, an input file or the server are not as they must be.
    """
    report = report or Report()
    started = time.monotonic()
    sources = applicable_sources(inputs, options)
    beside: LoadSummary | None = None
    if options.overwrite and options.part is not None:
        raise ConfigurationError("a load that replaces tables cannot be shared: no part of it")
    with (
        database.connect(conninfo) as connection,
        database.translated_errors(f"cannot load schema {options.schema}"),
        locks.work(connection, options.schema, shared=options.part is not None),
    ):
        run = Loader(connection, conninfo, inputs, options, report, sources)
        try:
            if options.overwrite:
                beside = _load_beside(connection, conninfo, inputs, options, report, sources)
            if options.part is None:
                run.run()
            else:
                run.run_part(*options.part)
        finally:
            report.end()
        run.summary.refused = refused_rows(
            run.ledger,
            options.schema,
            inputs.files.root,
            run.touched_sources(),
            run.columns,
            # Those who load other parts would write the same files at the same time.
            options.quarantine_folder if options.part is None else None,
        )
    if beside is not None:
        run.summary.tables = beside.tables
        run.summary.steps += beside.steps
    run.summary.seconds = time.monotonic() - started
    return run.summary


def _load_beside(
    connection: psycopg.Connection,
    conninfo: str,
    inputs: Inputs,
    options: LoadOptions,
    report: Report,
    sources: list[TableSource],
) -> LoadSummary:
    """Load into a schema beside, and put its tables into the place of the old ones.

    Until then the old tables are as they were, and can be read. What an interrupted run left beside
    is used by the next one.
    """
    tables = list(dict.fromkeys(source.table for source in sources))
    replace.check_replaceable(connection, options.schema, tables)
    inputs = with_tiles(inputs, sources, connection, options.schema)
    new = replace.beside(options.schema)
    replace.prepare_beside(connection, new)
    aside = dataclasses.replace(
        options, schema=new, overwrite=False, roles=(), quarantine_folder=None
    )
    try:
        try:
            summary = load(conninfo, inputs, aside, report)
        except ChangedFileError:
            # What an interrupted run left is of no use any more.
            replace.forget(connection, new, tables)
            summary = load(conninfo, inputs, aside, report)
    except SpecprodCopyError:
        replace.tidy(connection, new)
        raise
    replace.swap(connection, options.schema, new, tables)
    return summary


def applicable_sources(inputs: Inputs, options: LoadOptions) -> list[TableSource]:
    """Return the sources of the stages that the production has.

    Raises
    ------
    ConfigurationError
        If a stage is unknown, or the production has none of them.
    """
    sources = [source for source in sources_of(options.stages) if source.applies(inputs)]
    if not sources:
        raise ConfigurationError(
            f"production {inputs.files.production.name} has no files of stage "
            f"{' or '.join(options.stages)}"
        )
    return sources


def plan_load(conninfo: str, inputs: Inputs, options: LoadOptions) -> tuple[Plan, list[Statement]]:
    """Find out what a load would do, without doing it.

    Every file is opened and checked. Tables that do not exist are made as temporary ones, to ask
    the server for their columns, in a transaction that is rolled back: nobody sees them or waits,
    and no right is needed that a load does not need.

    Parameters
    ----------
    conninfo, inputs, options
        As for `load`.

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
    sources = applicable_sources(inputs, options)
    tables = list(dict.fromkeys(source.table for source in sources))
    with (
        database.connect(conninfo) as connection,
        database.translated_errors(f"cannot plan a load of schema {options.schema}"),
        connection.transaction(force_rollback=True),
    ):
        existing = database.existing_tables(connection, options.schema)
        made = database.existing_objects(connection, options.schema)
        if options.overwrite:
            existing, made = existing - {*tables, ledger.TABLE}, set()
        new = [table for table in (*tables, ledger.TABLE) if table not in existing]
        for statement in ddl.statements(new, ["table"], schema="pg_temp"):
            connection.execute(statement.sql.encode())
        scratch = database.temporary_schema(connection)
        schemas = {t: options.schema if t in existing else scratch for t in (*tables, ledger.TABLE)}
        columns = {t: database.table_columns(connection, schemas[t], t) for t in tables}
        inputs = with_tiles(inputs, sources, connection, options.schema)
        plan = make_plan(sources, inputs, columns, Ledger(connection, schemas[ledger.TABLE]))
    if options.part is not None:
        plan.units = part_of(plan.units, *options.part)
    statements = [
        statement
        for statement in ddl.statements(tables, _PLANNED_PHASES, schema=options.schema)
        if statement.table not in existing or statement.makes not in made
        if not (statement.phase == "table" and statement.table in existing)
    ]
    return plan, statements
