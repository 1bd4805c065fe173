"""What to verify, and how."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from specprod_copy.option import Option, Schema, jobs_option
from specprod_copy.plan.limits import LIMITS, Limits


@dataclass(frozen=True)
class VerifyOptions:
    """What to verify."""

    stages: tuple[str, ...]
    """Stages, tables that are a part of a stage, or ``all``."""

    schema: Schema
    sample: Annotated[
        int,
        Option(
            "--sample",
            "Rows of each table to draw at random and compare once more, value by value.",
            metavar="N",
            low=0,
        ),
    ] = 1000
    seed: Annotated[
        int,
        Option(
            "--seed",
            "Seed of the drawing: another one draws other rows.",
            low=0,
            high=2**32 - 1,
        ),
    ] = 0
    jobs: Annotated[int, jobs_option("How many processes read.")] = 1
    alone: bool = False
    """Whether foreign keys to tables that are not in the schema do not matter."""

    limits: Limits = LIMITS
