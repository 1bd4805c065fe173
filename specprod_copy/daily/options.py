"""How to load tiles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from specprod_copy.option import CheckContent, Option, PatienceSeconds, Schema, jobs_option
from specprod_copy.postgres.locks import PATIENCE


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
    check_content: CheckContent = False
    patience: PatienceSeconds = PATIENCE
