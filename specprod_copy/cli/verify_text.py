"""Results of a verification as lines for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from specprod_copy.cli.text import table_lines
from specprod_copy.verification.results import Result, grouped
from specprod_copy.verification.text import summary

_MOST_FAILURES = 10
"""Failed results of one check of one table that are printed; JSON and HTML have them all."""


def result_lines(
    schema: str, results: Sequence[Result], *, verbose: bool = False, width: int
) -> Iterator[str]:
    """Yield a line per table (verbose: per check of each table), what failed, and a summary."""
    names = ("table", "check") if verbose else ("table",)
    counts: dict[tuple[str, ...], Counter[bool]] = {}
    for result in results:
        label = (result.table, result.name)[: len(names)]
        counts.setdefault(label, Counter())[result.passed] += 1
    rows = [
        (*label, f"{count[True]:,}", f"{count[False]:,}" if count[False] else "")
        for label, count in counts.items()
    ]
    yield from table_lines((*names, "passed", "failed"), rows, labels=len(names), width=width)
    for result in results:
        if result.note:
            yield f"not compared: {result.table}: {result.note}"
    yield from failure_lines(results)
    yield summary(schema, results)


def failure_lines(results: Sequence[Result]) -> Iterator[str]:
    """Yield what failed, the first few of each check of each table."""
    for group in grouped(results):
        failed = group.failed
        for result in failed[:_MOST_FAILURES]:
            yield f"FAILED {result.table}, {result.name}: {result.detail}"
        if len(failed) > _MOST_FAILURES:
            yield f"FAILED {group.table}, {group.name}: {len(failed) - _MOST_FAILURES:,} more"
