"""Values of a result as they are handed out: exact, or an error; null where -9999 means nothing."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Final, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc
from psycopg import sql

from specprod_copy.errors import DatabaseError
from specprod_copy.results.column import TIMES, ResultColumn
from specprod_copy.tables.source import NOT_FINITE

_Values: TypeAlias = Callable[[pa.Array], pa.Array]

_YEARS: Final = {
    "date": (-719_162, 2_932_896),
    "timestamp": (-62_135_596_800_000_000, 253_402_300_799_999_999),
}
"""Years 1 to 9999, in days and microseconds since 1970."""

_EXACT_DIGITS: Final = 15
"""Every whole number of so many digits is one of float64."""

_SHOWN_DIGITS: Final = 60
"""Of a number in an error; it may have 131,072."""


class Converter:
    """Makes what is handed out of what the server sent.

    Parameters
    ----------
    columns : sequence of ResultColumn
        All of types that are handed out.
    exact_as_text : bool
        Whether decimal numbers, the ids among them, become text, for formats without decimals.
    keep_9999 : bool
        Whether -9999 stays where the loader has put it for NaN and infinities.
    """

    def __init__(
        self, columns: Sequence[ResultColumn], *, exact_as_text: bool, keep_9999: bool
    ) -> None:
        self.schema = pa.schema([_field(column, exact_as_text=exact_as_text) for column in columns])
        self._make = [
            _maker(column, exact_as_text=exact_as_text, keep_9999=keep_9999) for column in columns
        ]
        self._columns = columns
        self._arrays = [column.name for column in columns if column.is_array]
        dimensions = sql.SQL("pg_catalog.array_ndims({})")
        self.wanted = sql.SQL(", ").join(
            [
                *map(_wanted, columns),
                *(dimensions.format(sql.Identifier("q", name)) for name in self._arrays),
            ]
        )
        """What to fetch of a query ``q``; after its columns how many dimensions each array has,
        which ADBC does not tell."""

    def convert(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return a batch of the schema.

        Raises
        ------
        DatabaseError
            If a value cannot be handed out exactly, or a table was changed since the query was
            described.
        """
        width = len(self._make)
        values, dimensions = batch.columns[:width], batch.columns[width:]
        for column, array in zip(self._columns, values, strict=True):
            if _stored(array.type) != column.fetched:
                raise DatabaseError(
                    f"column {column.name} is not of type {column.written} any more: its table was "
                    "changed meanwhile; run the query again"
                )
        for name, numbers in zip(self._arrays, dimensions, strict=True):
            most = pc.max(numbers).as_py() or 1
            if most > 1:
                raise DatabaseError(
                    f"column {name}: an array of {most} dimensions; arrays of one are handed out. "
                    f"Write {name}::text, or ARRAY(SELECT unnest({name})) for its values in a row"
                )
        arrays = [make(array) for make, array in zip(self._make, values, strict=True)]
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema)


def _wanted(column: ResultColumn) -> sql.Composable:
    name = sql.Identifier("q", column.name)
    if column.is_array:
        return sql.SQL("({})[:]").format(name)  # counts from 1, as ADBC wants it
    if column.type == "numeric":
        # ADBC makes text of it as well, in several times the server's time.
        return sql.SQL("{}::pg_catalog.text").format(name)
    return name


def _field(column: ResultColumn, *, exact_as_text: bool) -> pa.Field:
    kind = pa.string() if exact_as_text and column.is_exact else column.element.arrow
    kind = pa.list_(kind) if column.is_array else kind
    meaning = column.meaning
    told = {"description": meaning.description, "unit": meaning.unit, "ucd": meaning.ucd}
    return pa.field(column.name, kind, metadata={k: v for k, v in told.items() if v})


def _maker(column: ResultColumn, *, exact_as_text: bool, keep_9999: bool) -> _Values:
    if column.is_array:
        element = column.element
        # Nothing of an array stands for another one: -9999 stays as it is.
        return partial(_each, _maker(element, exact_as_text=exact_as_text, keep_9999=True))
    if column.is_exact:
        return _storage if exact_as_text else partial(_decimals, column)
    if column.type == "numeric":
        return partial(_floats, column)
    if column.is_text:
        return _storage
    if column.type in TIMES:
        return partial(_times, column)
    if column.is_float and column.meaning.finitized and not keep_9999:
        return _without_9999
    return _as_it_is


def _as_it_is(array: pa.Array) -> pa.Array:
    return array


def _each(make: _Values, array: pa.Array) -> pa.Array:
    """Return arrays whose elements are handed out."""
    elements = make(array.values)
    return pa.ListArray.from_arrays(
        array.offsets, elements, pa.list_(elements.type), mask=array.is_null()
    )


def _stored(kind: pa.DataType) -> pa.DataType:
    """Return a type without what ADBC says beside: of JSON and numerics that they are."""
    if pa.types.is_list(kind):
        return pa.list_(_stored(kind.value_type))
    return kind.storage_type if isinstance(kind, pa.BaseExtensionType) else kind


def _storage(array: pa.Array) -> pa.Array:
    return array.storage if isinstance(array, pa.ExtensionArray) else array


def _decimals(column: ResultColumn, array: pa.Array) -> pa.Array:
    texts, kind = _storage(array), column.arrow
    assert kind is not None
    # Of more digits than it has room for, Arrow's own cast makes another number, without a word.
    long = pc.fill_null(pc.greater(pc.binary_length(texts), kind.precision), False)
    bad = [t for t in texts.filter(long).to_pylist() if _digits(t) > kind.precision]
    if not bad:
        try:
            return texts.cast(kind)
        except pa.ArrowInvalid:  # nan, inf
            bad = texts.filter(pc.match_substring(texts, "n", ignore_case=True)).to_pylist()
            if not bad:
                raise
    raise DatabaseError(
        f"column {column.name}: {bad[0]} does not fit into {kind}; write {column.name}::text"
    )


def _digits(text: str) -> int:
    return sum(character.isdigit() for character in text.lstrip("-0"))


def _floats(column: ResultColumn, array: pa.Array) -> pa.Array:
    texts = _storage(array)
    long = pc.fill_null(pc.greater(pc.binary_length(texts), _EXACT_DIGITS), False)
    if pc.any(long).as_py():
        for text in texts.filter(long).to_pylist():
            whole, _, fraction = text.partition(".")
            is_whole = not fraction.strip("0") and whole.lstrip("-").isdigit()
            number = float(text)
            # A numeric that is infinite has a short text.
            if math.isinf(number) or (is_whole and int(number) != int(whole)):
                shown = whole if len(whole) <= _SHOWN_DIGITS else f"{whole[:_SHOWN_DIGITS]}…"
                raise DatabaseError(
                    f"column {column.name}: {shown} is a number that an 8-byte float does not "
                    f"hold; write {column.name}::numeric(39) for an id, or ::text"
                )
    return texts.cast(pa.float64())


def _times(column: ResultColumn, array: pa.Array) -> pa.Array:
    days = column.type == "date"
    low, high = _YEARS["date" if days else "timestamp"]
    numbers = array.cast(pa.int32() if days else pa.int64())
    limits = pc.min_max(numbers).as_py()
    if limits["min"] is not None and not low <= limits["min"] <= limits["max"] <= high:
        raise DatabaseError(
            f"column {column.name}: a time that is infinite, or not in the years 1 to 9999; write "
            f"{column.name}::text"
        )
    return array


def _without_9999(array: pa.Array) -> pa.Array:
    absent = pc.equal(array, pa.scalar(NOT_FINITE, array.type))
    if not pc.any(absent).as_py():
        return array
    return pc.if_else(absent, pa.scalar(None, array.type), array)


def notes(
    columns: Iterable[ResultColumn], *, keep_9999: bool, shown: bool, is_search: bool
) -> list[str]:
    """Return what people should know of columns whose values are not simply those of a table.

    Parameters
    ----------
    columns : iterable of ResultColumn
    keep_9999 : bool
        As for `Converter`.
    shown : bool
        Whether the values are the server's own text, with all digits.
    is_search : bool
        Whether we wrote the query: what it computes is an angle between positions that are known.
    """
    columns = list(columns)
    rounded = [] if shown else [c for c in columns if c.type == "numeric" and not c.is_exact]
    found = [
        f"column {c.name} is a numeric without a number of digits: handed out as an 8-byte float; "
        f"for exact digits write {c.name}::numeric(39){end} or {c.name}::text{end}"
        for c in rounded
        for end in ["[]" if c.is_array else ""]
    ]
    hidden = dict.fromkeys(
        c.meaning.origin.rpartition(".")[0] for c in columns if not c.meaning.known
    )
    found += [
        f"view {view}: you may not use the schema of its tables. Units and descriptions are those "
        "of its own comments; where -9999 stands for NaN is not known, and it stays a number"
        for view in hidden
    ]
    if keep_9999:
        return found
    by_hand = [c.name for c in columns if c.is_float and not c.meaning.defined]
    if by_hand:
        found.append(
            f"of tables that no production has: {', '.join(by_hand)}; whether -9999 stands for "
            "NaN there is not known, and it stays a number"
        )
    meant = [c for c in columns if c.is_float and not c.meaning.is_null]
    computed = [c.name for c in meant if not c.meaning.origin]
    if computed and not is_search:
        found.append(
            f"computed, or of a UNION: {', '.join(computed)}; there, a -9999 that stands for NaN "
            "in a table counts as a number. Leave it out by WHERE, or use nullif(column, -9999)"
        )
    return found
