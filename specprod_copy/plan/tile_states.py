"""How a tile of the files compares with what is loaded of it, but for the values of its rows."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import PurePath

from specprod_copy.desi.production import ProductionFiles
from specprod_copy.errors import InputError
from specprod_copy.plan.loaded_tiles import LoadedTile, compare
from specprod_copy.rows.units import Input, ledger_name
from specprod_copy.tiles.redshifts import redshift_files
from specprod_copy.tiles.summaries import Tile


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


def look_at_tile(
    files: ProductionFiles,
    tile: Tile,
    loaded: LoadedTile | None,
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
            changed, now = compare(loaded, files.root, check_content=check_content)
        except InputError as error:
            return TileState(tile.tileid, Verdict.FAULTY, str(error))
        if changed:
            more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
            reasons.append(f"content of {PurePath(changed[0]).name}{more}")
        elif now != [*loaded.inputs]:
            inputs = tuple(now)
    verdict = Verdict.CHANGED if reasons else Verdict.SAME
    return TileState(tile.tileid, verdict, "; ".join(reasons), inputs)


def with_loaded(
    tiles: Mapping[int, Tile], loaded: Mapping[int, LoadedTile]
) -> list[tuple[Tile, LoadedTile | None]]:
    """Return the tiles of the files, each with what is loaded of it, for `look_at_tile`."""

    def known(number: int, tile: Tile) -> LoadedTile | None:
        before = loaded.get(number)
        if before is not None and not before.lastnight:
            # Its row in table tile is gone, which says nothing of its files.
            before = replace(before, lastnight=tile.lastnight)
        return before

    return [(tile, known(number, tile)) for number, tile in tiles.items()]


def vanished(tiles: Container[int], loaded: Iterable[int]) -> list[TileState]:
    """Return loaded tiles that the files do not have."""
    why = "vanished from the tiles file"
    return [TileState(number, Verdict.OBSOLETE, why) for number in loaded if number not in tiles]
