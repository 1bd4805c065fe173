"""What a format is, and what writes a file of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from specprod_copy.results.column import ResultColumn


class Writer(Protocol):
    """Writes the rows of a result to a file."""

    def write(self, batch: pa.RecordBatch) -> None:
        """Write rows."""

    def finish(self) -> None:
        """Write what comes after the last row, and close the file."""

    def close(self) -> None:
        """Close the file, whatever is in it."""


@dataclass(frozen=True)
class Contents:
    """What a file is going to hold, beside its rows."""

    columns: Sequence[ResultColumn]
    schema: pa.Schema
    """What the columns are handed out as."""
    infos: Mapping[str, str]
    """The query, when, by which program."""


@dataclass(frozen=True)
class Format:
    """A format of files."""

    name: str
    suffix: str
    open: Callable[[Path, Contents], Writer]
    has_decimals: bool = False
    """Whether it holds decimal numbers; otherwise they are text."""
    has_arrays: bool = False
    """Whether a value may be an array of numbers."""
    has_types: bool = True
    """Whether it says which columns are text; otherwise readers guess."""
    ignores_case: bool = False
    """Whether names of columns that differ in capitals alone are one name."""
