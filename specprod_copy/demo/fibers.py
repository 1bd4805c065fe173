"""The fibres of a tile: which object each one looks at."""

from __future__ import annotations

import numpy as np

from specprod_copy.demo.layouts import Array
from specprod_copy.demo.plan import PETALS

FIBERS = 5000
PER_PETAL = FIBERS // PETALS
#: Focal-plane scale in mm per degree.
MM_PER_DEGREE = 255.0


class FiberPool:
    """The fibres of a tile that are not yet in use.

    Half as many fibres as targets take part, at most all 5000. Some are stuck, some are kept for
    the sky; each target gets one of the others by chance.
    """

    def __init__(self, targets: int, rng: np.random.Generator) -> None:
        total = min(FIBERS, max(20, targets // 2))
        self.stuck = max(1, total // 50)
        self._kept = self.stuck + max(2, total // 12)
        self._chance = (total - self._kept) / targets
        self._free = rng.permutation(FIBERS)[:total]

    @property
    def left(self) -> int:
        """Number of fibres that are not in use."""
        return len(self._free)

    def take(self, n: int) -> Array:
        """Take n fibres."""
        taken, self._free = self._free[:n], self._free[n:]
        return taken

    def assign(self, member: Array, rng: np.random.Generator) -> Array:
        """Give fibres to some members of a tile; return FIBER of each object, or -1, shape (n,)."""
        chosen = np.flatnonzero(member & (rng.random(len(member)) < self._chance))
        chosen = chosen[: max(self.left - self._kept, 0)]
        fiber = np.full(len(member), -1)
        fiber[chosen] = self.take(len(chosen))
        return fiber


def petal_of(fiber: Array) -> Array:
    """Return the petal (and spectrograph) of fibres."""
    return fiber // PER_PETAL


def device_of(fiber: Array) -> Array:
    """Return the place of fibres in their petal: 500 of the 524 places have a positioner."""
    within = fiber % PER_PETAL
    return within + within // 21


def location_of(fiber: Array) -> Array:
    """Return LOCATION of fibres."""
    return 1000 * petal_of(fiber) + device_of(fiber)
