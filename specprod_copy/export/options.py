"""What is exported, and how."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from specprod_copy.option import Option

MOST_ROWS = 1_000_000


@dataclass(frozen=True)
class HatsOptions:
    """A table, and the HATS catalog that is made of it."""

    table: str
    folder: Path
    """Folder of the catalog; it must not exist."""
    names: Annotated[
        str,
        Option(
            "--names",
            "Names of the columns: as in the files, in capitals, or as in the database.",
            choices=("database", "fits"),
        ),
    ] = "database"
    margin: Annotated[
        int,
        Option("--margin", "Width of the margin cache, in arcsec; 0 for none.", low=0, high=3600),
    ] = 5
    pixel_rows: Annotated[
        int, Option("--pixel-rows", "Most rows of a pixel of the catalog.", low=1)
    ] = MOST_ROWS
    all_columns: Annotated[
        bool,
        Option("--all-columns", "Let readers load all columns where they name none."),
    ] = False
    jobs: Annotated[int, Option("-j --jobs", "Processes that read, sort and write.", low=1)] = 1


@dataclass(frozen=True)
class ExportSummary:
    """What was written."""

    rows: int
    left_out: int
    """Rows whose position is not known."""
    columns: tuple[str, ...]
    default_columns: tuple[str, ...]
    """What readers load where they name no columns; empty for all."""
