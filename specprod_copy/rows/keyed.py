"""Where in files the rows with certain keys are."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

import polars as pl

from specprod_copy.postgres.columns import Column
from specprod_copy.rows.read import table_rows
from specprod_copy.rows.units import Findings, Unit, entry_name
from specprod_copy.tables import TableSource

ROW = "row in file"
"""Column for row numbers; no column of a table is called so."""


def as_key(values: Iterable[object]) -> tuple[object, ...]:
    """Return the values of a key such that Python finds those equal that the server finds equal.

    To the server NaN equals NaN. To Python it does only if both are the same object.
    """
    return tuple(math.nan if value != value else value for value in values)


def rows_with(
    unit: Unit, sources: Mapping[str, TableSource], key: Sequence[Column], keys: pl.DataFrame
) -> pl.DataFrame:
    """Find the rows of a file that have certain keys.

    Parameters
    ----------
    unit : Unit
    sources : mapping of str to TableSource
        Has the unit's source.
    key : sequence of Column
        Columns of the key, and others that are wanted.
    keys : polars.DataFrame
        Columns of the key.

    Returns
    -------
    polars.DataFrame
        These columns, and `ROW`, their numbers in the file.
    """
    found = [pl.DataFrame(schema={**{c.name: c.polars_type for c in key}, ROW: pl.Int64})]
    # Rows that cannot be read are in quarantine since an earlier load.
    for numbered in numbered_rows(unit, sources, key, Findings([], None)):
        found.append(numbered.join(keys, on=keys.columns, how="semi", maintain_order="left"))
    return pl.concat(found)


def numbered_rows(
    unit: Unit, sources: Mapping[str, TableSource], key: Sequence[Column], findings: Findings
) -> Iterator[pl.DataFrame]:
    """Yield some columns of a file, a chunk at a time, with `ROW`."""
    for rows in table_rows(unit, sources, key, findings):
        yield rows.frame.with_columns(pl.Series(ROW, rows.row_numbers, pl.Int64))


def first_places(
    units: Iterable[Unit],
    sources: Mapping[str, TableSource],
    key: Sequence[Column],
    values: Sequence[Sequence[object]],
) -> list[str]:
    """Return for each of some keys the file and row that has it first, empty where none has.

    Parameters
    ----------
    units : iterable of Unit
        Read one after the other until all are found.
    sources : mapping of str to TableSource
        By name.
    key : sequence of Column
    values : sequence of sequence of object
        Values of these columns.
    """
    schema = {column.name: column.polars_type for column in key}
    keys = pl.DataFrame([*values], schema=schema, orient="row")
    wanted = dict.fromkeys(map(as_key, keys.rows()), "")
    for unit in units:
        if all(wanted.values()):
            break
        for *one, row in rows_with(unit, sources, key, keys).select(*schema, ROW).rows():
            place = f"{entry_name(str(unit.path), unit.hdu)} row {row}"
            wanted[as_key(one)] = wanted[as_key(one)] or place
    return [*wanted.values()]
