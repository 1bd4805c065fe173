"""What there is to do: the tiles of the files against those of the tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import psycopg

from specprod_copy.daily.staging import Staging
from specprod_copy.errors import InputError
from specprod_copy.plan.loaded_tiles import LoadedTile, loaded_tiles
from specprod_copy.plan.tile_states import TileState, Verdict
from specprod_copy.postgres.schema import Schema
from specprod_copy.tiles.summaries import Summaries, Tile


def examine(
    connection: psycopg.Connection,
    defined: Schema,
    found: Schema,
    look: Callable[[Tile, LoadedTile | None], TileState],
    summaries: Summaries,
    tiles: Iterable[Tile],
) -> list[TileState]:
    """Compare tiles of the files with those in the tables.

    Parameters
    ----------
    connection : psycopg.Connection
    defined, found : Schema
    look : callable
        Judges a tile by all but the values of its rows; see `look_at_tile`.
    summaries : Summaries
    tiles : iterable of Tile

    Returns
    -------
    list of TileState
        One for each tile, in the same order.
    """
    loaded = loaded_tiles(connection, found)
    states: dict[int, TileState] = {}
    known: dict[int, list[str]] = {}
    for tile in tiles:
        seen = look(tile, loaded.get(tile.tileid))
        states[tile.tileid] = seen
        if seen.verdict in (Verdict.SAME, Verdict.CHANGED):
            known[tile.tileid] = [seen.reason] if seen.reason else []
    if known:
        staging = Staging(connection, found.name, defined)
        differing, faults = _compare(staging, summaries, list(known))
        for tileid, reasons in known.items():
            if tileid in faults:
                states[tileid] = TileState(tileid, Verdict.FAULTY, faults[tileid])
                continue
            if tileid in differing:
                reasons.append(f"values of {', '.join(differing[tileid])}")
            verdict = Verdict.CHANGED if reasons else Verdict.SAME
            inputs = states[tileid].inputs
            states[tileid] = TileState(tileid, verdict, "; ".join(reasons), inputs)
    return list(states.values())


def _compare(
    staging: Staging, summaries: Summaries, tileids: Sequence[int]
) -> tuple[dict[int, list[str]], dict[int, str]]:
    """Return where tiles differ from the tables, and which have rows that no table accepts."""
    try:
        with staging.transaction():
            for rows in summaries.rows(tileids):
                staging.stage([rows])
            return staging.differing(), {}
    except InputError as error:
        if len(tileids) == 1:
            return {}, {tileids[0]: str(error)}
    # One bad tile must not hide the others: look for it in each half.
    middle = len(tileids) // 2
    left = _compare(staging, summaries, tileids[:middle])
    right = _compare(staging, summaries, tileids[middle:])
    return left[0] | right[0], left[1] | right[1]
