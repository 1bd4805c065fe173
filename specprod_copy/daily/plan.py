"""What there is to do: the tiles of the files against those of the tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import PurePath

import psycopg

from specprod_copy.daily import state
from specprod_copy.daily.schema import keys_of
from specprod_copy.daily.staging import Staging
from specprod_copy.desi.production import ProductionFiles
from specprod_copy.errors import InputError
from specprod_copy.postgres.schema import Schema
from specprod_copy.rows.units import Input, ledger_name
from specprod_copy.tiles.redshifts import redshift_files
from specprod_copy.tiles.summaries import Summaries, Tile


class Verdict(StrEnum):
    """How a tile of the files compares with the tables."""

    NEW = "new"
    CHANGED = "changed"
    SAME = "up to date"
    NOT_LOADABLE = "not loadable"
    OBSOLETE = "obsolete"
    FAULTY = "faulty"


@dataclass(frozen=True)
class TileState:
    """What is to be said of a tile.

    Parameters
    ----------
    tileid : int
    verdict : Verdict
    reason : str
        Why; may be empty.
    inputs : tuple of Input
        What the ledger is to say of its files, if they are the same but for their time.
    """

    tileid: int
    verdict: Verdict
    reason: str = ""
    inputs: tuple[Input, ...] = field(default=(), compare=False)

    def __str__(self) -> str:
        return f"tile {self.tileid}: {self.verdict}" + (f" ({self.reason})" if self.reason else "")


def examine(
    connection: psycopg.Connection,
    defined: Schema,
    found: Schema,
    look: Callable[[Tile, state.LoadedTile | None], TileState],
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
    loaded = state.loaded_tiles(connection, found)
    states: dict[int, TileState] = {}
    known: dict[int, list[str]] = {}
    for tile in tiles:
        seen = look(tile, loaded.get(tile.tileid))
        states[tile.tileid] = seen
        if seen.verdict in (Verdict.SAME, Verdict.CHANGED):
            known[tile.tileid] = [seen.reason] if seen.reason else []
    if known:
        keys = keys_of(defined)
        columns = {table: defined.columns_of(table) for table in keys}
        staging = Staging(connection, found.name, keys, columns)
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


def vanished(
    connection: psycopg.Connection, found: Schema, tiles: Mapping[int, Tile], since: int
) -> list[TileState]:
    """Return loaded tiles, with LASTNIGHT from `since` on, that the files do not have."""
    return [
        TileState(tileid, Verdict.OBSOLETE, "vanished from the tiles file")
        for tileid, loaded in state.loaded_tiles(connection, found).items()
        if tileid not in tiles and loaded.lastnight >= since
    ]


def look_at_tile(
    files: ProductionFiles,
    tile: Tile,
    loaded: state.LoadedTile | None,
    *,
    check_content: bool,
) -> TileState:
    """Judge a tile by all but the values of its rows."""
    if tile.why_not is not None:
        verdict = Verdict.NOT_LOADABLE if loaded is None else Verdict.OBSOLETE
        return TileState(tile.tileid, verdict, tile.why_not)
    try:
        petals = redshift_files(files, tile)
    except InputError as error:
        return TileState(tile.tileid, Verdict.FAULTY, str(error))
    if not petals:
        # The pipeline lists a tile before its redshifts are done.
        reason = f"no redshift files of night {tile.lastnight} yet"
        kept = f"; that of {loaded.lastnight} stays" if loaded else ""
        return TileState(tile.tileid, Verdict.NOT_LOADABLE, reason + kept)
    if loaded is None:
        return TileState(tile.tileid, Verdict.NEW)
    reasons = []
    if loaded.lastnight != tile.lastnight:
        reasons.append(f"LASTNIGHT {loaded.lastnight} became {tile.lastnight}")
    if loaded.updated != tile.updated:
        reasons.append(f"UPDATED {loaded.updated} became {tile.updated}")
    inputs: tuple[Input, ...] = ()
    if loaded.lastnight == tile.lastnight:
        names = {ledger_name(path, files.root) for paths in petals.values() for path in paths}
        folders = {PurePath(name).parent for name in names}
        if names != {i.file for i in loaded.inputs if PurePath(i.file).parent in folders}:
            reasons.append("other redshift files")
        try:
            changed, now = state.compare(loaded, files.root, check_content=check_content)
        except InputError as error:
            return TileState(tile.tileid, Verdict.FAULTY, str(error))
        if changed:
            more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
            reasons.append(f"content of {PurePath(changed[0]).name}{more}")
        elif now != [*loaded.inputs]:
            inputs = tuple(now)
    verdict = Verdict.CHANGED if reasons else Verdict.SAME
    return TileState(tile.tileid, verdict, "; ".join(reasons), inputs)


def _compare(
    staging: Staging, summaries: Summaries, tileids: Sequence[int]
) -> tuple[dict[int, list[str]], dict[int, str]]:
    """Return where tiles differ from the tables, and which have rows that no table accepts."""
    try:
        with staging.connection.transaction():
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
