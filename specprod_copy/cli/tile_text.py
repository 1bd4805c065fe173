"""What became of tiles, as lines for people: for the commands ``tile`` and ``sync``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from specprod_copy.cli.text import put, say, to_json
from specprod_copy.daily.summary import TilesSummary
from specprod_copy.errors import SpecprodCopyError
from specprod_copy.plan.tile_states import Verdict


def print_summary(summary: TilesSummary, verbosity: int, *, as_json: bool) -> None:
    """Print what became of the tiles; a positive verbosity names those that are up to date.

    Raises
    ------
    SpecprodCopyError
        If tiles could not be loaded.
    """
    if as_json:
        put(to_json(summary), only_result=False)
    elif verbosity >= 0:
        for line in summary_lines(summary, verbose=verbosity > 0):
            say(line, err=True)
    check_failures(summary)


def summary_lines(summary: TilesSummary, *, verbose: bool = False) -> Iterator[str]:
    """Yield which tiles are not in the tables and why, and what was done, in numbers."""
    told = [Verdict.NOT_LOADABLE, Verdict.OBSOLETE, *([Verdict.SAME] if verbose else [])]
    removed = {result.tileid for result in summary.removed}
    for found in summary.having(*told):
        if found.tileid not in removed:
            yield str(found)
    for result in summary.loaded:
        yield from (f"note: tile {result.tileid}: {note}" for note in result.notes)
    yield from (f"note: {note}" for note in summary.notes)
    if summary.primary_changed is not None:
        yield f"primary spectra: {summary.primary_changed:,} rows of ztile changed"
    count = Counter(found.verdict for found in summary.states)
    yield (
        f"{len(summary.loaded):,} tiles loaded, {len(summary.removed):,} removed, "
        f"{count[Verdict.SAME]:,} up to date, {count[Verdict.NOT_LOADABLE]:,} not loadable, "
        f"{len(summary.failed):,} failed, in {summary.seconds:,.1f} s"
    )


def check_failures(summary: TilesSummary) -> None:
    """Raise an error if tiles could not be loaded; if there are several, name each one before.

    Raises
    ------
    SpecprodCopyError
    """
    if not summary.failed:
        return
    lines = [f"tile {tileid}: {why}" for tileid, why in summary.failed.items()]
    if len(lines) == 1:
        raise SpecprodCopyError(f"{lines[0]}; the tile is as it was before")
    for line in lines:
        say(line, err=True)
    raise SpecprodCopyError(f"{len(lines)} tiles failed (see above); they are as they were before")
