"""Ids decoded: what the columns of a row say, its id must say as well."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import polars as pl

from specprod_copy.desi import ids

DECODERS: Final[Mapping[tuple[str, str], Callable[[pl.Expr], pl.Expr]]] = MappingProxyType(
    {
        ("frame", "frameid"): ids.decode_frameid,
        ("target", "id"): ids.decode_targetphotid,
        ("ztile", "id"): ids.decode_ztileid,
        ("ztile", "targetphotid"): ids.decode_targetphotid,
        ("zpix", "id"): ids.decode_zpixid,
        ("fiberassign", "id"): ids.decode_fiberassignid,
        ("potential", "id"): ids.decode_fiberassignid,
    }
)
"""(table, column) of an id to what makes a struct of columns of the same row from it."""


def fields_of(decoder: Callable[[pl.Expr], pl.Expr]) -> list[str]:
    """Return the columns that are packed into an id."""
    decoded = pl.select(decoder(pl.lit(0))).to_series()
    return decoded.struct.fields


def undecodable(
    frame: pl.DataFrame, column: str, decoder: Callable[[pl.Expr], pl.Expr]
) -> pl.DataFrame:
    """Return the rows whose id does not decode to their own columns.

    The id of a negative TARGETID (a stuck positioner) is that TARGETID alone: its other fields are
    lost, and not compared.

    Parameters
    ----------
    frame : polars.DataFrame
        Rows of the table.
    column : str
        The id.
    decoder : callable
        Makes a struct of its parts.
    """
    fields = fields_of(decoder)
    decoded = frame.select(decoder(pl.col(column)).alias("id")).unnest("id")
    wrong = pl.lit(False)
    for name in fields:
        got = pl.Series("got", decoded[name])
        differs = pl.lit(got).ne_missing(pl.col(name))
        if name != "targetid":
            differs = differs & (pl.col(column) >= 0)
        wrong = wrong | differs
    return frame.filter(wrong)
