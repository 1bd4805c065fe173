"""What is patched in FRAMES."""

from __future__ import annotations

from typing import Final

import polars as pl

from specprod_copy.patch_summary.faults import MJD_NOT_SET, missing
from specprod_copy.patch_summary.table import Replacement, SummaryTable, other

NOT_TAKEN: Final = frozenset({"TSNR2_ALPHA"})
"""Not every production has it, so its missing values become 0."""


def patch_frames(frames: SummaryTable, source: SummaryTable) -> SummaryTable:
    """Fill in missing values from the source, then with 0."""
    faults = {column: missing(column) for column in frames.frame.columns if column not in NOT_TAKEN}
    return frames.taken_from(source, faults).zero_filled()


def patch_frames_mjd(frames: SummaryTable, exposures: SummaryTable) -> SummaryTable:
    """Take the MJD that frames do not have from their exposures."""
    return frames.replaced(
        [
            Replacement(
                "MJD",
                MJD_NOT_SET.where & (other("MJD") != pl.col("MJD")),
                other("MJD"),
                f"{MJD_NOT_SET.name}: that of the exposure",
            )
        ],
        exposures.offer(["EXPID"], {"MJD": frames.frame.schema["MJD"]}),
        ["EXPID"],
    )
