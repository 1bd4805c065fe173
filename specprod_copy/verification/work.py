"""The work on tables, in pieces that this process does, or several."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Generic, Self, TypeVar

import numpy as np
import polars as pl
import psycopg

from specprod_copy.executors.contexts import Report
from specprod_copy.plan.batches import make_batches
from specprod_copy.plan.limits import Limits
from specprod_copy.rows.units import Unit
from specprod_copy.verification.database_side import (
    Pages,
    TableScan,
    collect_pages,
    joining,
    page_ranges,
    scan_pages,
)
from specprod_copy.verification.file_side import FileScan, collect_files, scan_files
from specprod_copy.verification.job import TableJob
from specprod_copy.verification.planning import TablePlan

P = TypeVar("P")


@dataclass(frozen=True)
class VerifyContext:
    """What all pieces of a verification share."""

    conninfo: str
    snapshot: str
    """View of the database; see `joining`."""
    jobs: Mapping[str, TableJob]
    """Table to what is asked about it."""

    @contextmanager
    def opened(self, report: Report) -> Iterator[Reader]:
        """Yield what reads both sides."""
        with ExitStack() as stack:
            yield Reader(self, stack)


class Reader:
    """What a worker reads both sides with."""

    def __init__(self, context: VerifyContext, stack: ExitStack) -> None:
        self.jobs = context.jobs
        self._context, self._stack = context, stack

    @cached_property
    def connection(self) -> psycopg.Connection:
        """A connection with the view of the database, made when it is first asked for."""
        context = self._context
        return self._stack.enter_context(joining(context.conninfo, context.snapshot))


@dataclass(frozen=True)
class Differing:
    """What is to be compared row by row."""

    parts: np.ndarray
    """Which parts of the table; bool, shape (fingerprint.PARTS,)."""
    columns: frozenset[str]
    """Which columns, beside the key."""


@dataclass(frozen=True)
class Piece(Generic[P]):
    """A piece of work on a table: a batch of file units, or a range of pages."""

    table: str
    what: P
    rows: int
    size: int
    """Bytes."""
    differing: Differing | None = None


def scan_file_piece(reader: Reader, piece: Piece[Sequence[Unit]]) -> FileScan:
    """Count rows of files; see `scan_files`."""
    return scan_files(reader.jobs[piece.table], piece.what)


def scan_page_piece(reader: Reader, piece: Piece[Pages]) -> TableScan:
    """Count rows of the table; see `scan_pages`."""
    return scan_pages(reader.connection, reader.jobs[piece.table], piece.what)


def collect_file_piece(reader: Reader, piece: Piece[Sequence[Unit]]) -> pl.DataFrame:
    """Return rows of files; see `collect_files`."""
    job, parts = _narrowed(reader, piece)
    return collect_files(job, parts, piece.what)


def collect_page_piece(reader: Reader, piece: Piece[Pages]) -> pl.DataFrame:
    """Return rows of the table; see `collect_pages`."""
    job, parts = _narrowed(reader, piece)
    return collect_pages(reader.connection, job, parts, piece.what)


def _narrowed(reader: Reader, piece: Piece[P]) -> tuple[TableJob, np.ndarray]:
    assert piece.differing is not None
    job = reader.jobs[piece.table].narrowed(piece.differing.columns)
    return job, piece.differing.parts


@dataclass(frozen=True)
class TableWork:
    """A table's work in pieces."""

    plan: TablePlan
    batches: list[list[Unit]]
    ranges: list[Pages]

    @classmethod
    def of(cls, plan: TablePlan, connection: psycopg.Connection, limits: Limits) -> Self:
        """Cut the work of verifying a table."""
        ranges = page_ranges(connection, plan.job.schema, plan.job.table, limits.range_pages)
        return cls(plan, [*make_batches(plan.units, limits=limits)], ranges)

    @property
    def rows(self) -> int:
        """Rows to read, on both sides."""
        units, entries = self.plan.units, self.plan.entries.values()
        return sum(unit.n_rows for unit in units) + sum(entry.kept for entry in entries)

    @property
    def size(self) -> int:
        """Bytes to read, on both sides."""
        units, entries = self.plan.units, self.plan.entries.values()
        return sum(u.n_rows * u.row_bytes for u in units) + sum(entry.sent for entry in entries)

    def on_files(self, differing: Differing | None = None) -> list[Piece[Sequence[Unit]]]:
        """Return all units in pieces."""
        return [
            Piece(
                self.plan.job.table,
                batch,
                sum(unit.n_rows for unit in batch),
                sum(unit.n_rows * unit.row_bytes for unit in batch),
                differing,
            )
            for batch in self.batches
        ]

    def on_pages(self, differing: Differing | None = None) -> list[Piece[Pages]]:
        """Return all pages in pieces; how much it is, is the ledger's guess."""
        entries, share = self.plan.entries.values(), len(self.ranges)
        rows, size = sum(e.kept for e in entries) // share, sum(e.sent for e in entries) // share
        table = self.plan.job.table
        return [Piece(table, pages, rows, size, differing) for pages in self.ranges]
