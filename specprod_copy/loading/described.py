"""Load a value-added catalogue that is described by a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg

from specprod_copy.errors import SpecprodCopyError
from specprod_copy.executors.executor import Workers
from specprod_copy.loading.api import load
from specprod_copy.loading.dry_run import plan_load
from specprod_copy.loading.options import LoadOptions
from specprod_copy.loading.summary import LoadSummary
from specprod_copy.plan.ledger import NothingLoaded
from specprod_copy.plan.planning import Plan, Planner
from specprod_copy.postgres.connection import connect, translated_errors
from specprod_copy.postgres.ddl import Statement
from specprod_copy.postgres.row_size import row_size
from specprod_copy.progress import ProgressListener
from specprod_copy.rows.units import Unit
from specprod_copy.tables import Catalogue, Inputs
from specprod_copy.vac import entries
from specprod_copy.vac.description import Description
from specprod_copy.vac.files import inputs_of
from specprod_copy.vac.sources import catalogue_of
from specprod_copy.verification.orphans import find_orphans


def load_catalogue(  # noqa: PLR0913 - what is seldom given is given by keyword
    conninfo: str,
    description: Description,
    root: Path,
    options: LoadOptions,
    listener: ProgressListener | None = None,
    *,
    command: str = "",
    workers: Workers | None = None,
) -> LoadSummary:
    """Load a value-added catalogue, as `load` does it with a production.

    Parameters
    ----------
    conninfo : str
        For libpq.
    description : Description
    root : pathlib.Path
        Folder that its files lie below.
    options : LoadOptions
        All stages.
    listener : ProgressListener, optional
        Receives progress events.
    command : str
        What loads it, for messages.
    workers : Workers, optional
        As for `load`.

    Raises
    ------
    SpecprodCopyError
        If the description, an input file or the server are not as they must be.
    """
    inputs = inputs_of(description, root)
    plain = catalogue_of(description, command, inputs.files.root)
    _check(conninfo, plain, description, options)
    catalogue = entries.recorded(plain, description, root)
    summary = load(conninfo, inputs, options, listener, catalogue=catalogue, workers=workers)
    if options.part is None:
        try:
            with (
                translated_errors(f"cannot count orphans in schema {options.schema}"),
                connect(conninfo) as connection,
            ):
                summary.notes += orphans(connection, options.schema, catalogue, inputs)
        except SpecprodCopyError as error:
            # All is loaded; verify counts them again.
            summary.notes.append(str(error))
    return summary


def _check(
    conninfo: str, catalogue: Catalogue, description: Description, options: LoadOptions
) -> None:
    """Check what the schema has, before anything is looked for or made."""
    schema, replaced = options.schema, options.overwrite
    with (
        translated_errors(f"cannot load schema {schema}"),
        connect(conninfo) as connection,
    ):
        entries.check(connection, schema, catalogue, description, replaced=replaced)


def plan_catalogue(
    conninfo: str | None,
    description: Description,
    root: Path,
    options: LoadOptions,
    *,
    command: str = "",
    workers: Workers | None = None,
) -> tuple[Plan, list[Statement]]:
    """Find out what `load_catalogue` would do, without doing it; see `plan_load`."""
    inputs = inputs_of(description, root)
    catalogue = catalogue_of(description, command, inputs.files.root)
    if conninfo is not None:
        _check(conninfo, catalogue, description, options)
    plan, statements = plan_load(conninfo, inputs, options, catalogue, workers=workers)
    plan.notes += row_notes(catalogue)
    return plan, statements


def row_notes(catalogue: Catalogue) -> Iterator[str]:
    """Yield how large the rows of tables are."""
    for table in dict.fromkeys(source.table for source in catalogue.sources.values()):
        size = row_size(catalogue.definition.tables[table].columns)
        yield f"{table}: {size}" + (f"; {size.note}" if size.note else "")


def orphans(
    connection: psycopg.Connection, schema: str, catalogue: Catalogue, inputs: Inputs
) -> Iterator[str]:
    """Yield for each reference without a foreign key which rows have no counterpart."""
    for table, reference in catalogue.partial:
        found = find_orphans(connection, schema, table, reference)
        if found.number:
            columns = catalogue.definition.columns_of(table)
            files = _files(catalogue, inputs, table)
            yield (
                f"{table}: {found.number:,} rows refer to no row of {reference.where}: "
                f"{', '.join(reference.columns)} "
                f"{found.with_places(files, catalogue.sources, columns)}"
            )


def _files(catalogue: Catalogue, inputs: Inputs, table: str) -> Iterator[Unit]:
    """Yield the files of a table; none is looked for before the first one is wanted."""
    columns = {table: catalogue.definition.columns_of(table)}
    yield from Planner(inputs).plan(catalogue.of_table(table), columns, NothingLoaded()).files
