"""What of a schema is in the way of a load: conflicts with its definition, and what would go."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from specprod_copy.errors import ConfigurationError, DatabaseError
from specprod_copy.postgres.schema import Index, Key, Schema, Table
from specprod_copy.postgres.schema_differences import Difference, differences, of_users, shown


def refuse_conflicts(defined: Schema, found: Schema, tables: Iterable[str]) -> None:
    """Check that rows can go into tables as they are, and keys and indexes can be made.

    What is missing but can be made is no conflict, nor is what users added and rows can do without.

    Parameters
    ----------
    defined, found : Schema
    tables : iterable of str
        Those that do not exist are to be made.

    Raises
    ------
    ConfigurationError
        If a table that is to be made would not be as it is defined before its key is made.
    DatabaseError
        For the first table that is in conflict with its definition.
    """
    for table in tables:
        if table not in found.tables:
            _refuse_late(defined.tables[table])
            continue
        all_of_table = differences(defined, found, [table])
        conflicts = [d for d in all_of_table if d.is_conflict]
        name = f"table {found.name}.{table}"
        if columns := [_column_conflict(d) for d in conflicts if d.kind == "column"]:
            more = f" and {len(columns) - _SHOWN} more" if len(columns) > _SHOWN else ""
            raise DatabaseError(
                f"{name} is not as it is defined: {', '.join(columns[:_SHOWN])}{more}; "
                "'specprod-copy diff' prints what would change that, and 'specprod-copy upgrade' "
                "does as much of it as keeps all values; or choose another --schema, "
                "or replace the table with --overwrite"
            )
        if conflicts and conflicts[0].kind == "partitions":
            raise DatabaseError(
                f"{name} has {conflicts[0]}; choose another --schema, or replace all tables with "
                "load all --overwrite"
            )
        for difference in conflicts:
            raise DatabaseError(f"{name}: {difference}; drop it, and run the command again")
        for difference in all_of_table:
            if isinstance(difference.wanted, Key | Index) and difference.found is None:
                _refuse_taken(found, difference)


def refuse_cascades(defined: Schema, found: Schema, tables: Collection[str]) -> None:
    """Check that rows which are removed from tables take no others of defined tables along.

    Raises
    ------
    DatabaseError
        For the first foreign key that would remove or change rows; says which.
    """
    for table in tables:
        for other, reference in found.referring(table):
            if other.name in defined.tables and "ON DELETE" in reference.rules:
                raise DatabaseError(
                    f"table {found.name}.{other.name}: {reference.name} is {reference}: rows that "
                    f"are removed from {table} would take others along; drop it, and run the "
                    "command again"
                )


def _refuse_late(table: Table) -> None:
    for name in table.nullable_before_key:
        raise ConfigurationError(
            f"{table.file}: column {name} of the primary key, which is made after the rows, must "
            "be NOT NULL"
        )


_SHOWN = 10
"""So many columns are named in an error."""


def _column_conflict(difference: Difference) -> str:
    if difference.found is None:
        return f"{shown(difference.wanted)} is missing"
    if difference.wanted is None:
        return f"{shown(difference.found)} is unknown and has no default"
    return str(difference)


def _refuse_taken(found: Schema, difference: Difference) -> None:
    """Check that nothing of another table has the name of an index that is to be made."""
    for other in found.tables.values():
        if other.name == difference.name or other.index(difference.name):
            raise DatabaseError(
                f"table {found.name}.{difference.table}: {difference.name} is to be its index, and "
                f"belongs to table {other.name}; rename it, and run the command again"
            )


def refuse_own_columns(
    defined: Schema, found: Schema, tables: Iterable[str], made_as: Schema | None = None
) -> None:
    """Check that tables have no columns of their users, which would go with them.

    Parameters
    ----------
    defined, found : Schema
    tables : iterable of str
    made_as : Schema, optional
        The definition by which the tables were made, if it may be another one.

    Raises
    ------
    DatabaseError
    """
    for table in tables:
        own = of_users(defined, found, table, made_as)
        if columns := [d.name for d in own if d.kind == "column"]:
            raise DatabaseError(
                f"table {found.name}.{table} has columns that are not of its definition: "
                f"{', '.join(columns)}; --overwrite would drop them with the table. Copy what you "
                "want to keep to a table of your own and drop them (ALTER TABLE ... DROP COLUMN), "
                "or load changed files with --replace, which keeps them"
            )
