"""What to adopt and how, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from specprod_copy.option import Option, PatienceSeconds, Schema
from specprod_copy.plan.limits import LIMITS, Limits
from specprod_copy.postgres.patience import PATIENCE


@dataclass(frozen=True)
class AdoptOptions:
    """What to adopt, and how."""

    schema: Schema
    stages: tuple[str, ...] = ("all",)
    """Stages, tables that are a part of a stage, or ``all``."""

    by_tile: Annotated[
        bool,
        Option(
            "--by-tile",
            "The tables were filled tile by tile. Without stages, that is taken for granted of a "
            "daily production.",
        ),
    ] = False
    trust: Annotated[
        bool,
        Option("--trust", "Only count the rows: do not compare their values with the files."),
    ] = False
    outdated: Annotated[
        bool,
        Option(
            "--outdated",
            "Take over tiles of which the files have another night by now, or nothing to load, "
            "without a look at their rows: sync brings them up to date.",
        ),
    ] = False
    repair: Annotated[
        bool,
        Option(
            "--repair",
            "Mend what is different and known to be harmless; a table may be written again where a "
            "column gets wider.",
        ),
    ] = False
    patience: PatienceSeconds = PATIENCE
    limits: Limits = LIMITS


@dataclass
class Adopted:
    """What became of the tables."""

    rows: dict[str, int] = field(default_factory=dict)
    """Table to its rows."""
    harmless: dict[str, list[str]] = field(default_factory=dict)
    """Table to what is different and harmless."""
    repaired: bool = False
    """Whether that was mended."""
    outdated: list[str] = field(default_factory=list)
    """Tiles that were taken over without a look at their rows, and why."""
    left_out: list[str] = field(default_factory=list)
    """Tables without a row, for which there are files."""
