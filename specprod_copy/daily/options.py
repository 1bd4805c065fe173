"""How to load tiles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from specprod_copy.option import (
    CheckContent,
    Option,
    PartitionNumber,
    PatienceSeconds,
    Schema,
    jobs_option,
)
from specprod_copy.postgres.patience import PATIENCE


@dataclass(frozen=True)
class TileOptions:
    """How to load tiles."""

    schema: Schema
    overwrite: Annotated[
        bool, Option("--overwrite", "Replace the tables first, with all their tiles.")
    ] = False
    update: Annotated[
        bool, Option("--update", "Load again tiles that are in the tables already.")
    ] = False
    primary: Annotated[
        bool,
        Option(
            "--primary",
            "At the end choose the primary spectra of all targets, and refresh the q3c indexes.",
        ),
    ] = False
    cluster: Annotated[
        bool,
        Option("--cluster", "At the end order tables on their q3c index (slow, locks them)."),
    ] = False
    roles: tuple[str, ...] = ("desi",)
    """Roles that may read."""

    jobs: Annotated[int, jobs_option("How many tiles to work on at a time.", most=4)] = 1
    partitions: PartitionNumber = None
    check_content: CheckContent = False
    patience: PatienceSeconds = PATIENCE


@dataclass(frozen=True)
class SyncOptions(TileOptions):
    """Which tiles to bring into step with their files, and how."""

    since: Annotated[
        int | None,
        Option(
            "--since",
            "Only tiles with LASTNIGHT from this night on, as YYYYMMDD.",
            metavar="NIGHT",
            low=19700101,
            high=99991231,
        ),
    ] = None
    delete: Annotated[
        bool,
        Option(
            "--delete",
            "Remove tiles that vanished from the tiles file, or are not loadable any more.",
        ),
    ] = False
    dry_run: Annotated[bool, Option("-n --dry-run", "Only print what there is to do.")] = False
