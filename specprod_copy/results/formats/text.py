"""Results as CSV, and as ECSV, which says what the columns are as well."""

from __future__ import annotations

import io
from pathlib import Path

import polars as pl
import polars.selectors as cs
import pyarrow as pa

from specprod_copy.errors import DatabaseError
from specprod_copy.results.formats.times import TIMES_AS_TEXT
from specprod_copy.results.formats.writer import Contents, Format


class CsvWriter:
    """Writes rows with commas between the values; null is nothing, an empty text is two quotes.

    In a result of one column null is two quotes as well: of an empty line readers make no row.
    """

    def __init__(self, path: Path, contents: Contents) -> None:
        self._null = '""' if len(contents.schema) == 1 else ""
        self._file = path.open("wb")
        self._begin(contents)

    def _begin(self, contents: Contents) -> None:
        names = pl.DataFrame(schema=[field.name for field in contents.schema])
        names.write_csv(self._file)

    def write(self, batch: pa.RecordBatch) -> None:
        """Write rows."""
        frame = pl.from_arrow(batch)
        assert isinstance(frame, pl.DataFrame)
        self._write(frame.with_columns(*TIMES_AS_TEXT))

    def _write(self, frame: pl.DataFrame) -> None:
        frame.write_csv(self._file, include_header=False, null_value=self._null)

    def finish(self) -> None:
        """Close the file."""
        self._file.close()

    close = finish


class EcsvWriter(CsvWriter):
    """Writes what the columns are by astropy, and rows as in CSV; an empty text is null as well."""

    def _begin(self, contents: Contents) -> None:
        self._file.write(_ecsv_header(contents).encode())

    def _write(self, frame: pl.DataFrame) -> None:
        words = cs.boolean().cast(pl.String).str.to_titlecase()
        super()._write(frame.with_columns(words))


def _ecsv_header(contents: Contents) -> str:
    from astropy.table import Column, Table
    from astropy.units import UnrecognizedUnit

    table = Table(meta=dict(contents.infos))
    for column, field in zip(contents.columns, contents.schema, strict=True):
        if "\n" in field.name:
            raise DatabaseError(f"column {field.name!r}: a name of several lines; name it by AS")
        kind = field.type
        is_text = pa.types.is_string(kind) or pa.types.is_temporal(kind)
        meaning = column.meaning
        table[field.name] = Column(
            dtype=str if is_text else kind.to_pandas_dtype(),
            # As it is: astropy would write other words.
            unit=UnrecognizedUnit(meaning.unit) if meaning.unit else None,
            description=meaning.description or None,
            meta={"ucd": meaning.ucd} if meaning.ucd else None,
        )
    text = io.StringIO()
    table.write(text, format="ascii.ecsv", delimiter=",")
    return text.getvalue().replace("\r\n", "\n")


CSV = Format("csv", ".csv", CsvWriter, has_types=False)

ECSV = Format("ecsv", ".ecsv", EcsvWriter)
