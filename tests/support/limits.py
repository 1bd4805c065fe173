"""Limits so small that a small production is a load of many transactions."""

from __future__ import annotations

import pytest

from specprod_copy.loading import run
from specprod_copy.plan import batches, planning


def cut(patch: pytest.MonkeyPatch, batch_rows: int, unit_rows: int) -> None:
    """Let loads commit every `batch_rows` rows, in units of `unit_rows`."""
    patch.setattr(run, "SMALL_ROWS", 0)
    patch.setattr(batches, "WHOLE_BYTES", 0)
    patch.setattr(batches, "BATCH_ROWS", batch_rows)
    patch.setattr(planning, "UNIT_ROWS", unit_rows)
