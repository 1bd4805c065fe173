"""The disk that a load takes on the server."""

from __future__ import annotations

from collections.abc import Iterator

from specprod_copy.doctor.findings import Finding
from specprod_copy.loading.dry_run import plan_load
from specprod_copy.loading.options import LoadOptions
from specprod_copy.tables import Inputs


def check_space(conninfo: str | None, inputs: Inputs, schema: str) -> Iterator[Finding]:
    """Yield what a load of all stages would add to the server's disk.

    Each file is opened, to count rows; what is loaded there already is not counted.
    """
    plan, _ = plan_load(conninfo, inputs, LoadOptions(("all",), schema))
    for table, space in plan.space.items():
        size = _gigabytes(space.table + space.indexes)
        yield Finding("space", table, f"{size} for {space.rows:,} rows at most")
    largest = max(space.table for space in plan.space.values())
    yield Finding(
        "space",
        "all tables",
        _gigabytes(sum(space.table + space.indexes for space in plan.space.values())),
        why="an ordinary role cannot see the server's disk: ask for so much, twice with "
        "--overwrite, and for max_wal_size beside it; --cluster needs another "
        f"{_gigabytes(largest)} for a while",
    )


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:,.1f} GB" if size >= 1e8 else f"{size / 1e6:,.1f} MB"
