"""Rows of files and table that should be equal, compared value by value."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import polars as pl

from specprod_copy.postgres.decoded_values import INFINITE, NO_WHOLE_NUMBER
from specprod_copy.verification.fingerprint import words
from specprod_copy.verification.job import FILE, ROW, TableJob

EXAMPLES = 3
"""How many rows a message names."""

_COUNT, _TABLE = " count", " table"


@dataclass
class Differences:
    """How rows of files and table differ.

    Parameters
    ----------
    rows : list of str
        What is wrong with whole rows: missing, doubled, or unknown ones.
    columns : dict of str to str
        Column to what is wrong with its values.
    compared : int
        Rows of the files that were compared.
    complete : bool
        Whether these are all rows of the parts with other fingerprints.
    """

    rows: list[str] = field(default_factory=list)
    columns: dict[str, str] = field(default_factory=dict)
    compared: int = 0
    complete: bool = True


def compare(
    job: TableJob, files: pl.DataFrame, table: pl.DataFrame, *, complete: bool
) -> Differences:
    """Find the rows and values that differ.

    Parameters
    ----------
    job : TableJob
    files : polars.DataFrame
        The job's columns, `FILE` and `ROW`.
    table : polars.DataFrame
        The job's columns.
    complete : bool
        See `Differences`.
    """
    found = Differences(_whole_rows(job.key, files, table), {}, files.height, complete)
    once = files.filter(pl.struct(job.key).is_unique())
    matched = once.join(table, on=job.key, suffix=_TABLE, maintain_order="left")
    for name in job.names:
        if name in job.key:
            continue
        differs = _differing(matched[name], matched[name + _TABLE])
        if differs.any():
            found.columns[name] = _values(matched.filter(differs), job.key, name)
    return found


def _whole_rows(key: Sequence[str], files: pl.DataFrame, table: pl.DataFrame) -> list[str]:
    """Say which keys are not as often in the table as in the files."""
    in_files = files.group_by(key).agg(pl.len().alias(_COUNT), pl.col(FILE, ROW).first())
    in_table = table.group_by(key).agg(pl.len().alias(_COUNT))
    both = in_files.join(
        in_table, on=key, how="full", coalesce=True, suffix=_TABLE, nulls_equal=True
    )
    both = both.with_columns(pl.col(_COUNT, _COUNT + _TABLE).fill_null(0)).sort(key)
    expected, got = pl.col(_COUNT), pl.col(_COUNT + _TABLE)
    kinds = (
        (got == 0, "missing from the table"),
        ((got < expected) & (got > 0), "in the files several times, in the table less often"),
        ((got > expected) & (expected > 0), "doubled in the table"),
        (expected == 0, "in the table, but in no file"),
    )
    problems = []
    for condition, what in kinds:
        rows = both.filter(condition)
        if rows.height:
            listed = [place(key, row) for row in _examples(rows)]
            problems.append(f"{counted(rows.height, 'row')} {what}: {listing(rows.height, listed)}")
    return problems


def _differing(expected: pl.Series, got: pl.Series) -> pl.Series:
    if not (expected.dtype.is_float() or isinstance(expected.dtype, pl.List)):
        return expected.ne_missing(got)
    # By their bits: 0.0 equals -0.0, but is not the same.
    bits = pl.Series(words(expected) != words(got))
    return bits | (expected.is_null() != got.is_null())


def _values(rows: pl.DataFrame, key: Sequence[str], name: str) -> str:
    """Say which values of a column differ."""
    listed = [
        f"{place(key, row)}: {both(row[name], row[name + _TABLE])}"
        for row in _examples(rows.sort(key))
    ]
    return f"{counted(rows.height, 'value')}: {listing(rows.height, listed)}"


def _examples(rows: pl.DataFrame) -> Iterator[dict[str, object]]:
    """Yield the first few rows. The years of a server go beyond those of Python."""
    moments = [name for name, dtype in rows.schema.items() if dtype.is_temporal()]
    for row in (
        rows.head(EXAMPLES).with_columns(pl.col(moments).to_physical()).iter_rows(named=True)
    ):
        yield row | {name: _moment(row[name]) for name in moments}


def _moment(microseconds: int | None) -> object:
    """Return a moment, given from 1970 on; text where Python has none so early or late."""
    if microseconds is None:
        return None
    try:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
    except OverflowError:
        return INFINITE.get(microseconds, f"{np.datetime64(microseconds, 'us')}+00:00")


def place(key: Sequence[str], row: Mapping[str, object]) -> str:
    """Say which row is meant: its key and, if it is known, its file and row number there."""
    where = f" ({row[FILE]} row {row[ROW]})" if row.get(FILE) is not None else ""
    return f"{', '.join(f'{name} {row[name]}' for name in key)}{where}"


def both(expected: object, got: object) -> str:
    """Return two different values, of arrays the first elements that differ."""
    if not (isinstance(expected, list) and isinstance(got, list)):
        return f"file {shown(expected)}, table {shown(got)}"
    if len(expected) != len(got):
        return f"file {len(expected)} elements, table {len(got)}"
    pairs = enumerate(zip(expected, got, strict=True))
    return next(f"element {n}: {both(*pair)}" for n, pair in pairs if not same(*pair))


def same(expected: object, got: object) -> bool:
    """Say whether two values are the same, floats by their bits: 0.0 and -0.0 are not."""
    if isinstance(expected, list) and isinstance(got, list):
        return len(expected) == len(got) and all(map(same, expected, got))
    if isinstance(expected, float) and isinstance(got, float):
        return struct.pack("d", expected) == struct.pack("d", got)
    return type(expected) is type(got) and expected == got


def shown(value: object) -> str:
    """Return a value as people write it, so that different floats look different."""
    if isinstance(value, list) and len(value) > EXAMPLES:
        return f"{len(value)} elements"
    if value == NO_WHOLE_NUMBER:
        return "no whole number of at most 38 digits"
    return str(value) if isinstance(value, Decimal | datetime) else repr(value)


def counted(number: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def listing(number: int, listed: Sequence[str]) -> str:
    """Return the first few of a number of things, and how many more there are."""
    more = f"; and {number - len(listed):,} more" if number > len(listed) else ""
    return f"{'; '.join(listed)}{more}"
