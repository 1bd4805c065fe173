"""What the ledger says of a schema: what was loaded, from where, when and how fast."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, LiteralString

import psycopg
from psycopg import sql

from specprod_copy.plan import ledger
from specprod_copy.postgres.names import parametrized

PERIODS: Final = 240
"""The time that a load took is divided into so many periods."""

_FOLDER_DEPTH: Final = 5
"""So many levels of the files' folders are told apart."""

_MOST_FOLDERS: Final = 200


@dataclass(frozen=True)
class Loaded:
    """What one table has."""

    table: str
    rows: int
    entries: int
    """Ranges of rows, or tiles, that were committed."""
    files: int
    quarantined: int
    """Rows that were refused."""
    values_changed: int
    """NaN and infinite values that became -9999."""
    bytes_sent: int
    seconds: float
    """Sum over the entries, which are loaded side by side."""
    first: datetime
    last: datetime
    disk: int | None
    """Bytes of the table with its indexes; None if the table is gone."""


@dataclass(frozen=True)
class Folder:
    """Files of one folder that went into one table."""

    table: str
    folder: str
    files: int


@dataclass(frozen=True)
class LoadTime:
    """Rows of one table that were loaded within one period of the load."""

    table: str
    start: datetime
    end: datetime
    rows: float


# Of a tile that was loaded by itself, one entry tells of the rows of all its tables, and of the
# time that all of them took.
_ENTRIES: Final[LiteralString] = """
    SELECT table_name, entry, inputs, rows_kept, rows_quarantined, values_changed, bytes_sent,
           seconds, loaded_at, loaded_by
    FROM {ledger} WHERE failure IS NULL AND stage <> ALL(%(no_stages)s)
    UNION ALL
    SELECT rows.key, entry, inputs, rows.value::bigint, 0, 0, 0, 0, loaded_at, loaded_by
    FROM {ledger}, jsonb_each_text(coalesce(details -> 'rows', '{{}}')) AS rows
    WHERE failure IS NULL AND stage = %(tiles)s"""


def loaded(connection: psycopg.Connection, schema: str) -> list[Loaded]:
    """Return what each table has, in the order of time."""
    rows = _ask(
        connection,
        schema,
        """SELECT table_name, sum(rows_kept)::bigint, count(*),
                  (SELECT count(DISTINCT file ->> 'file')
                   FROM entries AS e, jsonb_array_elements(e.inputs) AS file
                   WHERE e.table_name = entries.table_name),
                  sum(rows_quarantined)::bigint, sum(values_changed)::bigint,
                  sum(bytes_sent)::bigint, sum(seconds), min(loaded_at), max(loaded_at),
                  (SELECT pg_total_relation_size(oid)
                          + coalesce((SELECT sum(pg_total_relation_size(relid))
                                      FROM pg_partition_tree(oid)), 0)::bigint FROM pg_class
                   WHERE relname = table_name AND relnamespace = to_regnamespace(%(schema)s))
           FROM entries GROUP BY table_name ORDER BY min(loaded_at), table_name""",
    )
    return [Loaded(*row) for row in rows]


def folders(connection: psycopg.Connection, schema: str) -> tuple[list[Folder], int]:
    """Return where the files lie that went into each table, and how many folders are left out.

    Of deep folders only the first levels are told apart.
    """
    rows = _ask(
        connection,
        schema,
        """SELECT table_name,
                  array_to_string((string_to_array(
                      regexp_replace(file ->> 'file', '/?[^/]*$', ''), '/'))[1:%(depth)s], '/'),
                  count(DISTINCT file ->> 'file'), count(*) OVER ()
           FROM entries, jsonb_array_elements(inputs) AS file
           GROUP BY 1, 2 ORDER BY 1, 2 LIMIT %(most)s""",
        depth=_FOLDER_DEPTH,
        most=_MOST_FOLDERS,
    )
    return [Folder(*row[:-1]) for row in rows], rows[0][-1] - len(rows) if rows else 0


def load_times(connection: psycopg.Connection, schema: str) -> list[LoadTime]:
    """Return how many rows were loaded in each of `PERIODS` periods; empty ones are left out.

    The rows of an entry are spread evenly over the time that it took.
    """
    rows = _ask(
        connection,
        schema,
        """, times AS (
               SELECT table_name, rows_kept, extract(epoch FROM loaded_at) - seconds AS start,
                      extract(epoch FROM loaded_at) AS stop
               FROM entries
           ), span AS (
               SELECT min(start) AS first, greatest(max(stop) - min(start), 0.001) AS whole
               FROM times
           ), placed AS (
               SELECT table_name, rows_kept, (start - first) / whole * %(periods)s AS start,
                      (stop - first) / whole * %(periods)s AS stop
               FROM times, span
           )
           SELECT table_name, to_timestamp(first + number * whole / %(periods)s),
                  to_timestamp(first + (number + 1) * whole / %(periods)s),
                  sum(CASE WHEN stop = start THEN rows_kept ELSE
                      rows_kept * (least(stop, number + 1) - greatest(start, number))
                      / (stop - start) END)::float8
           FROM placed, span, LATERAL generate_series(
               least(floor(start), %(periods)s - 1)::integer,
               greatest(least(floor(start), %(periods)s - 1), ceil(stop) - 1)::integer
           ) AS number
           GROUP BY table_name, number, first, whole ORDER BY number, table_name""",
        periods=PERIODS,
    )
    return [LoadTime(*row) for row in rows]


def programs(connection: psycopg.Connection, schema: str) -> list[str]:
    """Return which versions of this program loaded rows."""
    rows = _ask(connection, schema, "SELECT DISTINCT loaded_by FROM entries ORDER BY loaded_by")
    return [name for (name,) in rows if name]


def versions(connection: psycopg.Connection, schema: str) -> list[tuple[str, str]]:
    """Return packages and data behind the rows."""
    query = sql.SQL("SELECT package, version FROM {} ORDER BY package").format(
        sql.Identifier(schema, "version")
    )
    return [(package, version) for package, version in connection.execute(query)]


def _ask(
    connection: psycopg.Connection, schema: str, query: LiteralString, **values: object
) -> list[tuple[Any, ...]]:
    """Run a query over the entries."""
    statement = sql.SQL("WITH entries AS (" + _ENTRIES + ") " + query).format(
        ledger=parametrized(schema, ledger.TABLE)
    )
    given = {"schema": sql.Identifier(schema).as_string(connection), **values}
    given |= {"no_stages": ledger.NO_STAGES, "tiles": ledger.TILES}
    return connection.execute(statement, given).fetchall()
