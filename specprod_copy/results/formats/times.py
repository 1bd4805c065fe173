"""Times as text, for formats that have none."""

from __future__ import annotations

from typing import Final

import polars as pl
import polars.selectors as cs
import pyarrow as pa

_FORMAT: Final = "%Y-%m-%dT%H:%M:%S%.6f"

WIDTH: Final = len("2021-05-17T04:12:09.123456Z")
"""Characters of the longest."""

TIMES_AS_TEXT: Final = (
    cs.datetime(time_zone="*").dt.strftime(f"{_FORMAT}Z"),
    cs.datetime(time_zone=None).dt.strftime(_FORMAT),
    cs.date().dt.strftime("%Y-%m-%d"),
)
"""Columns of times as ISO 8601 has them; those with a zone in UTC, with a Z behind."""


def time_texts(array: pa.Array) -> pa.Array:
    """Return times as text."""
    frame = pl.DataFrame({"time": pl.from_arrow(array)})
    return frame.select(*TIMES_AS_TEXT)["time"].to_arrow().cast(pa.string())
