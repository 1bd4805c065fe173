"""The summary files of a production: where they lie, and what they have to look like."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import polars as pl

from specprod_copy.patch_summary.table import SummaryTable
from specprod_copy.reader import read_table
from specprod_copy.reader.files import input_errors, value_errors
from specprod_copy.reader.look import Stamp

Kind = type[pl.DataType]

_WHOLE, _FLOAT, _TEXT = pl.Int64, pl.Float64, pl.String
_WORDS: Final[Mapping[Kind, str]] = {
    _WHOLE: "whole numbers",
    _FLOAT: "floating-point numbers",
    _TEXT: "text",
}


@dataclass(frozen=True)
class Layout:
    """What a table has to look like."""

    key: tuple[str, ...]
    required: Mapping[str, Kind]
    """Columns that the rules for patching name, whole numbers, floats or text."""
    optional: Mapping[str, Kind]
    """Other columns of known kind: one that happens to hold whole numbers only, or nothing, is not
    mistaken for another kind."""


def _kinds(kind: Kind, *columns: str) -> dict[str, Kind]:
    return dict.fromkeys(columns, kind)


LAYOUTS: Final[Mapping[str, Layout]] = {
    "tiles": Layout(
        key=("TILEID",),
        required=_kinds(_WHOLE, "TILEID", "LASTNIGHT")
        | _kinds(_FLOAT, "TILERA", "TILEDEC", "EFFTIME_SPEC")
        | _kinds(_TEXT, "SURVEY", "PROGRAM", "FAPRGRM", "FAFLAVOR", "OBSSTATUS", "GOALTYPE"),
        optional=_kinds(_FLOAT, "EXPTIME", "EFFTIME_ETC", "EFFTIME_GFA", "GOALTIME", "MINTFRAC")
        | _kinds(_FLOAT, "LRG_EFFTIME_DARK", "ELG_EFFTIME_DARK", "LYA_EFFTIME_DARK")
        | _kinds(_FLOAT, "BGS_EFFTIME_BRIGHT")
        | _kinds(_TEXT, "UPDATED"),
    ),
    "exposures": Layout(
        key=("EXPID",),
        required=_kinds(_WHOLE, "NIGHT", "EXPID", "TILEID")
        | _kinds(_FLOAT, "TILERA", "TILEDEC", "MJD", "EFFTIME_SPEC")
        | _kinds(_TEXT, "SURVEY"),
        optional=_kinds(_TEXT, "PROGRAM", "FAPRGRM", "FAFLAVOR", "GOALTYPE"),
    ),
    "frames": Layout(
        key=("EXPID", "CAMERA"),
        required=_kinds(_WHOLE, "EXPID") | _kinds(_TEXT, "CAMERA") | _kinds(_FLOAT, "MJD"),
        optional=_kinds(_TEXT, "SURVEY", "PROGRAM", "FAPRGRM", "FAFLAVOR", "GOALTYPE"),
    ),
}


@dataclass(frozen=True)
class Summary:
    """The three summary tables of a production."""

    tiles: SummaryTable
    exposures: SummaryTable
    frames: SummaryTable
    """One row per TILEID, per EXPID, and per EXPID and CAMERA."""


@dataclass(frozen=True)
class SummaryFiles:
    """The summary files of a production."""

    production: str
    tiles: Path
    exposures: Path
    """The tiles file (CSV) and the exposures file (HDUs EXPOSURES and FRAMES)."""

    @classmethod
    def of(cls, redux: Path, production: str) -> SummaryFiles:
        """Return the files of a production below the folder of productions."""
        folder = redux / production
        return cls(
            production, folder / f"tiles-{production}.csv", folder / f"exposures-{production}.fits"
        )

    def stamps(self) -> dict[Path, Stamp]:
        """Return the stamp of each file, to see later whether it changed."""
        found = {}
        for path in (self.tiles, self.exposures):
            with input_errors(path):
                path.stat()  # One that was never there is not one that has gone.
            found[path] = Stamp.of(path)
        return found


def read_summary(files: SummaryFiles) -> Summary:
    """Read the summary tables of a production."""
    places = {
        "tiles": (files.tiles, None),
        "exposures": (files.exposures, "EXPOSURES"),
        "frames": (files.exposures, "FRAMES"),
    }
    return Summary(**{name: _read(files.production, name, *at) for name, at in places.items()})


def _read(production: str, name: str, path: Path, hdu: str | None) -> SummaryTable:
    frame = read_table(path, (hdu,) if hdu else ())
    return checked(SummaryTable(name, production, path, LAYOUTS[name].key, frame, hdu))


def checked(table: SummaryTable) -> SummaryTable:
    """Return the table with nulls for missing values (NaN, blank text).

    Raises
    ------
    InputError
        If a column is missing, of another kind or a vector, or if a key is missing or not unique.
    """
    with value_errors(table.path, table.hdu):
        return _checked(table)


def _checked(table: SummaryTable) -> SummaryTable:
    layout = LAYOUTS[table.name]
    if absent := [column for column in layout.required if column not in table.frame.columns]:
        raise table.error(f"needed to patch {table.name}, but missing", ", ".join(absent))
    kinds = {**layout.required, **layout.optional}
    columns = [
        _conform(table, values, kinds.get(values.name))
        for values in table.frame.with_columns(_nulls(table.frame.schema))
    ]
    conforming = replace(table, frame=pl.DataFrame(columns))
    _check_key(conforming)
    return conforming


def _nulls(schema: pl.Schema) -> list[pl.Expr]:
    """Return the columns that mark missing values, with nulls instead."""
    floats = [pl.col(c).fill_nan(None) for c, dtype in schema.items() if dtype.is_float()]
    texts = [pl.col(c).replace("", None) for c, dtype in schema.items() if dtype == pl.String]
    return floats + texts


def _conform(table: SummaryTable, values: pl.Series, kind: Kind | None) -> pl.Series:
    """Return a column in its kind, null for what is missing."""
    if values.dtype.is_nested():
        raise table.error("holds vectors; a summary table has one value per row", values.name)
    if kind is None or _is_of_kind(values.dtype, kind):
        return values
    guessed = table.hdu is None  # in a text file, only the values tell the kind of a column
    nothing = values.null_count() == len(values)
    if guessed and (nothing or (kind == _FLOAT and values.dtype.is_integer())):
        return values.cast(kind)
    raise table.error(f"holds {values.dtype}, not {_WORDS[kind]}", values.name)


def _is_of_kind(dtype: pl.DataType, kind: Kind) -> bool:
    return {
        _WHOLE: dtype.is_integer(),
        _FLOAT: dtype.is_float(),
        _TEXT: dtype == pl.String,
    }[kind]


def _check_key(table: SummaryTable) -> None:
    keys = table.frame.select(table.key)
    for column in table.key:
        if nulls := keys[column].null_count():
            first = keys[column].is_null().arg_max()
            raise table.error(f"missing in {nulls:,} rows, first in row {first}", column)
    repeated = keys.filter(keys.is_duplicated()).unique(maintain_order=True)
    if repeated.height:
        raise table.error(f"more than one row for {table.rows_named(repeated)}")
