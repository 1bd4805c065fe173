"""Where the values of a described column come from, as expressions."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import polars as pl

from specprod_copy.desi import ids
from specprod_copy.errors import ConfigurationError
from specprod_copy.postgres.columns import Column
from specprod_copy.tables.source import ROW
from specprod_copy.vac.description import ColumnRule

_INTEGERS = frozenset({"int2", "int4", "int8", "numeric"})


def may_lack(rule: ColumnRule) -> bool:
    """Return whether a file may lack what a column is made of."""
    return rule.optional or rule.absent is not None


def ways(
    name: str,
    own: ColumnRule,
    rules: Mapping[str, ColumnRule],
    column: Column,
    *,
    joined: bool,
) -> tuple[pl.Expr, ...]:
    """Return the ways of making a column; none for a plain copy."""
    if own == ColumnRule():
        return ()
    value = _base(name, rules, joined=joined)
    if own.nan is not None:
        value = value.fill_nan(own.nan)
    if own.null:
        sentinel = pl.any_horizontal([_equals(value, one, column) for one in own.null])
        value = pl.when(sentinel).then(None).otherwise(value)
    if not may_lack(own):
        return (value,)
    return value, pl.lit(own.absent, dtype=None if own.absent is not None else column.polars_type)


def _equals(value: pl.Expr, sentinel: Any, column: Column) -> pl.Expr:
    """Return whether a value is a sentinel, and not only what is left of it in another type."""
    if not isinstance(sentinel, float) or not math.isfinite(sentinel):
        return value == pl.lit(sentinel)
    if column.type in _INTEGERS and sentinel.is_integer() and abs(sentinel) < 2**64:
        return value == pl.lit(int(sentinel))
    # 1e40 is infinity in a column of single precision.
    return (value == pl.lit(sentinel)) & value.is_finite()


def seen_as(source: str, rules: Mapping[str, ColumnRule]) -> str:
    """Return the name that a frame has for a FITS column that columns are made of.

    It is its own where a column is a copy of it; else that of the first one, in capitals.
    """
    if any(name.upper() == source and not rule.origins for name, rule in rules.items()):
        return source
    return next(name.upper() for name, rule in rules.items() if rule.source == source)


def _base(name: str, rules: Mapping[str, ColumnRule], *, joined: bool) -> pl.Expr:
    """Return where the values of a column come from."""
    own = rules[name]
    if own.header:
        return pl.col(header_column(own.header))
    if own.path:
        return pl.col(path_column(own.path))
    if own.value is not None:
        return pl.lit(own.value)
    if own.row:
        return pl.col(ROW)
    if own.id:
        return _IDS[own.id](partial(_part_of_id, name, rules, joined=joined))
    if own.source:
        return pl.col(own.source if joined else seen_as(own.source, rules))
    return pl.col(name.upper())


def _part_of_id(
    column: str,
    rules: Mapping[str, ColumnRule],
    *names: str,
    joined: bool,
    default: pl.Expr | None = None,
) -> pl.Expr:
    for name in names:
        if name in rules:
            return _base(name, rules, joined=joined)
    if default is None:
        raise ConfigurationError(
            f"column {column}: the id is made of {' or '.join(names)}, which the table lacks"
        )
    return default


def _zpix(part: Callable[..., pl.Expr]) -> pl.Expr:
    return ids.zpixid(part("program"), part("survey"), part("targetid"))


def _ztile(part: Callable[..., pl.Expr]) -> pl.Expr:
    group = part("spgrp", default=pl.lit("cumulative"))
    night = part("spgrpval", "lastnight")
    return ids.ztileid(group, night, part("tileid"), part("targetid"))


_IDS: Mapping[str, Callable[[Callable[..., pl.Expr]], pl.Expr]] = {"zpix": _zpix, "ztile": _ztile}


def header_column(keyword: str) -> str:
    """Return the name that a keyword of the header has in a frame."""
    return f"{keyword} OF HEADER?"


def path_column(name: str) -> str:
    """Return the name that a part of the path has in a frame."""
    return f"{name} OF PATH?"
