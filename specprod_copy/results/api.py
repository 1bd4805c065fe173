"""Run a query: into a file, into memory, or its first rows for people."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import pyarrow as pa
from psycopg import sql

from specprod_copy import __version__
from specprod_copy.atomic_files import output_errors, refuse_existing, written
from specprod_copy.errors import ConfigurationError, SpecprodCopyError
from specprod_copy.postgres.connection import translated_errors
from specprod_copy.progress import ProgressListener
from specprod_copy.results.column import ResultColumn
from specprod_copy.results.formats import Contents, Writer, format_of
from specprod_copy.results.frames import astropy_table, polars_frame
from specprod_copy.results.options import QueryOptions
from specprod_copy.results.query import REFUSED, open_query
from specprod_copy.results.stream import fetched, trimmed
from specprod_copy.tables.source import NOT_FINITE
from specprod_copy.words import escaped

if TYPE_CHECKING:
    import polars as pl
    from astropy.table import Table


@dataclass(frozen=True)
class QuerySummary:
    """What a query has written."""

    rows: int
    columns: Sequence[ResultColumn]
    seconds: float
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class Preview:
    """The first rows of a result, as the server writes values."""

    columns: Sequence[ResultColumn]
    rows: Sequence[Sequence[str | None]]
    complete: bool
    """Whether there are no more."""
    notes: Sequence[str] = field(default=())


def run(
    conninfo: str,
    text: str,
    options: QueryOptions,
    listener: ProgressListener | None = None,
    *,
    stream: BinaryIO | None = None,
    inputs: Sequence[Path] = (),
) -> QuerySummary:
    """Run a query and write its result to a file, whole or not at all.

    Parameters
    ----------
    conninfo : str
        For libpq.
    text : str
        One statement that returns rows.
    options : QueryOptions
        With its `output`, unless there is a `stream`.
    listener : ProgressListener, optional
        Receives progress events.
    stream : file object, optional
        Where the finished file is copied to, instead of `output`.
    inputs : sequence of pathlib.Path
        Files that were read, beside the lists: `output` replaces none of them.

    Raises
    ------
    SpecprodCopyError
        If the file cannot be written, the format cannot hold the result, or the server refuses.
    """
    started = time.monotonic()
    listener = listener or ProgressListener()
    form = format_of(options.output, options.format)
    with ExitStack() as stack:
        path = stack.enter_context(_target(options, stream, inputs))
        query = stack.enter_context(open_query(conninfo, text, options))
        convert = query.converter(form, exact_as_text=not form.has_decimals)
        infos = {
            "query": escaped(" ".join(query.text.split())),
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "program": f"specprod-copy {__version__}",
        }
        writer = form.open(path, Contents(query.columns, convert.schema, infos))
        stack.callback(_close, writer)
        rows = 0
        listener.begin(0, 0)
        stack.callback(listener.end)
        with fetched(query.sessions, query.text, convert.wanted) as batches:
            for batch in batches:
                writer.write(convert.convert(batch))
                rows += batch.num_rows
                listener.advance("query", batch.num_rows, batch.nbytes)
        writer.finish()
    told = query.notes()
    if not form.has_types:
        told += [
            f"column {c.name}: {form.name.upper()} says nothing of types; read it as text"
            for c in query.columns
            if c.is_exact
        ]
    return QuerySummary(rows, query.columns, time.monotonic() - started, told)


def _close(writer: Writer) -> None:
    # After an error the rest may find no room either; what was written is removed.
    with suppress(OSError, pa.ArrowException):
        writer.close()


@contextmanager
def _target(
    options: QueryOptions, stream: BinaryIO | None, inputs: Sequence[Path]
) -> Iterator[Path]:
    """Yield the name of the file to write."""
    if stream is not None:
        with tempfile.TemporaryDirectory(prefix="specprod-copy-") as folder:
            path = Path(folder) / "result"
            with output_errors(path):
                yield path
            try:
                with path.open("rb") as content:
                    shutil.copyfileobj(content, stream)
                stream.flush()
            except BrokenPipeError:  # whoever reads has enough
                return
            except OSError as error:
                raise SpecprodCopyError(f"standard output: {error.strerror}") from error
        return
    if options.output is None:
        raise ConfigurationError("name the file for the result")
    if not options.overwrite:
        refuse_existing(options.output.parent, [options.output.name])
    inputs = [*inputs, *(path for _, path in options.lists)]
    with written(options.output, overwrite=options.overwrite, inputs=inputs) as path:
        yield path


def in_memory(conninfo: str, text: str, options: QueryOptions, kind: str) -> pl.DataFrame | Table:
    """Return all of a result.

    Parameters
    ----------
    conninfo, text, options
        As for `run`.
    kind : {"polars", "astropy"}
    """
    if kind not in ("polars", "astropy"):
        raise ConfigurationError(f"a result is of kind polars or astropy, not {kind!r}")
    with open_query(conninfo, text, options) as query:
        table = query.table(exact_as_text=kind == "astropy")
    return polars_frame(table) if kind == "polars" else astropy_table(query.columns, table)


def preview(
    conninfo: str,
    text: str,
    options: QueryOptions,
    rows: int,
) -> Preview:
    """Return the first rows of a result, for people.

    Parameters
    ----------
    conninfo, text, options
        As for `run`.
    rows : int
        How many at most.
    """
    with open_query(conninfo, text, options, shown=True) as query:
        statement, copies = trimmed(query.text)
        with translated_errors(REFUSED):
            cursor = query.sessions.asking.cursor()
            if copies:
                cursor.execute(b"DECLARE specprod_copy NO SCROLL CURSOR FOR " + statement.encode())
                fetch = sql.SQL("FETCH {} FROM specprod_copy").format(sql.Literal(rows + 1))
                cursor.execute(fetch)
            else:
                cursor.execute(statement.encode())
            result = cursor.pgresult
            assert result is not None
            found = [
                [_shown(result.get_value(row, n), c, options) for n, c in enumerate(query.columns)]
                for row in range(min(rows, result.ntuples) if copies else result.ntuples)
            ]
        complete = not copies or result.ntuples <= rows
        return Preview(query.columns, found, complete, query.notes())


def _shown(value: bytes | None, column: ResultColumn, options: QueryOptions) -> str | None:
    text = None if value is None else value.decode()
    absent = column.is_float and column.meaning.finitized and not options.keep_9999
    return None if absent and text == f"{NOT_FINITE:g}" else text
