"""What there is of tiles that are loaded one by one."""

from __future__ import annotations

from dataclasses import dataclass, replace

import psycopg
from psycopg import sql

from specprod_copy.plan import ledger
from specprod_copy.plan.loaded_tiles import FailedTile, failed_tiles, loaded_tiles
from specprod_copy.plan.tile_states import TileState, Verdict, look_at_tile, vanished, with_loaded
from specprod_copy.postgres.names import parametrized
from specprod_copy.postgres.schema import Schema
from specprod_copy.status.stages import StageStatus
from specprod_copy.tables import Inputs
from specprod_copy.tiles.summaries import Summaries


@dataclass(frozen=True)
class TilesStatus:
    """What there is of tiles that are loaded one by one."""

    loaded: int
    """Tiles in the tables."""
    failed: list[FailedTile]
    """Those that the last attempt could not load."""
    changed: list[str] | None = None
    """Those whose files changed, or that lost rows, and how.

    None if they were not looked at, as for the next ones.
    """
    missing: list[str] | None = None
    """Those that can be loaded, and are not."""
    others: list[str] | None = None
    """Loaded ones that the files have no more, and those whose files are damaged or incomplete."""


def tile_progress(connection: psycopg.Connection, schema: str, table: str) -> StageStatus:
    """Say how many tiles have rows in a table; of photometry, rows that tiles share count often."""
    query = sql.SQL(
        """SELECT coalesce(sum(jsonb_array_length(inputs)), 0), count(*),
                  coalesce(sum((details -> 'rows' ->> %s)::bigint), 0)::bigint, 0,
                  coalesce(sum(seconds), 0), NULL, min(loaded_at), max(loaded_at),
                  array_agg(DISTINCT loaded_by)
           FROM {} WHERE stage = %s AND failure IS NULL AND tables ? %s
                     AND coalesce((details -> 'rows' ->> %s)::bigint, 1) > 0"""
    ).format(parametrized(schema, ledger.TABLE))
    values = (table, ledger.TILES, table, table)
    [row] = connection.execute(query, values).fetchall()
    return StageStatus(table, ledger.TILES, *row)


def tiles_status(
    connection: psycopg.Connection, found: Schema, inputs: Inputs | None
) -> TilesStatus | None:
    """Return what there is of tiles, None if there is nothing; files are opened, not read."""
    loaded = loaded_tiles(connection, found, lost=True)
    failed = failed_tiles(connection, found.name)
    if not loaded and not failed:
        return None
    if inputs is None:
        return TilesStatus(len(loaded), failed)
    tiles = Summaries.read(inputs).tiles
    states = [
        look_at_tile(inputs.files, *pair, check_content=False)
        for pair in with_loaded(tiles, loaded)
    ]
    states += vanished(tiles, loaded)
    lost = _lost_rows(connection, found)
    states = [_with_lost(state, lost.get(state.tileid, [])) for state in states]
    said = {verdict: [str(s) for s in states if s.verdict is verdict] for verdict in Verdict}
    waiting = [str(s) for s in states if s.verdict is Verdict.NOT_LOADABLE and s.tileid in loaded]
    return TilesStatus(
        len(loaded),
        failed,
        said[Verdict.CHANGED],
        [str(s.tileid) for s in states if s.verdict is Verdict.NEW],
        [*said[Verdict.OBSOLETE], *said[Verdict.FAULTY], *waiting],
    )


def _lost_rows(connection: psycopg.Connection, found: Schema) -> dict[int, list[str]]:
    """Return tiles that have fewer rows of exposures and frames than their files gave.

    `sync` compares these rows with the files and brings them back. For the other tables see
    `lost_tables`; those of photometry cannot go while targets refer to them.
    """
    lost: dict[int, list[str]] = {}
    for table in [table for table in ("exposure", "frame") if table in found.tables]:
        query = sql.SQL(
            """WITH loaded AS (
                   SELECT (details ->> 'tileid')::integer AS tileid,
                          (details -> 'rows' ->> %s)::bigint AS given
                   FROM {} WHERE table_name = 'tile' AND stage = %s AND failure IS NULL
               ), counted AS (SELECT tileid, count(*) AS there FROM {} GROUP BY tileid)
               SELECT tileid, given, coalesce(there, 0)
               FROM loaded LEFT JOIN counted USING (tileid)
               WHERE coalesce(there, 0) < given ORDER BY tileid"""
        ).format(parametrized(found.name, ledger.TABLE), parametrized(found.name, table))
        for tileid, given, there in connection.execute(query, (table, ledger.TILES)):
            lost.setdefault(tileid, []).append(f"{there:,} of {given:,} rows of {table}")
    return lost


def _with_lost(state: TileState, lost: list[str]) -> TileState:
    if not lost or state.verdict not in (Verdict.SAME, Verdict.CHANGED):
        return state
    reason = "; ".join([*([state.reason] if state.reason else []), *lost])
    return replace(state, verdict=Verdict.CHANGED, reason=reason)
