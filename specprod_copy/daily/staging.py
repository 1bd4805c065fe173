"""COPY rows of a tile into temporary tables, then merge them into the tables by set-based SQL.

Nothing here blocks a reader: rows are inserted, updated and deleted, tables are not altered.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import polars as pl
import psycopg
import pyarrow as pa
from psycopg import sql

from specprod_copy import counted, ddl
from specprod_copy.columns import Column
from specprod_copy.daily.rows import Rows
from specprod_copy.daily.schema import KEYS
from specprod_copy.database import parametrized
from specprod_copy.encoding import made_ahead
from specprod_copy.errors import InputError
from specprod_copy.pgcopy import HEADER, TRAILER, Encoder
from specprod_copy.tables import common

REMOVED_FROM = ("ztile", "fiberassign", "potential", "target", "frame", "exposure")
"""Tables that lose rows of a tile, in an order that foreign keys allow."""


class Staging:
    """Temporary tables of a session, one for each table of a tile; every commit empties them.

    Parameters
    ----------
    connection : psycopg.Connection
        In autocommit mode.
    schema : str
        Schema of the tables.
    columns : mapping of str to sequence of Column
        Their columns.
    """

    def __init__(
        self,
        connection: psycopg.Connection,
        schema: str,
        columns: Mapping[str, Sequence[Column]],
    ) -> None:
        self.connection = connection
        self.schema = schema
        self._columns = columns
        self._execute("daily/stage", tables=list(KEYS))

    def stage(self, rows: Sequence[Rows], tileid: int | None = None) -> int:
        """COPY rows of one table into its temporary table.

        Parameters
        ----------
        rows : sequence of Rows
            All of one table.
        tileid : int, optional
            Tile that all of them must be of.

        Returns
        -------
        int
            How many there are.

        Raises
        ------
        InputError
            If a file cannot be read or holds values that the table does not accept.
        """
        if not rows:
            return 0
        table = rows[0].source.table
        columns = self._columns[table]
        statement = sql.SQL("COPY pg_temp.{} ({}) FROM STDIN (FORMAT BINARY)").format(
            sql.Identifier(f"staged_{table}"),
            sql.SQL(", ").join(sql.Identifier(column.name) for column in columns),
        )
        count = 0
        cursor = self.connection.cursor()
        with (
            cursor.copy(statement) as copy,
            made_ahead(_encoded(rows, columns, tileid)) as encoded,
        ):
            copy.write(HEADER)
            for data, n in encoded:
                for piece in data:
                    copy.write(memoryview(piece))
                count += n
            copy.write(TRAILER)
        counted.compare("pg_temp", f"staged_{table}", cursor.rowcount, count)
        self._analyze(table)
        return count

    def stage_loaded(self, tileid: int) -> None:
        """Stage the row of a loaded tile itself as it is in the table."""
        self._truncate()
        query = sql.SQL(
            "INSERT INTO pg_temp.staged_tile SELECT * FROM {} WHERE tileid = %s"
        ).format(parametrized(self.schema, "tile"))
        counted.execute(self.connection, "pg_temp", "staged_tile", query, (tileid,), 1)
        self._analyze("tile")

    def remove(self) -> int:
        """Remove the rows of the staged tile that are not staged; return how many."""
        keys = {table: KEYS[table] for table in REMOVED_FROM}
        counts = self._execute("daily/remove", keys=keys)
        return sum(counts[-len(keys) :])

    def upsert(self, *tables: str) -> dict[str, int]:
        """Bring staged rows into tables; return how many were new or different."""
        return {table: self._upsert(table) for table in tables}

    def choose_primary(self) -> int:
        """Recompute nspec and primary of targets whose spectra changed; return how many rows."""
        (count,) = self._execute("primary_counted", table="ztile", among="staged_affected")
        return count

    def remove_orphans(self) -> int:
        """Remove photometry of targets that no tile has any more; return how many rows."""
        (count,) = self._execute("daily/orphans")
        return count

    def heirs(self) -> dict[int, list[int]]:
        """Return tiles that decide on photometry from now on, and on which targets'."""
        statement = ddl.render_template("daily/heirs", schema=self.schema)
        heirs: dict[int, list[int]] = {}
        for tileid, targetid in self.connection.execute(statement.encode()):
            heirs.setdefault(tileid, []).append(targetid)
        return heirs

    def differing(self) -> dict[int, list[str]]:
        """Return the staged tiles that are not in the tables like that, and which tables differ."""
        tables = ["tile", "exposure", "frame"]
        statement = ddl.render_template("daily/compare", schema=self.schema, tables=tables)
        found: dict[int, list[str]] = {}
        for tileid, table in self.connection.execute(statement.encode()):
            found.setdefault(tileid, []).append(table)
        return found

    def _upsert(self, table: str) -> int:
        names = [column.name for column in self._columns[table]]
        # nspec and primary depend on other tiles; they are chosen afterwards.
        chosen = set(common.PRIMARY) | {KEYS[table]}
        values = [name for name in names if name not in chosen]
        (count,) = self._execute(
            "daily/upsert", table=table, key=KEYS[table], columns=names, values=values
        )
        return count

    def _analyze(self, table: str) -> None:
        """Tell the planner how few rows are staged, or it reads whole tables to join them."""
        known = {column.name for column in self._columns[table]}
        joined = sorted(known & {KEYS[table], "targetid", "tileid"})
        statement = sql.SQL("ANALYZE pg_temp.{} ({})").format(
            sql.Identifier(f"staged_{table}"), sql.SQL(", ").join(map(sql.Identifier, joined))
        )
        self.connection.execute(statement)

    def _truncate(self) -> None:
        names = [sql.Identifier("pg_temp", f"staged_{table}") for table in KEYS]
        self.connection.execute(sql.SQL("TRUNCATE {}").format(sql.SQL(", ").join(names)))

    def _execute(self, template: str, **names: ddl.Names) -> list[int]:
        """Run a template; return the number of rows of each statement that writes some."""
        script = ddl.render_template(template, schema=self.schema, **names)
        return counted.run_script(self.connection, self.schema, script)


def _encoded(
    rows: Sequence[Rows], columns: Sequence[Column], tileid: int | None
) -> Iterator[tuple[list[pa.Buffer], int]]:
    encoder = Encoder(columns)
    for part in rows:
        for transformed in part.transformed(columns):
            if tileid is not None:
                _check_tile(transformed.frame, tileid, part.path)
            yield [*encoder.encode(transformed.frame)], transformed.frame.height


def _check_tile(frame: pl.DataFrame, tileid: int, path: Path) -> None:
    """Raise InputError if rows are of another tile."""
    if "tileid" in frame.columns:
        other = frame["tileid"].filter(frame["tileid"] != tileid)
        if len(other):
            raise InputError(
                f"{len(other)} rows are of tile {other[0]}, not of tile {tileid}",
                path=path,
                column="TILEID",
            )
