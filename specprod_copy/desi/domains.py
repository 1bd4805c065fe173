"""One formula for columns and for plain values, and what its arguments may be.

A formula is written once, with Polars expressions. The decorator `accepts` lets it be called with
expressions (a column in, a column out; a row outside the domain becomes null, so that the
validation of the frame can report it) and with plain Python values (a plain value out; a value
outside the domain raises). A mixture gives an expression, in which the plain values are constants.
"""

from __future__ import annotations

import functools
import inspect
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, Protocol

import polars as pl


class Domain(Protocol):
    """What an argument may be."""

    def column(self, expr: pl.Expr) -> pl.Expr:
        """Return the column in the type that formulas expect, null where it is outside."""

    def constant(self, name: str, value: Any) -> pl.Expr:
        """Return a plain value as a literal of that type, or raise KeyError or ValueError."""


@dataclass(frozen=True)
class Codes:
    """Names that stand for small integers; a formula is given the integers (``Int32``)."""

    codes: Mapping[str, int]  # the code of each name

    def column(self, expr: pl.Expr) -> pl.Expr:
        """Return the codes of a column of names, null for an unknown name."""
        # A third of the time of replace_strict.
        place = expr.cast(pl.String).cast(pl.Enum(list(self.codes)), strict=False).to_physical()
        return pl.lit(pl.Series(list(self.codes.values()), dtype=pl.Int32)).gather(place)

    def constant(self, name: str, value: Any) -> pl.Expr:
        """Return the code of one name."""
        if value not in self.codes:
            known = ", ".join(self.codes)
            raise KeyError(f"unknown {name} {value!r}; known: {known} (a column is pl.col(...))")
        return pl.lit(self.codes[value], dtype=pl.Int32)

    def names(self, codes: pl.Expr) -> pl.Expr:
        """Return the names of a column of codes, null for an unknown code."""
        return codes.replace_strict(
            list(self.codes.values()), list(self.codes), default=None, return_dtype=pl.String
        )


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`, given to a formula as `dtype`."""

    low: float
    high: float
    dtype: type[pl.DataType] = pl.Int64  # of the column that a formula is given
    closed: Literal["both", "left"] = "both"  # whether `high` itself belongs to the range

    def column(self, expr: pl.Expr) -> pl.Expr:
        """Return the column, null where it is outside the range, NaN or infinite."""
        numbers = expr.cast(self.dtype, strict=False)
        inside = numbers.is_between(self._bound(self.low), self._bound(self.high), self.closed)
        return pl.when(inside).then(numbers)

    def constant(self, name: str, value: Any) -> pl.Expr:
        """Return one number; it may be any kind of integer, for a float range also a float."""
        try:
            number = float(value) if self.dtype.is_float() else operator.index(value)
        except TypeError:
            raise TypeError(f"{name} {value!r} is no number (a column is pl.col(...))") from None
        if not (self.low <= number < self.high or (number == self.high and self.closed == "both")):
            raise ValueError(f"{name} {value} is not in {self}")
        return self._bound(number)

    def __str__(self) -> str:
        end = "]" if self.closed == "both" else ")"
        return f"[{self.low}, {self.high}{end}"

    def _bound(self, number: float) -> pl.Expr:
        return pl.lit(number, dtype=self.dtype)


@dataclass(frozen=True)
class AnyInt64:
    """Any 64-bit signed integer, as a TARGETID is: nothing to check in a column."""

    def column(self, expr: pl.Expr) -> pl.Expr:
        """Return the column, null where it does not fit (which only an unsigned one can do)."""
        return expr.cast(pl.Int64, strict=False)

    def constant(self, name: str, value: Any) -> pl.Expr:
        """Return one integer."""
        return Range(-(2**63), 2**63 - 1).constant(name, value)


def accepts(**domains: Domain) -> Callable[[Callable[..., pl.Expr]], Callable[..., Any]]:
    """Let a formula of expressions also be called with plain values; each parameter has its domain.

    The decorated function returns a ``polars.Expr`` when any argument is one, otherwise a plain
    value (``int``, ``bool``, ``str``, or a ``dict`` where the formula makes a struct). A plain
    string is always a value, never the name of a column.
    """

    def decorate(formula: Callable[..., pl.Expr]) -> Callable[..., Any]:
        signature = inspect.signature(formula)

        @functools.wraps(formula)
        def either(*args: Any, **kwargs: Any) -> Any:
            given = signature.bind(*args, **kwargs).arguments
            columns = {
                name: domains[name].column(value)
                if isinstance(value, pl.Expr)
                else domains[name].constant(name, value)
                for name, value in given.items()
            }
            result = formula(**columns)
            if any(isinstance(value, pl.Expr) for value in given.values()):
                return result
            return _plain(pl.select(result).item())

        return either

    return decorate


def _plain(value: Any) -> Any:
    """Polars gives a 128-bit id as a ``Decimal``; at a prompt an id is an integer."""
    if isinstance(value, dict):
        return {name: _plain(field) for name, field in value.items()}
    return int(value) if isinstance(value, Decimal) else value
