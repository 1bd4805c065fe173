"""What the commands ``tile`` and ``sync`` share: options, and what they say at the end."""

from __future__ import annotations

import functools
import os
from collections import Counter
from collections.abc import Callable
from typing import Any, TypeVar

import click
from rich.console import Console

from specprod_copy.daily.plan import Verdict
from specprod_copy.daily.run import TilesSummary
from specprod_copy.errors import SpecprodCopyError

F = TypeVar("F", bound=Callable[..., Any])


def end_options(command: F) -> F:
    """Add ``primary``, ``cluster`` and ``jobs``."""
    for option in (
        click.option(
            "-j",
            "--jobs",
            type=click.IntRange(1, 64),
            default=lambda: min(os.cpu_count() or 1, 4),
            show_default="number of processors, at most 4",
            help="How many tiles to work on at a time.",
        ),
        click.option(
            "--cluster",
            is_flag=True,
            help="At the end order tables on their q3c index (slow, locks them).",
        ),
        click.option(
            "--primary",
            is_flag=True,
            help="At the end choose the primary spectra of all targets anew, and refresh the q3c "
            "indexes.",
        ),
    ):
        command = option(command)
    return command


def finished(console: Console, summary: TilesSummary, verbosity: int) -> None:
    """Say what became of the tiles.

    Parameters
    ----------
    console : rich.console.Console
    summary : TilesSummary
    verbosity : int
        Negative: only errors; positive: also which tiles are up to date.

    Raises
    ------
    SpecprodCopyError
        If tiles could not be loaded.
    """
    say = functools.partial(console.print, markup=False, highlight=False, soft_wrap=True)
    if verbosity >= 0:
        told = [Verdict.NOT_LOADABLE, Verdict.OBSOLETE]
        removed = {result.tileid for result in summary.removed}
        for found in summary.having(*told, *([Verdict.SAME] if verbosity else [])):
            if found.tileid not in removed:
                say(str(found))
        if summary.primary_changed is not None:
            say(f"primary spectra: {summary.primary_changed:,} rows of ztile changed")
        count = Counter(found.verdict for found in summary.states)
        say(
            f"{len(summary.loaded)} tiles loaded, {len(summary.removed)} removed, "
            f"{count[Verdict.SAME]} up to date, {count[Verdict.NOT_LOADABLE]} not loadable, "
            f"{len(summary.failed)} failed, in {summary.seconds:,.1f} s"
        )
    check_failures(console, summary)


def check_failures(console: Console, summary: TilesSummary) -> None:
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
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    raise SpecprodCopyError(f"{len(lines)} tiles failed (see above); they are as they were before")
