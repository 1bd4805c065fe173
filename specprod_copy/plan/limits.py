"""How much is done at a time."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """How much is done at a time; small ones let small productions be loaded like large ones."""

    unit_rows: int = 100_000
    """Most rows of a unit, the least that a loader commits: half a second's work."""
    batch_rows: int = 500_000
    """Most rows that share a COPY and a commit: a few seconds' work."""
    small_rows: int = 100_000
    """Up to so many rows a load is one transaction, from CREATE TABLE to the last index."""
    whole_bytes: int = 1 << 31
    """Of files, that fill a table by one COPY at most: 15 s of work, which a kill would lose."""
    quick_rows: int = 500_000
    """Up to so many rows of a table it is quicker to verify them here than to start processes."""
    key_rows: int = 1 << 26
    """Up to so many rows of a table their keys are compared beforehand: 0.5 GiB of hashes."""
    range_pages: int = 65536
    """Pages of a table that are verified at a time: half a gigabyte."""


LIMITS = Limits()
