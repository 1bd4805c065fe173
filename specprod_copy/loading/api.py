"""Load stages of a production, or find out what that would do."""

from __future__ import annotations

import dataclasses
import time
from contextlib import ExitStack

import psycopg

from specprod_copy.errors import (
    ChangedFileError,
    ConfigurationError,
    DatabaseError,
    SpecprodCopyError,
)
from specprod_copy.executors.executor import Workers
from specprod_copy.executors.workers import processes
from specprod_copy.loading import overwrite
from specprod_copy.loading.options import LoadOptions
from specprod_copy.loading.quarantine import check_files, lost_primaries, refused_rows
from specprod_copy.loading.run import Loader
from specprod_copy.loading.summary import LoadSummary
from specprod_copy.plan import ledger, ledger_format, lost_tables
from specprod_copy.plan.ledger import Ledger, NothingLoaded
from specprod_copy.plan.looks import Looks, open_looks
from specprod_copy.plan.moved_files import rename_moved
from specprod_copy.plan.planning import (
    Plan,
    Planner,
    part_of,
    with_tiles,
    with_tiles_of_file,
)
from specprod_copy.plan.production_catalogue import production_catalogue
from specprod_copy.plan.stale_files import find_stale, forget
from specprod_copy.postgres import ddl, locks
from specprod_copy.postgres.connection import connect, refuse_read_only, translated_errors
from specprod_copy.postgres.ddl import Statement
from specprod_copy.postgres.schema import Schema, made
from specprod_copy.postgres.schema_differences import (
    own_parts,
    refuse_conflicts,
    refuse_own_columns,
)
from specprod_copy.postgres.schema_from_server import read_schema
from specprod_copy.postgres.waits import watched
from specprod_copy.progress import ProgressListener
from specprod_copy.tables import (
    Catalogue,
    Inputs,
    TableSource,
    fiberassign,
    tile,
)
from specprod_copy.verification import VerifyOptions, verify

__all__ = ["LoadOptions", "check_load", "load", "plan_load"]

_PLANNED_PHASES = ("table", "keys", "indexes", "q3c", "foreign_keys", "validation")


def load(
    conninfo: str,
    inputs: Inputs,
    options: LoadOptions,
    listener: ProgressListener | None = None,
    *,
    catalogue: Catalogue | None = None,
    workers: Workers | None = None,
    looks: Looks | None = None,
) -> LoadSummary:
    """Load stages of a production.

    What is loaded already, by the ledger of the schema, is not loaded again. A load of at most
    `Limits.small_rows` rows is one transaction. A larger one commits every `Limits.batch_rows` rows
    or so, or a new table at once (see `single_copy_tables`), by several processes at a time; if it
    is interrupted, the next one continues from there.

    Parameters
    ----------
    conninfo : str
        For libpq.
    inputs : Inputs
        The production's files.
    options : LoadOptions
    listener : ProgressListener, optional
        Receives progress events.
    catalogue : Catalogue, optional
        The tables and their sources; those of a production without it.
    workers : Workers, optional
        Who reads, verifies and sends, instead of processes of this machine. They have to reach the
        files and the server.
    looks : Looks, optional
        What has been seen of the files already.

    Returns
    -------
    LoadSummary

    Raises
    ------
    SpecprodCopyError
        If the options, an input file or the server are not as they must be.
    """
    listener = listener or ProgressListener()
    started = time.monotonic()
    catalogue = catalogue or production_catalogue(inputs)
    sources = applicable_sources(catalogue, inputs, options)
    beside: LoadSummary | None = None
    _check_options(options)
    if options.quarantine_folder is not None:
        check_files(options.quarantine_folder, options.schema, sources)
    with (
        ExitStack() as stack,
        watched(conninfo, listener) as conninfo,
        connect(conninfo) as connection,
        translated_errors(f"cannot load schema {options.schema}"),
        locks.hold_schema_lock(connection, options.schema, shared=options.part is not None),
    ):
        if ledger_format.take_over(connection, catalogue.definition, options.schema):
            listener.info(ledger_format.TAKEN_OVER.format(schema=options.schema))
        if workers is None and options.jobs > 1:
            workers = stack.enter_context(processes(options.jobs))
        looks = looks or stack.enter_context(open_looks(catalogue.keywords, workers))
        if not inputs.tileids:
            found = read_schema(connection, options.schema)
            inputs = with_tiles(inputs, sources, connection, found, looks)
        planner = Planner(inputs, options.limits, looks)
        run = Loader(catalogue, connection, conninfo, planner, options, listener, sources, workers)
        try:
            if options.overwrite:
                beside = _load_beside(run)
            if options.part is None:
                run.run()
            else:
                run.run_part(*options.part)
        finally:
            listener.end()
        run.summary.refused = refused_rows(
            run.ledger,
            options.schema,
            inputs.files.root,
            run.touched_sources(),
            run.columns,
            # Those who load other parts would write the same files at the same time.
            options.quarantine_folder if options.part is None else None,
        )
        run.summary.notes += lost_primaries(
            run.ledger, options.schema, run.inputs, run.touched_sources()
        )
    if beside is not None:
        run.summary.tables = beside.tables
        run.summary.steps += beside.steps
        run.summary.notes += beside.notes
    run.summary.seconds = time.monotonic() - started
    return run.summary


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
    _check_options(options)
    if tile.SOURCE in sources and not inputs.tileids:
        inputs = with_tiles_of_file(inputs)
    for source in sources:
        # The tiles may be in the database.
        if new or inputs.tileids or source.stage != fiberassign.FIBERASSIGN.stage:
            source.files(inputs)


def _check_options(options: LoadOptions) -> None:
    if options.part is not None and (options.overwrite or options.replace):
        raise ConfigurationError(
            "a load that replaces tables or files cannot be shared: no part of it"
        )
    if options.overwrite and options.replace:
        raise ConfigurationError(
            "a load replaces either whole tables (overwrite) or the rows of files (replace)"
        )


def _load_beside(run: Loader) -> LoadSummary:
    """Load into a schema beside, verify, and put its tables into the place of the old ones.

    Until then the old tables are as they were, and can be read. What an interrupted run left beside
    is used by the next one, but not tables that failed the verification.
    """
    connection, options, tables = run.connection, run.options, run.tables
    defined, old = run.catalogue.definition, read_schema(run.connection, run.options.schema)
    refuse_own_columns(defined, old, tables)
    overwrite.check_replaceable(connection, options.schema, tables, run.listener)
    inputs, looks = run.planner.inputs, run.planner.looks
    new = overwrite.beside(options.schema)
    overwrite.prepare_beside(connection, defined, new, tables)
    aside = dataclasses.replace(
        options, schema=new, overwrite=False, roles=(), quarantine_folder=None
    )

    def again() -> LoadSummary:
        return load(
            run.conninfo,
            inputs,
            aside,
            run.listener,
            catalogue=run.catalogue,
            workers=run.workers,
            looks=looks,
        )

    try:
        try:
            summary = again()
        except ChangedFileError:
            # What an interrupted run left is of no use any more.
            overwrite.forget(connection, new, tables)
            summary = again()
    except SpecprodCopyError:
        overwrite.tidy(connection, new)
        raise
    # Of the notes of that load those that still hold are found anew when this one finishes.
    summary.notes = [_verify_beside(run, aside)]
    overwrite.swap(connection, defined, options.schema, new, tables, run.patience)
    summary.notes += [
        f"gone with the old table: {part}" for part in own_parts(defined, old, tables)
    ]
    return summary


def _verify_beside(run: Loader, options: LoadOptions) -> str:
    """Verify the tables beside; say that they passed, or that they were not verified.

    Raises
    ------
    DatabaseError
        If a check fails.
    """
    if not options.verify:
        return "the new tables were not verified before they replaced the old ones"
    run.listener.info("the new tables are verified before they replace the old ones")
    wanted = VerifyOptions(
        options.stages, options.schema, jobs=options.jobs, alone=True, limits=options.limits
    )
    results = verify(
        run.conninfo,
        run.planner.inputs,
        wanted,
        run.listener,
        catalogue=run.catalogue,
        workers=run.workers,
        looks=run.planner.looks,
    )
    failed = [result for result in results if not result.passed]
    if failed:
        overwrite.condemn(run.connection, options.schema)
        first = f"{failed[0].table}, {failed[0].name}: {failed[0].detail}"
        raise DatabaseError(
            f"{len(failed)} of {len(results)} checks of the new tables failed ({first}); the old "
            f"tables are as they were. The new ones are in schema {options.schema}, until the next "
            "load with --overwrite begins anew"
        )
    return (
        f"the new tables were verified before they replaced the old ones: {len(results)} checks, "
        "all values compared"
    )


def applicable_sources(
    catalogue: Catalogue, inputs: Inputs, options: LoadOptions
) -> list[TableSource]:
    """Return the sources of the stages that the production has.

    Raises
    ------
    ConfigurationError
        If a stage is unknown, or the production has none of them.
    """
    sources = [source for source in catalogue.select(options.stages) if source.applies(inputs)]
    if not sources:
        raise ConfigurationError(
            f"production {inputs.files.production.name} has no files of stage "
            f"{' or '.join(options.stages)}"
        )
    return sources


def plan_load(
    conninfo: str | None,
    inputs: Inputs,
    options: LoadOptions,
    catalogue: Catalogue | None = None,
) -> tuple[Plan, list[Statement]]:
    """Find out what a load would do, without doing it.

    Every file is opened and checked. Tables that do not exist yet have the columns of their
    definition, so nothing is made, and no server is needed where there is none.

    Parameters
    ----------
    conninfo : str or None
        As for `load`; None where there is no server yet.
    inputs, options, catalogue
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
    _check_options(options)
    catalogue = catalogue or production_catalogue(inputs)
    if conninfo is None:
        return _plan(catalogue, None, Schema(options.schema, exists=False), inputs, options)
    with (
        connect(conninfo) as connection,
        translated_errors(f"cannot plan a load of schema {options.schema}"),
        connection.transaction(force_rollback=True),
    ):
        refuse_read_only(connection)
        ledger_format.require(connection, options.schema)
        found = read_schema(connection, options.schema)
        return _plan(catalogue, connection, found, inputs, options)


def _plan(
    catalogue: Catalogue,
    connection: psycopg.Connection | None,
    found: Schema,
    inputs: Inputs,
    options: LoadOptions,
) -> tuple[Plan, list[Statement]]:
    """Plan a load into a schema, in a transaction that is rolled back."""
    defined = catalogue.definition
    sources = applicable_sources(catalogue, inputs, options)
    tables = list(dict.fromkeys(source.table for source in sources))
    looks = Looks(catalogue.keywords)
    inputs = with_tiles(inputs, sources, connection, found, looks)
    if options.overwrite:
        refuse_own_columns(defined, found, tables)
        replaced = {*tables, ledger.TABLE}
        kept = [table for table in found.tables.values() if table.name not in replaced]
        found = Schema.of(found.name, kept)
    refuse_conflicts(defined, found, ["version", *tables, ledger.TABLE])
    loaded: Ledger = NothingLoaded()
    if connection is not None and ledger.TABLE in found.tables:
        lost_tables.check_tables(connection, options.schema, tables)
        loaded = Ledger(connection, options.schema, check_content=options.check_content)
    if options.replace:
        rename_moved(sources, inputs, loaded)
        stale = find_stale(catalogue, options.replace, sources, inputs, loaded)
        forget(catalogue, stale, loaded)
    columns = {table: defined.columns_of(table) for table in tables}
    plan = Planner(inputs, options.limits, looks).plan(sources, columns, loaded)
    plan.notes[:0] = catalogue.notes
    if options.part is not None:
        plan.units = part_of(plan.units, *options.part, options.limits)
    there = made(defined, found)
    return plan, [
        statement
        for statement in ddl.statements(defined, tables, _PLANNED_PHASES, schema=options.schema)
        if statement.table not in found.tables or statement.makes not in there
        if not (statement.phase == "table" and statement.table in found.tables)
    ]
