"""From a frame as in the file to a frame as in the table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from difflib import get_close_matches
from typing import NamedTuple

import numpy as np
import polars as pl

from specprod_copy.columns import BadValues, Column, WrongType, check_type, conform
from specprod_copy.errors import BadRowsError, InputError
from specprod_copy.reader import InputTable
from specprod_copy.tables.source import NOT_FINITE, TableSource

__all__ = ["NOT_FINITE", "Transform", "Transformed"]

_SHOWN = 3
"""How many bad values a message shows."""


class Transformed(NamedTuple):
    """Rows as the table wants them, and what they were made of.

    Parameters
    ----------
    frame : polars.DataFrame
        Columns of the table, each of its `Column.polars_type`.
    row_numbers : numpy.ndarray, shape (frame.height,)
        Row in the HDU that each row comes from.
    rows_read : int
        Rows before the row filter.
    values_changed : int
        Values that `NOT_FINITE` replaced.
    """

    frame: pl.DataFrame
    row_numbers: np.ndarray
    rows_read: int
    values_changed: int


class Transform:
    """The way from one HDU to one table, prepared for its frames.

    Parameters
    ----------
    source : TableSource
        What the table is made of.
    table : InputTable
        The open HDU; only its description is used.
    columns : sequence of Column
        Columns of the database table.

    Attributes
    ----------
    inputs : list of str
        The columns to read.

    Raises
    ------
    InputError
        If columns are missing or have a type that can never fit; names all of them.
    """

    def __init__(self, source: TableSource, table: InputTable, columns: Sequence[Column]) -> None:
        self._source = source
        self._path, self._hdu = table.path, table.hdu
        self._columns = columns
        schema = pl.Schema(table.schema)
        constants = source.constants(table) if source.constants else {}
        self._constants = [
            pl.lit(value).alias(name) for name, value in constants.items() if name not in schema
        ]
        scalars = _scalars(schema)
        available = set(scalars) | set(constants)
        expressions = {c.name: self._choose(c.name, available) for c in columns}
        missing = {name: self._wanted(name) for name, e in expressions.items() if e is None}
        if missing:
            raise self._missing(missing, available)
        self._expressions = {name: e for name, e in expressions.items() if e is not None}
        self._results = [e.alias(name) for name, e in self._expressions.items()]
        self._checks = [c for c in source.checks if set(c.bad.meta.root_names()) <= available]
        roots = set[str]()
        for expression in (*self._expressions.values(), *(check.bad for check in self._checks)):
            roots.update(expression.meta.root_names())
        if source.row_filter is not None:
            roots.update(source.row_filter.meta.root_names())
        needed = {scalars[root][0] for root in roots if root in scalars}
        self.inputs = [name for name in schema if name in needed]
        self._elements = [
            pl.col(vector).arr.get(index).alias(root)
            for root in sorted(roots & scalars.keys())
            for vector, index in [scalars[root]]
            if index is not None
        ]
        self._floats = [root for root in sorted(roots) if self._is_float(schema, scalars, root)]
        self._sums = [pl.col(name).sum() for name in self._floats]
        self._check_types(pl.DataFrame(schema={name: schema[name] for name in self.inputs}))

    def __call__(self, frame: pl.DataFrame, row_numbers: np.ndarray) -> Transformed:
        """Return the rows of a frame as the table wants them.

        Parameters
        ----------
        frame : polars.DataFrame
            Columns `inputs`, as the reader yields them.
        row_numbers : numpy.ndarray
            Row number in the HDU of each row of the frame, for error messages.

        Raises
        ------
        BadRowsError
            If values do not fit; names file, HDU, column, rows and values.
        """
        rows_read = frame.height
        frame = frame.with_columns(*self._constants, *self._elements)
        row_filter = self._source.row_filter
        if row_filter is not None:
            # A null is kept here, to be refused later: it must not vanish.
            keep = frame.select((row_filter | row_filter.is_null()).alias("keep"))["keep"]
            if not keep.all():
                frame, row_numbers = frame.filter(keep), row_numbers[keep.to_numpy()]
        raw = frame
        frame, changed = self._finitize(frame)
        self._run_checks(frame, raw, row_numbers)
        result = frame.select(self._results)
        try:
            fitting = conform(result, self._columns)
        except BadValues as first:
            bad = self._cause(result, first)
            blame, rows = self.blame(bad.column.name), row_numbers[bad.rows]
            raise self._bad_values(blame, bad.reason, rows, bad.values) from first
        return Transformed(fitting, row_numbers, rows_read, changed)

    def _wanted(self, column: str) -> tuple[pl.Expr, ...]:
        return self._source.derived.get(column, (pl.col(column.upper()),))

    def _choose(self, column: str, available: set[str]) -> pl.Expr | None:
        for expression in self._wanted(column):
            if set(expression.meta.root_names()) <= available:
                return expression
        return None

    def blame(self, column: str) -> str:
        """Return the input columns behind a table's column, for messages."""
        roots = self._expressions[column].meta.root_names()
        return "+".join(dict.fromkeys(roots)) or column

    def _cause(self, result: pl.DataFrame, bad: BadValues) -> BadValues:
        """Return what is wrong with a part, where a value that is made of several cannot be made.

        A NULL in TILEID makes a NULL in the id; people look for the TILEID.
        """
        copies = [c for c in self._columns if self._expressions[c.name].meta.is_column()]
        try:
            conform(result, copies)
        except BadValues as cause:
            return cause
        return bad

    def _missing(self, missing: dict[str, tuple[pl.Expr, ...]], available: set[str]) -> InputError:
        names = []
        for alternatives in missing.values():
            for expression in alternatives:
                names += [n for n in expression.meta.root_names() if n not in available]
        names = list(dict.fromkeys(names))
        close = [m for name in names for m in get_close_matches(name, available, 1, 0.8)]
        hint = f" (the file has {', '.join(dict.fromkeys(close))})" if close else ""
        return InputError(
            f"no column {', '.join(names)}, which table {self._source.table} needs{hint}",
            path=self._path,
            hdu=self._hdu,
        )

    @staticmethod
    def _is_float(schema: pl.Schema, scalars: dict[str, tuple[str, int | None]], root: str) -> bool:
        if root not in scalars:
            return False
        dtype = schema[scalars[root][0]]
        return (dtype.inner if isinstance(dtype, pl.Array) else dtype).is_float()

    def _check_types(self, empty: pl.DataFrame) -> None:
        """Find impossible types now, from a frame without rows, rather than at the first row."""
        empty = empty.with_columns(*self._constants, *self._elements)
        schema = empty.schema
        try:
            types = empty.select(self._results).schema
        except pl.exceptions.PolarsError:
            types = pl.Schema()  # Below, the expression that fails is found.
        for column in self._columns:
            expression = self._expressions[column.name]
            try:
                dtype = types.get(column.name) or empty.select(expression).to_series().dtype
                check_type(dtype, column)
            except (WrongType, pl.exceptions.PolarsError) as error:
                roots = expression.meta.root_names()
                found = ", ".join(str(schema[name]) for name in roots if name in schema)
                raise InputError(
                    f"is {found}, which cannot become {self._source.table}.{column}",
                    path=self._path,
                    hdu=self._hdu,
                    column=self.blame(column.name),
                ) from error
        self._check_types_of_checks(empty)

    def _check_types_of_checks(self, empty: pl.DataFrame) -> None:
        for check in self._checks:
            try:
                empty.select(check.bad)
            except pl.exceptions.PolarsError as error:
                raise InputError(
                    f"is {empty.schema[check.column]}, not a number",
                    path=self._path,
                    hdu=self._hdu,
                    column=check.column,
                ) from error

    def _finitize(self, frame: pl.DataFrame) -> tuple[pl.DataFrame, int]:
        if not (self._source.finitize and self._floats and frame.height):
            return frame, 0
        # A sum is the fastest look at every value: finite unless one is not, or it overflows.
        sums = frame.select(self._sums).row(0)
        suspects = [n for n, s in zip(self._floats, sums, strict=True) if not math.isfinite(s)]
        if not suspects:
            return frame, 0
        counts = frame.select((~pl.col(name).is_finite()).sum() for name in suspects).row(0)
        bad = [name for name, count in zip(suspects, counts, strict=True) if count]
        schema = frame.schema
        return frame.with_columns(
            pl.when(pl.col(name).is_finite() | pl.col(name).is_null())
            .then(pl.col(name))
            .otherwise(pl.lit(NOT_FINITE, dtype=schema[name]))
            .alias(name)
            for name in bad
        ), sum(counts)

    def _run_checks(self, frame: pl.DataFrame, raw: pl.DataFrame, row_numbers: np.ndarray) -> None:
        if not self._checks or frame.height == 0:
            return
        results = frame.select(
            check.bad.fill_null(True).alias(str(n)) for n, check in enumerate(self._checks)
        )
        for check, bad in zip(self._checks, results.iter_columns(), strict=True):
            if bad.any():
                rows = bad.arg_true()
                raise self._bad_values(
                    check.column,
                    check.reason,
                    row_numbers[rows.to_numpy()],
                    raw[check.column].gather(rows).to_list(),
                )

    def _bad_values(
        self, column: str, reason: str, rows: np.ndarray, values: list[object]
    ) -> BadRowsError:
        first = zip(rows[:_SHOWN].tolist(), values[:_SHOWN], strict=True)
        listed = ", ".join(f"row {row}: {value!r}" for row, value in first)
        more = f" and {len(rows) - _SHOWN} more nearby" if len(rows) > _SHOWN else ""
        return BadRowsError(
            f"{reason} ({listed}{more}; rows counted from 0)",
            path=self._path,
            hdu=self._hdu,
            column=column,
            reason=reason,
            rows=rows.tolist(),
            values=values,
        )


def _scalars(schema: pl.Schema) -> dict[str, tuple[str, int | None]]:
    """Return the scalar columns that a schema offers: name to (column, element of a vector)."""
    scalars: dict[str, tuple[str, int | None]] = {}
    for name, dtype in schema.items():
        if isinstance(dtype, pl.Array):
            scalars.update({f"{name}_{n}": (name, n) for n in range(dtype.size)})
    scalars.update({n: (n, None) for n, d in schema.items() if not isinstance(d, pl.Array)})
    return scalars
