"""From a frame as in the file to a frame as in the table."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import polars as pl

from specprod_copy.errors import BadRows, BadRowsError, InputError
from specprod_copy.postgres.columns import BadValues, Column, element_type
from specprod_copy.postgres.conforming import conform
from specprod_copy.reader import Described
from specprod_copy.reader.files import value_errors
from specprod_copy.reader.keyed import KeyedTable
from specprod_copy.reader.look import origin
from specprod_copy.reader.matching import name_of
from specprod_copy.rows.recipe import find_recipe, wanted_types
from specprod_copy.tables.source import NOT_FINITE, TableSource, in_words

__all__ = ["NOT_FINITE", "Transform", "Transformed"]

_KEPT = "kept?"
"""Column, for a moment, that says which rows the row filter keeps."""

_NAMED = 5
"""A note names so many columns."""


class Transformed(NamedTuple):
    """Rows as the table wants them, and what they were made of."""

    frame: pl.DataFrame  # columns of the table, each of its `Column.polars_type`
    row_numbers: np.ndarray  # row in the HDU that each row comes from; shape (frame.height,)
    rows_read: int  # rows before the row filter
    changes: np.ndarray | None  # of each row, values that `NOT_FINITE` replaced; None for no value

    @property
    def values_changed(self) -> int:
        """Number of values that were replaced."""
        return 0 if self.changes is None else int(self.changes.sum())


class Transform:
    """The way from one HDU to one table, prepared for its frames.

    Parameters
    ----------
    source : TableSource
        What the table is made of.
    table : Described
        The HDU.
    columns : sequence of Column
        Columns of the database table.

    Attributes
    ----------
    inputs : list of str
        The columns to read.
    constants : dict of str to object
        Values of columns that the file lacks.

    Raises
    ------
    InputError
        If columns are missing or have a type that can never fit; names all of them.
    """

    def __init__(self, source: TableSource, table: Described, columns: Sequence[Column]) -> None:
        self._source = source
        self._table = table
        self._columns = columns
        schema = table.want(wanted_types(source, tuple(columns)))
        constants = source.constants(table) if source.constants else {}
        kinds = tuple((name, type(value)) for name, value in constants.items())
        try:
            recipe = find_recipe(source, tuple(columns), tuple(schema.items()), kinds)
        except InputError as error:
            place = origin(table, (error.column or "").partition("+")[0])
            raise InputError(
                error.message, path=place.path, hdu=place.hdu, column=error.column
            ) from error.__cause__
        for name in recipe.inputs:
            if schema[name] == pl.Unknown:
                place = origin(table, name)
                raise InputError(
                    f"is of a kind that no column of {source.table} can be made of, such as "
                    "complex numbers or bits: leave it out",
                    path=place.path,
                    hdu=place.hdu,
                    column=name,
                )
        self.inputs = recipe.inputs
        self._recipe = recipe
        self.constants = {k: v for k, v in constants.items() if k not in schema}
        self._literals = [*self._constants()]

    def __call__(
        self, frame: pl.DataFrame, row_numbers: np.ndarray, constants: Sequence[pl.Series] = ()
    ) -> Transformed:
        """Return the rows of a frame of columns `inputs`.

        Parameters
        ----------
        frame : polars.DataFrame
        row_numbers : numpy.ndarray, shape (frame.height,)
            Numbers of the rows in the HDU.
        constants : sequence of polars.Series
            The values of `constants` for each row, where the rows are of several files.

        Raises
        ------
        BadRowsError
            If values do not fit; names file, HDU, column, rows and values.
        InputError
            If Polars cannot make rows of them at all.
        """
        with value_errors(self._table.path, self._table.hdu):
            return self._transformed(frame, row_numbers, constants)

    def _transformed(
        self, frame: pl.DataFrame, row_numbers: np.ndarray, constants: Sequence[pl.Series]
    ) -> Transformed:
        rows_read = frame.height
        frame, row_numbers = self._filter(
            frame, row_numbers, [*(constants or self._literals), *self._recipe.elements]
        )
        frame, changes = self._finitize_and_check(frame, row_numbers)
        result = frame.select(self._recipe.results)
        try:
            fitting = conform(result, self._columns)
        except BadValues as first:
            bad = self._cause(result, first)
            blame, rows = self.blame(bad.column.name), row_numbers[bad.rows]
            raise self._bad_values(blame, bad.reason, rows, bad.values) from first
        return Transformed(fitting, row_numbers, rows_read, changes)

    def _constants(self) -> Iterator[pl.Expr]:
        for name, value in self.constants.items():
            with value_errors(self._table.path, self._table.hdu, in_words(name)):
                yield pl.lit(value).alias(name)

    @property
    def notes(self) -> list[str]:
        """What is to be said of the file before it is loaded, though it is no error."""
        names = self._recipe.rounded
        if not names:
            return []
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        return [f"8-byte floats are rounded to 4 bytes: {', '.join(names[:_NAMED])}{more}"]

    def blame(self, column: str) -> str:
        """Return the input columns behind a table's column, for messages."""
        return self._recipe.blame(column)

    def _cause(self, result: pl.DataFrame, bad: BadValues) -> BadValues:
        """Return what is wrong with a part, where a value that is made of several cannot be made.

        A NULL in TILEID makes a NULL in the id; people look for the TILEID.
        """
        copies = [c for c in self._columns if self._recipe.expressions[c.name].meta.is_column()]
        try:
            conform(result, copies)
        except BadValues as cause:
            return cause
        return bad

    def _filter(
        self, frame: pl.DataFrame, row_numbers: np.ndarray, added: Sequence[pl.Series | pl.Expr]
    ) -> tuple[pl.DataFrame, np.ndarray]:
        """Add constants and elements of vectors; leave out the rows that the filter refuses."""
        row_filter = self._source.row_filter
        if row_filter is None:
            return (frame.with_columns(added) if added else frame), row_numbers
        # A null is kept here, to be refused later: it must not vanish.
        frame = frame.with_columns(*added, row_filter.fill_null(True).alias(_KEPT))
        kept = frame.drop_in_place(_KEPT)
        if kept.all():
            return frame, row_numbers
        return frame.filter(kept), row_numbers[kept.to_numpy()]

    def _finitize_and_check(
        self, frame: pl.DataFrame, row_numbers: np.ndarray
    ) -> tuple[pl.DataFrame, np.ndarray | None]:
        """Replace what is not finite, tell how many values of each row, and run the checks."""
        recipe = self._recipe
        if not (frame.height and (recipe.sums or recipe.half_known or recipe.broken)):
            return frame, None
        # A sum is the fastest look at every value: finite unless one is not, or it overflows.
        looks = frame.select(*recipe.sums, *recipe.half_known, *recipe.broken).row(0)
        sums, looks = looks[: len(recipe.sums)], looks[len(recipe.sums) :]
        half_known, broken = any(looks[: len(recipe.half_known)]), looks[len(recipe.half_known) :]
        suspects = [n for n, s in zip(recipe.floats, sums, strict=True) if not math.isfinite(s)]
        finite, changes = _finitized(frame, suspects) if suspects else (frame, None)
        if changes is not None and broken:
            broken = finite.select(recipe.broken).row(0)
        for check, is_broken in zip(recipe.checks, broken, strict=True):
            if is_broken:
                rows = finite.select(check.bad.fill_null(True).arg_true()).to_series()
                numbers = row_numbers[rows.to_numpy()]
                values = frame[check.column].gather(rows).to_list()
                raise self._bad_values(check.column, check.reason, numbers, values)
        if not half_known:
            return finite, changes
        placed = finite.with_columns(recipe.unplaced)
        names = [expression.meta.output_name() for expression in recipe.unplaced]
        changed = np.zeros(frame.height, np.int64) if changes is None else changes
        for name in names:
            changed += (placed[name] != finite[name]).fill_null(False).to_numpy()
        return placed, changed

    def _bad_values(
        self, column: str, reason: str, rows: np.ndarray, values: list[object]
    ) -> BadRowsError:
        place = origin(self._table, column.partition("+")[0])
        # Rows that are joined by the values of columns have other numbers themselves.
        table = name_of(self._table) if isinstance(place, KeyedTable) else ""
        found = BadRows(reason, rows.tolist(), values)
        return BadRowsError.of(found, path=place.path, hdu=place.hdu, column=column, table=table)


def _finitized(
    frame: pl.DataFrame, columns: Sequence[str]
) -> tuple[pl.DataFrame, np.ndarray | None]:
    """Return a frame with finite numbers in some columns, and how many were replaced in each row.

    A sum may overflow without a value that is not finite: then nothing is replaced.
    """
    schema = frame.schema
    counts = frame.select(_not_finite(name, schema).sum() for name in columns).row(0)
    bad = [name for name, count in zip(columns, counts, strict=True) if count]
    if not bad:
        return frame, None
    changes = frame.select(pl.sum_horizontal(_not_finite(name, schema) for name in bad))
    return frame.with_columns(
        _finite(name, schema).alias(name) for name in bad
    ), changes.to_series().to_numpy().astype(np.int64)


def _not_finite(name: str, schema: pl.Schema) -> pl.Expr:
    """Return how many values of each row are not finite, of arrays how many elements."""
    match schema[name]:
        case pl.Array():
            return pl.col(name).arr.eval(~pl.element().is_finite()).arr.sum()
        case pl.List():
            return pl.col(name).list.eval(~pl.element().is_finite()).list.sum()
        case _:
            return ~pl.col(name).is_finite()


def _finite(name: str, schema: pl.Schema) -> pl.Expr:
    """Return finite values, or arrays of them."""

    def finite(value: pl.Expr) -> pl.Expr:
        known = value.is_finite() | value.is_null()
        return pl.when(known).then(value).otherwise(pl.lit(NOT_FINITE, element_type(schema[name])))

    match schema[name]:
        case pl.Array():
            return pl.col(name).arr.eval(finite(pl.element()))
        case pl.List():
            return pl.col(name).list.eval(finite(pl.element()))
        case _:
            return finite(pl.col(name))
