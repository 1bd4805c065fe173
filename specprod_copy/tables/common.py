"""Rules that several tables share."""

from __future__ import annotations

import polars as pl

from specprod_copy import ids
from specprod_copy.tables.source import Check

no_sky = ids.no_sky(pl.col("TARGETID"))
"""Rows of science targets: not blank sky, and no negative TARGETID (a stuck positioner)."""


def known_survey() -> Check:
    """Return the rule that SURVEY is one with a code."""
    known = ", ".join(ids.SURVEYS)
    return Check("SURVEY", ids.surveyid(pl.col("SURVEY")).is_null(), f"no survey of {known}")


def known_program() -> Check:
    """Return the rule that PROGRAM is one with a code."""
    known = ", ".join(ids.PROGRAMS)
    return Check("PROGRAM", ids.programid(pl.col("PROGRAM")).is_null(), f"no program of {known}")
