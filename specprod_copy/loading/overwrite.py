"""Whole tables replaced: loaded beside, verified there, and swapped."""

from __future__ import annotations

import dataclasses

from specprod_copy.errors import ChangedFileError, DatabaseError, OtherRowsError, SpecprodCopyError
from specprod_copy.loading.beside import Beside
from specprod_copy.loading.context import LoadContext
from specprod_copy.loading.run import run
from specprod_copy.loading.summary import LoadSummary
from specprod_copy.plan import ledger_format
from specprod_copy.postgres import locks
from specprod_copy.postgres.schema_conflicts import refuse_own_columns
from specprod_copy.postgres.schema_from_server import read_schema
from specprod_copy.tables import as_made
from specprod_copy.verification import VerifyOptions, verify


def replace_tables(context: LoadContext) -> LoadSummary:
    """Load into a schema beside, verify, and put its tables into the place of the old ones.

    Until then the old tables are as they were, and can be read. What an interrupted run left beside
    is used by the next one, but not tables that failed the verification.
    """
    connection, tables, defined = context.connection, context.tables, context.defined
    old = read_schema(connection, context.schema)
    refuse_own_columns(defined, old, tables, as_made(old))
    beside = Beside(connection, context.catalogue, context.schema, tables)
    beside.check_replaceable(context.listener)
    beside.prepare()
    options = dataclasses.replace(
        context.options, schema=beside.name, overwrite=False, roles=(), quarantine_folder=None
    )
    aside = dataclasses.replace(context, options=options)
    with locks.hold_schema_lock(connection, beside.name, shared=False):
        try:
            ledger_format.take_over(connection, defined, beside.name, context.listener)
            try:
                summary = run(aside)
            except (ChangedFileError, OtherRowsError) as error:
                # What an interrupted run left is of no use any more.
                context.listener.info(f"the new tables are loaded anew: {error}")
                beside.forget()
                summary = run(aside)
        except SpecprodCopyError:
            beside.tidy()
            raise
    # Of the notes of that load those that still hold are found anew when this one finishes.
    summary.notes = [_verify(aside, beside)]
    summary.notes += beside.swap(context.patience)
    return summary


def _verify(context: LoadContext, beside: Beside) -> str:
    """Verify the tables beside; say that they passed, or that they were not verified.

    Raises
    ------
    DatabaseError
        If a check fails.
    """
    options = context.options
    if not options.verify:
        return "the new tables were not verified before they replaced the old ones"
    context.listener.info("the new tables are verified before they replace the old ones")
    wanted = VerifyOptions(
        options.stages, options.schema, jobs=options.jobs, alone=True, limits=options.limits
    )
    results = verify(
        context.conninfo,
        context.inputs,
        wanted,
        context.listener,
        catalogue=context.catalogue,
        workers=context.workers,
        looks=context.planner.looks,
    )
    failed = [result for result in results if not result.passed]
    if failed:
        beside.reject()
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
