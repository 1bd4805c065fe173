"""All rows of one tile, found and read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final

import polars as pl

from specprod_copy.desi.production import ProductionFiles
from specprod_copy.errors import InputError
from specprod_copy.reader.look import Stamp
from specprod_copy.tables import fiberassign
from specprod_copy.tiles.photometry import (
    Photometry,
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


@dataclass(frozen=True)
class TileFiles:
    """The files of a tile, each found when rows of it are wanted, and its rows table by table.

    Raises
    ------
    InputError
        By all properties and methods: if a file is missing or damaged.
    """

    files: ProductionFiles
    summaries: Summaries
    tile: Tile

    @cached_property
    def assigned(self) -> Path:
        """The fiberassign file."""
        return fiberassign_file(self.files, self.tile.tileid)

    @cached_property
    def petals(self) -> dict[int, tuple[Path, ...]]:
        """The files with redshifts; see `redshift_files`."""
        return redshift_files(self.files, self.tile)

    @cached_property
    def photometry(self) -> Photometry:
        """Where the photometry of its targets is."""
        return find_photometry(self.files, self.tile.tileid, self.assigned)

    @cached_property
    def targets(self) -> pl.Series:
        """TARGETIDs that its fibers can reach, each one once; Int64."""
        return potential_targets(self.assigned)

    def stamps(self) -> dict[Path, Stamp]:
        """Return the files of this tile alone, as they are now."""
        petals = [path for paths in self.petals.values() for path in paths]
        return {path: Stamp.of(path) for path in (self.assigned, *petals, *self.photometry.files)}

    def rows(self, table: str) -> Sequence[SourceRows]:
        """Return the rows for one of `TABLES`, all of them."""
        return _ROWS[table](self)

    def photometry_of(self, targets: pl.Series) -> Sequence[SourceRows]:
        """Return the photometry of some of its targets."""
        return photometry_rows(self.photometry, self.tile.tileid, targets)

    def _summary_rows(self, table: str) -> Sequence[SourceRows]:
        rows = self.summaries.rows([self.tile.tileid])
        return [one for one in rows if one.source.table == table]


_ROWS: Final[Mapping[str, Callable[[TileFiles], Sequence[SourceRows]]]] = {
    "tile": lambda tile: tile._summary_rows("tile"),
    "exposure": lambda tile: tile._summary_rows("exposure"),
    "frame": lambda tile: tile._summary_rows("frame"),
    "photometry": lambda tile: tile.photometry_of(tile.targets),
    "target": lambda tile: target_rows(tile.photometry, tile.tile, tile.targets),
    "ztile": lambda tile: ztile_rows(tile.tile, list(tile.petals.values())),
    "fiberassign": lambda tile: [SourceRows(fiberassign.FIBERASSIGN, tile.assigned)],
    "potential": lambda tile: [SourceRows(fiberassign.POTENTIAL, tile.assigned)],
}

TABLES: Final = frozenset(_ROWS)
"""The tables that a tile has rows in."""


def read_tile(files: ProductionFiles, summaries: Summaries, tile: Tile) -> TileRows:
    """Find and read what a tile's rows are made of.

    Raises
    ------
    InputError
        If a file is missing or damaged.
    """
    found = TileFiles(files, summaries, tile)
    petals, photometry = found.petals, found.photometry
    used = [found.assigned, *(path for paths in petals.values() for path in paths)]
    gathered = TileRows(tile, files=found.stamps())
    gathered.missing_petals = tuple(sorted(PETALS - petals.keys()))
    gathered.notes = files.left_out(used) + files.left_out(photometry.files, lists=False)
    gathered.rows = [found.rows(table) for table in _ROWS]
    return gathered


def fiberassign_file(files: ProductionFiles, tileid: int) -> Path:
    """Return the fiberassign file of a tile; raise InputError if there is none."""
    path = files.fiberassign([tileid])[tileid]
    if path is None:
        folder = files.root / "target" / "fiberassign" / "tiles"
        raise InputError(f"no fiberassign file of tile {tileid} below", path=folder)
    return path
