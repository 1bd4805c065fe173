"""The disk that a load takes on the server."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from specprod_copy.doctor.findings import Finding
from specprod_copy.loading.dry_run import plan_load
from specprod_copy.loading.options import LoadOptions
from specprod_copy.tables import Inputs

ROW_BYTES: Mapping[str, tuple[int, int]] = MappingProxyType(
    {
        "photometry": (455, 68),
        "target": (265, 125),
        "ztile": (547, 269),
        "zpix": (673, 222),
        "fiberassign": (166, 141),
        "potential": (76, 114),
        "frame": (125, 79),
    }
)
"""Bytes of a row in the table and in all indexes of it, PostgreSQL 15, a demo production."""


def check_space(conninfo: str, inputs: Inputs, schema: str) -> Iterator[Finding]:
    """Yield what a load of all stages would add to the server's disk.

    Each file is opened, to count rows; what is loaded there already is not counted.
    """
    plan, _ = plan_load(conninfo, inputs, LoadOptions(("all",), schema))
    rows: dict[str, int] = dict.fromkeys(ROW_BYTES, 0)
    for unit in plan.units:
        if unit.table in rows:
            rows[unit.table] += unit.n_rows
    sizes = {table: n * sum(ROW_BYTES[table]) for table, n in rows.items()}
    for table, size in sizes.items():
        yield Finding("space", table, f"{_gigabytes(size)} for {rows[table]:,} rows at most")
    largest = max(rows[table] * ROW_BYTES[table][0] for table in rows)
    yield Finding(
        "space",
        "all tables",
        _gigabytes(sum(sizes.values())),
        why="an ordinary role cannot see the server's disk: ask for so much, twice with "
        "--overwrite, and for max_wal_size beside it; --cluster needs another "
        f"{_gigabytes(largest)} for a while",
    )


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:,.1f} GB" if size >= 1e8 else f"{size / 1e6:,.1f} MB"
