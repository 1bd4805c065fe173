"""The rows of a table in Parquet files, parts of it: what is sorted into a catalog afterwards.

They come from the production's files, by the very way that a load goes, or from a loaded table, by
one query. Both give the same columns, types and nulls.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, NamedTuple

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from psycopg import sql

from specprod_copy.atomic_files import output_errors
from specprod_copy.errors import ConfigurationError
from specprod_copy.executors.contexts import Report
from specprod_copy.executors.executor import Workers, in_order
from specprod_copy.export.contents import Exported, with_position
from specprod_copy.metadata.positions import position_of
from specprod_copy.plan.known_tiles import with_tiles_of_file
from specprod_copy.plan.ledger import NothingLoaded
from specprod_copy.plan.looks import Looks, open_looks
from specprod_copy.plan.planning import Planner
from specprod_copy.postgres.schema import Schema
from specprod_copy.progress import ProgressListener
from specprod_copy.results.options import QueryOptions
from specprod_copy.results.query import open_query
from specprod_copy.results.stream import fetched
from specprod_copy.results.values import Converter
from specprod_copy.rows.read import table_rows
from specprod_copy.rows.units import Unit
from specprod_copy.tables import Catalogue, Inputs, TableSource
from specprod_copy.tables.source import NOT_FINITE

_ROWS: Final = 500_000
"""Of a part that comes from a server."""

_IN_FILES: Final = {
    "ra": (pl.col("TARGET_RA"), pl.col("RA")),
    "dec": (pl.col("TARGET_DEC"), pl.col("DEC")),
}
"""The position of a target in files of tables that have none of their own."""


_OF_TILES: Final = ("tile", "fiberassign", "potential")
"""Tables whose files are those of the tiles in the tiles file."""


class Part(NamedTuple):
    """A file with rows of the table."""

    path: Path
    rows: int
    left_out: int
    """Rows whose position is not known."""


class _Writing:
    """Writes one part."""

    def __init__(self, export: Exported, path: Path) -> None:
        self._export, self._path = export, path
        self._file: pq.ParquetWriter | None = None
        self.rows = self.left_out = 0

    def write(self, rows: pa.Table) -> None:
        known = with_position(self._export, rows)
        self.left_out += rows.num_rows - known.num_rows
        self.rows += known.num_rows
        with output_errors(self._path):
            if self._file is None:
                self._file = pq.ParquetWriter(self._path, known.schema)
            self._file.write_table(known)

    def done(self) -> Part:
        if self._file is not None:
            with output_errors(self._path):
                self._file.close()
        return Part(self._path, self.rows, self.left_out)


@dataclass(frozen=True)
class _Reading:
    """What workers share that read files; see `executors.contexts.Context`."""

    sources: Mapping[str, TableSource]
    export: Exported
    folder: Path

    @contextmanager
    def opened(self, report: Report) -> Iterator[_Reading]:
        yield self

    def schema(self) -> pa.Schema:
        return Converter(self.export.results, exact_as_text=False, keep_9999=False).schema


def _read(reading: _Reading, work: tuple[int, Unit]) -> Part:
    number, unit = work
    writing = _Writing(reading.export, reading.folder / f"{number:06}.parquet")
    schema = reading.schema()
    unknown = [
        pl.col(c.name).replace(NOT_FINITE, None)
        for c in reading.export.results
        if c.is_float and c.meaning.finitized
    ]
    for rows in table_rows(unit, reading.sources, reading.export.columns):
        frame = rows.frame.with_columns(unknown)
        if frame.height:
            writing.write(frame.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(schema))
    return writing.done()


def from_files(
    catalogue: Catalogue,
    inputs: Inputs,
    export: Exported,
    folder: Path,
    *,
    workers: Workers,
    listener: ProgressListener,
) -> list[Part]:
    """Write the rows that a load of the files would put into a table.

    Raises
    ------
    ConfigurationError
        If the production has no such table, or columns that only the database can compute.
    InputError
        If a file is not as it must be.
    """
    sources = [s for s in catalogue.of_table(export.table) if s.applies(inputs)]
    if not sources:
        raise ConfigurationError(
            f"production {inputs.files.production.name} has no files of table {export.table}"
        )
    for source in sources:
        if source.after_rows is not None and source.after_rows(inputs):
            raise ConfigurationError(
                f"of this production, columns of table {export.table} are computed in the "
                "database: load it, and export it from there (--schema)"
            )
    if export.borrowed:
        sources = [_with_position(source) for source in sources]
    with open_looks(catalogue.keywords, workers) as looks:
        if any(source.table in _OF_TILES for source in sources) and not inputs.tileids:
            inputs = with_tiles_of_file(inputs)
        if export.borrowed:
            _refuse_without_position(sources, inputs, looks)
        columns = {export.table: export.columns}
        plan = Planner(inputs, looks=looks).plan(sources, columns, NothingLoaded())
        reading = _Reading({s.name: s for s in sources}, export, folder)
        parts = []
        listener.begin(plan.n_rows, 0)
        with workers.sharing(reading) as executor:
            for (_, unit), part in in_order(executor, _read, enumerate(plan.units)):
                listener.advance(export.table, unit.n_rows, unit.n_rows * unit.row_bytes)
                parts.append(part)
        listener.end()
    return parts


def _refuse_without_position(sources: Sequence[TableSource], inputs: Inputs, looks: Looks) -> None:
    known = {name for column in _IN_FILES["ra"] for name in column.meta.root_names()}
    for source in sources:
        for path in source.files(inputs)[:1]:
            if known.isdisjoint(looks.now(source, path).schema):
                raise ConfigurationError(
                    f"the files of table {source.table} have no positions of its targets: load it, "
                    "and photometry, and export it from there (--schema)"
                )


def _with_position(source: TableSource) -> TableSource:
    return replace(source, derived={**source.derived, **_IN_FILES})


def from_server(
    conninfo: str,
    catalogue: Catalogue,
    found: Schema,
    export: Exported,
    folder: Path,
    *,
    listener: ProgressListener,
) -> list[Part]:
    """Write the rows of a loaded table, as one moment has them."""
    text = _query(catalogue, found, export)
    parts: list[Part] = []
    listener.begin(0, 0)
    with open_query(conninfo, text, QueryOptions(found.name)) as query:
        convert = query.converter(None, exact_as_text=False)
        writing = _Writing(export, folder / "000000.parquet")
        with fetched(query.sessions, query.text, convert.wanted) as batches:
            for batch in batches:
                writing.write(pa.Table.from_batches([convert.convert(batch)]))
                listener.advance(export.table, batch.num_rows, batch.nbytes)
                if writing.rows >= _ROWS:
                    parts.append(writing.done())
                    writing = _Writing(export, folder / f"{len(parts):06}.parquet")
        parts.append(writing.done())
    listener.end()
    return parts


def _query(catalogue: Catalogue, found: Schema, export: Exported) -> str:
    table = sql.Identifier(found.name, export.table)
    own: Sequence[str] = [column.name for column in export.columns]
    columns = sql.SQL(", ").join(sql.Identifier("t", name) for name in own)
    if not export.borrowed:
        return sql.SQL("SELECT {} FROM {} AS t").format(columns, table).as_string()
    position = position_of(catalogue.definition, found, export.table)
    assert position is not None
    columns = sql.SQL(", ").join(sql.Identifier("t", name) for name in own[:-2])
    return (
        sql.SQL("SELECT {}, p.{} AS ra, p.{} AS dec FROM {} AS t LEFT JOIN {} AS p USING ({})")
        .format(
            columns,
            sql.Identifier(position.ra),
            sql.Identifier(position.dec),
            table,
            sql.Identifier(found.name, position.table),
            sql.Identifier(position.key),
        )
        .as_string()
    )
