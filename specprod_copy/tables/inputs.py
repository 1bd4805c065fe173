"""What a load is given: the production's files, and what was asked for instead of some of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from specprod_copy.desi.production import ProductionFiles
from specprod_copy.errors import InputError
from specprod_copy.option import Option


@dataclass(frozen=True)
class Inputs:
    """The inputs of one load."""

    files: ProductionFiles
    """Where the files of the production lie."""

    tiles_file: Annotated[
        Path | None,
        Option("--tiles-file", "Tiles file (FITS, CSV or ECSV) instead of the production's own."),
    ] = None
    exposures_file: Annotated[
        Path | None, Option("--exposures-file", "Exposures file instead of the production's own.")
    ] = None
    tileids: tuple[int, ...] = ()
    """The tiles whose fiberassign files are loaded."""

    skip_missing: Annotated[
        bool,
        Option(
            "--skip-missing",
            "Leave out tiles without a fiberassign file, surveys without a redshift catalog of the "
            "second format, and say which.",
        ),
    ] = False

    light_curves: Annotated[
        bool,
        Option(
            "--light-curves",
            "Load the light curves of Tractor photometry as well, into table photometry_lc.",
        ),
    ] = False

    def tiles(self) -> Path:
        """Return the tiles file."""
        return self.files.tiles(self.tiles_file)

    def exposures(self) -> Path:
        """Return the exposures file."""
        return self.files.exposures(self.exposures_file)

    def fiberassign(self) -> Sequence[Path]:
        """Return the fiberassign file of every tile, in the order of `tileids`.

        Raises
        ------
        InputError
            If files are missing and `skip_missing` does not allow it; names all of them.
        """
        if not self.tileids:
            raise InputError(
                "the tiles of the production are not known: load stage exposures first, or together"
            )
        found = self.files.fiberassign(self.tileids)
        missing = [f"fiberassign-{tileid:06d}.fits" for tileid, path in found.items() if not path]
        if missing and not self.skip_missing:
            raise InputError(
                f"{len(missing)} of {len(found)} fiberassign files are not below "
                f"{self.files.root / 'target' / 'fiberassign' / 'tiles'}: {', '.join(missing)}"
                f"{self.files.like_fiberassign(self.tiles_without_fiberassign())}; "
                "--skip-missing loads the others"
            )
        return [path for path in found.values() if path]

    def tiles_without_fiberassign(self) -> list[int]:
        """Return the tiles that have no fiberassign file."""
        return [t for t, path in self.files.fiberassign(self.tileids).items() if not path]
