"""Demo productions of the sizes that are measured; made once, used again."""

from __future__ import annotations

import math
import shutil
from dataclasses import dataclass
from pathlib import Path

import click

from specprod_copy.demo import write_production
from specprod_copy.desi.configuration import Production
from specprod_copy.desi.production import ProductionFiles, find_production

MOST_TARGETS = 10_000
"""Targets of a tile when there are enough tiles; half of them get fibers, 5000."""

ZPIX_ROWS_PER_TARGET = 0.4
"""About so many rows of zpix, without sky, come from one target of one tile."""


@dataclass(frozen=True)
class Size:
    """Size of a demo production: number of tiles, and of targets of each."""

    tiles: int
    targets: int

    @classmethod
    def of_rows(cls, rows: int) -> Size:
        """Return the size that has about so many rows of zpix."""
        targets = min(MOST_TARGETS, max(10, math.ceil(rows / ZPIX_ROWS_PER_TARGET / 4)))
        return cls(max(4, math.ceil(rows / ZPIX_ROWS_PER_TARGET / targets)), targets)


def demo_production(
    work: Path, specprod: str | Production, size: Size, purpose: str = "demo"
) -> ProductionFiles:
    """Return a demo production, written unless it is there.

    Parameters
    ----------
    work : pathlib.Path
        Folder that keeps it.
    specprod : str or Production
        The production to imitate.
    size : Size
    purpose : str
        Begin of its name: who changes its files keeps them apart.
    """
    production = find_production(specprod) if isinstance(specprod, str) else specprod
    root = work / f"{purpose}-{production.name}-{size.tiles}x{size.targets}"
    if not root.exists():
        click.echo(f"writing {root}", err=True)
        # It gets its name when it is complete.
        unfinished = root.with_suffix(".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        write_production(unfinished, production, tiles=size.tiles, targets=size.targets)
        unfinished.rename(root)
    return ProductionFiles(production, root)


def warm(path: Path) -> None:
    """Read a file, so that the kernel has it in memory when a contender wants it."""
    with path.open("rb") as file:
        while file.read(1 << 24):
            pass
