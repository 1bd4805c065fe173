"""Limits so small that a small production is a load of many transactions."""

from __future__ import annotations

import pytest

from specprod_copy import loader, plan, workers


def cut(patch: pytest.MonkeyPatch, batch_rows: int, unit_rows: int) -> None:
    """Let loads commit every `batch_rows` rows, in units of `unit_rows`."""
    patch.setattr(loader, "SMALL_ROWS", 0)
    patch.setattr(workers, "WHOLE_BYTES", 0)
    patch.setattr(workers, "BATCH_ROWS", batch_rows)
    patch.setattr(plan, "UNIT_ROWS", unit_rows)
