"""FITS columns of one or several files as columns of a table: docs/value-added.md has the rules."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import polars as pl

from specprod_copy.errors import InputError
from specprod_copy.postgres.columns import Column
from specprod_copy.postgres.identifiers import quote_identifier
from specprod_copy.postgres.sql_meanings import TableDefined
from specprod_copy.postgres.sql_statements import meaning_of
from specprod_copy.reader import open_table
from specprod_copy.reader.fits_table import FitsTable
from specprod_copy.words import escaped

_TYPES: Final[Mapping[pl.DataType, str]] = {
    pl.Boolean(): "boolean",
    pl.UInt8(): "smallint",
    pl.Int8(): "smallint",
    pl.Int16(): "smallint",
    pl.UInt16(): "integer",
    pl.Int32(): "integer",
    pl.UInt32(): "bigint",
    pl.Int64(): "bigint",
    pl.UInt64(): "numeric(20)",
    pl.Float32(): "real",
    pl.Float64(): "double precision",
}
_WIDENING: Final = (
    ("smallint", "integer", "bigint", "numeric(20)"),
    ("smallint", "real", "double precision"),
    ("integer", "double precision"),
)
"""Types that files may have for one column: each holds all values of those before it."""

_SYSTEM: Final = frozenset({"tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"})
"""Names of columns that the server has itself."""

_TEXT = re.compile(r"varchar\((\d+)\)(\[\])?")


@dataclass(frozen=True)
class Drafted:
    """A column of a draft."""

    fits: str
    """Name in the files."""
    name: str
    """Name in the table, as the catalog has it."""
    type: str
    """As SQL."""
    not_null: bool
    unit: str
    description: str
    length: int = 0
    """Elements of an array of fixed length."""
    in_all: bool = True
    """Whether all files have it."""

    @property
    def line(self) -> str:
        """The line of ``CREATE TABLE``, without a comma."""
        return f"{quote_identifier(self.name)} {self.type}{' NOT NULL' if self.not_null else ''}"

    @property
    def is_scalar(self) -> bool:
        """Whether it is no array."""
        return not self.type.endswith("[]")


@dataclass(frozen=True)
class DraftedHdu:
    """An HDU that files have, and its columns."""

    name: str
    columns: tuple[Drafted, ...]
    rows: tuple[int, ...]
    """Rows in each of the files."""
    empty: tuple[str, ...]
    """Columns of no bytes, which have no values."""
    names: frozenset[str]
    """FITS columns, those that are left out among them."""


def columns_of(drafted: Sequence[Drafted]) -> list[Column]:
    """Return drafted columns as a schema has them."""
    text = ", ".join(column.line for column in drafted)
    meaning = meaning_of(f"CREATE TABLE t ({text});")
    assert isinstance(meaning, TableDefined)
    return [*meaning.columns]


def sql_name(fits: str) -> str:
    """Return the name that a FITS column has in a table."""
    name = re.sub(r"[^a-z0-9_]", "_", fits.lower())[:63] or "_"
    return f"{name}_" if name in _SYSTEM else name


def draft_hdu(
    paths: Sequence[Path],
    hdu: str,
    dropped: Collection[str] = (),
    said: Mapping[str, tuple[str, str]] | None = None,
) -> DraftedHdu:
    """Return what the columns of an HDU become, over all files that have it.

    Parameters
    ----------
    paths : sequence of pathlib.Path
    hdu : str
    dropped : collection of str
        Columns that are left out.
    said : mapping of str to (str, str), optional
        Unit and description of columns, by their names in capitals, where the files have none.

    Raises
    ------
    InputError
        If a column has a type that no column of a table can have, another type in another file, or
        a name that equals that of another one in lower case.
    """
    found: dict[str, Drafted] = {}
    seen: dict[str, int] = {}
    rows, empty, name, names = [], dict[str, None](), hdu, set[str]()
    for path in paths:
        with open_table(path, (hdu,)) as table:
            assert isinstance(table, FitsTable)
            rows.append(table.n_rows)
            name = table.hdu
            names.update(table.columns)
            for fits, column in _columns(table, dropped, empty):
                known = found.get(fits)
                found[fits] = _widened(known, column, table) if known else column
                seen[fits] = seen.get(fits, 0) + 1
    columns = []
    for fits, column in found.items():
        unit, description = (said or {}).get(fits, ("", ""))
        in_all = seen[fits] == len(paths)
        columns.append(
            replace(
                column,
                unit=column.unit or unit,
                description=column.description or description,
                in_all=in_all,
                not_null=column.not_null and in_all,
            )
        )
    _refuse_equal(columns, paths[0], name)
    return DraftedHdu(name, tuple(columns), tuple(rows), tuple(empty), frozenset(names))


def _columns(
    table: FitsTable, dropped: Collection[str], empty: dict[str, None]
) -> Iterator[tuple[str, Drafted]]:
    for number, (fits, column) in enumerate(table.columns.items(), start=1):
        if fits in dropped:
            continue
        dtype = table.schema[fits]
        if column.problem:
            raise InputError(
                f"{column.problem}: leave it out by --drop {fits}",
                path=table.path,
                hdu=table.hdu,
                column=fits,
            )
        if isinstance(dtype, pl.Array) and dtype.size == 0:
            empty[fits] = None
            continue
        inner = dtype.inner if isinstance(dtype, pl.Array | pl.List) else dtype
        width = column.shape[-1] if inner == pl.String and column.shape else None
        if width == 0:
            empty[fits] = None
            continue
        kind = _sql_type(inner, width)
        kind += "[]" if isinstance(dtype, pl.Array | pl.List) else ""
        unit, comment, tdim = (
            escaped(str(table.header.get(f"{key}{number}") or "").strip())
            for key in ("TUNIT", "TCOMM", "TDIM")
        )
        shape = tdim.strip("() ").replace(" ", "")
        if "," in shape and kind.endswith("[]"):
            comment = f"{comment} (TDIM {shape})".strip()
        length = dtype.size if isinstance(dtype, pl.Array) else 0
        yield (
            fits,
            Drafted(fits, sql_name(fits), kind, column.null is None, unit, comment, length),
        )


def _sql_type(inner: object, width: int | None) -> str:
    if inner == pl.String:
        return "text" if width is None else f"varchar({width})"
    return next(sql for kind, sql in _TYPES.items() if kind == inner)


def _widened(before: Drafted, now: Drafted, table: FitsTable) -> Drafted:
    """Return a column that holds what two files have."""
    kind = _common(before.type, now.type)
    if kind is None:
        raise InputError(
            f"is {now.type} here, and {before.type} in another file: one column cannot be both",
            path=table.path,
            hdu=table.hdu,
            column=now.fits,
        )
    return replace(
        before,
        type=kind,
        not_null=before.not_null and now.not_null,
        unit=before.unit or now.unit,
        description=before.description or now.description,
        length=max(before.length, now.length),
    )


def _common(one: str, other: str) -> str | None:
    if one == other:
        return one
    array = "[]" if one.endswith("[]") else ""
    if array != ("[]" if other.endswith("[]") else ""):
        return None
    texts = _TEXT.fullmatch(one), _TEXT.fullmatch(other)
    if texts[0] and texts[1]:
        return f"varchar({max(int(texts[0][1]), int(texts[1][1]))}){array}"
    plain = one.removesuffix("[]"), other.removesuffix("[]")
    if "text" in plain and any(texts):
        return f"text{array}"
    for kinds in _WIDENING:
        if set(plain) <= {*kinds}:
            return max(plain, key=kinds.index) + array
    return None


def _refuse_equal(columns: Sequence[Drafted], path: Path, hdu: str) -> None:
    names: dict[str, str] = {}
    for column in columns:
        if column.name in names:
            raise InputError(
                f"becomes column {column.name}, and so does {names[column.name]}: leave one of "
                f"them out by --drop {column.fits}",
                path=path,
                hdu=hdu,
                column=column.fits,
            )
        names[column.name] = column.fits
