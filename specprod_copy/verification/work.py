"""The work on tables, in pieces that this process does, or several."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Generic, Self, TypeVar

import numpy as np
import polars as pl
import psycopg

from specprod_copy.executors.contexts import Report
from specprod_copy.plan.batches import make_batches
from specprod_copy.plan.limits import Limits
from specprod_copy.plan.loaded_tiles import LoadedTile
from specprod_copy.plan.tile_states import TileState, look_at_tile
from specprod_copy.tables import Inputs
from specprod_copy.tiles.summaries import Summaries, Tile
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
from specprod_copy.verification.slices import Slice

P = TypeVar("P")


@dataclass(frozen=True)
class VerifyContext:
    """What all pieces of a verification share."""

    conninfo: str
    snapshot: str
    """View of the database; see `joining`."""
    jobs: Mapping[str, TableJob]
    """Table to what is asked about it."""
    inputs: Inputs

    @contextmanager
    def opened(self, report: Report) -> Iterator[Reader]:
        """Yield what reads both sides."""
        with ExitStack() as stack:
            yield Reader(self, stack)


class Reader:
    """What a worker reads both sides with."""

    def __init__(self, context: VerifyContext, stack: ExitStack) -> None:
        self.jobs, self.inputs = context.jobs, context.inputs
        self._context, self._stack = context, stack

    @cached_property
    def connection(self) -> psycopg.Connection:
        """A connection with the view of the database, made when it is first asked for."""
        context = self._context
        return self._stack.enter_context(joining(context.conninfo, context.snapshot))

    @cached_property
    def summaries(self) -> Summaries:
        """The tiles file and the exposures file, read when rows of tiles are first asked for."""
        return Summaries.read(self.inputs)


@dataclass(frozen=True)
class Differing:
    """What is to be compared row by row."""

    parts: np.ndarray
    """Which parts of the table; bool, shape (fingerprint.PARTS,)."""
    columns: frozenset[str]
    """Which columns, beside the key."""


@dataclass(frozen=True)
class Piece(Generic[P]):
    """A piece of work on a table: a batch of slices of files, or a range of pages."""

    table: str
    what: P
    rows: int
    size: int
    """Bytes."""
    differing: Differing | None = None


def scan_file_piece(reader: Reader, piece: Piece[Sequence[Slice]]) -> FileScan:
    """Count rows of files; see `scan_files`."""
    return scan_files(reader.jobs[piece.table], piece.what, reader)


def scan_page_piece(reader: Reader, piece: Piece[Pages]) -> TableScan:
    """Count rows of the table; see `scan_pages`."""
    return scan_pages(reader.connection, reader.jobs[piece.table], piece.what)


def collect_file_piece(reader: Reader, piece: Piece[Sequence[Slice]]) -> pl.DataFrame:
    """Return rows of files; see `collect_files`."""
    job, parts = _narrowed(reader, piece)
    return collect_files(job, parts, piece.what, reader)


def collect_page_piece(reader: Reader, piece: Piece[Pages]) -> pl.DataFrame:
    """Return rows of the table; see `collect_pages`."""
    job, parts = _narrowed(reader, piece)
    return collect_pages(reader.connection, job, parts, piece.what)


def _narrowed(reader: Reader, piece: Piece[P]) -> tuple[TableJob, np.ndarray]:
    assert piece.differing is not None
    job = reader.jobs[piece.table].narrowed(piece.differing.columns)
    return job, piece.differing.parts


def look_at(reader: Reader, tile: tuple[Tile, LoadedTile | None]) -> TileState:
    """Say what became of the files of a tile since it was loaded, by all that is in them."""
    return look_at_tile(reader.inputs.files, *tile, check_content=True)


@dataclass(frozen=True)
class TableWork:
    """A table's work in pieces."""

    plan: TablePlan
    slices: Sequence[Slice]
    ranges: Sequence[Pages]
    limits: Limits

    @classmethod
    def of(cls, plan: TablePlan, connection: psycopg.Connection, limits: Limits) -> Self:
        """Cut the work of verifying a table."""
        ranges = page_ranges(connection, plan.job.schema, plan.job.table, limits.range_pages)
        return cls(plan, plan.slices, ranges, limits).without_tiles(plan.tiles.left_out)

    def without_tiles(self, tileids: Collection[int]) -> Self:
        """Return the work without the rows of some tiles, on both sides."""
        left_out = {*tileids}.union(*(pages.without for pages in self.ranges))
        slices = [one for one in self.slices if one.tileid not in left_out]
        ranges = [replace(pages, without=tuple(sorted(left_out))) for pages in self.ranges]
        return replace(self, slices=slices, ranges=ranges)

    @property
    def rows(self) -> int:
        """Rows to read, on both sides."""
        return sum(one.n_rows for one in self.slices) + self.plan.recorded_rows

    @property
    def size(self) -> int:
        """Bytes to read, on both sides."""
        return sum(one.n_rows * one.row_bytes for one in self.slices) + self.plan.recorded_bytes

    def on_files(self, differing: Differing | None = None) -> list[Piece[Sequence[Slice]]]:
        """Return all slices in pieces."""
        return [
            Piece(
                self.plan.job.table,
                batch,
                sum(one.n_rows for one in batch),
                sum(one.n_rows * one.row_bytes for one in batch),
                differing,
            )
            for batch in make_batches(self.slices, limits=self.limits)
        ]

    def on_pages(self, differing: Differing | None = None) -> list[Piece[Pages]]:
        """Return all pages in pieces; how much it is, is the ledger's guess."""
        share, table = len(self.ranges), self.plan.job.table
        rows, size = self.plan.recorded_rows // share, self.plan.recorded_bytes // share
        return [Piece(table, pages, rows, size, differing) for pages in self.ranges]
