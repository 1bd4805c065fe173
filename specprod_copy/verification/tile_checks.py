"""Tiles that were loaded one by one: what became of their files, and their parts of the tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from specprod_copy.executors.executor import Executor, in_order
from specprod_copy.plan.loaded_tiles import LoadedTile
from specprod_copy.plan.tile_states import TileState, Verdict, vanished, with_loaded
from specprod_copy.tiles.read import TABLES
from specprod_copy.tiles.summaries import Tile
from specprod_copy.verification.compare import counted, listing
from specprod_copy.verification.file_side import FileScan
from specprod_copy.verification.planning import TablePlan
from specprod_copy.verification.results import Result
from specprod_copy.verification.slices import TileSlice
from specprod_copy.verification.work import Reader, look_at

_TABLE = "tile"
_NAMES = 5
_MENDED_BY = {
    Verdict.CHANGED: "; sync loads it again",
    Verdict.OBSOLETE: "; sync --delete removes it",
}


def tile_states(
    tiles: Mapping[int, Tile], loaded: Mapping[int, LoadedTile], executor: Executor[Reader]
) -> list[TileState]:
    """Say what became of the files of all tiles, loaded or not.

    Parameters
    ----------
    tiles : mapping of int to Tile
        Those of the tiles file.
    loaded : mapping of int to LoadedTile
    executor : Executor
        Looks at the files of each.
    """
    looks = in_order(executor, look_at, with_loaded(tiles, loaded))
    return [*(state for _, state in looks), *vanished(tiles, loaded)]


def set_slices(plan: TablePlan, tiles: Mapping[int, Tile], states: list[TileState]) -> None:
    """Give the plan of a table its slices: what each loaded tile has in it."""
    plan.tiles.states = states
    left_out = {*plan.tiles.left_out}
    for number, before in plan.tiles.loaded.items():
        if number not in left_out:
            rows = max(before.rows.get(plan.job.table, 0), 1)
            size = sum(made.stamp.size for made in before.inputs) // len(TABLES)
            plan.slices.append(TileSlice(plan.job.table, tiles[number], rows, size // rows))


def check_tiles(states: Sequence[TileState], loaded: Mapping[int, LoadedTile]) -> Iterator[Result]:
    """Yield whether the files of tiles are unchanged, and whether all that can be loaded is."""
    for state in states:
        name = f"tile {state.tileid}"
        if state.tileid not in loaded:
            if state.verdict is Verdict.FAULTY:
                detail = f"{name} was never loaded: {state.reason}"
                yield Result(False, "file-rows", _TABLE, detail)
        elif state.verdict is Verdict.SAME:
            inputs = loaded[state.tileid].inputs
            size = sum(made.stamp.size for made in inputs)
            detail = f"{name}: {counted(len(inputs), 'file')}, {size:,} bytes"
            yield Result(True, "file-unchanged", _TABLE, detail)
        else:
            # A tile whose new redshifts are not there yet stays as it is.
            waits = state.verdict is Verdict.NOT_LOADABLE
            detail = f"{name}: {state.reason}{_MENDED_BY.get(state.verdict, '')}"
            yield Result(waits, "file-unchanged", _TABLE, detail, detail if waits else "")
    new = [str(state.tileid) for state in states if state.verdict is Verdict.NEW]
    detail = f"all {counted(len(loaded), 'tile')}"
    if new:
        detail = (
            f"{counted(len(new), 'tile')} never loaded: {listing(len(new), new[:_NAMES])}; "
            "sync loads what is missing"
        )
    yield Result(not new, "file-rows", _TABLE, detail)


def check_slices(plan: TablePlan, scan: FileScan) -> Iterator[Result]:
    """Yield which tiles have no rows in a table that could be compared."""
    for (name, _), error in scan.errors.items():
        yield Result(False, "file-rows", plan.job.table, f"{name}: {error}")


def unreadable(plan: TablePlan, scan: FileScan) -> list[int]:
    """Return the tiles that could not be read."""
    return [one.tileid for one in plan.slices if one.tileid and one.place in scan.errors]
