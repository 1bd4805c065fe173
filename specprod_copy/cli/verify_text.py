"""Results of a verification for people at a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from specprod_copy.verification.results import Result, grouped
from specprod_copy.verification.text import summary

_MOST_FAILURES = 10
"""Failed results of one check of one table that are printed; JSON and HTML have them all."""


def print_results(
    console: Console, schema: str, results: Sequence[Result], *, verbose: bool = False
) -> None:
    """Print a line per table, then what failed, then a summary.

    Parameters
    ----------
    console : rich.console.Console
    schema : str
    results : sequence of Result
    verbose : bool
        A line per check of each table, instead of one per table.
    """
    names = ("table", "check") if verbose else ("table",)
    table = Table(box=None, pad_edge=False)
    for heading in names:
        table.add_column(heading, no_wrap=True)
    for heading in ("passed", "failed"):
        table.add_column(heading, justify="right", no_wrap=True)
    counts: dict[tuple[str, ...], Counter[bool]] = {}
    for result in results:
        label = (result.table, result.name)[: len(names)]
        counts.setdefault(label, Counter())[result.passed] += 1
    for label, count in counts.items():
        table.add_row(*label, f"{count[True]:,}", f"{count[False]:,}" if count[False] else "")
    console.print(table)
    print_failures(console, results)
    console.print(summary(schema, results), markup=False, highlight=False, soft_wrap=True)


def print_failures(console: Console, results: Sequence[Result]) -> None:
    """Print what failed, the first few of each check of each table."""
    for group in grouped(results):
        failed = group.failed
        for result in failed[:_MOST_FAILURES]:
            text = f"FAILED {result.table}, {result.name}: {result.detail}"
            console.print(text, markup=False, highlight=False, soft_wrap=True)
        if len(failed) > _MOST_FAILURES:
            more = f"FAILED {group.table}, {group.name}: {len(failed) - _MOST_FAILURES:,} more"
            console.print(more, markup=False, highlight=False, soft_wrap=True)
