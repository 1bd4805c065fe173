"""Where rows that break a key come from: said when one is not unique, or has no counterpart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

import polars as pl
import psycopg

from specprod_copy.errors import DatabaseError, InputError
from specprod_copy.loading.context import LoadContext
from specprod_copy.plan.planning import Plan
from specprod_copy.postgres.broken_keys import BrokenKey, DuplicateKey
from specprod_copy.postgres.columns import Column
from specprod_copy.rows.keyed import ROW, rows_with
from specprod_copy.rows.units import Unit, entry_name
from specprod_copy.tables import TableSource
from specprod_copy.tables.common import PRIMARY

_MOST_KEYS = 3
_MOST_PLACES = 6


def explain(
    error: BrokenKey,
    connection: psycopg.Connection,
    schema: str,
    sources: Mapping[str, TableSource],
    columns: Sequence[Column],
    files: Iterable[Unit],
) -> DatabaseError:
    """Find the values that break a key, and the rows of the files that have them.

    Parameters
    ----------
    error : BrokenKey
    connection : psycopg.Connection
        Able to query the table.
    schema : str
    sources : mapping of str to TableSource
        By name.
    columns : sequence of Column
        Columns of the table.
    files : iterable of Unit
        All the files that were loaded, each as one unit.

    Returns
    -------
    DatabaseError
        Names keys, files and rows.
    """
    found = connection.execute(error.offenders(schema, _MOST_KEYS)).fetchall()
    key = [column for name in error.columns for column in columns if column.name == name]
    keys = pl.DataFrame(
        {
            column.name: pl.Series([row[n] for row in found], dtype=column.polars_type)
            for n, column in enumerate(key)
        }
    )
    units = (unit for unit in files if unit.table == error.table)
    places = [
        f"{entry_name(str(unit.path), unit.hdu)} row {row}"
        for unit in units
        for row in rows_with(unit, sources, key, keys)[ROW]
    ]
    more = f" and {len(places) - _MOST_PLACES} more" if len(places) > _MOST_PLACES else ""
    listed = "; ".join(
        f"({', '.join(error.columns)}) = ({', '.join(map(str, row))})" for row in found
    )
    origin = f", from {', '.join(places[:_MOST_PLACES])}{more}" if places else ""
    return DatabaseError(
        f"{error}: {listed}{origin}. Take the rows out of the files, or load the right files with "
        "--overwrite"
    )


def _ways_of_a_load(error: BrokenKey, sources: Mapping[str, TableSource]) -> str:
    """Say what a load can do about repeated keys, and the replacement of files cannot."""
    if not isinstance(error, DuplicateKey):
        return ""
    ways = "; --on-error quarantine loads the first row of each key alone"
    of_table = [source for source in sources.values() if source.table == error.table]
    if any(PRIMARY.keys() <= source.derived.keys() for source in of_table):
        ways += (
            ', and repeated_keys = "best" in the configuration of the production the one that '
            "ranks first"
        )
    return ways


def explain_of_load(context: LoadContext, error: BrokenKey, plan: Plan) -> DatabaseError:
    """Find the rows that break a key, those that an earlier load brought among them."""
    loaded = context.ledger.stages(error.table)
    before = [
        source
        for source in context.catalogue.of_table(error.table)
        if source.stage in loaded and source not in context.sources
    ]
    files = list(plan.files)
    # Files that changed or vanished since cannot tell; that is not what went wrong here.
    with suppress(InputError):
        files += context.planner.plan(before, context.columns, context.ledger).files
    sources, columns = context.catalogue.sources, context.columns[error.table]
    explained = explain(error, context.connection, context.schema, sources, columns, files)
    in_vain = context.options.max_quarantined is not None
    return DatabaseError(f"{explained}{'' if in_vain else _ways_of_a_load(error, sources)}")
