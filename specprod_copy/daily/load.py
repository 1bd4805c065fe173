"""Load one tile, or remove it: one transaction."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass

import polars as pl
import psycopg

from specprod_copy.daily.staging import Staging
from specprod_copy.desi.production import ProductionFiles
from specprod_copy.plan import ledger, loaded_tiles
from specprod_copy.postgres import counted, locks
from specprod_copy.postgres.foreign_code import keep_foreign_code_out
from specprod_copy.tiles.photometry import (
    find_photometry,
    photometry_rows,
)
from specprod_copy.tiles.read import TABLES, TileRows, fiberassign_file


@dataclass
class TileResult:
    """What became of a tile.

    Parameters
    ----------
    tileid : int
    rows : int
        Rows of the tile in its files.
    changed, removed : int
        Rows of the tables that are new or different, and that are gone.
    missing_petals : tuple of int
        Petals without redshifts.
    notes : tuple of str
        What was left out, and why.
    seconds : float
    """

    tileid: int
    rows: int = 0
    changed: int = 0
    removed: int = 0
    missing_petals: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()
    seconds: float = 0.0

    def __str__(self) -> str:
        petals = ", ".join(map(str, self.missing_petals))
        lost = f"; no redshifts of petals {petals}" if petals else ""
        return (
            f"{self.rows:,} rows, {self.changed:,} new or changed, {self.removed:,} removed, "
            f"{self.seconds:.1f} s{''.join([lost, *(f'; {note}' for note in self.notes)])}"
        )


def untouched(
    connection: psycopg.Connection, schema: str, tileid: int, before: loaded_tiles.Entries
) -> bool:
    """Say whether a tile is loaded, or not, as it was before, and let nobody change that.

    Waits until no other session merges a tile, and is alone in that until the transaction ends.
    Nor may anybody let the tables run functions of their own until then.
    """
    locks.merging(connection, schema)
    keep_foreign_code_out(connection, schema, [*TABLES, ledger.TABLE])
    return loaded_tiles.loading_time(connection, schema, tileid) == before.loaded.get(tileid)


def load_tile(
    staging: Staging, files: ProductionFiles, gathered: TileRows, before: loaded_tiles.Entries
) -> TileResult | None:
    """Bring a tile into its new state, or leave everything as it was.

    Returns
    -------
    TileResult or None
        None if another session has loaded or removed the tile since `before`: who has read the
        tiles file earlier must not undo what came of a later one.

    Raises
    ------
    InputError, psycopg.Error
        If a file or the server refuses.
    """
    started = time.monotonic()
    tile = gathered.tile
    result = TileResult(
        tile.tileid, missing_petals=gathered.missing_petals, notes=tuple(gathered.notes)
    )
    connection, schema = staging.connection, staging.schema
    with staging.transaction():
        staged: Counter[str] = Counter()
        for rows in gathered.rows:
            for source in {one.source.table for one in rows}:
                staged[source] += staging.stage(rows, tile.tileid)
        result.rows = staged.total()
        inputs = loaded_tiles.made_of(gathered.files, files.root)
        if not untouched(connection, schema, tile.tileid, before):
            return None
        result.changed = staging.merge("tile")
        result.removed = staging.remove()
        result.changed += staging.merge()
        result.changed += staging.choose_primary()
        result.removed += staging.remove_orphans()
        result.changed += _reassign_photometry(staging, files)
        result.seconds = time.monotonic() - started
        staged.update(dict.fromkeys(TABLES, 0))
        now = loaded_tiles.LoadedTile(tile.tileid, tile.lastnight, tile.updated, inputs, staged)
        loaded_tiles.record(connection, schema, now, result.seconds)
    return result


def remove_tile(
    staging: Staging, files: ProductionFiles, tileid: int, before: loaded_tiles.Entries
) -> TileResult | None:
    """Remove a tile: afterwards the tables are as if it had never been loaded.

    Parameters
    ----------
    staging : Staging
    files : ProductionFiles
        Have the photometry of other tiles with the same targets.
    tileid : int
    before : loaded_tiles.Entries
        What the ledger said before the files were read.

    Returns
    -------
    TileResult or None
        None as for `load_tile`.

    Raises
    ------
    InputError, psycopg.Error
        If a file or the server refuses.
    """
    started = time.monotonic()
    result = TileResult(tileid)
    connection, schema = staging.connection, staging.schema
    with staging.transaction():
        if not untouched(connection, schema, tileid, before):
            return None
        staging.stage_loaded(tileid)
        result.removed = staging.remove()
        result.changed = staging.choose_primary()
        result.removed += staging.remove_orphans()
        result.changed += _reassign_photometry(staging, files)
        loaded_tiles.forget(connection, schema, tileid)
        result.removed += counted.delete(connection, schema, "tile", "tileid = %s", (tileid,))
    result.seconds = time.monotonic() - started
    return result


def _reassign_photometry(staging: Staging, files: ProductionFiles) -> int:
    """Let other tiles decide on photometry that the staged one does not bring any more."""
    changed = 0
    for tileid, targetids in staging.new_owners().items():
        staging.stage_loaded(tileid)
        targets = pl.Series("TARGETID", targetids, dtype=pl.Int64)
        photometry = find_photometry(files, tileid, fiberassign_file(files, tileid))
        staging.stage(photometry_rows(photometry, tileid, targets))
        changed += staging.merge("photometry")
    return changed
