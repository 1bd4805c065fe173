"""A spectroscopic production, and where each of its files lies."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from specprod_copy.desi.configuration import Production, find_production, load_configuration
from specprod_copy.desi.members import (
    alike_clause,
    left_out,
    listed,
    matching,
    names_in,
    plain_or_gzipped,
)
from specprod_copy.desi.redshift_catalogs import (
    PIX,
    TILE,
    RedshiftCatalogs,
    missing,
    survey_program_from_name,
)
from specprod_copy.errors import InputError

__all__ = [
    "FIRST_LOADABLE_NIGHT",
    "Production",
    "ProductionFiles",
    "find_production",
    "load_configuration",
    "survey_program_from_name",
]

FIRST_LOADABLE_NIGHT: Final = 20201214
"""LASTNIGHT from which on tiles are loaded, as YYYYMMDD: earlier ones are of commissioning."""


@dataclass(frozen=True)
class ProductionFiles:
    """The files of a production below a data root.

    Methods return files that exist. Lists are sorted by name, numbers in names by value (tile 999
    before tile 1000), so that a load does not depend on the file system.

    Raises
    ------
    InputError
        If the root is not a folder; by the methods, if a required file does not exist.
    """

    production: Production
    root: Path  # the folder that holds ``spectro``, ``vac`` and ``target`` (DESI_ROOT)

    def __post_init__(self) -> None:
        if not self.root.is_dir():
            raise InputError(
                "the data root is not a folder; name the one that holds spectro, vac and target",
                path=self.root,
            )

    def tiles(self, explicit: Path | None = None) -> Path:
        """Return the tiles file, or the explicitly named one.

        A daily production keeps its tiles in CSV; of others the CSV file is taken when there is no
        FITS file.
        """
        suffixes = ("csv", "fits") if self.production.redshift_type == "daily" else ("fits", "csv")
        return self._required(explicit, *map(self._tiles_in, suffixes))

    def exposures(self, explicit: Path | None = None) -> Path:
        """Return the exposures file (HDUs EXPOSURES and FRAMES), or the explicitly named one."""
        return self._required(explicit, self.redux / f"exposures-{self.production.name}.fits")

    def tractorphot(self) -> list[Path]:
        """Return the files of Tractor photometry of potential targets."""
        return self._required_list(self.photometry_folder / "tractorphot", "tractorphot*.fits")

    def targetphot(self) -> list[Path]:
        """Return the files of targeting photometry of potential targets.

        One file in all (``target_summary``), one per survey (and HEALPixel), or one per tile
        (photometry ``computed``). A stack that lies beside the files per survey, as guadalupe's
        does, is not taken: it holds the same rows again.
        """
        name = self.production.name
        if self.production.target_summary:
            pattern = f"targetphot-potential-{name}.fits"
        elif self.production.photometry == "computed":
            pattern = "targetphot-potential-[0-9]*.fits"
        else:
            pattern = f"targetphot-potential-*-{name}.fits"
        return self._required_list(self.photometry_folder, pattern)

    def zall_pix(self) -> Path | None:
        """Return the catalog of all HEALPix redshifts, None if there is none."""
        return self.catalogs.zall(PIX)

    def zall_tilecumulative(self) -> Path | None:
        """Return the catalog of all cumulative tile redshifts, None if there is none."""
        return self.catalogs.zall(TILE)

    def zpix_survey_program(self) -> list[Path]:
        """Return the HEALPix catalogs per survey and program; see `RedshiftCatalogs.of_surveys`."""
        return self.catalogs.of_surveys(PIX)

    def ztile_survey_program(self) -> list[Path]:
        """Return the cumulative tile catalogs per survey and program, the same."""
        return self.catalogs.of_surveys(TILE)

    @property
    def catalogs(self) -> RedshiftCatalogs:
        """Where the redshift catalogs lie."""
        return RedshiftCatalogs(self.production, self.root)

    def petals(self, tileid: int, lastnight: int, kind: str = "redrock") -> dict[int, Path]:
        """Return the files of a tile's cumulative redshifts.

        Parameters
        ----------
        tileid, lastnight : int
            TILEID, and the night up to which exposures are added up, as YYYYMMDD.
        kind : str
            ``redrock``, ``zbest`` (early tiles) or ``spectra``.

        Returns
        -------
        dict of int to pathlib.Path
            By petal; a petal without a file is absent.
        """
        folder = self.redux / "tiles" / "cumulative" / str(tileid) / str(lastnight)
        names = names_in(folder)
        found = {
            petal: listed(folder, names, f"{kind}-{petal}-{tileid}-thru{lastnight}.fits")
            for petal in range(10)
        }
        return {petal: path for petal, path in found.items() if path is not None}

    def fiberassign(self, tileids: Iterable[int]) -> dict[int, Path | None]:
        """Return the fiberassign file of each tile.

        With V the version of the tiles, a file is looked for in ``tags/V``, then ``V``, then
        ``branches/V`` of ``target/fiberassign/tiles``, there in a folder named by the first three
        of the six digits of the tile. A folder is listed once, however many tiles there are.

        Parameters
        ----------
        tileids : iterable of int
            The tiles.

        Returns
        -------
        dict of int to pathlib.Path or None
            None for a tile without a file.

        Raises
        ------
        InputError
            If none of the three folders exists.
        """
        versions = [folder for folder in self._tile_folders if folder.is_dir()]
        if not versions:
            raise self._missing(self._tile_folders)

        @cache
        def listing(version: Path, begin: str) -> tuple[Path, frozenset[str]]:
            folder = version / begin
            return folder, names_in(folder)

        def find(tileid: int) -> Path | None:
            begin, name = _fiberassign_place(tileid)
            for version in versions:
                path = listed(*listing(version, begin), name)
                if path is not None:
                    return path
            return None

        return {tileid: find(tileid) for tileid in tileids}

    def like_fiberassign(self, tileids: Iterable[int]) -> str:
        """Return what lies in the place of fiberassign files, as the end of a sentence, or ""."""
        versions = [folder for folder in self._tile_folders if folder.is_dir()]
        places = map(_fiberassign_place, tileids)
        return alike_clause(v / begin / name for begin, name in places for v in versions)

    def left_out(self, paths: Iterable[Path], *, lists: bool = True) -> list[str]:
        """Return notes on what looks like an input beside some files, and is not taken.

        See `specprod_copy.desi.members.left_out`. Where catalogs stand in for a zall catalog, what
        looks like that one is named as well; and the CSV file that stands in for the tiles in FITS.
        """
        paths = [*paths]
        notes = [*left_out(paths, lists=lists), *self.catalogs.left_out(paths)]
        tiles = plain_or_gzipped(self._tiles_in("csv"))
        if tiles in paths and self.production.redshift_type != "daily":
            notes.append(f"{tiles}: taken, for there is no {self._tiles_in('fits').name}")
        return notes

    def _tiles_in(self, suffix: str) -> Path:
        return self.redux / f"tiles-{self.production.name}.{suffix}"

    @property
    def redux(self) -> Path:
        """The folder of the production, which has its tiles and exposures files."""
        return self.root / "spectro" / "redux" / self.production.name

    @property
    def _tile_folders(self) -> list[Path]:
        tiles, version = self.root / "target" / "fiberassign" / "tiles", self.production.tiles
        return [tiles / "tags" / version, tiles / version, tiles / "branches" / version]

    @property
    def photometry_folder(self) -> Path:
        """The folder of the photometry of potential targets."""
        release, version = self.production.release, self.production.photometry
        catalog = self.root / "vac" / release / "lsdr9-photometry" / self.production.name
        return catalog / version / "potential-targets"

    def _required(self, explicit: Path | None, *candidates: Path) -> Path:
        for path in candidates if explicit is None else [explicit]:
            found = plain_or_gzipped(path)
            if found is not None:
                return found
        if explicit is not None:
            raise InputError("no such file", path=explicit)
        raise self._missing(candidates)

    def _required_list(self, folder: Path, pattern: str) -> list[Path]:
        files = matching(folder, pattern)
        if not files:
            raise self._missing([folder / pattern])
        return files

    def _missing(self, candidates: Iterable[Path]) -> InputError:
        return missing([*candidates], self.production)


def _fiberassign_place(tileid: int) -> tuple[str, str]:
    """Return folder and name of a file, below the folder of a version."""
    name = f"{tileid:06d}"
    return name[:3], f"fiberassign-{name}.fits"
