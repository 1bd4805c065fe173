"""What a load did, or would do, as lines for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from specprod_copy.cli.text import table_lines
from specprod_copy.loading.summary import LoadSummary
from specprod_copy.plan import ledger
from specprod_copy.plan.planning import Plan
from specprod_copy.postgres.ddl import Statement

_BYTES_PER_SECOND = 100e6
"""Speed of one loading process, measured on a production of 580 MB; it is only for estimates."""


_MOST_FILES = 10
"""So many files, the largest ones, are named with their size."""


def plan_lines(
    plan: Plan, statements: Sequence[Statement], jobs: int, *, width: int
) -> Iterator[str]:
    """Yield what a load would do: a line per source of a table, and how long it may take."""
    rows = [
        (
            row["table"],
            row["stage"],
            *(f"{row[key]:,}" for key in ("files", "files_to_load", "units", "rows")),
            f"{row['bytes'] / 1e6:,.1f}",
            f"{row['steps']:,}",
        )
        for row in plan_values(plan, statements)["sources"]
    ]
    total = sum(unit.n_rows * unit.row_bytes for unit in plan.units)
    headings = ("table", "stage", "files", "to load", "units", "rows", "MB", "keys, indexes")
    yield from table_lines(headings, rows, labels=2, width=width)
    if new := _tables_to_make(statements):
        yield f"tables to make: {', '.join(new)}"
    sizes = file_sizes(plan)
    for name in sorted(sizes, key=lambda name: (-sizes[name], name))[:_MOST_FILES]:
        yield f"file: {name}, {_size(sizes[name])}"
    if len(sizes) > _MOST_FILES:
        rest = sum(sizes.values()) - sum(sorted(sizes.values())[-_MOST_FILES:])
        yield f"and {len(sizes) - _MOST_FILES:,} smaller files, {_size(rest)}"
    for note in plan.notes:
        yield f"note: {note}"
    if needed := [space for space in plan.space.values() if space.rows]:
        yield (
            f"space on the server: about {_size(sum(space.table for space in needed))} for rows, "
            f"{_size(sum(space.indexes for space in needed))} for keys and indexes"
        )
    seconds = total / _BYTES_PER_SECOND / max(jobs, 1)
    yield (
        f"{plan.n_rows:,} rows, {total / 1e6:,.1f} MB to read; about {seconds:,.0f} s with {jobs} "
        f"jobs at {_BYTES_PER_SECOND / 1e6:.0f} MB/s each, and about as long for the indexes"
    )


def file_sizes(plan: Plan) -> dict[str, int]:
    """Return the size of each file of which something is to be loaded [byte]."""
    return {part.file: part.stamp.size for unit in plan.units for part in unit.parts}


def _size(size: int) -> str:
    return f"{size / 1e9:,.1f} GB" if size >= 1e8 else f"{size / 1e6:,.1f} MB"


def plan_values(plan: Plan, statements: Sequence[Statement]) -> dict[str, Any]:
    """Return what a load would do, for programs."""
    sources = []
    for source in plan.sources:
        units = [unit for unit in plan.units if unit.source == source.name]
        row = {
            "table": source.table,
            "stage": source.stage,
            "files": sum(unit.source == source.name for unit in plan.files),
            "files_to_load": len({unit.file for unit in units}),
            "units": len(units),
            "rows": sum(unit.n_rows for unit in units),
            "bytes": sum(unit.n_rows * unit.row_bytes for unit in units),
            "steps": sum(s.table == source.table and s.phase != "table" for s in statements),
        }
        sources.append(row)
    new = _tables_to_make(statements)
    return {
        "sources": sources,
        "files": [{"file": name, "bytes": size} for name, size in file_sizes(plan).items()],
        "space": {name: space._asdict() for name, space in plan.space.items() if space.rows},
        "tables_to_make": new,
        "notes": plan.notes,
    }


def _tables_to_make(statements: Sequence[Statement]) -> list[str]:
    """Return each table once, though several statements make it."""
    return [*dict.fromkeys(s.table for s in statements if s.phase == "table")]


def refused_lines(summary: LoadSummary) -> Iterator[str]:
    """Yield which tables lack rows that are in quarantine."""
    for refused in summary.refused:
        where = refused.path or f"column quarantine of {summary.schema}.{ledger.TABLE}"
        yield f"rows in quarantine: {refused.rows:,} of {refused.table}, in {where}"


def summary_lines(summary: LoadSummary, *, width: int) -> Iterator[str]:
    """Yield what a load did, one line per source of a table, and the notes."""
    headings = ("files", "read", "kept", "NaN→-9999", "seconds", "rows/s", "before")
    rows = [
        (
            row.table,
            row.stage,
            f"{len(row.file_names):,}",
            f"{row.rows_read:,}",
            f"{row.rows_kept:,}",
            f"{row.values_changed:,}",
            f"{row.seconds:,.2f}",
            f"{row.rows_read / row.seconds:,.0f}" if row.seconds and row.rows_read else "",
            f"{row.rows_loaded:,}",
        )
        for row in summary.tables
    ]
    yield from table_lines(("table", "stage", *headings), rows, labels=2, width=width)
    for note in summary.notes:
        yield f"note: {note}"
    kept = sum(row.rows_kept for row in summary.tables)
    lacking = f", {summary.rows_refused:,} in quarantine" if summary.rows_refused else ""
    yield (
        f"schema {summary.schema}: {kept:,} rows loaded{lacking} and {summary.steps} keys, "
        f"indexes and other steps made in {summary.seconds:,.1f} s"
    )
