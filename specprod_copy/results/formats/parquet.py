"""Results as Parquet, with what the columns mean as VOParquet has it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from specprod_copy.results.column import ID_CHARACTERS
from specprod_copy.results.formats.writer import Contents, Format
from specprod_copy.results.votable_header import FOOTER, header

_ROWS: Final = 65_536
"""Of a row group, or some more: it is in memory until it is written."""

_BYTES: Final = 64 << 20
"""Of one of wide rows, which has fewer."""

_TEXT_WIDTH: Final = 64
"""Astropy wants a number of characters, and takes the text as long as it is; not of decimals.
In an array the standard wants it of either."""


def settings(schema: pa.Schema) -> dict[str, Any]:
    """Return how columns are encoded: of half the processor time of the default, as small.

    A dictionary is for texts, of which there are few; of measured values it is made, found too
    large and thrown away, block by block. The least and the largest of the 128-bit ids take long to
    find, and in the order of a table leave out no block.
    """
    texts = [field.name for field in schema if pa.types.is_string(field.type)]
    plain = [field.name for field in schema if not pa.types.is_decimal(field.type)]
    return {
        "compression": "zstd",
        "compression_level": 1,
        "use_dictionary": texts or False,
        "write_statistics": plain,
    }


class ParquetWriter:
    """Writes row groups."""

    def __init__(self, path: Path, contents: Contents) -> None:
        widths = {
            column.name: ID_CHARACTERS if column.is_exact else column.max_length or _TEXT_WIDTH
            for column in contents.columns
            if column.is_array or not column.is_exact
        }
        votable = header(contents.columns, contents.schema, contents.infos, widths=widths) + FOOTER
        metadata = {"IVOA.VOTable-Parquet.version": "1.0", "IVOA.VOTable-Parquet.content": votable}
        self._schema = contents.schema.with_metadata(metadata)
        self._file = pq.ParquetWriter(path, self._schema, **settings(self._schema))
        self._waiting: list[pa.RecordBatch] = []
        self._rows = self._bytes = 0

    def write(self, batch: pa.RecordBatch) -> None:
        """Write rows."""
        self._waiting.append(batch)
        self._rows += batch.num_rows
        self._bytes += batch.nbytes
        if self._rows >= _ROWS or self._bytes >= _BYTES:
            self._flush()

    def _flush(self) -> None:
        self._file.write_table(pa.Table.from_batches(self._waiting, self._schema))
        self._waiting, self._rows, self._bytes = [], 0, 0

    def finish(self) -> None:
        """Write the rows that are left, and the end of the file."""
        self._flush()
        self._file.close()

    def close(self) -> None:
        """Close the file."""
        self._waiting = []
        self._file.close()


PARQUET = Format("parquet", ".parquet", ParquetWriter, has_decimals=True, has_arrays=True)
