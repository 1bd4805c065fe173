"""Whether tables can be matched, by their shape and headers, and the types of their keys."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from specprod_copy.errors import InputError
from specprod_copy.reader import Described

_SHORT = (pl.Int8(), pl.UInt8(), pl.Int16(), pl.UInt16())
_EXACT: dict[pl.DataType, tuple[int, tuple[pl.DataType, ...]]] = {
    pl.Float32(): (24, _SHORT),
    pl.Float64(): (53, (*_SHORT, pl.Int32(), pl.UInt32())),
}
"""Of floats: below 2 to which power whole numbers are exact, and types without larger ones."""


def refuse_unmatched(
    tables: Sequence[Described],
    keys: Sequence[str],
    keywords: Sequence[str] = (),
    *,
    by_number: bool = False,
) -> None:
    """Check by their shape whether tables can be matched row by row.

    Parameters
    ----------
    tables : sequence of Described
    keys : sequence of str
        Columns that are to agree; the first one must be in each table.
    keywords : sequence of str
        What has to be the same in all headers that have it.
    by_number : bool
        Whether the number of the row is enough. Then each key must be in two of the tables, and no
        other column in more than one.

    Raises
    ------
    InputError
        If a table has no key, or one is a text here and a number there, or a table has another
        number of rows than the first one, or another keyword.
    """
    first, *others = tables
    if by_number:
        _refuse_repeated(tables, keys)
    for key in keys:
        having = [table for table in tables if key in table.schema]
        for other in having[1:]:
            # Their values are compared row by row, so one that was rounded is seen.
            if not all(_element_type(t.schema[key]).is_numeric() for t in (having[0], other)):
                common_type(having[0], other, key)
    for other in others:
        for table in () if by_number else (first, other):
            if not keys or keys[0] not in table.schema:
                column = keys[0] if keys else None
                message = "it is joined row by row to other tables, and lacks the key"
                raise InputError(message, path=table.path, hdu=table.hdu, column=column)
        if first.n_rows != other.n_rows:
            raise InputError(
                f"has {other.n_rows:,} rows, and {name_of(first)}, to which it is joined row by "
                f"row, has {first.n_rows:,}: one of them is of another version, or not complete",
                path=other.path,
                hdu=other.hdu,
            )
        for key in keywords:
            if {key} <= first.header.keys() & other.header.keys():
                own, its = (str(table.header[key]).strip() for table in (first, other))
                if own != its:
                    raise InputError(
                        f"{key} is {its!r} in its header, and {own!r} in that of {name_of(first)}, "
                        "to which it is joined row by row",
                        path=other.path,
                        hdu=other.hdu,
                    )


def _refuse_repeated(tables: Sequence[Described], keys: Sequence[str]) -> None:
    """Check that columns of the same name are those that have to agree."""
    seen: dict[str, Described] = {}
    for table in tables:
        for name in table.schema:
            if name in seen and name not in keys:
                raise InputError(
                    f"{name_of(seen[name])}, to which it is joined, has this column as well: name "
                    "it in same, drop it, or give it another name",
                    path=table.path,
                    hdu=table.hdu,
                    column=name,
                )
            seen.setdefault(name, table)
    for key in keys:
        if sum(key in table.schema for table in tables) < 2:
            message = "is to be the same in tables that are joined, and is not in two of them"
            raise InputError(message, path=tables[-1].path, hdu=tables[-1].hdu, column=key)


def common_type(first: Described, other: Described, key: str) -> pl.DataType:
    """Return a type that tells all values of a key of two tables from one another.

    Raises
    ------
    InputError
        If there is none: an id that was rounded to a float may be that of another row.
    """
    if first.schema[key] == other.schema[key]:
        return first.schema[key]
    # Of whole numbers and floats, the floats are to be blamed.
    by_type = sorted(
        [(_element_type(table.schema[key]), table) for table in (first, other)],
        key=lambda one: one[0].is_float(),
    )
    (wanted, table), (given, blamed) = by_type
    if wanted.is_integer() and given.is_integer():
        return pl.Int128() if pl.UInt64() in (wanted, given) else pl.Int64()
    bits, exact = _EXACT.get(given, (0, ()))
    if wanted == given or wanted.is_float() or wanted in exact:
        return pl.Float64() if given.is_float() else given
    message = f"is {given}"
    if bits and wanted.is_integer():
        message = (
            f"may have been rounded: a {given} is exact for whole numbers below 2**{bits} only"
        )
    raise InputError(
        f"{message}, and {name_of(table)}, to whose rows it is matched, has it as {wanted}: "
        f"write it as {wanted} here as well",
        path=blamed.path,
        hdu=blamed.hdu,
        column=key,
    )


def differing(first: pl.Series, other: pl.Series) -> pl.Series:
    """Return in which rows two columns differ; a whole number equals a float that is just that.

    Parameters
    ----------
    first, other : polars.Series
        Of one type, or numbers of any.
    """
    types = {_element_type(one.dtype) for one in (first, other)}
    if len(types) == 1 or not any(dtype.is_integer() for dtype in types):
        return first.ne_missing(other)
    # Polars compares a whole number with a float as the float that is nearest to it.
    wholes = [
        one.cast(_with_elements(one.dtype, pl.Int128()), strict=False) for one in (first, other)
    ]
    differs = wholes[0].ne_missing(wholes[1])
    for one, whole in zip((first, other), wholes, strict=True):
        if _element_type(one.dtype).is_float():  # a fraction, NaN or one beyond all whole numbers
            differs |= whole.cast(one.dtype).ne_missing(one)
    return differs


def _with_elements(dtype: pl.DataType, elements: pl.DataType) -> pl.DataType:
    """Return the type of arrays with other elements, else the type of these elements."""
    if isinstance(dtype, pl.Array):
        return pl.Array(elements, dtype.size)
    return pl.List(elements) if isinstance(dtype, pl.List) else elements


def _element_type(dtype: pl.DataType) -> pl.DataType:
    """Return the type of the elements of an array, else the type itself."""
    return dtype.inner if isinstance(dtype, pl.List | pl.Array) else dtype  # type: ignore[return-value]


def name_of(table: Described) -> str:
    """Return how errors name a table."""
    return f"{table.path}[{table.hdu}]" if table.hdu else str(table.path)
