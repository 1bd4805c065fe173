"""Keys that rows of a table do not allow, and the query for these rows."""

from __future__ import annotations

from psycopg import sql

from specprod_copy.errors import DatabaseError
from specprod_copy.postgres.ddl import Statement
from specprod_copy.postgres.names import listed, matched
from specprod_copy.postgres.schema import Reference


class BrokenKey(DatabaseError):
    """A key that rows of a table do not allow.

    Parameters
    ----------
    message : str
    table : str
    columns : tuple of str
        Columns of the key.
    """

    def __init__(self, message: str, table: str, columns: tuple[str, ...]) -> None:
        super().__init__(message)
        self.table = table
        self.columns = columns

    def offenders(self, schema: str, limit: int) -> sql.Composed:
        """Return the query for the first values of `columns` that break the key."""
        raise NotImplementedError


class DuplicateKey(BrokenKey):
    """A key is not unique."""

    def offenders(self, schema: str, limit: int) -> sql.Composed:
        """Return the query for values that several rows have."""
        return sql.SQL(
            "SELECT {0} FROM {1} GROUP BY {0} HAVING count(*) > 1 ORDER BY {0} LIMIT {2}"
        ).format(listed(self.columns), sql.Identifier(schema, self.table), limit)


class OrphanKey(BrokenKey):
    """A foreign key finds no row to refer to.

    Parameters
    ----------
    message, table
        As for `BrokenKey`.
    reference : Reference
        What the foreign key refers to.
    """

    def __init__(self, message: str, table: str, reference: Reference) -> None:
        super().__init__(message, table, reference.columns)
        self.reference = reference

    def offenders(self, schema: str, limit: int) -> sql.Composed:
        """Return the query for values without a row in the other table."""
        return sql.SQL(
            """SELECT DISTINCT {own} FROM {table} AS mine LEFT JOIN {other_table} AS other
               ON {matched} WHERE {key} IS NULL AND num_nulls({own}) = 0
               ORDER BY {own} LIMIT {limit}"""
        ).format(
            own=listed(self.reference.columns, "mine"),
            table=sql.Identifier(schema, self.table),
            other_table=sql.Identifier(*self.reference.place(schema)),
            matched=matched("mine", self.reference.columns, "other", self.reference.keys),
            key=sql.Identifier("other", self.reference.keys[0]),
            limit=limit,
        )


def orphan_key(statement: Statement) -> OrphanKey:
    """Return the error of a foreign key that cannot be made, or validated."""
    reference = statement.references
    if reference is None:
        raise ValueError(f"{statement} makes no foreign key")
    name = reference.name
    message = f"{name} of table {statement.table} has no counterpart in {reference.where}"
    return OrphanKey(message, statement.table, reference)
