"""Limits so small that a small production is a load of many transactions."""

from __future__ import annotations

from specprod_copy.plan.limits import Limits


def cut(batch_rows: int, unit_rows: int) -> Limits:
    """Return limits by which loads commit every `batch_rows` rows, in units of `unit_rows`."""
    return Limits(unit_rows, batch_rows, small_rows=0, whole_bytes=0)


LARGE = Limits(small_rows=0)
"""Let a small production count as a large one, which is not one transaction."""
