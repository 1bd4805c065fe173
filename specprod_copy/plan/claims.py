"""Units that are claimed in the ledger before their rows come, so that nobody loads them twice.

A worker may be given up while it works, and its task be done by another one. Both claim the same
ledger rows: the second one waits for the end of the first one's transaction, and finds the rows
loaded, or loads them.
"""

from __future__ import annotations

from collections.abc import Sequence

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

import specprod_copy
from specprod_copy.plan.ledger import TABLE
from specprod_copy.plan.ledger_entries import (
    RECORDED,
    from_json,
    loaded_meanwhile,
    recorded,
    refuse_changed_meanwhile,
    table_ids,
)
from specprod_copy.postgres import counted
from specprod_copy.postgres.names import listed, parametrized
from specprod_copy.rows.units import Refusal, Unit, UnitResult, entry_name

_Key = tuple[str, int]
"""Entry and first row."""


def claim(
    connection: psycopg.Connection, schema: str, units: Sequence[Unit]
) -> tuple[list[Unit], list[UnitResult]]:
    """Claim units for the caller's transaction, which is to `settle` them.

    Parameters
    ----------
    connection : psycopg.Connection
    schema : str
    units : sequence of Unit
        All of the same table.

    Returns
    -------
    mine : list of Unit
        Those that nobody else has loaded.
    others : list of UnitResult
        What the ledger says of those that somebody has loaded.

    Raises
    ------
    DatabaseError
        If somebody has loaded other rows of the same files, or does not let us write.
    """
    query = sql.SQL(
        """INSERT INTO {ledger} (table_name, entry, first_row, last_row, stage, inputs, tables,
               rows_read, rows_kept, values_changed, bytes_sent, seconds, loaded_by)
           SELECT %s, entry, first_row, last_row, stage, '[]', '{{}}', 0, 0, 0, 0, 0, %s
           FROM unnest(%s::text[], %s::bigint[], %s::bigint[], %s::text[])
               AS claimed (entry, first_row, last_row, stage)
           -- Everybody in the same order, so that nobody waits for one that waits for him.
           ORDER BY entry, first_row
           ON CONFLICT DO NOTHING RETURNING entry, first_row"""
    ).format(ledger=parametrized(schema, TABLE))
    wanted = {_key(unit): unit for unit in units}
    values = [(*key, unit.last, unit.stage) for key, unit in wanted.items()]
    by = f"specprod-copy {specprod_copy.__version__}"
    columns = map(list, zip(*values, strict=True))
    try:
        claimed = {*connection.execute(query, (units[0].table, by, *columns)).fetchall()}
    except psycopg.errors.FeatureNotSupported as error:
        raise counted.lost(schema, TABLE, 0, len(units)) from error  # a rule
    left = {key: unit for key, unit in wanted.items() if key not in claimed}
    others = _results(connection, schema, left) if left else []
    counted.compare(schema, TABLE, len(claimed) + len(others), len(units))
    return [wanted[key] for key in wanted if key not in left], others


def settle(connection: psycopg.Connection, schema: str, results: Sequence[UnitResult]) -> None:
    """Write what became of claimed units; the caller's transaction holds their rows.

    Raises
    ------
    InputError
        If a file changed while it was loaded.
    """
    refuse_changed_meanwhile(results)
    query = sql.SQL(
        """UPDATE {ledger} AS claimed
           SET ({columns}) = ROW({values}), tables = {tables}, loaded_at = clock_timestamp()
           -- The limit tells the planner how few there are: it takes the key, whatever the size of
           -- the ledger.
           FROM (SELECT * FROM jsonb_populate_recordset(null::{ledger}, %s) LIMIT %s) AS made
           WHERE claimed.table_name = %s
               AND (claimed.entry, claimed.first_row) = (made.entry, made.first_row)"""
    ).format(
        ledger=parametrized(schema, TABLE),
        columns=listed(RECORDED),
        values=listed(RECORDED, "made"),
        tables=table_ids(schema),
    )
    # All at once: for thousands of small files that takes a tenth of the time.
    rows = [dict(zip(RECORDED, recorded(result), strict=True)) for result in results]
    table = results[0].unit.table
    values = ([table], Jsonb(rows), len(rows), table)
    counted.execute(connection, schema, TABLE, query, values, len(rows))


def _key(unit: Unit) -> _Key:
    return entry_name(*unit.place), unit.first


def _results(
    connection: psycopg.Connection, schema: str, units: dict[_Key, Unit]
) -> list[UnitResult]:
    """Return what the ledger says of units."""
    query = sql.SQL(
        """SELECT entry, first_row, last_row, inputs, rows_read, rows_kept, values_changed,
               bytes_sent, seconds, quarantine
           FROM {} WHERE table_name = %s AND (entry, first_row) IN
               (SELECT * FROM unnest(%s::text[], %s::bigint[]))"""
    ).format(parametrized(schema, TABLE))
    table = next(iter(units.values())).table
    rows = connection.execute(query, (table, *map(list, zip(*units, strict=True))))
    results = []
    for entry, first, last, inputs, read, kept, changed, sent, seconds, refused in rows:
        unit, made_of = units[entry, first], [*map(from_json, inputs)]
        if last != unit.last or [one.stamp for one in made_of] != [p.stamp for p in unit.parts]:
            raise loaded_meanwhile(unit)
        digests = tuple(one.digest or "" for one in made_of)
        quarantine = tuple(Refusal(**one) for one in refused)
        results.append(UnitResult(unit, read, kept, changed, sent, seconds, digests, quarantine))
    return results
