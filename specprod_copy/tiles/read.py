"""All rows of one tile, found and read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from specprod_copy.desi.production import ProductionFiles
from specprod_copy.errors import InputError
from specprod_copy.reader.look import Stamp
from specprod_copy.tables import fiberassign
from specprod_copy.tiles.photometry import (
    find_photometry,
    photometry_rows,
    potential_targets,
    target_rows,
)
from specprod_copy.tiles.redshifts import PETALS, redshift_files, ztile_rows
from specprod_copy.tiles.summaries import Summaries, Tile
from specprod_copy.tiles.tile_rows import SourceRows


@dataclass
class TileRows:
    """The rows of a tile, before they are sent.

    Parameters
    ----------
    tile : Tile
    rows : list of list of SourceRows
        Table by table.
    files : dict of pathlib.Path to Stamp
        Files of this tile alone, when they were opened first.
    missing_petals : tuple of int
    notes : list of str
        What looks like a file of the tile and is left out.
    """

    tile: Tile
    rows: list[Sequence[SourceRows]] = field(default_factory=list)
    files: dict[Path, Stamp] = field(default_factory=dict)
    missing_petals: tuple[int, ...] = ()
    notes: list[str] = field(default_factory=list)


def read_tile(files: ProductionFiles, summaries: Summaries, tile: Tile) -> TileRows:
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
    assigned = fiberassign_file(files, tile.tileid)
    petals = redshift_files(files, tile)
    photometry = find_photometry(files, tile.tileid, assigned)
    used = [assigned, *(path for paths in petals.values() for path in paths), *photometry.files]
    gathered = TileRows(tile, files={path: Stamp.of(path) for path in used})
    gathered.missing_petals = tuple(sorted(PETALS - petals.keys()))
    gathered.notes = files.left_out(path for path in used if path not in photometry.files)
    targets = potential_targets(assigned)
    gathered.rows = [
        *([rows] for rows in summaries.rows([tile.tileid])),
        photometry_rows(photometry, tile.tileid, targets),
        target_rows(photometry, tile, targets),
        ztile_rows(tile, list(petals.values())),
        [SourceRows(fiberassign.FIBERASSIGN, assigned)],
        [SourceRows(fiberassign.POTENTIAL, assigned)],
    ]
    return gathered


def fiberassign_file(files: ProductionFiles, tileid: int) -> Path:
    """Return the fiberassign file of a tile; raise InputError if there is none."""
    path = files.fiberassign([tileid])[tileid]
    if path is None:
        folder = files.root / "target" / "fiberassign" / "tiles"
        raise InputError(f"no fiberassign file of tile {tileid} below", path=folder)
    return path
