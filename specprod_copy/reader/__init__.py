"""Input tables of all formats behind one interface: bounded Polars frames of columns and rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import numpy as np
import polars as pl

from specprod_copy.errors import UNPACK_FIRST, InputError
from specprod_copy.reader.content import Digest
from specprod_copy.reader.fits import described_fits, open_fits
from specprod_copy.reader.selection import CHUNK_ROWS
from specprod_copy.reader.text import open_csv, open_ecsv


class Described(Protocol):
    """What is known of a table of an input file without its rows."""

    @property
    def path(self) -> Path:
        """The file."""

    @property
    def hdu(self) -> str:
        """Name of the HDU as in the file; its number if it has none; "" for a text table."""

    @property
    def n_rows(self) -> int:
        """Number of rows."""

    @property
    def row_bytes(self) -> int:
        """Bytes of a row in the unpacked file; for text tables an estimate."""

    @property
    def schema(self) -> pl.Schema:
        """Columns in file order: names in upper case and their types.

        Vectors are Array, of one dimension (of several in FITS the first is the fastest), and List
        where their lengths vary; what cannot be read is Unknown and an error only when it is
        asked for.
        """

    @property
    def header(self) -> Mapping[str, object]:
        """Keywords of the HDU, and of the primary HDU where the former lacks them.

        Of an ECSV table its meta entries; of a CSV table nothing.
        """

    @property
    def packed(self) -> bool:
        """Whether a row can be read only after all that stand before it in the file."""

    def want(self, types: Mapping[str, pl.DataType]) -> pl.Schema:
        """Take note what columns are going to be; return the schema that there is then.

        Where the file leaves it open (CSV), a column is read as that, and not by a guess.

        Parameters
        ----------
        types : mapping of str to polars.DataType
            By names in upper case; names of columns that do not exist do not matter.
        """


class InputTable(Described, Protocol):
    """An open table of an input file."""

    def frames(
        self,
        columns: Sequence[str] | None = None,
        *,
        first: int = 0,
        last: int | None = None,
        rows: np.ndarray | None = None,
        chunk_rows: int = CHUNK_ROWS,
    ) -> Iterator[pl.DataFrame]:
        """Yield columns and rows of the table, a bounded number of rows at a time.

        Parameters
        ----------
        columns : sequence of str, optional
            Names in any case, in the order wanted; all when None.
        first, last : int, optional
            The rows from `first` up to, not including, `last` (the end when None).
        rows : array of int, shape (n,), optional
            Ascending row numbers within the whole table: of these, those in [`first`, `last`)
            are read, and no others.
        chunk_rows : int, optional
            Most rows of a frame.

        Yields
        ------
        polars.DataFrame
            Of fewer rows where these are long; none at all when there are no rows.

        Raises
        ------
        InputError
            If there are no such columns or rows (at the call), or the file holds what it must
            not (at the frame that has it).
        """

    def bytes_of(self, columns: Sequence[str]) -> int:
        """Return how many of the `row_bytes` are those of some columns."""

    def digest(self, first: int = 0, last: int | None = None) -> Digest:
        """Return what is going to tell the content of the rows [`first`, `last`).

        It takes in the rows that `frames` reads from now on, and reads the others itself when it is
        asked; see `specprod_copy.reader.content`.
        """

    def close(self) -> None:
        """Close the file."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...


Opener = Callable[[Path, Sequence[str]], InputTable]
"""Opens a file, given the accepted HDU names."""

FORMATS: dict[str, Opener] = {
    ".fits": open_fits,
    ".fits.gz": open_fits,
    ".csv": lambda path, hdus: open_csv(path),
    ".ecsv": lambda path, hdus: open_ecsv(path),
}


def open_table(path: Path, hdus: Sequence[str] = ()) -> InputTable:
    """Open a table by the suffix of its file.

    Parameters
    ----------
    path : Path
        A FITS file, gzipped or not, or a CSV or ECSV table.
    hdus : sequence of str, optional
        For FITS the accepted names of the HDU, the preferred one first, in any case. Without
        names: the first binary table.

    Returns
    -------
    InputTable
        To be closed, or used in a ``with`` statement, by one thread at a time.

    Raises
    ------
    InputError
        If there is no such file, HDU or format, or the file is damaged.
    """
    return opener_of(path)(path, hdus)


def opener_of(path: Path) -> Opener:
    """Return what opens files of such a suffix; errors as `open_table`."""
    for suffix, opener in FORMATS.items():
        if path.name.lower().endswith(suffix):
            return opener
    if path.suffix.lower() == ".fz":
        raise InputError(UNPACK_FIRST, path=path)
    known = ", ".join(FORMATS)
    raise InputError(f"unknown kind of file; known suffixes are {known}", path=path)


@contextmanager
def described_tables(path: Path, wanted: Sequence[Sequence[str]]) -> Iterator[Sequence[Described]]:
    """Yield tables of a file to be looked at, not read: a FITS file is opened once for all of them.

    Parameters
    ----------
    path : Path
    wanted : sequence of sequence of str
        For each table what `open_table` takes.

    Raises
    ------
    InputError
        As `open_table`.
    """
    with ExitStack() as stack:
        if opener_of(path) is open_fits:
            yield stack.enter_context(described_fits(path, wanted))
        else:
            yield [stack.enter_context(open_table(path, hdus)) for hdus in wanted]


def read_table(
    path: Path,
    hdus: Sequence[str] = (),
    columns: Sequence[str] | None = None,
    numbers: Mapping[str, pl.DataType] | None = None,
) -> pl.DataFrame:
    """Read a small table at once.

    Parameters
    ----------
    path, hdus
        As for `open_table`.
    columns : sequence of str, optional
        As for `InputTable.frames`.
    numbers : mapping of str to polars.DataType, optional
        Columns that must be numbers, and what they are read as (see `Described.want`).

    Raises
    ------
    InputError
        As `open_table` and `InputTable.frames`, or if such a column is no number.
    """
    with open_table(path, hdus) as table:
        schema = table.want(numbers or {})
        for name in numbers or {}:
            if name in schema and not schema[name].is_numeric():
                text = f"is {schema[name]}, no number"
                raise InputError(text, path=path, hdu=table.hdu, column=name)
        frames = list(table.frames(columns))
        names = list(table.schema) if columns is None else [name.upper() for name in columns]
        empty = pl.DataFrame(schema={name: table.schema[name] for name in names})
    return pl.concat([empty, *frames])
