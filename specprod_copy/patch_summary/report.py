"""The record of changes, for people and for programs."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import polars as pl

_GROUP = ("table", "column", "why")


def change_counts(changes: pl.DataFrame) -> pl.DataFrame:
    """Count changes by table, column and reason."""
    return changes.group_by(_GROUP, maintain_order=True).agg(count=pl.len().cast(pl.Int64))


def summary_lines(changes: pl.DataFrame, notes: Sequence[str]) -> list[str]:
    """Return the counts of changes as lines of text, and what could not be patched."""
    counts = change_counts(changes)
    places = [f"{table}.{column}" for table, column in counts.select("table", "column").rows()]
    width = max(map(len, places), default=0)
    lines = [
        f"{count:>9,}  {place:<{width}}  {why}"
        for place, why, count in zip(places, counts["why"], counts["count"], strict=True)
    ]
    return [*lines, f"{changes.height:>9,}  changes in all", *(f"note: {note}" for note in notes)]


def change_line() -> pl.Expr:
    """Return a change as a line of text: table, key, column, old and new value, reason."""
    key = [
        pl.when(pl.col(column).is_not_null()).then(pl.format(f" {column} {{}}", column))
        for column in ("TILEID", "EXPID", "CAMERA")
    ]
    values = [pl.col(column).fill_null("(missing)") for column in ("old", "new")]
    return pl.concat_str(
        pl.col("table"),
        pl.concat_str(key, ignore_nulls=True),
        pl.format(": {} {} -> {} ({})", "column", *values, "why"),
    )


def write_changes(changes: pl.DataFrame, notes: Sequence[str], text: Path, table: Path) -> None:
    """Write the summary and all changes as text, and all changes as Parquet."""
    lines = [*summary_lines(changes, notes), ""]
    # Made in memory: Polars cannot say why it could not write to a file.
    content = BytesIO()
    content.write("".join(f"{line}\n" for line in lines).encode())
    changes.select(change_line()).write_csv(content, include_header=False, quote_style="never")
    text.write_bytes(content.getbuffer())
    content = BytesIO()
    changes.write_parquet(content)
    table.write_bytes(content.getbuffer())
