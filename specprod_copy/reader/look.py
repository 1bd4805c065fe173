"""What is known of an input table without its rows: enough to plan with, small, and picklable."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import polars as pl

from specprod_copy.errors import InputError
from specprod_copy.reader import Described, described_tables
from specprod_copy.reader.joined import JoinedTable, joined_schema
from specprod_copy.reader.keyed import keyed_look
from specprod_copy.reader.keywords import some_of
from specprod_copy.reader.matching import refuse_unmatched
from specprod_copy.reader.view import AS_IT_IS, View


@dataclass(frozen=True)
class Stamp:
    """What tells, at the cost of a system call, that a file was not written to meanwhile."""

    size: int  # [byte]
    mtime_ns: int  # modification time since 1970 [ns]

    @classmethod
    def of(cls, path: Path) -> Self:
        """Return the stamp of a file."""
        try:
            status = path.stat()
        except OSError as error:
            raise InputError(f"cannot be read any more: {error.strerror}", path=path) from error
        return cls(status.st_size, status.st_mtime_ns)


def check_stamps(stamps: Iterable[tuple[Path, Stamp]], doing: str) -> None:
    """Check that files are still those that stamps were taken of.

    Parameters
    ----------
    stamps : iterable of (pathlib.Path, Stamp)
    doing : {"loaded", "read"}
        What was done with them.

    Raises
    ------
    InputError
        For the first one that is another one, or cannot be looked at any more.
    """
    for path, stamp in stamps:
        if Stamp.of(path) != stamp:
            raise InputError(
                f"the file changed while it was {doing}; run the command again", path=path
            )


@dataclass(frozen=True)
class Look:
    """What was seen of an input table; the names are those of `InputTable`."""

    path: Path
    hdu: str
    stamp: Stamp
    """Of the file before it was opened: one that takes its place afterwards has another."""
    n_rows: int
    row_bytes: int
    schema: pl.Schema
    header: Mapping[str, object]
    """The keywords that were asked for."""
    packed: bool
    """Whether a row can be read only after all that stand before it in the file."""
    joined: tuple[Look, ...] = ()
    """Tables that are matched row by row, this one first; the rest is about them as one."""

    def want(self, types: Mapping[str, pl.DataType]) -> pl.Schema:
        """Return the schema that the table has when its columns are read as these types."""
        if not self.path.name.lower().endswith(".csv"):
            return self.schema
        return pl.Schema({name: types.get(name, dtype) for name, dtype in self.schema.items()})


def joined_look(
    looks: Sequence[Look],
    keys: Sequence[str] = (),
    keywords: Sequence[str] = (),
    views: Sequence[View] = (),
    *,
    by_number: bool = False,
) -> Look:
    """Return what was seen of tables that are matched row by row, as of one table.

    Parameters
    ----------
    looks : sequence of Look
    keys, keywords, by_number
        As for `refuse_unmatched`.
    views : sequence of View, optional
        How each of the tables is seen, if not as it is.

    Raises
    ------
    InputError
        If they cannot be matched.
    """
    views = views or [AS_IT_IS for _ in looks]
    looks = [view.of_look(one) for one, view in zip(looks, views, strict=True)]
    first = looks[0]
    if len(looks) == 1:
        return first
    looks = [
        keyed_look(first, one, view) if view.by else one
        for one, view in zip(looks, views, strict=True)
    ]
    refuse_unmatched(looks, keys, keywords, by_number=by_number)
    return replace(
        first,
        row_bytes=sum(look.row_bytes for look in looks),
        schema=joined_schema(looks),
        packed=any(look.packed for look in looks),
        joined=(*looks,),
    )


def origin(table: Described, column: str) -> Described:
    """Return which of the tables that one is joined of has a column; else that table itself."""
    joined: Sequence[Described] = ()
    if isinstance(table, Look):
        joined = table.joined
    elif isinstance(table, JoinedTable):
        joined = table.tables
    return next((one for one in joined if column in one.schema), table)


def look(
    path: Path, wanted: Sequence[Sequence[str]], keywords: Collection[str] = ()
) -> list[Look | InputError]:
    """Look at HDUs of a file.

    Parameters
    ----------
    path : pathlib.Path
    wanted : sequence of sequence of str
        For each HDU its accepted names; see `open_table`.
    keywords : collection of str
        Keywords to keep of the header.

    Returns
    -------
    list of Look or InputError
        In the order of `wanted`.
    """
    try:
        stamp = Stamp.of(path)
        with described_tables(path, wanted) as tables:
            return [_look(stamp, table, keywords) for table in tables]
    except InputError as error:
        if len(wanted) == 1:
            return [error]
    return [one for hdus in wanted for one in look(path, [hdus], keywords)]


def _look(stamp: Stamp, table: Described, keywords: Collection[str]) -> Look:
    return Look(
        table.path,
        table.hdu,
        stamp,
        table.n_rows,
        table.row_bytes,
        table.schema,
        some_of(table.header, keywords),
        table.packed,
    )
