"""Rows of the tables ``photometry`` and ``target`` for one tile, from the lsdr9-photometry files.

A production whose photometry is ``computed`` has two files per tile; others have files for all
tiles, of which the tile's rows are picked. Where a tile has no files, `gathering` may help.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from specprod_copy.desi.members import plain_or_gzipped
from specprod_copy.desi.production import ProductionFiles
from specprod_copy.errors import InputError
from specprod_copy.tables import TableSource, common, photometry, target
from specprod_copy.tiles import gathering
from specprod_copy.tiles.summaries import Tile
from specprod_copy.tiles.tile_rows import (
    Origin,
    SourceRows,
    columns_of,
    path_of,
    read_into_memory,
    with_constants,
)

TARGETS = "TARGETS"
"""HDU of a fiberassign file with the potential targets of the tile."""


def potential_targets(fiberassign: Path) -> pl.Series:
    """Return the TARGETIDs that fibers of a tile can reach, without blank sky.

    Parameters
    ----------
    fiberassign : pathlib.Path
        The tile's fiberassign file.

    Raises
    ------
    InputError
        If it is damaged or does not have them.
    """
    names = ("TARGETID",)
    targets = columns_of(read_into_memory(fiberassign, (TARGETS,), names, whole=names), *names)
    return targets.filter(common.NO_SKY)["TARGETID"].unique(maintain_order=True)


@dataclass(frozen=True)
class Photometry:
    """Where the photometry of a tile's targets is.

    Parameters
    ----------
    tractor, targeting : sequence of pathlib.Path or MemoryTable
        Tables as TRACTORPHOT and as TARGETPHOT.
    files : tuple of pathlib.Path
        Files of this tile alone.
    """

    tractor: Sequence[Origin]
    targeting: Sequence[Origin]
    files: tuple[Path, ...] = ()


def find_photometry(files: ProductionFiles, tileid: int, assigned: Path) -> Photometry:
    """Find the photometry of a tile: files of the tile or of the production, else gather it.

    Parameters
    ----------
    files : ProductionFiles
    tileid : int
    assigned : pathlib.Path
        The tile's fiberassign file.

    Raises
    ------
    InputError
        If there is none, and it cannot be gathered.
    """
    if files.production.photometry == "zcatalog":
        raise InputError(
            f"production {files.production.name} has its photometry in redshift catalogs "
            '(photometry = "zcatalog" in its configuration), which single tiles are not loaded '
            'from: they need a version of lsdr9-photometry there, or "computed"',
            path=assigned,
        )
    if files.production.photometry != "computed":
        return Photometry(files.tractorphot(), files.targetphot())
    folder = files.photometry_folder
    wanted = (
        folder / "tractorphot" / f"tractorphot-{tileid}.fits",
        folder / f"targetphot-potential-{tileid}.fits",
    )
    tractor, targeting = (plain_or_gzipped(path) for path in wanted)
    if tractor is not None and targeting is not None:
        return Photometry([tractor], [targeting], (tractor, targeting))
    if tractor is None and targeting is None and gathering.can_gather():
        made = gathering.gather(files, tileid, assigned)
        return Photometry([made[0]], [made[1]])
    lost = wanted[0] if tractor is None else wanted[1]
    raise InputError(
        f"tile {tileid} has no such file of photometry; with both of its files missing it can be "
        "gathered, if desispec is installed (pip install 'specprod-copy[daily]')",
        path=lost,
    )


def photometry_rows(found: Photometry, tileid: int, targets: pl.Series) -> list[SourceRows]:
    """Return photometry of some targets of a tile: by Tractor, else that of the targeting.

    Parameters
    ----------
    found : Photometry
    tileid : int
    targets : polars.Series
        TARGETIDs, each one once.

    Raises
    ------
    InputError
        If a file is damaged, or there is a target without photometry.
    """
    rows, rest = _pick(photometry.TRACTORPHOT, found.tractor, targets, None)
    more, rest = _pick(photometry.TARGETPHOT, found.targeting, rest, tileid)
    _check_found(rest, targets, tileid, found.targeting)
    return rows + more


def target_rows(found: Photometry, tile: Tile, targets: pl.Series) -> list[SourceRows]:
    """Return rows for table target; parameters and errors as for `photometry_rows`."""
    constants = {"SURVEY": tile.survey, "PROGRAM": tile.program}
    origins = [
        origin if isinstance(origin, Path) else with_constants(origin, constants)
        for origin in found.targeting
    ]
    rows, rest = _pick(target.SOURCE, origins, targets, tile.tileid)
    _check_found(rest, targets, tile.tileid, origins)
    return rows


def _pick(
    source: TableSource, origins: Sequence[Origin], wanted: pl.Series, tileid: int | None
) -> tuple[list[SourceRows], pl.Series]:
    """Return the first row of each wanted target, and the targets that have none."""
    names = ("TARGETID",) if tileid is None else ("TARGETID", "TILEID")
    # With TILEID: the same target may stand in a row of another tile before.
    first = pl.struct(names).is_first_distinct()
    of_tile = pl.lit(True) if tileid is None else pl.col("TILEID") == tileid
    picked: list[SourceRows] = []
    for origin in origins:
        table = origin
        if isinstance(table, Path):
            table = read_into_memory(table, source.hdus, names, whole=names)
        rows = columns_of(table, *names)
        chosen = pl.col("TARGETID").is_in(wanted.implode()) & first & of_tile
        numbers = rows.select(chosen.arg_true()).to_series()
        if len(numbers):
            picked.append(SourceRows(source, origin, numbers.to_numpy().astype(np.int64)))
            found = rows["TARGETID"].gather(numbers)
            wanted = wanted.filter(~wanted.is_in(found.implode()))
    return picked, wanted


def _check_found(
    rest: pl.Series, targets: pl.Series, tileid: int, origins: Sequence[Origin]
) -> None:
    if len(rest):
        raise InputError(
            f"{len(rest)} of {len(targets)} potential targets of tile {tileid} have no row, e.g. "
            f"TARGETID {rest[0]}",
            path=path_of(origins[-1]),
        )
