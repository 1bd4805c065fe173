"""After the rows: keys, indexes, foreign keys, q3c, statistics, grants; each only if missing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, ExitStack

import psycopg
from psycopg import sql

from specprod_copy import database, ddl
from specprod_copy.ddl import Statement
from specprod_copy.duplicates import DuplicateKey, key_columns
from specprod_copy.errors import DatabaseError

_REFERENCES = re.compile(r"REFERENCES .+\.(?P<table>\w+) \(\w+\);\Z", re.DOTALL)

Step = Callable[[str], AbstractContextManager[None]]
"""Called with what is going on; the work is done within the context."""


def finish_steps(
    connection: psycopg.Connection, schema: str, tables: Iterable[str], *, q3c: bool
) -> Iterator[list[Statement]]:
    """Yield groups of statements that are still to run; those of one group may run at once.

    Parameters
    ----------
    connection : psycopg.Connection
    schema : str
    tables : iterable of str
        Tables that have all their rows.
    q3c : bool
        Whether to make q3c indexes.
    """
    tables = list(tables)
    phases = ["keys", "indexes", *(["q3c"] if q3c else []), "foreign_keys"]
    for phase in phases:
        existing = database.existing_objects(connection, schema)
        group = [
            statement
            for statement in ddl.statements(tables, [phase], schema=schema)
            if (statement.table, statement.makes) not in existing
        ]
        if phase == "foreign_keys":
            group = [s for s in group if referenced_table(s) in tables]
        yield group


def referenced_table(statement: Statement) -> str:
    """Return the table that a foreign key refers to."""
    found = _REFERENCES.search(statement.sql)
    if found is None:
        raise ValueError(f"not a foreign key: {statement.sql}")
    return found["table"]


def foreign_keys(
    connection: psycopg.Connection, schema: str, tables: Sequence[str], *, made: bool = True
) -> Mapping[str, str]:
    """Return foreign keys of some tables: name to the table they refer to.

    Parameters
    ----------
    connection : psycopg.Connection
    schema : str
    tables : sequence of str
    made : bool
        Those that exist, or those that are still to be made.
    """
    existing = database.existing_objects(connection, schema)
    return {
        statement.makes or "": referenced_table(statement)
        for statement in ddl.statements(tables, ["foreign_keys"], schema=schema)
        if ((statement.table, statement.makes) in existing) == made
    }


def run_statements(
    connections: Sequence[psycopg.Connection], statements: Sequence[Statement], step: Step
) -> None:
    """Run statements, as many at a time as there are connections.

    Raises
    ------
    DuplicateKey
        If a key is not unique.
    DatabaseError
        If a statement fails for another reason; those that run are awaited.
    """
    free = list(connections)

    def run(statement: Statement) -> None:
        connection = free.pop()
        try:
            what = f"{statement.table}: {statement.makes or statement.phase}"
            try:
                # Within a larger transaction a failure must leave it usable, to ask for the cause.
                with step(what), connection.transaction():
                    connection.execute(statement.sql.encode())
            except psycopg.errors.UniqueViolation as error:
                message = f"{statement.makes} of table {statement.table} is not unique"
                columns = key_columns(statement.sql)
                raise DuplicateKey(message, statement.table, columns) from error
            except psycopg.Error as error:
                raise DatabaseError(f"cannot make {what}: {database.one_line(error)}") from error
        finally:
            free.append(connection)

    with ThreadPoolExecutor(len(connections), thread_name_prefix="finish") as pool:
        futures = [pool.submit(run, statement) for statement in statements]
        try:
            pending = set(futures)
            while pending:
                # Ctrl-C is noticed between two waits: the signal may have reached another thread.
                done, pending = wait(pending, timeout=0.2, return_when=FIRST_EXCEPTION)
                for future in done:
                    future.result()
        except BaseException:
            for future in futures:
                future.cancel()
            # Ctrl-C too: the server would go on, and we would wait for it.
            for connection in connections:
                connection.cancel()
            raise


def finish(
    connection: psycopg.Connection,
    schema: str,
    tables: Sequence[str],
    *,
    step: Step,
    changed: Iterable[str],
    q3c: bool,
    cluster: Sequence[str] = (),
    connect_more: Callable[[], psycopg.Connection] | None = None,
    jobs: int = 1,
) -> None:
    """Give tables their keys, indexes, foreign keys and statistics.

    Parameters
    ----------
    connection : psycopg.Connection
        May be inside a transaction if `connect_more` is None.
    schema : str
    tables : sequence of str
        Tables that have all their rows.
    step : callable
        See `Step`.
    changed : iterable of str
        Tables that got rows; these and those that get an index here are analyzed.
    q3c : bool
        Whether to make q3c indexes.
    cluster : sequence of str
        Tables to order on their q3c index, unless they are.
    connect_more : callable, optional
        Makes another connection, to run several statements at a time.
    jobs : int
        How many at a time.

    Raises
    ------
    DatabaseError
        If a key is not unique or a foreign key has no counterpart.
    """
    touched = set(changed)
    with ExitStack() as stack:
        connections = [connection]
        if connect_more is not None:
            connections += [stack.enter_context(connect_more()) for _ in range(jobs - 1)]
        for group in finish_steps(connection, schema, tables, q3c=q3c):
            run_statements(connections, group, step)
            touched |= {statement.table for statement in group}
        if q3c:
            done = database.clustered_tables(connection, schema) - touched
            again = [table for table in tables if table in cluster and table not in done]
            run_statements(
                connections, list(ddl.statements(again, ["cluster"], schema=schema)), step
            )
            touched.update(again)
        analyze = [
            Statement(table, "analyze", f"ANALYZE {ddl.quote_identifier(schema)}.{table};")
            for table in tables
            if table in touched
        ]
        run_statements(connections, analyze, step)


def grant(
    connection: psycopg.Connection, schema: str, tables: Sequence[str], roles: Sequence[str]
) -> list[str]:
    """Let roles read; return those of them that the server does not have.

    Parameters
    ----------
    connection : psycopg.Connection
    schema : str
    tables : sequence of str
        Existing tables.
    roles : sequence of str

    Returns
    -------
    list of str

    Raises
    ------
    DatabaseError
        If we may not grant.
    """
    existing = database.existing_roles(connection, roles)
    present = [role for role in roles if role in existing]
    with database.translated_errors(f"cannot grant on schema {schema}"):
        for statement in ddl.statements(
            ["schema", *tables], ["grants"], schema=schema, roles=present
        ):
            connection.execute(statement.sql.encode())
    return [role for role in roles if role not in existing]


def enable_q3c(connection: psycopg.Connection, schema: str, note: Callable[[str], None]) -> bool:
    """Install q3c in the database if that can be.

    Parameters
    ----------
    connection : psycopg.Connection
    schema : str
    note : callable
        Is told why there is no q3c.

    Returns
    -------
    bool
        Whether the database has q3c.
    """
    if database.q3c_version(connection, installed=True) is not None:
        return True
    if database.q3c_version(connection) is None:
        note(
            "the server does not have the extension q3c: no q3c indexes, so searches on the sky "
            "read whole tables (Debian and Ubuntu: package postgresql-NN-q3c)"
        )
        return False
    try:
        with connection.transaction():
            for statement in ddl.statements(["schema"], ["q3c"], schema=schema):
                connection.execute(statement.sql.encode())
    except psycopg.errors.InsufficientPrivilege:
        note(
            "no right to install the extension q3c in this database: no q3c indexes; let an "
            "administrator run CREATE EXTENSION q3c, then run the load again"
        )
        return False
    return True


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
