"""Results in memory: a Polars frame, or a table of astropy with units and descriptions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pyarrow as pa

from specprod_copy.results.column import ResultColumn

if TYPE_CHECKING:
    from astropy.table import Table


def polars_frame(table: pa.Table) -> pl.DataFrame:
    """Return a result as a Polars frame; ids are ``Decimal(38, 0)``."""
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    return frame


def astropy_table(columns: Sequence[ResultColumn], table: pa.Table) -> Table:
    """Return a result as a table of astropy; nulls are masked, ids are texts."""
    from astropy.table import Column, MaskedColumn, Table
    from astropy.units import Unit

    made = Table()
    for column, values in zip(columns, table.columns, strict=True):
        meaning = column.meaning
        told = {
            "unit": Unit(meaning.unit, parse_strict="silent") if meaning.unit else None,
            "description": meaning.description or None,
            "meta": {"ucd": meaning.ucd} if meaning.ucd else None,
        }
        data, absent = _numpy(values)
        made[column.name] = (
            MaskedColumn(data, mask=absent, **told) if absent.any() else Column(data, **told)
        )
    return made


def _numpy(values: pa.ChunkedArray) -> tuple[np.ndarray, np.ndarray]:
    """Return values, with something in the place of nulls, and which are null."""
    absent = values.is_null().to_numpy()
    kind = values.type
    if pa.types.is_list(kind):
        items = np.empty(len(values), object)
        items[:] = [np.array(item or ()) for item in values.to_pylist()]
        return items, absent
    if pa.types.is_temporal(kind):
        return values.cast(pa.timestamp("us")).to_numpy(), absent
    filler = "" if pa.types.is_string(kind) else pa.scalar(0).cast(kind).as_py()
    filled = values.fill_null(filler).to_numpy()
    return (filled.astype(str) if pa.types.is_string(kind) else filled), absent
