"""Which tiles are in the tables, and in which state of their files: table ``tile_ledger``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg
from psycopg import sql

import specprod_copy
from specprod_copy.postgres import counted
from specprod_copy.postgres.names import parametrized
from specprod_copy.postgres.schema import Schema
from specprod_copy.rows.units import ledger_name

TABLE: Final = "tile_ledger"
"""Name of the table."""


@dataclass(frozen=True)
class LoadedTile:
    """A tile in the tables.

    Parameters
    ----------
    tileid, lastnight : int
    updated : str
        UPDATED of the tiles file when it was loaded.
    files : mapping of str to int
        Files with its rows, each with its size [byte].
    """

    tileid: int
    lastnight: int
    updated: str
    files: Mapping[str, int]


def loaded_tiles(connection: psycopg.Connection, found: Schema) -> dict[int, LoadedTile]:
    """Return the tiles that are loaded, none if the schema has no tables yet."""
    if TABLE not in found.tables:
        return {}
    query = sql.SQL(
        """SELECT tileid, lastnight, updated, files FROM {} JOIN {} USING (tileid)
           ORDER BY tileid"""
    ).format(sql.Identifier(found.name, TABLE), sql.Identifier(found.name, "tile"))
    return {row[0]: LoadedTile(*row) for row in connection.execute(query)}


def sizes(paths: Iterable[Path], root: Path) -> dict[str, int]:
    """Return files by their name in the ledger, each with its size [byte]."""
    return {ledger_name(path, root): path.stat().st_size for path in paths}


def record(connection: psycopg.Connection, schema: str, tile: LoadedTile, seconds: float) -> None:
    """Write that a tile is loaded, within the transaction of its rows."""
    query = sql.SQL(
        """INSERT INTO {} (tileid, updated, files, seconds, loaded_by)
           VALUES (%s, %s, %s, %s, %s)
           ON CONFLICT (tileid) DO UPDATE
           SET (updated, files, seconds, loaded_at, loaded_by) =
               (EXCLUDED.updated, EXCLUDED.files, EXCLUDED.seconds, clock_timestamp(),
                EXCLUDED.loaded_by)"""
    ).format(parametrized(schema, TABLE))
    by = f"specprod-copy {specprod_copy.__version__}"
    values = (tile.tileid, tile.updated, json.dumps(dict(tile.files)), seconds, by)
    counted.execute(connection, schema, TABLE, query, values, 1)


def forget(connection: psycopg.Connection, schema: str, tileid: int) -> None:
    """Remove what is said of a tile, within the transaction that removes its rows."""
    counted.delete(connection, schema, TABLE, "tileid = %s", (tileid,))
