"""Keys, indexes and foreign keys: what tables get after their rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from specprod_copy.postgres import ddl
from specprod_copy.postgres.ddl import Statement
from specprod_copy.postgres.schema import Made, Schema, made

PHASES: Final = ("keys", "indexes", "foreign_keys", "validation", "q3c")
"""Phases of the DDL that come after the rows."""


def missing_steps(defined: Schema, found: Schema, tables: Iterable[str]) -> dict[str, list[str]]:
    """Return the keys, indexes and foreign keys that tables lack, by table."""
    missing: dict[str, dict[str, None]] = {}
    for statement, makes in _missing(defined, found, tables):
        missing.setdefault(statement.table, {})[makes.name] = None
    return {table: [*names] for table, names in missing.items()}


def unfinished_tables(
    defined: Schema, found: Schema, tables: Iterable[str], *, q3c: bool
) -> set[str]:
    """Return the tables that lack a key, an index or a foreign key which can be made.

    An index of q3c takes q3c, and a foreign key the table that it refers to.
    """
    return {
        statement.table
        for statement, _ in _missing(defined, found, tables)
        if (q3c or statement.phase != "q3c")
        and not (
            statement.references
            and statement.references.inside
            and statement.references.inside not in found.tables
        )
    }


def _missing(
    defined: Schema, found: Schema, tables: Iterable[str]
) -> Iterator[tuple[Statement, Made]]:
    existing = made(defined, found)
    for statement in ddl.statements(defined, dict.fromkeys(tables), PHASES, schema=found.name):
        if statement.makes is not None and statement.makes not in existing:
            yield statement, statement.makes
