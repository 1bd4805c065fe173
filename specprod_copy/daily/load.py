"""Load one tile, or remove it: one transaction."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from specprod_copy import counted, locks
from specprod_copy.daily import state
from specprod_copy.daily.photometry import (
    find_photometry,
    photometry_rows,
    potential_targets,
    target_rows,
)
from specprod_copy.daily.redshifts import PETALS, redshift_files, ztile_rows
from specprod_copy.daily.rows import Rows
from specprod_copy.daily.staging import Staging
from specprod_copy.daily.tiles import Summaries, Tile
from specprod_copy.errors import InputError
from specprod_copy.production import ProductionFiles
from specprod_copy.tables import fiberassign
from specprod_copy.units import Stamp

MERGED = ("exposure", "frame", "photometry", "target", "ztile", "fiberassign", "potential")
"""Tables that get rows of a tile after its own row, in an order that foreign keys allow."""


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
    seconds : float
    """

    tileid: int
    rows: int = 0
    changed: int = 0
    removed: int = 0
    missing_petals: tuple[int, ...] = ()
    seconds: float = 0.0

    def __str__(self) -> str:
        petals = ", ".join(map(str, self.missing_petals))
        lost = f"; no redshifts of petals {petals}" if petals else ""
        return (
            f"{self.rows:,} rows, {self.changed:,} new or changed, {self.removed:,} removed, "
            f"{self.seconds:.1f} s{lost}"
        )


@dataclass
class Gathered:
    """The rows of a tile, before they are sent.

    Parameters
    ----------
    tile : Tile
    rows : list of list of Rows
        Table by table.
    files : dict of pathlib.Path to Stamp
        Files of this tile alone, when they were opened first.
    missing_petals : tuple of int
    """

    tile: Tile
    rows: list[Sequence[Rows]] = field(default_factory=list)
    files: dict[Path, Stamp] = field(default_factory=dict)
    missing_petals: tuple[int, ...] = ()


def gather(files: ProductionFiles, summaries: Summaries, tile: Tile) -> Gathered:
    """Find and read what a tile's rows are made of.

    Parameters
    ----------
    files : ProductionFiles
    summaries : Summaries
    tile : Tile

    Raises
    ------
    InputError
        If a file is missing or damaged.
    """
    assigned = _fiberassign_file(files, tile.tileid)
    petals = redshift_files(files, tile)
    photometry = find_photometry(files, tile.tileid, assigned)
    used = [assigned, *(path for paths in petals.values() for path in paths), *photometry.files]
    gathered = Gathered(tile, files={path: Stamp.of(path) for path in used})
    gathered.missing_petals = tuple(sorted(PETALS - petals.keys()))
    targets = potential_targets(assigned)
    gathered.rows = [
        *([rows] for rows in summaries.rows([tile.tileid])),
        photometry_rows(photometry, tile.tileid, targets),
        target_rows(photometry, tile, targets),
        ztile_rows(tile, list(petals.values())),
        [Rows(fiberassign.FIBERASSIGN, assigned)],
        [Rows(fiberassign.POTENTIAL, assigned)],
    ]
    return gathered


def _fiberassign_file(files: ProductionFiles, tileid: int) -> Path:
    path = files.fiberassign([tileid])[tileid]
    if path is None:
        folder = files.root / "target" / "fiberassign" / "tiles"
        raise InputError(f"no fiberassign file of tile {tileid} below", path=folder)
    return path


def load_tile(staging: Staging, files: ProductionFiles, gathered: Gathered) -> TileResult:
    """Bring a tile into its new state, or leave everything as it was.

    Parameters
    ----------
    staging : Staging
    files : ProductionFiles
    gathered : Gathered

    Raises
    ------
    InputError, psycopg.Error
        If a file or the server refuses.
    """
    started = time.monotonic()
    tile = gathered.tile
    result = TileResult(tile.tileid, missing_petals=gathered.missing_petals)
    connection, schema = staging.connection, staging.schema
    with connection.transaction():
        for rows in gathered.rows:
            result.rows += staging.stage(rows, tile.tileid)
        for path, stamp in gathered.files.items():
            if Stamp.of(path) != stamp:
                raise InputError(
                    "the file changed while it was loaded; run the command again", path=path
                )
        locks.merging(connection, schema)
        changed = staging.upsert("tile")
        result.removed = staging.remove()
        changed |= staging.upsert(*MERGED)
        result.changed = sum(changed.values())
        result.changed += staging.choose_primary()
        result.removed += staging.remove_orphans()
        result.changed += _hand_on(staging, files)
        result.seconds = time.monotonic() - started
        sizes = state.sizes(gathered.files, files.root)
        now = state.Loaded(tile.tileid, tile.lastnight, tile.updated, sizes)
        state.record(connection, schema, now, result.seconds)
    return result


def remove_tile(staging: Staging, files: ProductionFiles, tileid: int) -> TileResult:
    """Remove a tile: afterwards the tables are as if it had never been loaded.

    Parameters
    ----------
    staging : Staging
    files : ProductionFiles
        Have the photometry of other tiles with the same targets.
    tileid : int

    Raises
    ------
    InputError, psycopg.Error
        If a file or the server refuses.
    """
    started = time.monotonic()
    result = TileResult(tileid)
    connection, schema = staging.connection, staging.schema
    with connection.transaction():
        locks.merging(connection, schema)
        staging.stage_loaded(tileid)
        result.removed = staging.remove()
        result.changed = staging.choose_primary()
        result.removed += staging.remove_orphans()
        result.changed += _hand_on(staging, files)
        state.forget(connection, schema, tileid)
        result.removed += counted.delete(connection, schema, "tile", "tileid = %s", (tileid,))
    result.seconds = time.monotonic() - started
    return result


def _hand_on(staging: Staging, files: ProductionFiles) -> int:
    """Let other tiles decide on photometry that the staged one does not bring any more."""
    changed = 0
    for tileid, targetids in staging.heirs().items():
        staging.stage_loaded(tileid)
        targets = pl.Series("TARGETID", targetids, dtype=pl.Int64)
        photometry = find_photometry(files, tileid, _fiberassign_file(files, tileid))
        staging.stage(photometry_rows(photometry, tileid, targets))
        changed += sum(staging.upsert("photometry").values())
    return changed
