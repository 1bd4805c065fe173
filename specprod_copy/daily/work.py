"""Tiles, one after the other, by several workers: what each of them knows, has, and does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from specprod_copy.daily.load import TileResult, load_tile, remove_tile
from specprod_copy.daily.staging import Staging
from specprod_copy.desi.production import ProductionFiles
from specprod_copy.errors import SpecprodCopyError
from specprod_copy.executors.contexts import Report
from specprod_copy.plan.loaded_tiles import Entries
from specprod_copy.postgres.connection import connect, translated_errors
from specprod_copy.postgres.schema import Schema
from specprod_copy.tiles.read import read_tile
from specprod_copy.tiles.summaries import Summaries


@dataclass(frozen=True)
class TileContext:
    """What the work on all tiles shares."""

    conninfo: str
    schema: str
    defined: Schema
    files: ProductionFiles
    summaries: Summaries
    before: Entries

    @contextmanager
    def opened(self, say: Report) -> Iterator[TileWorker]:
        """Connect, for all tiles of a worker."""
        with closing(connect(self.conninfo)) as connection:
            yield TileWorker(Staging(connection, self.schema, self.defined), self, say)


@dataclass(frozen=True)
class TileWorker:
    """What a worker has."""

    staging: Staging
    context: TileContext
    say: Report


def load_one(worker: TileWorker, tileid: int) -> TileResult | str | None:
    """Load a tile; return what became of it, or why it is as it was before.

    Returns None if another session was at work on it meanwhile.
    """
    files, summaries = worker.context.files, worker.context.summaries

    def work() -> TileResult | None:
        rows = read_tile(files, summaries, summaries.tiles[tileid])
        return load_tile(worker.staging, files, rows, worker.context.before)

    return _attempted(worker, tileid, work)


def remove_one(worker: TileWorker, tileid: int) -> TileResult | str | None:
    """Remove a tile; return as `load_one` does."""
    files, before = worker.context.files, worker.context.before
    return _attempted(worker, tileid, lambda: remove_tile(worker.staging, files, tileid, before))


def _attempted(
    worker: TileWorker, tileid: int, work: Callable[[], TileResult | None]
) -> TileResult | str | None:
    try:
        with translated_errors(f"cannot load tile {tileid}"):
            result = work()
    except SpecprodCopyError as error:
        if worker.staging.connection.closed:
            raise
        return str(error)
    if result is not None:
        worker.say(f"tile {tileid}: {result}")
    return result
