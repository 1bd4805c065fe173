"""What a load did, or would do, for people to read."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from specprod_copy.loading.summary import LoadSummary
from specprod_copy.plan import ledger
from specprod_copy.plan.planning import Plan
from specprod_copy.postgres.ddl import Statement

_BYTES_PER_SECOND = 100e6
"""Speed of one loading process, measured on a production of 580 MB; it is only for estimates."""


def print_plan(console: Console, plan: Plan, statements: Sequence[Statement], jobs: int) -> None:
    """Print what a load would do: a line per source of a table, and how long it may take.

    Parameters
    ----------
    console : rich.console.Console
    plan : Plan
    statements : sequence of Statement
        Statements on tables, keys and indexes.
    jobs : int
        Processes that would send rows.
    """
    table = Table(box=None, pad_edge=False)
    for name in ("table", "stage"):
        table.add_column(name, no_wrap=True)
    for name in ("files", "to load", "units", "rows", "MB", "keys, indexes"):
        table.add_column(name, justify="right", no_wrap=True)
    total = 0
    for source in plan.sources:
        files = [unit for unit in plan.files if unit.source == source.name]
        units = [unit for unit in plan.units if unit.source == source.name]
        size = sum(unit.n_rows * unit.row_bytes for unit in units)
        total += size
        steps = sum(s.table == source.table and s.phase != "table" for s in statements)
        table.add_row(
            source.table,
            source.stage,
            f"{len(files):,}",
            f"{len({unit.file for unit in units}):,}",
            f"{len(units):,}",
            f"{sum(unit.n_rows for unit in units):,}",
            f"{size / 1e6:,.1f}",
            f"{steps:,}",
        )
    console.print(table)
    new = [statement.table for statement in statements if statement.phase == "table"]
    if new:
        console.print(f"tables to make: {', '.join(new)}", highlight=False)
    seconds = total / _BYTES_PER_SECOND / max(jobs, 1)
    console.print(
        f"{plan.n_rows:,} rows, {total / 1e6:,.1f} MB to read; about {seconds:,.0f} s with {jobs} "
        f"jobs at {_BYTES_PER_SECOND / 1e6:.0f} MB/s each, and about as long for the indexes",
        highlight=False,
    )


def print_refused(console: Console, summary: LoadSummary) -> None:
    """Print which tables lack rows that are in quarantine.

    Parameters
    ----------
    console : rich.console.Console
    summary : LoadSummary
    """
    for refused in summary.refused:
        where = refused.path or f"column quarantine of {summary.schema}.{ledger.TABLE}"
        console.print(
            f"rows in quarantine: {refused.rows:,} of {refused.table}, in {where}",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )


def print_summary(console: Console, summary: LoadSummary) -> None:
    """Print what a load did, one line per source of a table, and the notes.

    Parameters
    ----------
    console : rich.console.Console
    summary : LoadSummary
    """
    table = Table(box=None, pad_edge=False)
    table.add_column("table", no_wrap=True)
    table.add_column("stage", no_wrap=True)
    for heading in ("files", "read", "kept", "NaN→-9999", "seconds", "rows/s", "before"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in summary.tables:
        rate = f"{row.rows_read / row.seconds:,.0f}" if row.seconds and row.rows_read else ""
        table.add_row(
            row.table,
            row.stage,
            f"{len(row.file_names):,}",
            f"{row.rows_read:,}",
            f"{row.rows_kept:,}",
            f"{row.values_changed:,}",
            f"{row.seconds:,.2f}",
            rate,
            f"{row.rows_loaded:,}",
        )
    console.print(table)
    for note in summary.notes:
        console.print(f"note: {note}", markup=False, highlight=False, soft_wrap=True)
    kept = sum(row.rows_kept for row in summary.tables)
    lacking = f", {summary.rows_refused:,} in quarantine" if summary.rows_refused else ""
    console.print(
        f"schema {summary.schema}: {kept:,} rows loaded{lacking} and {summary.steps} keys, "
        f"indexes and other steps made in {summary.seconds:,.1f} s",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
