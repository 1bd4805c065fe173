"""Tables that are loaded beside the old ones and then take their place, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from hashlib import blake2b

import psycopg
from psycopg import sql

from specprod_copy.errors import DatabaseError, InUseError
from specprod_copy.plan import ledger
from specprod_copy.postgres import counted, statements
from specprod_copy.postgres.connection import one_line, translated_errors
from specprod_copy.postgres.locks import Patience, attempt, with_patience
from specprod_copy.postgres.names import parametrized
from specprod_copy.postgres.schema import Schema
from specprod_copy.postgres.schema_from_server import read_schema
from specprod_copy.progress import ProgressListener

_MARK = "specprod-copy: tables on their way to another schema"
_CONDEMNED = "specprod-copy: tables that failed their verification"


def beside(schema: str) -> str:
    """Return the name of the schema in which new tables are loaded until they are complete."""
    return f"specprod_copy_new_{blake2b(schema.encode(), digest_size=8).hexdigest()}"


def prepare_beside(
    connection: psycopg.Connection, defined: Schema, new: str, tables: Sequence[str]
) -> None:
    """Make the schema for new tables, or take the one that an interrupted load left.

    Tables that failed their verification are dropped, and so are those of other stages: foreign
    keys must not refer to what does not come along.

    Parameters
    ----------
    connection : psycopg.Connection
    defined : Schema
        The tables as they are defined.
    new : str
        Name of the schema.
    tables : sequence of str
        Tables that are going to be loaded into it.

    Raises
    ------
    DatabaseError
        If we may not make a schema, or one of that name is somebody else's.
    """
    found = read_schema(connection, new)
    if not found.exists:
        try:
            with connection.transaction():
                statements.make(connection, defined, ["schema"], ["table"], schema=new)
                _mark(connection, new, _MARK)
        except psycopg.errors.InsufficientPrivilege as error:
            raise DatabaseError(
                f"new tables are loaded into a schema of their own before they replace the old "
                f"ones: {one_line(error)}. Let an administrator run GRANT CREATE ON "
                "DATABASE for this role"
            ) from error
        return
    if found.comment not in (_MARK, _CONDEMNED):
        raise DatabaseError(f"schema {new} exists and is not ours; rename it")
    if found.comment == _CONDEMNED:
        with connection.transaction():
            drop_tables(connection, new, sorted(found.tables))
            _mark(connection, new, _MARK)
    elif others := {*found.tables}.difference(tables, ["version", ledger.TABLE]):
        forget(connection, new, sorted(others))


def condemn(connection: psycopg.Connection, new: str) -> None:
    """Remember that tables beside failed their verification."""
    _mark(connection, new, _CONDEMNED)


def _mark(connection: psycopg.Connection, new: str, mark: str) -> None:
    comment = sql.SQL("COMMENT ON SCHEMA {} IS {}")
    connection.execute(comment.format(sql.Identifier(new), sql.Literal(mark)))


def drop_tables(connection: psycopg.Connection, schema: str, tables: Sequence[str]) -> None:
    """Drop tables, all in one statement, without anything that depends on them.

    Raises
    ------
    DatabaseError
        If a view or a foreign key of another table depends on them; says which.
    """
    names = sql.SQL(", ").join(sql.Identifier(schema, table) for table in tables)
    try:
        connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(names))
    except psycopg.errors.DependentObjectsStillExist as error:
        dependents = "; ".join((error.diag.message_detail or "").splitlines())
        raise DatabaseError(
            f"cannot replace tables of schema {schema}: {dependents}. Replace the other stages as "
            "well (load all --overwrite), or drop these objects first"
        ) from error


def check_replaceable(
    connection: psycopg.Connection, schema: str, tables: Sequence[str], listener: ProgressListener
) -> None:
    """Find out now, rather than after hours, whether tables can be replaced.

    While others use them this cannot be seen, and nobody is to wait for it.

    Raises
    ------
    DatabaseError
        If other objects depend on them, or they are not ours to drop.
    """

    def drop() -> None:
        with connection.transaction(force_rollback=True):
            drop_tables(connection, schema, tables)

    try:
        attempt(connection, drop)
    except psycopg.errors.LockNotAvailable:
        listener.info("the old tables are in use: whether they can be replaced is seen at the end")


def swap(
    connection: psycopg.Connection,
    defined: Schema,
    schema: str,
    new: str,
    tables: Sequence[str],
    patience: Patience,
) -> None:
    """Put the tables of a schema into the place of those of another one, in one transaction.

    Their indexes, constraints and sequences, and what the ledger says of them, come along. The
    schema that held them goes away. Nobody waits behind this while others use the old tables.

    Parameters
    ----------
    connection : psycopg.Connection
    defined : Schema
        The tables as they are defined.
    schema : str
        Where the tables belong.
    new : str
        Where they were loaded.
    tables : sequence of str
    patience : Patience
        How to wait for those who use the old tables.

    Raises
    ------
    DatabaseError
        If other objects depend on the old tables, or others use them all the time; then nothing is
        changed.
    """
    doing = f"cannot put new tables into schema {schema}"
    locked = [(name, table) for name in (schema, new) for table in tables]
    with translated_errors(doing):
        try:
            work = partial(_swap, connection, defined, schema, new, tables)
            with_patience(connection, work, locked, patience)
        except InUseError as error:
            raise DatabaseError(
                f"{doing}: {error}; the old tables are as they were. The new ones are kept, in "
                f"schema {new}: the same command takes them from there"
            ) from error


def _swap(
    connection: psycopg.Connection, defined: Schema, schema: str, new: str, tables: Sequence[str]
) -> None:
    with connection.transaction():
        found = read_schema(connection, schema)
        if not found.exists:
            statements.make(connection, defined, ["schema"], ["table"], schema=schema)
        drop_tables(connection, schema, tables)
        for table in tables:
            move = sql.SQL("ALTER TABLE {} SET SCHEMA {}")
            connection.execute(move.format(sql.Identifier(new, table), sql.Identifier(schema)))
        if ledger.TABLE not in found.tables:
            statements.make(
                connection, defined, [ledger.TABLE], ["table", "comments"], schema=schema
            )
        condition, values = "table_name = ANY(%s)", (list(tables),)
        counted.delete(connection, schema, ledger.TABLE, condition, values)
        # By name: a ledger that was taken over from an earlier version has another order.
        columns = sql.SQL(", ").join(
            sql.Identifier(column.name) for column in defined.tables[ledger.TABLE].columns
        )
        insert = sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {} WHERE {}").format(
            parametrized(schema, ledger.TABLE),
            columns,
            columns,
            parametrized(new, ledger.TABLE),
            sql.SQL(condition),
        )
        count = sql.SQL("SELECT count(*) FROM {} WHERE {}").format(
            parametrized(new, ledger.TABLE), sql.SQL(condition)
        )
        [(wanted,)] = connection.execute(count, values).fetchall()
        counted.execute(connection, schema, ledger.TABLE, insert, values, wanted)
        drop_tables(connection, new, ["version", ledger.TABLE])
        connection.execute(sql.SQL("DROP SCHEMA {}").format(sql.Identifier(new)))


def tidy(connection: psycopg.Connection, new: str) -> None:
    """Drop the schema for new tables if nothing is in it, after an error."""
    # The error may be that the server is gone: then there is nothing to tidy.
    with suppress(psycopg.OperationalError):
        if not read_schema(connection, new).tables:
            connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {}").format(sql.Identifier(new)))


def forget(connection: psycopg.Connection, new: str, tables: Sequence[str]) -> None:
    """Drop tables that an earlier load left beside, and what the ledger there says of them.

    Foreign keys of other tables to them go as well; they are made again when those are swapped.
    """
    with connection.transaction():
        _drop_foreign_keys_to(connection, new, tables)
        drop_tables(connection, new, tables)
        counted.delete(connection, new, ledger.TABLE, "table_name = ANY(%s)", (list(tables),))


def _drop_foreign_keys_to(connection: psycopg.Connection, new: str, tables: Sequence[str]) -> None:
    found = read_schema(connection, new)
    for other, reference in (pair for table in tables for pair in found.referring(table)):
        if other.name not in tables:
            names = sql.Identifier(new, other.name), sql.Identifier(reference.name)
            connection.execute(sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(*names))
