"""Load stages of a production."""

from __future__ import annotations

import time
from contextlib import ExitStack

from specprod_copy.executors.executor import Workers
from specprod_copy.executors.workers import processes
from specprod_copy.loading.beside import is_beside
from specprod_copy.loading.context import LoadContext
from specprod_copy.loading.failed import noting_failure
from specprod_copy.loading.options import LoadOptions, applicable_sources, known_looks
from specprod_copy.loading.quarantine import check_files
from specprod_copy.loading.run import run
from specprod_copy.loading.schema_functions import make_functions
from specprod_copy.loading.summary import LoadSummary
from specprod_copy.plan import ledger_format, lost_tables
from specprod_copy.plan.existing_tables import kept_layout
from specprod_copy.plan.known_tiles import with_tiles
from specprod_copy.plan.looks import open_looks
from specprod_copy.plan.planning import Planner
from specprod_copy.plan.production_catalogue import (
    production_layout,
    refuse_other_format,
    refuse_without_light_curves,
)
from specprod_copy.postgres import locks
from specprod_copy.postgres.connection import connect, first_cause, translated_errors
from specprod_copy.postgres.schema_from_server import read_schema
from specprod_copy.postgres.waits import watched
from specprod_copy.progress import ProgressListener
from specprod_copy.tables import V1, Catalogue, Inputs, specprod_catalogue
from specprod_copy.vac.entries import refuse_mixed


def load(
    conninfo: str,
    inputs: Inputs,
    options: LoadOptions,
    listener: ProgressListener | None = None,
    *,
    catalogue: Catalogue | None = None,
    workers: Workers | None = None,
) -> LoadSummary:
    """Load stages of a production.

    What is loaded already, by the ledger of the schema, is not loaded again. A load of at most
    `Limits.small_rows` rows is one transaction, with those that unfinished tables have already, and
    unless others use the tables meanwhile. A larger one commits every `Limits.batch_rows` rows
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

    Raises
    ------
    SpecprodCopyError
        If the options, an input file or the server are not as they must be.
    """
    listener = listener or ProgressListener()
    started = time.monotonic()
    layout = None if catalogue else production_layout(inputs)
    catalogue = catalogue or specprod_catalogue(layout or V1)
    sources = applicable_sources(catalogue, inputs, options)
    options.check()
    if options.quarantine_folder is not None:
        check_files(options.quarantine_folder, options.schema, sources)
    with (
        ExitStack() as stack,
        watched(conninfo, listener) as conninfo,
        connect(conninfo) as connection,
        translated_errors(f"cannot load schema {options.schema}"),
        locks.hold_schema_lock(connection, options.schema, shared=options.part is not None),
        noting_failure(connection, sources, options),
        first_cause(connection),
    ):
        tables = [source.table for source in sources]
        found = read_schema(connection, options.schema)
        if layout:
            replaced = tables if options.overwrite else ()
            layout = kept_layout(layout, found, replaced, options.partitions)
            catalogue = specprod_catalogue(layout)
        defined = catalogue.definition
        ledger_format.take_over(connection, defined, options.schema, listener)
        lost_tables.check_referenced(connection, defined, options.schema, tables)
        if workers is None and options.jobs > 1:
            workers = stack.enter_context(processes(options.jobs))
        looks = stack.enter_context(
            open_looks(catalogue.keywords, workers, known_looks(catalogue, options))
        )
        refuse_other_format(catalogue, found, tables, replaced=tables if options.overwrite else ())
        refuse_without_light_curves(catalogue, found, sources)
        refuse_mixed(connection, found, described=catalogue.record is not None)
        if not inputs.tileids:
            inputs = with_tiles(inputs, sources, connection, found, looks)
        planner = Planner(inputs, options.limits, looks)
        context = LoadContext(
            catalogue, connection, conninfo, planner, options, listener, sources, workers
        )
        beside = None
        if options.overwrite:
            from specprod_copy.loading.overwrite import replace_tables  # verifies: a lot to import

            beside = replace_tables(context)
        summary = run(context)
        if options.plan is not None and looks.taken:
            summary.notes.append(
                f"{options.plan}: does not know {len(looks.taken)} of the files as they are now; "
                "they were opened"
            )
        if options.part is None and not is_beside(options.schema):
            summary.notes += make_functions(connection, options.schema)
    if beside is not None:
        summary.tables = beside.tables
        summary.steps += beside.steps
        summary.notes += beside.notes
    summary.seconds = time.monotonic() - started
    return summary
