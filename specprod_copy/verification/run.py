"""Read the files again and compare them with the database."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np
import polars as pl
import psycopg

from specprod_copy.errors import InputError
from specprod_copy.executors.executor import Executor, Inline, Workers, in_order
from specprod_copy.executors.workers import processes
from specprod_copy.plan import ledger, ledger_format
from specprod_copy.plan.limits import Limits
from specprod_copy.plan.looks import Looks, open_looks
from specprod_copy.plan.planning import Planner
from specprod_copy.plan.production_catalogue import production_layout
from specprod_copy.postgres.catalog import require_schema
from specprod_copy.postgres.connection import connect, translated_errors
from specprod_copy.postgres.waits import watched
from specprod_copy.progress import ProgressListener
from specprod_copy.tables import V1, Catalogue, Inputs, specprod_catalogue
from specprod_copy.verification import tile_checks, value_checks
from specprod_copy.verification.compare import Differences, compare
from specprod_copy.verification.database_side import TableScan, export_snapshot, reading
from specprod_copy.verification.derived_checks import check_derived
from specprod_copy.verification.file_side import FileScan
from specprod_copy.verification.fingerprint import PARTS, Tally
from specprod_copy.verification.ledger_checks import check_files, check_total
from specprod_copy.verification.options import VerifyOptions
from specprod_copy.verification.planning import (
    Scope,
    TablePlan,
    inputs_with_tiles,
    look_at_schema,
    plan_tables,
    tables_of,
)
from specprod_copy.verification.quarantine import check_quarantine
from specprod_copy.verification.recorded import absent_tables
from specprod_copy.verification.results import Result
from specprod_copy.verification.sample import check_sample
from specprod_copy.verification.server_checks import (
    check_finish,
    check_foreign_keys,
    check_primary_key,
    count_without_counterpart,
)
from specprod_copy.verification.work import (
    Differing,
    Piece,
    Reader,
    TableWork,
    VerifyContext,
    collect_file_piece,
    collect_page_piece,
    scan_file_piece,
    scan_page_piece,
)

P = TypeVar("P")
T = TypeVar("T")

COMPARED_ROWS, COMPARED_BYTES = 200_000, 1 << 25
"""About so many rows of a table, and bytes of them, are compared one by one when fingerprints
differ."""


def verify(  # noqa: PLR0913 - what is seldom given is given by keyword
    conninfo: str,
    inputs: Inputs,
    options: VerifyOptions,
    listener: ProgressListener | None = None,
    *,
    catalogue: Catalogue | None = None,
    workers: Workers | None = None,
    looks: Looks | None = None,
    check: Callable[[psycopg.Connection], None] | None = None,
) -> list[Result]:
    """Read the files of a production again and compare them with the database.

    Nothing is written. The database is seen as it is at one moment, whoever works on it meanwhile.

    Parameters
    ----------
    conninfo : str
        For libpq.
    inputs : Inputs
        The production's files.
    options : VerifyOptions
    listener : ProgressListener, optional
        Receives progress events.
    catalogue : Catalogue, optional
        The tables and their sources; those of a production without it.
    workers : Workers, optional
        Who reads, instead of processes of this machine. They have to reach files and server.
    looks : Looks, optional
        What has been seen of the files already.
    check : callable, optional
        Is called with the view of the database that is verified.

    Returns
    -------
    list of Result
        Table by table.

    Raises
    ------
    SpecprodCopyError
        If the options or the server are not as they must be, or this program has not loaded the
        schema. What is wrong with files and tables is in the results.
    """
    schema, listener = options.schema, listener or ProgressListener()
    layout = None if catalogue else production_layout(inputs)
    catalogue = catalogue or specprod_catalogue(layout or V1)
    catalogue.select(options.stages)
    with (
        translated_errors(f"cannot verify schema {schema}"),
        watched(conninfo, listener) as conninfo,
    ):
        with connect(conninfo) as connection:
            if not ledger_format.require(connection, catalogue.definition, schema):
                require_schema(connection, schema)
                raise ledger_format.no_ledger(schema)
            look = partial(look_at_schema, schema=schema, inputs=inputs, layout=layout)
            found, by_tiles, catalogue = look(connection, catalogue)
            existing = {*found.tables}
            tables = tables_of(catalogue, options.stages, inputs, by_tiles)
            absent = [table for table in tables if table not in existing]
            results = absent_tables(connection, schema, catalogue, absent)
        present = [table for table in tables if table in existing]
        locked = [(schema, table) for table in (*present, ledger.TABLE)]
        with ExitStack() as stack, reading(conninfo, locked) as connection:
            if workers is None and options.jobs > 1:
                workers = stack.enter_context(processes(options.jobs))
            try:
                looks = looks or stack.enter_context(open_looks(catalogue.keywords, workers))
                # Tables may have been replaced before they were locked.
                found, by_tiles, catalogue = look(connection, catalogue)
                if check is not None:
                    check(connection)
                inputs = inputs_with_tiles(
                    catalogue, inputs, options.stages, connection, found, looks
                )
                planner = Planner(inputs, options.limits, looks)
                scope = Scope(options, present, by_tiles)
                plans = plan_tables(catalogue, connection, planner, found, scope)
                context = VerifyContext(
                    conninfo,
                    export_snapshot(connection),
                    {plan.job.table: plan.job for plan in plans},
                    inputs,
                )
                reader = stack.enter_context(context.opened(listener.advance))
                here = Inline(reader)
                many = stack.enter_context(workers.sharing(context)) if workers else here
                others = set(catalogue.definition.tables).difference(present)
                elsewhere = others if options.alone else set[str]()
                run = _Verification(
                    connection, reader, existing, elsewhere, here, many, listener, options.limits
                )
                results += run.run(plans)
            finally:
                listener.end()
    return results


@dataclass(frozen=True)
class _Verification:
    """One verification: its steps, and what they share."""

    connection: psycopg.Connection
    reader: Reader
    existing: set[str]
    """All tables of the schema."""
    elsewhere: set[str]
    """Tables that are not in the schema, and need not be."""
    here: Executor[Reader]
    many: Executor[Reader]
    """What reads few rows and many."""
    listener: ProgressListener
    limits: Limits

    def run(self, plans: list[TablePlan]) -> Iterator[Result]:
        """Verify tables."""
        yield from self._look_at_tiles([plan for plan in plans if plan.tiles.loaded])
        works = [TableWork.of(plan, self.connection, self.limits) for plan in plans]
        self.listener.begin(sum(work.rows for work in works), sum(work.size for work in works))
        for work in works:
            yield from self._check_table(work)

    def _look_at_tiles(self, plans: Sequence[TablePlan]) -> Iterator[Result]:
        """Find out what tables should be made of that were loaded tile by tile."""
        if not plans:
            return
        try:
            tiles = self.reader.summaries.tiles
        except InputError as error:
            for plan in plans:
                plan.unplanned[ledger.TILES] = str(error)
            return
        loaded = plans[0].tiles.loaded
        with self.listener.step("tiles: files"):
            states = tile_checks.tile_states(tiles, loaded, self.many)
        for plan in plans:
            if plan.job.has_tileid or "target" in self.existing:
                tile_checks.set_slices(plan, tiles, states)
            else:
                reason = "which tile a row is of is in table target, which does not exist"
                plan.unplanned[ledger.TILES] = reason
        yield from tile_checks.check_tiles(states, loaded)

    def _each(
        self, function: Callable[[Reader, Piece[P]], T], pieces: Sequence[Piece[P]]
    ) -> Iterator[tuple[Piece[P], T]]:
        """Yield what becomes of pieces, in order; of few rows it is quicker to do all here."""
        few = len(pieces) < 2 or sum(piece.rows for piece in pieces) <= self.limits.quick_rows
        return in_order(self.here if few else self.many, function, pieces)

    def _check_table(self, work: TableWork) -> Iterator[Result]:
        plan, job = work.plan, work.plan.job
        files = FileScan.of_nothing(job)
        for in_files in self._done(scan_file_piece, work.on_files()):
            files.add(in_files, job)
        work = work.without_tiles(tile_checks.unreadable(plan, files))
        table = TableScan.of_nothing(job)
        for in_pages in self._done(scan_page_piece, work.on_pages()):
            table.add(in_pages)
        yield plan.columns
        yield from check_files(plan, files, self.reader.inputs.files.root)
        if plan.tiles.loaded:
            yield from tile_checks.check_slices(plan, files)
        else:
            yield check_total(plan, table.tally.rows)
        if plan.unplanned or (files.errors and not plan.tiles.loaded):
            for name in ("rows", "values", "not-finite"):
                yield Result(False, name, job.table, "not compared: files cannot be read")
        else:
            found = self._differences(work, files.tally, table.tally)
            yield value_checks.check_rows(job, files.tally, table.tally, found)
            yield from value_checks.check_values(job, files.tally, table.tally, found)
            yield value_checks.check_not_finite(job, files.tally, table.tally)
        yield value_checks.check_nulls(job, files.tally, table.tally)
        yield from value_checks.check_ids(job, table)
        if plan.derived:
            with self.listener.step(f"{job.table}: rules"):
                yield from check_derived(self.connection, job, plan.derived, plan.found.columns)
        with self.listener.step(f"{job.table}: keys"):
            yield check_primary_key(self.connection, job)
            yield from check_foreign_keys(
                self.connection, job, plan.defined, self.existing, self.elsewhere
            )
            yield from count_without_counterpart(
                self.connection, job, plan.partial, self.existing, plan.files
            )
            yield check_quarantine(self.connection, plan)
            yield check_finish(
                self.connection, plan.defined, plan.found, plan.waiting, self.elsewhere
            )
            yield check_sample(self.connection, job, files.sample)

    def _done(
        self, function: Callable[[Reader, Piece[P]], T], pieces: Sequence[Piece[P]]
    ) -> Iterator[T]:
        for piece, result in self._each(function, pieces):
            self.listener.advance(piece.table, piece.rows, piece.size)
            yield result

    def _differences(self, work: TableWork, files: Tally, table: Tally) -> Differences:
        """Read once more the parts with other fingerprints, and compare row by row."""
        numbers = np.flatnonzero(files.parts != table.parts)
        if not len(numbers):
            return Differences()
        rows_per_part = max(files.rows / PARTS, table.rows / PARTS, 1)
        row_bytes = max(work.size / max(work.rows, 1), 1)
        most = max(int(min(COMPARED_ROWS, COMPARED_BYTES / row_bytes) / rows_per_part), 1)
        complete = len(numbers) <= most
        parts = np.zeros(PARTS, dtype=bool)
        parts[numbers[:most]] = True
        job = work.plan.job
        columns = frozenset(job.names)
        if value_checks.same_rows(job, files, table):
            columns = frozenset(value_checks.differing_columns(job, files, table))
        differing = Differing(parts, columns)
        with self.listener.step(f"{job.table}: comparing rows"):
            of_files = self._each(collect_file_piece, work.on_files(differing))
            of_table = self._each(collect_page_piece, work.on_pages(differing))
            return compare(
                job.narrowed(columns),
                pl.concat(frame for _, frame in of_files),
                pl.concat(frame for _, frame in of_table),
                complete=complete,
            )
