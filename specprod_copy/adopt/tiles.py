"""Tables that were filled tile by tile: what the files of their tiles give, and their entries."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import psycopg
from psycopg import sql

from specprod_copy.daily.staging import encoded_rows
from specprod_copy.errors import DatabaseError
from specprod_copy.plan import ledger
from specprod_copy.plan.ledger import Ledger
from specprod_copy.plan.loaded_tiles import LoadedTile, loaded_tiles, made_of, record
from specprod_copy.postgres import counted
from specprod_copy.postgres.columns import Column
from specprod_copy.postgres.copy import Destination, ServerTable
from specprod_copy.postgres.names import listed, parametrized
from specprod_copy.postgres.schema import Schema
from specprod_copy.progress import ProgressListener
from specprod_copy.reader.look import Stamp
from specprod_copy.rows.encoding import prefetch
from specprod_copy.tables import Inputs
from specprod_copy.tables.procedures import OF_TILES
from specprod_copy.tiles.read import TABLES, TileFiles
from specprod_copy.tiles.summaries import Summaries, Tile
from specprod_copy.verification.slices import own_photometry


class OfTiles:
    """What the files of single tiles give; see `Origin`.

    The tiles are those of table ``tile``. Outdated ones, of which the files have another night, or
    nothing to load any more, are recorded without files, so that ``sync`` finds them changed.

    Parameters
    ----------
    connection : psycopg.Connection
    defined, found : Schema
        The tables as they are to be, and as the server has them.
    inputs : Inputs
    outdated : bool
        Whether there may be outdated tiles.

    Raises
    ------
    DatabaseError
        If a table is not there, or the ledger has entries of these tables.
    """

    left_out: Sequence[str] = ()

    def __init__(
        self,
        connection: psycopg.Connection,
        defined: Schema,
        found: Schema,
        inputs: Inputs,
        *,
        outdated: bool,
    ) -> None:
        self._connection, self._schema = connection, found.name
        self._inputs, self._may_be_outdated = inputs, outdated
        _refuse_known(connection, found)
        if lost := sorted(TABLES - found.tables.keys()):
            raise DatabaseError(
                f"schema {found.name} has no table {', '.join(lost)}, which has rows of every tile"
            )
        # Which tile decides on photometry is in table target, which is to be compared before.
        others = [table for table in defined.tables if table in TABLES - {"photometry"}]
        self.tables: Sequence[str] = [*others, "photometry"]
        self._summaries: Summaries
        self._tiles: list[Tile] = []
        self._nights: dict[int, int] = {}
        self.outdated: dict[int, str] = {}
        self._stamps: dict[int, dict[Path, Stamp]] = {}
        self._rows: dict[int, Counter[str]] = {}
        self._seconds: defaultdict[int, float] = defaultdict(float)

    def advice(self, table: str) -> str:
        """Return what to do about a table; see `Origin.advice`."""
        return "'specprod-copy tile TILEID... --overwrite' loads all of them again"

    def plan(self, columns: Mapping[str, Sequence[Column]]) -> tuple[int, int]:
        """Find the files of all tiles; see `Origin.plan`."""
        query = sql.SQL("SELECT tileid, lastnight FROM {} ORDER BY tileid")
        self._nights = dict(self._connection.execute(query.format(self._name("tile"))).fetchall())
        if not self._nights:
            raise DatabaseError(f"table {self._schema}.tile has no rows: no tile was loaded")
        self._rows = {tileid: Counter(dict.fromkeys(TABLES, 0)) for tileid in self._nights}
        self._summaries = Summaries.read(self._inputs)
        tiles = self._summaries.tiles
        for tileid, night in self._nights.items():
            if why := _why_outdated(tiles.get(tileid), night):
                self.outdated[tileid] = why
            else:
                self._tiles.append(tiles[tileid])
        if self.outdated and not self._may_be_outdated:
            raise DatabaseError(
                f"schema {self._schema} has tiles that the files have not: "
                f"{_listing(self.outdated)}; nothing was changed. With --outdated they are taken "
                "over without a look at their rows, and sync loads them again, or removes them "
                "(--delete)"
            )
        self._stamps = {tile.tileid: self._files(tile).stamps() for tile in self._tiles}
        size = sum(stamp.size for stamps in self._stamps.values() for stamp in stamps.values())
        return 0, size * len(self.tables)

    def computed_by(self, table: str) -> Sequence[str]:
        """Return what loading a tile runs; see `Origin.computed_by`."""
        return OF_TILES.get(table, ())

    def send(
        self,
        table: str,
        destination: Destination,
        columns: Sequence[Column],
        listener: ProgressListener,
    ) -> int:
        """Send the rows of the tiles, one after the other; see `Origin.send`."""
        sent = self._send_outdated(table, destination, columns)
        names = [column.name for column in columns]
        for tile in self._tiles:
            started = time.monotonic()
            files = self._files(tile)
            if table == "photometry":
                rows = own_photometry(files, self._connection, self._schema)
            else:
                rows = files.rows(table)
            with prefetch(encoded_rows(rows, columns, tile.tileid)) as encoded:
                count = destination.copy(encoded, names)
            # As by a load, which finds out late that another tile decides on some.
            self._rows[tile.tileid][table] = count if table != "photometry" else len(files.targets)
            self._seconds[tile.tileid] += time.monotonic() - started
            sent += count
            size = sum(stamp.size for stamp in self._stamps[tile.tileid].values())
            listener.advance(table, count, size)
        return sent

    def record(self) -> None:
        """Write the entries of the tiles; see `Origin.record`."""
        tiles, root = self._summaries.tiles, self._inputs.files.root
        for tileid, night in self._nights.items():
            updated, stamps = "", self._stamps.get(tileid, {})
            if tileid not in self.outdated:
                updated = tiles[tileid].updated
            now = LoadedTile(tileid, night, updated, made_of(stamps, root), self._rows[tileid])
            record(self._connection, self._schema, now, self._seconds[tileid])

    def _files(self, tile: Tile) -> TileFiles:
        return TileFiles(self._inputs.files, self._summaries, tile)

    def _name(self, table: str) -> sql.Identifier:
        return sql.Identifier(self._schema, table)

    def _send_outdated(
        self, table: str, destination: Destination, columns: Sequence[Column]
    ) -> int:
        """Send the rows that the table itself has of outdated tiles."""
        if not self.outdated:
            return 0
        condition = sql.SQL("tileid = ANY(%s)").format()
        if table == "photometry":
            condition = sql.SQL(
                """targetid IN (SELECT targetid FROM {}
                                GROUP BY targetid HAVING min(tileid) = ANY(%s))"""
            ).format(parametrized(self._schema, "target"))
        name, tileids = parametrized(self._schema, table), [*self.outdated]
        rows = sql.SQL("FROM {} WHERE {}").format(name, condition)
        count = sql.SQL("SELECT count(*) {}").format(rows)
        [(number,)] = self._connection.execute(count, (tileids,)).fetchall()
        if isinstance(destination, ServerTable):
            names = listed([column.name for column in columns])
            into = parametrized(destination.schema, destination.table)
            query = sql.SQL("INSERT INTO {} ({}) SELECT {} {}").format(into, names, names, rows)
            counted.execute(
                self._connection, destination.schema, destination.table, query, (tileids,), number
            )
        if table != "photometry":
            query = sql.SQL("SELECT tileid, count(*) {} GROUP BY tileid").format(rows)
            for tileid, of_tile in self._connection.execute(query, (tileids,)):
                self._rows[tileid][table] = of_tile
        return int(number)


def _refuse_known(connection: psycopg.Connection, found: Schema) -> None:
    if ledger.TABLE not in found.tables:
        return
    recorded = Ledger(connection, found.name)
    if loaded_tiles(connection, found, lost=True) or any(map(recorded.stages, TABLES)):
        raise DatabaseError(
            f"the ledger of schema {found.name} has rows of these tables already: there is nothing "
            "to adopt; 'specprod-copy status' tells what is loaded, and what to mend"
        )


def _why_outdated(tile: Tile | None, night: int) -> str:
    """Say why the rows of a tile cannot be those of the files; empty if they can."""
    if tile is None:
        return "vanished from the tiles file"
    if tile.why_not is not None:
        return tile.why_not
    return f"LASTNIGHT {night} became {tile.lastnight}" if night != tile.lastnight else ""


def _listing(outdated: Mapping[int, str], most: int = 10) -> str:
    some: Iterable[tuple[int, str]] = [*outdated.items()][:most]
    more = f" and {len(outdated) - most:,} more" if len(outdated) > most else ""
    return ", ".join(f"{tileid} ({why})" for tileid, why in some) + more
