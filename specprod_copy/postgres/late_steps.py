"""Keys, indexes and foreign keys: what tables get after their rows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from specprod_copy.postgres import ddl
from specprod_copy.postgres.schema import Schema, made

PHASES: Final = ("keys", "indexes", "foreign_keys", "validation", "q3c")
"""Phases of the DDL that come after the rows."""


def missing_steps(defined: Schema, found: Schema, tables: Iterable[str]) -> dict[str, list[str]]:
    """Return the keys, indexes and foreign keys that tables lack, by table."""
    existing = made(defined, found)
    missing: dict[str, dict[str, None]] = {}
    for statement in ddl.statements(defined, dict.fromkeys(tables), PHASES, schema=found.name):
        if statement.makes is not None and statement.makes not in existing:
            missing.setdefault(statement.table, {})[statement.makes.name] = None
    return {table: [*names] for table, names in missing.items()}
