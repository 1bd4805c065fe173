"""Tables against the ledger: one that was dropped, emptied or changed by hand is not loaded."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from specprod_copy.errors import OtherRowsError
from specprod_copy.plan.ledger import TABLE, TILES
from specprod_copy.postgres import catalog
from specprod_copy.postgres.names import parametrized
from specprod_copy.postgres.schema import Schema
from specprod_copy.vac.stored import TABLE as CATALOGUES

COUNTED_BYTES: Final = 256 * 2**20
"""The rows of tables up to this size are always counted."""


@dataclass(frozen=True)
class LostTable:
    """A table that is not what the ledger says."""

    schema: str
    table: str
    rows: int | None
    """Rows that it has; None if it does not exist."""
    recorded: int
    """Rows that it has by the ledger."""
    by_tile: bool
    """Whether it was loaded tile by tile; then only part of the rows are in the ledger's count."""
    same: bool
    """Whether it is the very table that was loaded."""
    described: bool = False
    """Whether it is one of a catalogue that a file describes."""

    @property
    def has_all(self) -> bool:
        """Whether only rows were added, which `load --replace` removes again."""
        return self.same and (self.rows or 0) > self.recorded

    def __str__(self) -> str:
        least = "at least " if self.by_tile else ""
        found = f"has {self.rows or 0:,} rows"
        happened = "rows were removed or added"
        if self.rows is None:
            found, happened = "does not exist", "it was dropped or renamed"
        elif self.rows == 0:
            happened = "it was dropped or emptied"
        command = "tile TILEID..." if self.by_tile else f"load {self.table}"
        command = "load-vac DESCRIPTION.toml" if self.described else command
        return (
            f"table {self.schema}.{self.table} {found}, but the ledger records {least}"
            f"{self.recorded:,}: {happened} since it was loaded; "
            f"'specprod-copy {command} --overwrite' loads it again"
        )


@dataclass(frozen=True)
class _Recorded:
    """What the ledger says of a table."""

    ids: set[int]
    rows: int
    by_tile: bool
    found: int
    """Rows that the table has; 0 if they were not counted."""

    @property
    def has_more(self) -> bool:
        """Whether there are rows that the ledger should know of."""
        return not self.by_tile and self.found > self.rows


_KEYED_BY_TILE: Final = ("tile", "target", "ztile", "fiberassign", "potential")
"""Tables of which each row is of one tile, for good, so that the rows of tiles add up."""


def lost_tables(
    connection: psycopg.Connection,
    schema: str,
    tables: Collection[str] | None = None,
    *,
    counted_bytes: int = COUNTED_BYTES,
) -> Iterator[LostTable]:
    """Yield the tables that are not what the ledger says; nothing is written.

    A table is known by its object identifier, and counted. Tables of a schema that was restored
    from a dump have other identifiers; then the count alone decides. The rows of a table of more
    than `counted_bytes` are only counted if the server's statistics leave any doubt: they tell how
    many rows were ever inserted and deleted, and forget it in a crash.

    Parameters
    ----------
    connection : psycopg.Connection
    schema : str
        It has a ledger.
    tables : collection of str, optional
        Without it all of the ledger.
    counted_bytes : int
    """
    ids = catalog.table_ids(connection, schema)
    described = CATALOGUES in ids
    for table, recorded in _recorded(connection, schema).items():
        if tables is not None and table not in tables:
            continue
        if table not in ids:
            how = recorded.by_tile, False, described
            yield LostTable(schema, table, None, recorded.rows, *how)
        elif recorded.ids != {ids[table]} or not _is_plain(
            connection, ids[table], recorded, counted_bytes
        ):
            counted = _recorded(connection, schema, counted=table).get(table)
            if counted and (counted.found < counted.rows or counted.has_more):
                same = counted.ids == {ids[table]}
                how = counted.by_tile, same, described
                yield LostTable(schema, table, counted.found, counted.rows, *how)


def check_tables(connection: psycopg.Connection, schema: str, tables: Collection[str]) -> None:
    """Check that tables have the rows that the ledger says, if there is one; nothing is written.

    Raises
    ------
    OtherRowsError
        For the first one that has not, or is another table.
    """
    if TABLE in catalog.table_ids(connection, schema):
        for lost in lost_tables(connection, schema, tables):
            if not lost.has_all:
                raise OtherRowsError(str(lost))


def check_kept(connection: psycopg.Connection, schema: str, tables: Collection[str]) -> None:
    """Check that tables are still those that were loaded; of those that are, nothing is counted.

    Raises
    ------
    OtherRowsError
        For the first one that was dropped, or replaced by one with other rows.
    """
    ids = catalog.table_ids(connection, schema)
    recorded = _recorded(connection, schema)
    others = [t for t in tables if t in recorded and recorded[t].ids != {ids.get(t)}]
    check_tables(connection, schema, others)


def check_referenced(
    connection: psycopg.Connection, defined: Schema, schema: str, tables: Collection[str]
) -> None:
    """Check the tables that others refer to, and that are not loaded with them.

    A table that is not there is no error: its foreign keys wait for it.

    Parameters
    ----------
    connection : psycopg.Connection
    defined : Schema
        All tables.
    schema : str
    tables : collection of str
        What is loaded.

    Raises
    ------
    OtherRowsError
        For the first one that has lost rows: foreign keys could not be made.
    """
    referred = {key.inside for table in tables for key in defined.tables[table].references}
    if others := referred - {*tables}:
        existing = catalog.table_ids(connection, schema).keys()
        check_tables(connection, schema, existing & others)


def recognize(connection: psycopg.Connection, schema: str, tables: Collection[str]) -> None:
    """Check tables, and write down the identifiers of those that were restored from a dump.

    Raises
    ------
    OtherRowsError
        As `check_tables`.
    """
    check_tables(connection, schema, tables)
    ids = catalog.table_ids(connection, schema)
    if TABLE not in ids:
        return
    query = sql.SQL("UPDATE {} SET tables = tables || %s WHERE tables ? %s")
    for table, recorded in _recorded(connection, schema).items():
        if table in tables and recorded.ids != {ids[table]}:
            values = (Jsonb({table: ids[table]}), table)
            connection.execute(query.format(parametrized(schema, TABLE)), values)


def _recorded(
    connection: psycopg.Connection, schema: str, *, counted: str | None = None
) -> dict[str, _Recorded]:
    """Return what the ledger says of tables, in alphabetical order; or of one that is counted.

    That is one statement, for others that load their parts may commit rows meanwhile. Entries of
    tiles by earlier versions do not tell how many rows each table has.
    """
    count: sql.Composable = sql.SQL("0")
    if counted is not None:
        count = sql.SQL("(SELECT count(*) FROM {})").format(parametrized(schema, counted))
    query = sql.SQL(
        """SELECT key, array_agg(DISTINCT value::bigint),
                  coalesce(sum(CASE WHEN stage <> %(tiles)s AND key = table_name THEN rows_kept
                                    WHEN stage = %(tiles)s AND key = 'tile' THEN 1
                                    WHEN stage = %(tiles)s AND key = ANY(%(keyed)s)
                                    THEN (details -> 'rows' ->> key)::bigint END), 0)::bigint,
                  bool_or(stage = %(tiles)s), {}
           FROM {}, jsonb_each_text(tables)
           WHERE failure IS NULL AND (%(counted)s::text IS NULL OR key = %(counted)s)
           GROUP BY key ORDER BY key"""
    ).format(count, parametrized(schema, TABLE))
    values = {"tiles": TILES, "keyed": [*_KEYED_BY_TILE], "counted": counted}
    return {
        name: _Recorded(set(ids), *said) for name, ids, *said in connection.execute(query, values)
    }


def _is_plain(
    connection: psycopg.Connection, table: int, recorded: _Recorded, counted_bytes: int
) -> bool:
    """Say whether statistics tell that a large table has the recorded rows.

    Rows of a table that was loaded by stage are only inserted. Those of tiles come and go, so that
    only the number of rows is known, and not quite.
    """
    query = """SELECT sum(pg_relation_size(id)) > %(counted)s AND CASE
                   WHEN %(by_tile)s THEN sum(pg_stat_get_live_tuples(id)) > 0.99 * %(rows)s
                   ELSE sum(pg_stat_get_tuples_inserted(id)) = %(rows)s
                        AND sum(pg_stat_get_tuples_deleted(id)) = 0
                        AND sum(pg_stat_get_live_tuples(id)) > 0 END
               FROM (SELECT %(oid)s::oid AS id
                     UNION SELECT relid FROM pg_partition_tree(%(oid)s::oid)) AS parts"""
    values = {
        "oid": table,
        "counted": counted_bytes,
        "rows": recorded.rows,
        "by_tile": recorded.by_tile,
    }
    return connection.execute(query, values).fetchone() == (True,)
