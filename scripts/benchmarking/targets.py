"""What is to be reached, as ratios of medians; data, to be printed beside the figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from benchmarking import peers

Medians = Mapping[tuple[str, str], float]
"""(contender, figure) to the median of its runs."""

Figure = tuple[str, str]

LIMIT = "limit"
PARALLEL = "limit, parallel index builds"
ADBC, PGPQ, CSV, ORM = (peer.name for peer in (peers.ADBC, peers.PGPQ, peers.CSV, peers.ORM))


def jobs(n: int) -> str:
    """Return the name of the contender specprod-copy with so many jobs."""
    return f"specprod-copy, {n} job{'s' if n > 1 else ''}"


@dataclass(frozen=True)
class Target:
    """A figure that is to be reached.

    Parameters
    ----------
    what : str
        Its name.
    figure, against : tuple of str
        Contender and figure; the second, if any, is what the first is divided by.
    goal : float
    at_most : bool
        Whether `goal` is the most or the least.
    per_million : bool
        Whether it is counted per million rows.
    tables : tuple of str
        Tables it is meant for; all when empty.
    """

    what: str
    figure: Figure
    against: Figure | None
    goal: float
    at_most: bool = True
    per_million: bool = False
    tables: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The goal for people."""
        return f"{'≤' if self.at_most else '≥'} {self.goal:g}"

    def reached(self, medians: Medians, rows: int) -> float | None:
        """Return what was reached, None if it was not measured."""
        if self.figure not in medians or (self.against and self.against not in medians):
            return None
        value = medians[self.figure] / (medians[self.against] if self.against else 1)
        return value * 1e6 / rows if self.per_million else value

    def met(self, value: float) -> bool:
        """Say whether a value is good enough."""
        return value <= self.goal if self.at_most else value >= self.goal


ONE, TWO = jobs(1), jobs(2)

WIDE = ("zpix", "ztile", "target")
NARROW = ("potential",)
WHOLE = ("",)

TARGETS = (
    Target(
        "FITS to committed rows, 1 job, of the limit's COPY",
        (ONE, "rows"),
        (LIMIT, "rows"),
        1.10,
        tables=(*WIDE, *WHOLE),
    ),
    Target(
        "FITS to committed rows, 1 job, of the limit's COPY (narrow table)",
        (ONE, "rows"),
        (LIMIT, "rows"),
        1.15,
        tables=NARROW,
    ),
    Target(
        "FITS to ready, 2 jobs, of the limit's COPY and serial index builds",
        (TWO, "ready"),
        (LIMIT, "ready"),
        0.65,
    ),
    Target(
        "the same, when several processes build each index of the limit",
        (TWO, "ready"),
        (PARALLEL, "ready"),
        1,
    ),
    *(
        Target(
            f"rows: {peer}, of ours with 1 job",
            (peer, "rows"),
            (ONE, "rows"),
            goal,
            at_most=False,
            tables=(*WIDE, *NARROW),
        )
        for peer, goal in ((ADBC, 2), (PGPQ, 1), (CSV, 1))
    ),
    Target(
        "FITS to ready: SQLAlchemy ORM, of ours with 2 jobs",
        (ORM, "ready"),
        (TWO, "ready"),
        60,
        at_most=False,
        tables=(*WIDE, *NARROW),
    ),
    Target("largest process [MB], 1 job", (ONE, "rows largest MB"), None, 400),
    Target("largest process [MB], 2 jobs", (TWO, "rows largest MB"), None, 400),
    Target(
        "processor seconds per million rows, 1 job",
        (ONE, "rows cpu"),
        None,
        4,
        per_million=True,
        tables=("zpix",),
    ),
)
