"""Results as CSV, and as ECSV, which says what the columns are as well."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Final

import polars as pl
import polars.selectors as cs
import pyarrow as pa

from specprod_copy.errors import DatabaseError
from specprod_copy.results.formats.times import TIMES_AS_TEXT
from specprod_copy.results.formats.writer import Contents, Format

if TYPE_CHECKING:
    from polars._typing import CsvQuoteStyle

_BREAKS: Final = r"\n\r\x0b\x0c\x1c-\x1e\x{85}\x{2028}\x{2029}"
"""What ends a line for Python's `str.splitlines`."""

_LOST: Final = rf"[{_BREAKS}]\s*[#{_BREAKS}]"
"""Lines of a text that readers of ECSV leave out, within quotes too: empty ones, and comments."""


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
        self._write_csv(frame, "necessary")

    def _write_csv(self, frame: pl.DataFrame, quotes: CsvQuoteStyle) -> None:
        frame.write_csv(self._file, include_header=False, null_value=self._null, quote_style=quotes)

    def finish(self) -> None:
        """Close the file."""
        self._file.close()

    close = finish


class EcsvWriter(CsvWriter):
    """Writes what the columns are by astropy, and rows as in CSV; an empty text is null as well.

    Texts are in quotes: a row that begins with a # is no comment.
    """

    def _begin(self, contents: Contents) -> None:
        self._rows = 0
        self._file.write(_ecsv_header(contents).encode())

    def _write(self, frame: pl.DataFrame) -> None:
        for column in frame.select(cs.string()):
            lines = column.str.replace_all("\r\n", "\n", literal=True)
            lost = lines.str.contains(_LOST).fill_null(False)
            if lost.any():
                row = self._rows + (lost.arg_max() or 0)
                raise DatabaseError(
                    f"column {column.name}, row {row} of the result: a text with a line that is "
                    "empty or begins with #, which readers of ECSV leave out; write Parquet or "
                    "VOTable"
                )
        self._rows += frame.height
        words = cs.boolean().cast(pl.String).str.to_titlecase()
        self._write_csv(frame.with_columns(words), "non_numeric")


def _ecsv_header(contents: Contents) -> str:
    from astropy.table import Column, Table
    from astropy.units import UnrecognizedUnit

    table = Table(meta=dict(contents.infos))
    for column, field in zip(contents.columns, contents.schema, strict=True):
        if field.name.splitlines() != [field.name]:
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
