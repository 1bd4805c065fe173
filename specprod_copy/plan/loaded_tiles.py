"""Which tiles are in the tables, and what they were made of: entries of the ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

import specprod_copy
from specprod_copy.plan.failures import Failure, failures, replace_failures
from specprod_copy.plan.ledger import TABLE, TILES
from specprod_copy.plan.ledger_entries import as_json, from_json, table_ids
from specprod_copy.postgres import counted
from specprod_copy.postgres.names import parametrized
from specprod_copy.postgres.schema import Schema
from specprod_copy.reader.content import file_digest
from specprod_copy.reader.look import Stamp, check_stamps
from specprod_copy.rows.units import Change, Input, change_since, ledger_name

_ENTRY = "tile "

_LOADED: Final = "(table_name, entry, first_row) = ('tile', %s, 0)"
"""Condition for a tile that is loaded, by its entry; that of a failure has another first_row."""


@dataclass(frozen=True)
class LoadedTile:
    """A tile in the tables."""

    tileid: int
    lastnight: int

    updated: str
    """UPDATED of the tiles file when it was loaded."""

    inputs: Sequence[Input]
    """Files with its rows, each as a whole."""

    rows: Mapping[str, int] = field(default_factory=dict)
    """Tables that may have rows of it, and how many its files gave each."""

    loaded_at: datetime | None = None
    """None for one that is about to be recorded."""


def entry(tileid: int) -> str:
    """Return the name of a tile's entry in the ledger."""
    return f"{_ENTRY}{tileid}"


def _number(name: str) -> int:
    return int(name.removeprefix(_ENTRY))


def loaded_tiles(
    connection: psycopg.Connection, found: Schema, *, lost: bool = False
) -> dict[int, LoadedTile]:
    """Return the tiles that are loaded, none if the schema has no tables yet.

    Parameters
    ----------
    connection : psycopg.Connection
    found : Schema
    lost : bool
        Also those of the ledger whose row of table tile is gone; they have LASTNIGHT 0.
    """
    there = "tile" in found.tables
    if TABLE not in found.tables or not (there or lost):
        return {}
    rows: sql.Composable = sql.SQL("(VALUES (-1, 0)) AS none (tileid, lastnight)")
    if there:
        rows = parametrized(found.name, "tile")
    query = sql.SQL(
        """SELECT (details ->> 'tileid')::integer AS number, coalesce(lastnight, 0),
                  details ->> 'updated', inputs, coalesce(details -> 'rows', '{{}}'), loaded_at
           FROM {} LEFT JOIN {} ON tileid = (details ->> 'tileid')::integer
           WHERE table_name = 'tile' AND stage = %s AND failure IS NULL
             AND (tileid IS NOT NULL OR %s)
           ORDER BY number"""
    ).format(parametrized(found.name, TABLE), rows)
    return {
        tileid: LoadedTile(tileid, lastnight, updated, [*map(from_json, inputs)], rows, loaded_at)
        for tileid, lastnight, updated, inputs, rows, loaded_at in connection.execute(
            query, (TILES, lost)
        )
    }


@dataclass(frozen=True)
class Entries:
    """What the ledger says of tiles at one moment."""

    loaded: Mapping[int, datetime]
    """When each was loaded, which tells one loading from another."""

    failed: Sequence[int]
    """Those that the last attempt could not load."""

    @classmethod
    def read(cls, connection: psycopg.Connection, found: Schema) -> Entries:
        """Read the entries; there are none in a ledger that this program cannot work with."""
        columns = found.tables[TABLE].columns if TABLE in found.tables else ()
        if not {"entry", "stage", "failure", "loaded_at"} <= {column.name for column in columns}:
            return cls({}, ())
        query = sql.SQL(
            "SELECT entry, loaded_at, failure FROM {} WHERE table_name = 'tile' AND stage = %s"
        ).format(parametrized(found.name, TABLE))
        rows = [
            (_number(name), at, failure)
            for name, at, failure in connection.execute(query, (TILES,))
        ]
        return cls(
            {tileid: at for tileid, at, failure in rows if failure is None},
            [tileid for tileid, _, failure in rows if failure is not None],
        )


def loading_time(connection: psycopg.Connection, schema: str, tileid: int) -> datetime | None:
    """Return when a tile was loaded, None if it is not."""
    query = sql.SQL("SELECT loaded_at FROM {} WHERE {}")
    named = query.format(parametrized(schema, TABLE), sql.SQL(_LOADED))
    row = connection.execute(named, (entry(tileid),)).fetchone()
    return row[0] if row else None


def tables_of_tiles(connection: psycopg.Connection, schema: str) -> set[str]:
    """Return the tables that tiles were loaded into one by one."""
    query = sql.SQL(
        "SELECT DISTINCT jsonb_object_keys(tables) FROM {} WHERE stage = %s AND failure IS NULL"
    ).format(parametrized(schema, TABLE))
    return {table for (table,) in connection.execute(query, (TILES,))}


def made_of(files: Mapping[Path, Stamp], root: Path) -> list[Input]:
    """Return files as the ledger has them; their digests are taken.

    Parameters
    ----------
    files : mapping of pathlib.Path to Stamp
        Files whose rows were read, as they were before.
    root : pathlib.Path

    Raises
    ------
    InputError
        If one cannot be read, or changed meanwhile.
    """
    inputs = [
        Input(ledger_name(path, root), "", stamp, file_digest(path))
        for path, stamp in files.items()
    ]
    check_stamps(files.items(), "loaded")
    return inputs


def compare(tile: LoadedTile, root: Path, *, check_content: bool) -> tuple[list[str], list[Input]]:
    """Look at the files of a loaded tile again.

    Those that are gone say nothing: which files there are is not decided here.

    Returns
    -------
    list of str
        Names of the files that changed, or may have.
    list of Input
        All of them, as the ledger is to have them if none did.
    """
    changed, inputs = [], []
    for before in tile.inputs:
        path, now = root / before.file, before
        if path.exists():
            stamp = Stamp.of(path)
            if before.stamp.mtime_ns < 0 and before.stamp.size == stamp.size:
                # An earlier version has recorded the size alone. Is the file older than the rows?
                known = tile.loaded_at is not None and _older(stamp, tile.loaded_at)
                before = replace(before, stamp=stamp) if known else before
            change, now = change_since(
                before, stamp, partial(file_digest, path), check_content=check_content
            )
            if change is not Change.NONE:
                changed.append(before.file)
        inputs.append(now)
    return changed, inputs


def _older(stamp: Stamp, time: datetime) -> bool:
    return stamp.mtime_ns < time.timestamp() * 1e9


def record(
    connection: psycopg.Connection,
    schema: str,
    tile: LoadedTile,
    seconds: float,
) -> None:
    """Write that a tile is loaded, within the transaction of its rows."""
    forget(connection, schema, tile.tileid)
    query = sql.SQL(
        """INSERT INTO {} (table_name, entry, first_row, last_row, stage, inputs, tables, details,
                           rows_read, rows_kept, values_changed, bytes_sent, seconds, loaded_by)
           VALUES ('tile', %s, 0, 1, %s, %s, {}, %s, %s, 1, 0, 0, %s, %s)"""
    ).format(parametrized(schema, TABLE), table_ids(schema))
    values = (
        entry(tile.tileid),
        TILES,
        Jsonb([as_json(made) for made in tile.inputs]),
        sorted(tile.rows),
        Jsonb({"tileid": tile.tileid, "updated": tile.updated, "rows": dict(tile.rows)}),
        sum(tile.rows.values()),
        seconds,
        f"specprod-copy {specprod_copy.__version__}",
    )
    counted.execute(connection, schema, TABLE, query, values, 1)


def renew(
    connection: psycopg.Connection, schema: str, tileid: int, inputs: Sequence[Input]
) -> None:
    """Write the new times of a tile's files, whose content is the same."""
    query = sql.SQL("UPDATE {} SET inputs = %s WHERE {}")
    values = (Jsonb([as_json(made) for made in inputs]), entry(tileid))
    named = query.format(parametrized(schema, TABLE), sql.SQL(_LOADED))
    counted.execute(connection, schema, TABLE, named, values, 1)


def forget(connection: psycopg.Connection, schema: str, tileid: int) -> None:
    """Remove what is said of a tile, within the transaction that removes its rows."""
    condition = "(table_name, entry) = ('tile', %s)"
    counted.delete(connection, schema, TABLE, condition, (entry(tileid),))


@dataclass(frozen=True)
class FailedTile:
    """A tile that the last attempt could not load; what was loaded of it before is as it was."""

    tileid: int
    why: str
    at: datetime | None


def note_failures(
    connection: psycopg.Connection,
    schema: str,
    looked_at: Sequence[int],
    failed: Mapping[int, str],
) -> None:
    """Write which of some tiles could not be loaded, instead of what earlier attempts said.

    Parameters
    ----------
    connection : psycopg.Connection
    schema : str
    looked_at : sequence of int
    failed : mapping of int to str
        Tiles to why not.
    """
    now = [Failure("tile", TILES, entry(tileid), why) for tileid, why in failed.items()]
    attempted = [entry(tileid) for tileid in {*looked_at, *failed}]
    replace_failures(
        connection, schema, now, "table_name = 'tile' AND entry = ANY(%s)", (attempted,)
    )


def failed_tiles(connection: psycopg.Connection, schema: str) -> list[FailedTile]:
    """Return the tiles that the last attempts could not load."""
    return [
        FailedTile(_number(one.entry), one.why, one.at)
        for one in failures(connection, schema)
        if one.stage == TILES
    ]
