"""A summary table that is being patched, and the record of what was changed in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import polars as pl

from specprod_copy.errors import InputError
from specprod_copy.patch_summary.faults import Fault

CHANGES_SCHEMA = pl.Schema(
    {
        "table": pl.String(),
        "TILEID": pl.Int64(),
        "EXPID": pl.Int64(),
        "CAMERA": pl.String(),
        "column": pl.String(),
        "old": pl.String(),
        "new": pl.String(),
        "why": pl.String(),
    }
)
"""One row per changed value. The key columns that a table does not have are null; so is a missing
old value. A value that was changed by several rules has several rows, in their order."""

_OTHER = "other table: "
_SHOWN = 5


@dataclass(frozen=True)
class Replacement:
    """New values for some rows of a column."""

    column: str
    where: pl.Expr
    """The rows; null counts as no."""
    value: pl.Expr
    """The new values; they are cast to the column's type."""
    why: str


def other(column: str) -> pl.Expr:
    """Return the column of the other table in a `Replacement` that looks values up there."""
    return pl.col(f"{_OTHER}{column}")


def as_other(frame: pl.DataFrame, on: Sequence[str]) -> pl.DataFrame:
    """Return a frame with the names that `other` gives to columns, but for the keys `on`."""
    return frame.rename({c: f"{_OTHER}{c}" for c in frame.columns if c not in on})


@dataclass(frozen=True)
class SummaryTable:
    """One table of a production's summary files."""

    name: str
    """``tiles``, ``exposures`` or ``frames``."""
    production: str
    path: Path
    key: tuple[str, ...]
    frame: pl.DataFrame
    """The rows. A missing value (NaN, blank text, TNULL) is null."""
    hdu: str | None = None
    changes: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=CHANGES_SCHEMA))
    """What was changed since the table was read; see `CHANGES_SCHEMA`."""
    patched: frozenset[str] = frozenset()
    """Columns in which a value was replaced, even if by an equal one (-0.0 by 0.0)."""

    def error(self, message: str, column: str | None = None) -> InputError:
        """Return an error that names the file, the HDU and the column."""
        return InputError(message, path=self.path, hdu=self.hdu, column=column)

    def rows_named(self, rows: pl.DataFrame) -> str:
        """Return the keys of a few rows in words: ``TILEID 1000, TILEID 1001 and 7 more``."""
        keys = [
            " ".join(f"{column} {value}" for column, value in zip(self.key, row, strict=True))
            for row in rows.select(self.key).head(_SHOWN).iter_rows()
        ]
        more = rows.height - len(keys)
        return ", ".join(keys) + (f" and {more:,} more" if more else "")

    def offer(self, on: Sequence[str], types: Mapping[str, pl.DataType]) -> pl.DataFrame:
        """Return columns of this table for another one, to be looked up by `on`.

        `types` are the columns with their types there; `other` names them.

        Raises
        ------
        InputError
            If there is no such column, or its values do not fit the type.
        """
        for column, dtype in types.items():
            if column not in self.frame.columns:
                raise self.error("no such column, but values are to be taken from it", column)
            if self.frame.schema[column].is_numeric() != dtype.is_numeric():
                raise self.error(f"is {self.frame.schema[column]}, but {dtype} is needed", column)
        try:
            return self.frame.select(
                *on, *(pl.col(c).cast(t).alias(f"{_OTHER}{c}") for c, t in types.items())
            )
        except pl.exceptions.InvalidOperationError as error:
            reason = str(error).partition("\n")[0]
            raise self.error(f"values do not fit the table to be patched: {reason}") from error

    def replaced(
        self,
        replacements: Iterable[Replacement],
        looked_up: pl.DataFrame | None = None,
        on: Sequence[str] = (),
    ) -> SummaryTable:
        """Return the table with new values, and with the record of them.

        There is at most one replacement per column; all see the table as it is before any of them.
        `looked_up` is what `offer` of another table returned, its rows found by the columns `on`.
        """
        replacements = tuple(replacements)
        before = self.frame
        if looked_up is not None:
            keys = [pl.col(column).cast(before.schema[column], strict=False) for column in on]
            found = looked_up.with_columns(keys)  # a key that does not fit does not match
            before = before.join(found, on=list(on), how="left", maintain_order="left")
        wheres = before.select(r.where.fill_null(False).alias(r.column) for r in replacements)
        after = before.select(
            pl.when(wheres[r.column])
            .then(r.value.cast(before.schema[r.column]))
            .otherwise(pl.col(r.column))
            .alias(r.column)
            for r in replacements
        )
        records = [self._record(before, after[r.column], r.why) for r in replacements]
        hit = {r.column for r in replacements if wheres[r.column].any()}
        return replace(
            self,
            frame=self.frame.with_columns(after) if replacements else self.frame,
            changes=pl.concat([self.changes, *records]),
            patched=self.patched | hit,
        )

    def taken_from(self, source: SummaryTable, faults: Mapping[str, Fault]) -> SummaryTable:
        """Return the table with the source's values in place of faulty ones.

        A row stays as it is where the source has no such row, or no value.
        """
        faulty = self.frame.select(f.where.any().alias(c) for c, f in faults.items())
        columns = [column for column in faults if self.frame.height and faulty[column].item()]
        return self.replaced(
            [
                Replacement(
                    column,
                    faults[column].where & other(column).is_not_null(),
                    other(column),
                    f"{faults[column].name}: taken from {source.production}",
                )
                for column in columns
            ],
            source.offer(self.key, {column: self.frame.schema[column] for column in columns}),
            self.key,
        )

    def zero_filled(self) -> SummaryTable:
        """Return the table with 0 for every number that is missing; text stays missing."""
        numbers = [c for c, dtype in self.frame.schema.items() if dtype.is_numeric()]
        return self.replaced(
            Replacement(c, pl.col(c).is_null(), pl.lit(0), "missing: set to 0")
            for c in numbers
            if self.frame[c].null_count()
        )

    def _record(self, before: pl.DataFrame, after: pl.Series, why: str) -> pl.DataFrame:
        """Return the changes of one column, in the form of `CHANGES_SCHEMA`."""
        old = before[after.name]
        changed = before.select(*self.key, old=old, new=after).filter(old.ne_missing(after))
        record = changed.with_columns(
            table=pl.lit(self.name), column=pl.lit(after.name), why=pl.lit(why)
        )
        absent = [pl.lit(None).alias(c) for c in CHANGES_SCHEMA if c not in record.columns]
        return record.with_columns(absent).select(CHANGES_SCHEMA.names()).cast(CHANGES_SCHEMA)
