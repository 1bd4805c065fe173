"""What a load is given: the production's files, and files named explicitly instead."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from specprod_copy.production import ProductionFiles


@dataclass(frozen=True)
class Inputs:
    """The inputs of one load.

    Parameters
    ----------
    files : ProductionFiles
        Where the files of the production lie.
    tiles_file, exposures_file : pathlib.Path, optional
        Files to take instead of the production's own.
    """

    files: ProductionFiles
    tiles_file: Path | None = None
    exposures_file: Path | None = None
