"""How the columns of one kind of file become those of a table: found once, used for every file.

Thousands of files have the same columns, and to find the expressions takes as long as to load some
thousand rows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches
from functools import lru_cache
from typing import Any, NamedTuple

import polars as pl

from specprod_copy.errors import InputError
from specprod_copy.postgres.columns import Column, WrongType, check_type, element_type
from specprod_copy.tables.source import NOT_FINITE, Check, TableSource, blamed

_ELEMENTS = 100
"""So many of a vector are offered as columns; no table has as many."""


class Recipe(NamedTuple):
    """Expressions for the columns of a table."""

    inputs: list[str]  # the columns to read, in the order of the file
    elements: list[pl.Expr]  # elements of vector columns that are wanted as columns of their own
    floats: list[str]  # columns that anything is made of and whose numbers have to be finite
    sums: list[pl.Expr]  # the sum of each of them
    half_known: list[pl.Expr]  # whether any row has one coordinate of its position alone
    unplaced: list[pl.Expr]  # both coordinates, neither of them known in such rows
    checks: list[Check]  # those of the source whose columns there are
    broken: list[pl.Expr]  # for each of them whether any row breaks it
    expressions: dict[str, pl.Expr]  # the value of each column of the table
    results: list[pl.Expr]  # the same, named
    rounded: list[str]  # columns of 8-byte floats that the table has as 4-byte ones

    def blame(self, column: str) -> str:
        """Return the input columns behind a table's column, for messages."""
        roots = self.expressions[column].meta.root_names()
        return blamed(dict.fromkeys(roots)) or column


@lru_cache(maxsize=128)
def find_recipe(
    source: TableSource,
    columns: tuple[Column, ...],
    schema: tuple[tuple[str, pl.DataType], ...],
    constants: tuple[tuple[str, type], ...],
) -> Recipe:
    """Find how a table is made of files with certain columns, and constants beside them.

    An error names all columns that are missing or have a type that can never fit, but no file.
    """
    file = pl.Schema(schema)
    offered = _offered(file)
    available = {*offered, *(name for name, _ in constants)}
    chosen = {c.name: _choose(source, c.name, available) for c in columns}
    if missing := [name for name, expression in chosen.items() if expression is None]:
        raise _missing(source, missing, available)
    expressions = {name: e for name, e in chosen.items() if e is not None}
    checks = [c for c in source.checks if set(c.bad.meta.root_names()) <= available]
    checks += [*_longer_vectors(source, file)]
    roots = set[str]()
    for expression in (*expressions.values(), *(check.bad for check in checks)):
        roots.update(expression.meta.root_names())
    if source.row_filter is not None:
        filtered = source.row_filter.meta.root_names()
        if absent := sorted({*filtered} - available):
            raise InputError(
                f"no column {', '.join(absent)}, which the filter of table {source.table} needs"
            )
        roots.update(filtered)
    position = _position(source, columns, file)
    roots.update(name for pair in position for name in pair)
    needed = {offered[root][0] if root in offered else root for root in roots}
    whole = {
        root
        for column in columns
        if _is_whole(column.element or column)
        for root in expressions[column.name].meta.root_names()
    }
    # -9999 would be an id like any other: in whole numbers NaN is refused.
    finite = sorted(roots - whole) if source.finitize else []
    floats = [root for root in finite if _is_float(file, offered, root)]
    recipe = Recipe(
        # Without any column of the file nobody would know how many rows there are.
        inputs=[name for name in file if name in needed] or _any_column(file),
        elements=[
            pl.col(vector).arr.get(index).alias(root)
            for root in sorted(roots & offered.keys())
            for vector, index in [offered[root]]
            if index is not None
        ],
        floats=floats,
        sums=[_sum(name, file) for name in floats],
        half_known=[(_unknown(a) != _unknown(b)).any().alias("half known") for a, b in position],
        unplaced=[
            pl.when(_unknown(a) | _unknown(b))
            .then(pl.lit(NOT_FINITE, dtype=file[name]))
            .otherwise(pl.col(name))
            .alias(name)
            for a, b in position
            for name in (a, b)
        ],
        checks=checks,
        broken=[c.bad.fill_null(True).any().alias(f"check {n}") for n, c in enumerate(checks)],
        expressions=expressions,
        results=[e.alias(name) for name, e in expressions.items()],
        rounded=[
            root
            for column in columns
            if column.type in ("float4", "_float4") and expressions[column.name].meta.is_column()
            for root in expressions[column.name].meta.root_names()
            if root in offered and element_type(file[offered[root][0]]) == pl.Float64
        ],
    )
    samples = [pl.lit(kind()).alias(name) for name, kind in constants if name not in file]
    empty = pl.DataFrame(schema={name: file[name] for name in recipe.inputs})
    _check_types(source, columns, recipe, empty.with_columns(*samples, *recipe.elements))
    return recipe


def _any_column(file: pl.Schema) -> list[str]:
    return [name for name, dtype in file.items() if dtype != pl.Unknown][:1]


@lru_cache(maxsize=128)
def wanted_types(source: TableSource, columns: tuple[Column, ...]) -> Mapping[str, pl.DataType]:
    """Return what the columns of a file become that are copied: text is read as that."""
    return {
        name: column.polars_type
        for column in reversed(columns)
        for way in _wanted(source, column.name)
        if way.meta.is_column()
        for name in way.meta.root_names()
    }


def _offered(schema: pl.Schema) -> dict[str, tuple[str, int | None]]:
    """Return what a schema offers: name to (column, element of a vector); a column is a whole."""
    offered: dict[str, tuple[str, int | None]] = {}
    for name, dtype in schema.items():
        if isinstance(dtype, pl.Array):
            offered.update({f"{name}_{n}": (name, n) for n in range(min(dtype.size, _ELEMENTS))})
    offered.update({name: (name, None) for name in schema})
    return offered


def _position(
    source: TableSource, columns: tuple[Column, ...], file: pl.Schema
) -> list[tuple[str, str]]:
    """Return the input columns with the position, if it is wanted, in a list for one or none."""
    ra, dec = source.position or ("", "")
    wanted = any(column.name in (ra, dec) for column in columns)
    names = ra.upper(), dec.upper()
    floats = all(file.get(name, pl.Null()).is_float() for name in names)
    return [names] if wanted and floats else []


def _unknown(coordinate: str) -> pl.Expr:
    value = pl.col(coordinate)
    return (value == NOT_FINITE) | ~value.is_finite()


def _longer_vectors(source: TableSource, file: pl.Schema) -> Iterator[Check]:
    """Yield the rules that elements of a vector for which the table has no columns are 0."""
    for vector, n in source.vectors.items():
        reason = f"table {source.table} has columns for {n} elements only"
        dtype = file.get(vector)
        if isinstance(dtype, pl.Array) and dtype.size > n and dtype.inner.is_numeric():
            rest = pl.col(vector).arr.to_list().list.slice(n)
            other = (pl.element() != 0).fill_null(True)
            yield Check(vector, rest.list.eval(other).list.any(), reason)
            if file.get(f"N{vector}", pl.Null()).is_numeric():
                yield Check(f"N{vector}", pl.col(f"N{vector}") > n, reason)
        # A file may have them as columns of their own.
        for name, kind in file.items():
            number = name.removeprefix(f"{vector}_")
            if number != name and number.isdecimal() and int(number) >= n and kind.is_numeric():
                yield Check(name, pl.col(name) != 0, reason)


def _is_float(schema: pl.Schema, offered: Mapping[str, tuple[str, Any]], root: str) -> bool:
    if root not in offered:
        return False
    return element_type(schema[offered[root][0]]).is_float()


def _is_whole(column: Column) -> bool:
    return column.polars_type.is_integer() or column.type in ("bool", "numeric")


def _sum(name: str, schema: pl.Schema) -> pl.Expr:
    match schema.get(name):
        case pl.Array():
            return pl.col(name).arr.sum().sum()
        case pl.List():
            return pl.col(name).list.sum().sum()
        case _:
            return pl.col(name).sum()


def _wanted(source: TableSource, column: str) -> tuple[pl.Expr, ...]:
    return source.derived.get(column, (pl.col(column.upper()),))


def _choose(source: TableSource, column: str, available: Collection[str]) -> pl.Expr | None:
    for expression in _wanted(source, column):
        if all(root in available for root in expression.meta.root_names()):
            return expression
    return None


def _missing(source: TableSource, columns: list[str], available: Collection[str]) -> InputError:
    names = [
        name
        for column in columns
        for expression in _wanted(source, column)
        for name in expression.meta.root_names()
        # What ends in a question mark is said of files by their description, see `constants`.
        if name not in available and not name.endswith("?")
    ]
    names = list(dict.fromkeys(names))
    close = [match for name in names for match in get_close_matches(name, available, 1, 0.8)]
    hint = f" (the file has {', '.join(dict.fromkeys(close))})" if close else ""
    return InputError(f"no column {', '.join(names)}, which table {source.table} needs{hint}")


def _check_types(
    source: TableSource, columns: tuple[Column, ...], recipe: Recipe, empty: pl.DataFrame
) -> None:
    """Find impossible types now, from a frame without rows, rather than at the first row."""
    schema = empty.schema
    try:
        types = empty.select(recipe.results).schema
    except pl.exceptions.PolarsError:
        types = pl.Schema()  # Below, the expression that fails is found.
    for column in columns:
        expression = recipe.expressions[column.name]
        try:
            check_type(types.get(column.name) or empty.select(expression).to_series().dtype, column)
        except (WrongType, pl.exceptions.PolarsError) as error:
            roots = expression.meta.root_names()
            found = ", ".join(str(schema[name]) for name in roots if name in schema)
            raise InputError(
                f"is {found}, which cannot become {source.table}.{column}",
                column=recipe.blame(column.name),
            ) from error
    if source.row_filter is not None:
        try:
            kept = empty.select(source.row_filter).to_series().dtype
        except pl.exceptions.PolarsError as error:
            reason = " ".join(str(error).split())
            raise InputError(f"the filter of table {source.table} fails: {reason}") from error
        if kept != pl.Boolean:
            raise InputError(
                f"the filter of table {source.table} is {kept}, neither true nor false"
            )
    for check in recipe.checks:
        try:
            empty.select(check.bad)
        except pl.exceptions.PolarsError as error:
            raise InputError(
                f"is {schema[check.column]}, not a number", column=check.column
            ) from error
