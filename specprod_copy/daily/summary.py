"""What became of the tiles of one run."""

from __future__ import annotations

from dataclasses import dataclass, field

from specprod_copy.daily.load import TileResult
from specprod_copy.plan.tile_states import TileState, Verdict


@dataclass
class TilesSummary:
    """What became of the tiles.

    Parameters
    ----------
    states : list of TileState
        What was found before.
    loaded, removed : list of TileResult
        What was done.
    failed : dict of int to str
        Tiles that are as they were before, and why.
    primary_changed : int or None
        Rows of ztile whose nspec or primary changed at the end; None if they were left alone.
    notes : list of str
        What is odd about the tiles and exposures files, what was left out beside them, and tiles
        that were left to another run.
    seconds : float
    """

    states: list[TileState] = field(default_factory=list)
    loaded: list[TileResult] = field(default_factory=list)
    removed: list[TileResult] = field(default_factory=list)
    failed: dict[int, str] = field(default_factory=dict)
    primary_changed: int | None = None
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def having(self, *verdicts: Verdict) -> list[TileState]:
        """Return what was found of some kinds."""
        return [found for found in self.states if found.verdict in verdicts]
