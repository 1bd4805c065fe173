"""A query that is ready to run: what it gives is known, and what cannot be handed out refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

import psycopg
import pyarrow as pa

from specprod_copy.errors import ConfigurationError, DatabaseError
from specprod_copy.postgres.connection import translated_errors
from specprod_copy.results.column import ResultColumn
from specprod_copy.results.formats import Format
from specprod_copy.results.options import QueryOptions
from specprod_copy.results.own_lists import make_lists
from specprod_copy.results.prepare import describe
from specprod_copy.results.searches import search
from specprod_copy.results.session import Sessions, open_sessions, query_path, waited
from specprod_copy.results.stream import fetched
from specprod_copy.results.values import Converter, notes

REFUSED: Final = "the server refuses the query"
"""How an error of the server begins."""


class Query:
    """A query that is ready to run: described, and refused if it cannot be what is wanted."""

    def __init__(
        self, sessions: Sessions, text: str, options: QueryOptions, *, shown: bool
    ) -> None:
        self.sessions = sessions
        self.text = text
        self.options = options
        self.shown = shown
        asking = sessions.asking
        with translated_errors(REFUSED):
            self.columns = waited(lambda: describe(asking, text), asking.cancel)
            if not shown:
                # Who waits for its locks, to alter a table, would let the other session wait.
                asking.rollback()

    def table(self, *, exact_as_text: bool) -> pa.Table:
        """Return all rows."""
        convert = self.converter(None, exact_as_text=exact_as_text)
        with fetched(self.sessions, self.text, convert.wanted) as batches:
            return pa.Table.from_batches(map(convert.convert, batches), convert.schema)

    def converter(self, form: Format | None, *, exact_as_text: bool) -> Converter:
        """Return what makes values for a format, or for memory.

        Raises
        ------
        DatabaseError
            If the format cannot hold a column.
        """
        _refuse_columns(self.columns, form)
        return Converter(
            self.columns, exact_as_text=exact_as_text, keep_9999=self.options.keep_9999
        )

    def notes(self) -> list[str]:
        """Return what people should know of the values."""
        return notes(
            self.columns,
            keep_9999=self.options.keep_9999,
            shown=self.shown,
            is_search=self.options.is_search,
        )


@contextmanager
def open_query(
    conninfo: str, text: str, options: QueryOptions, *, shown: bool = False
) -> Iterator[Query]:
    """Yield a query within a read-only transaction.

    Parameters
    ----------
    conninfo, text, options
        As for `specprod_copy.results.api.run`.
    shown : bool
        Whether the session that asks reads the result, as the server writes it for people.

    Raises
    ------
    DatabaseError
        If the server, the schema or the query are not as they must be.
    """
    if options.is_search and text.strip():
        raise ConfigurationError("a cone or a match of a table stands in the place of a query")
    if "\0" in text:
        raise ConfigurationError(
            "the query has a NUL character, behind which the server reads nothing: leave it out"
        )
    with open_sessions(conninfo) as sessions:
        asking = sessions.asking
        path = query_path(asking, options.schema)
        lists = make_lists(sessions, dict(options.lists), path, shown=shown)
        if options.is_search:
            text = search(asking, options, lists)
        elif options.parameters:
            text = _with_parameters(asking, text, options.parameters)
        sessions.read_only(path)
        yield Query(sessions, text, options, shown=shown)


def _refuse_columns(columns: Sequence[ResultColumn], form: Format | None) -> None:
    """Raise a DatabaseError for columns that cannot be handed out, or not in a format."""
    counts = Counter(c.name.lower() if form and form.ignores_case else c.name for c in columns)
    if double := [name for name, count in counts.items() if count > 1]:
        raise DatabaseError(
            f"the result has several columns {double[0]}; give each a name of its own: "
            f'… AS "other {double[0]}"'
        )
    for column in columns:
        quoted = f"column {column.name}: type {column.written}"
        if column.arrow is None:
            raise DatabaseError(f"{quoted} is not handed out; cast it, e.g. to text: …::text")
        words = column.is_array and (column.is_text or column.is_exact)
        if column.is_array and form is not None and not form.has_arrays:
            others = "Parquet" if words else "Parquet, FITS or VOTable"
            raise DatabaseError(
                f"{quoted}, which {form.name} does not hold; write {others}, or "
                f"array_to_string({column.name}, ' ')"
            )
        if words and form is not None and not form.has_decimals:
            raise DatabaseError(
                f"{quoted}: {form.name} holds arrays of numbers only; write Parquet, or "
                f"array_to_string({column.name}, ' ')"
            )


def _with_parameters(
    connection: psycopg.Connection, text: str, parameters: Mapping[str, object]
) -> str:
    for name in parameters:
        if f"%({name})" not in text:
            raise ConfigurationError(f"the query has no parameter %({name})s")
    try:
        return psycopg.ClientCursor(connection).mogrify(text.encode(), parameters)
    except psycopg.Error as error:
        raise DatabaseError(
            f"the parameters do not fit the query: {error}; it has them as %(name)s, and a % of "
            "its own as %%"
        ) from error
