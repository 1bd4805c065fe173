"""COPY rows of a tile into tables where they wait, then merge them by set-based SQL."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

import polars as pl
import psycopg
from psycopg import sql

from specprod_copy.daily.schema import keys_of
from specprod_copy.errors import InputError
from specprod_copy.postgres import counted, ddl, statements
from specprod_copy.postgres.columns import Column
from specprod_copy.postgres.encoder import Encoded, Encoder
from specprod_copy.postgres.merge import Merge
from specprod_copy.postgres.names import parametrized
from specprod_copy.postgres.schema import Schema
from specprod_copy.postgres.schema_from_server import read_schema
from specprod_copy.postgres.waiting_room import WaitingRoom, is_distributed, waiting_room
from specprod_copy.rows.encoding import prefetch
from specprod_copy.tables import common
from specprod_copy.tiles.tile_rows import SourceRows

_NOT_REMOVED = ("tile", "photometry")


class Staging:
    """Tables in which the rows of a tile wait, one for each of its tables.

    Parameters
    ----------
    connection : psycopg.Connection
        In autocommit mode.
    schema : str
        Schema of the tables.
    defined : Schema
        The tables as they are defined.
    """

    def __init__(
        self,
        connection: psycopg.Connection,
        schema: str,
        defined: Schema,
    ) -> None:
        self.connection = connection
        self.schema = schema
        self._defined = defined
        if not is_distributed(defined):
            self._make(WaitingRoom(connection))

    def _make(self, room: WaitingRoom) -> None:
        self._room = room
        self._merges = {
            table: Merge(room, self.schema, table, self._defined.columns_of(table), key)
            for table, key in keys_of(self._defined).items()
        }
        for merge in self._merges.values():
            merge.make()
        # Targets whose spectra come or go, and those that are no potential targets any more.
        for name in ("staged_affected", "staged_gone"):
            room.make(name, self.schema, "target", ["targetid"])

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Do something in one transaction; rows that wait do not outlive it."""
        with (
            self.connection.transaction(),
            waiting_room(self.connection, self._defined) as room,
        ):
            if not room.temporary:
                self._make(room)
            yield

    def stage(self, rows: Sequence[SourceRows], tileid: int | None = None) -> int:
        """COPY rows of one table into the table where they wait.

        Parameters
        ----------
        rows : sequence of SourceRows
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
        merge = self._merges[table]
        with prefetch(encoded_rows(rows, merge.columns, tileid)) as encoded:
            count = merge.staging.copy(encoded, [column.name for column in merge.columns])
        self._analyze(table)
        return count

    def stage_loaded(self, tileid: int) -> None:
        """Stage the row of a loaded tile itself as it is in the table."""
        self._truncate()
        columns = [parametrized(column.name) for column in self._merges["tile"].columns]
        query = sql.SQL("INSERT INTO {2} ({0}) SELECT {0} FROM {1} WHERE tileid = %s").format(
            sql.SQL(", ").join(columns),
            parametrized(self.schema, "tile"),
            sql.Identifier(self._room.schema, "staged_tile"),
        )
        counted.execute(self.connection, self._room.schema, "staged_tile", query, (tileid,), 1)
        self._analyze("tile")

    def remove(self) -> int:
        """Remove the rows of the staged tile that are not staged; return how many."""
        self._run("daily/affected")
        tile = self._merges["tile"]
        # Photometry belongs to targets, not to tiles; what refers to rows goes before them.
        merges = [m for m in reversed(self._merges.values()) if m.table not in _NOT_REMOVED]
        return sum(m.remove(m.staged, among=tile.staged, shared=tile.key) for m in merges)

    def merge(self, *tables: str) -> int:
        """Bring staged rows into tables, all but `tile` if none is named; count what differed."""
        count = 0
        for table in tables or [table for table in self._merges if table != "tile"]:
            if table == "photometry":
                self._run("daily/decided")
            self._merges[table].refuse_twice()
            # nspec and primary depend on other tiles; they are chosen afterwards.
            count += sum(self._merges[table].write(unwritten=common.PRIMARY))
        return count

    def choose_primary(self) -> int:
        """Recompute nspec and primary of targets whose spectra changed; return how many rows."""
        names = {"table": "ztile", "among": "staged_affected", "rank": self._ranked_by}
        (count,) = self._run("primary_counted", **names)
        return count

    @cached_property
    def _ranked_by(self) -> str:
        # The table may have more columns than single tiles bring.
        found = read_schema(self.connection, self.schema)
        return common.ranked_by(found.tables["ztile"].columns)

    def remove_orphans(self) -> int:
        """Remove photometry of targets that no tile has any more; return how many rows."""
        (count,) = self._run("daily/orphans")
        return count

    def new_owners(self) -> dict[int, list[int]]:
        """Return tiles that decide on photometry from now on, and on which targets'."""
        query = self._render("daily/new_owners")
        new_owners: dict[int, list[int]] = {}
        for tileid, targetid in statements.rows(self.connection, query):
            new_owners.setdefault(tileid, []).append(targetid)
        return new_owners

    def differing(self) -> dict[int, list[str]]:
        """Return the staged tiles that are not in the tables like that, and which tables differ."""
        merges = [self._merges[table] for table in ("tile", "exposure", "frame")]
        query = self._render(
            "daily/compare",
            keys={merge.table: merge.key for merge in merges},
            columns={merge.table: [column.name for column in merge.columns] for merge in merges},
        )
        found: dict[int, list[str]] = {}
        for tileid, table in statements.rows(self.connection, query):
            found.setdefault(tileid, []).append(table)
        return found

    def _analyze(self, table: str) -> None:
        self._merges[table].analyze("targetid", "tileid")

    def _truncate(self) -> None:
        names = [sql.Identifier(self._room.schema, f"staged_{table}") for table in self._merges]
        self.connection.execute(sql.SQL("TRUNCATE {}").format(sql.SQL(", ").join(names)))

    def _run(self, template: str, **names: ddl.Names) -> list[int]:
        """Run a template; return the number of rows of each statement that writes some."""
        return statements.run(self.connection, self._render(template, **names), self.schema)

    def _render(self, template: str, **names: ddl.Names) -> str:
        own = {"schema": self.schema, "room": self._room.schema}
        return ddl.render_template(template, **own, **names)


def encoded_rows(
    rows: Sequence[SourceRows], columns: Sequence[Column], tileid: int | None
) -> Iterator[Encoded]:
    """Yield rows of one table as COPY data.

    Parameters
    ----------
    rows : sequence of SourceRows
    columns : sequence of Column
        Columns of the table.
    tileid : int or None
        Tile that all of them must be of.

    Raises
    ------
    InputError
        If a file cannot be read, holds values that the table does not accept, or another tile.
    """
    encoder = Encoder(columns)
    for part in rows:
        for transformed in part.transformed(columns):
            if tileid is not None:
                _check_tile(transformed.frame, tileid, part.path)
            yield Encoded([*encoder.encode(transformed.frame)], transformed.frame.height)


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
