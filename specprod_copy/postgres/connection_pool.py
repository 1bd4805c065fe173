"""Several connections that run the statements which make tables complete."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import replace
from functools import partial

import psycopg
from psycopg.pq import TransactionStatus

from specprod_copy.errors import DatabaseError, InUseError
from specprod_copy.executors.free_list import FreeList
from specprod_copy.postgres import statements
from specprod_copy.postgres.broken_keys import DuplicateKey, orphan_key
from specprod_copy.postgres.connection import failure
from specprod_copy.postgres.ddl import Statement
from specprod_copy.postgres.foreign_code import keep_foreign_code_out
from specprod_copy.postgres.patience import Patience, with_patience

_LOCK_OUT_READERS = {"keys": True, "cluster": True, "foreign_keys": False}
"""Whether those who read are in the way, by phase; in the way of the other phases is nobody."""

_SECONDS_TO_CANCEL = 5.0


class Connections:
    """Connections that run statements, each one at a time.

    Parameters
    ----------
    connections : sequence of psycopg.Connection
    schema : str
        Schema of the tables.
    patience : Patience
        How to wait for tables that others use; its listener receives what runs.
    """

    def __init__(
        self, connections: Sequence[psycopg.Connection], schema: str, patience: Patience
    ) -> None:
        self._all = connections
        self._schema = schema
        self._cancelled = threading.Event()
        self._patience = replace(patience, rest=self._cancelled.wait)
        self._free = FreeList(connections)

    def one(self) -> AbstractContextManager[psycopg.Connection]:
        """Return a context manager of a connection that is free, which may take a wait."""
        return self._free.one()

    def run(self, statement: Statement) -> None:
        """Run a statement over a connection that is free, or wait for one.

        Raises
        ------
        BrokenKey
            If a key is not unique or a foreign key has no counterpart.
        DatabaseError
            If the statement fails for another reason, or nothing is to run any more.
        """
        try:
            with self.one() as connection, self._patience.listener.step(str(statement)):
                if self._cancelled.is_set():
                    raise DatabaseError(f"cannot make {statement}: something else has failed")
                work = partial(_run, connection, statement)
                if statement.phase not in _LOCK_OUT_READERS:
                    work()
                else:
                    other = statement.references
                    tables = [(self._schema, statement.table)]
                    tables += [other.place(self._schema)] if other else []
                    readers = _LOCK_OUT_READERS[statement.phase]
                    with_patience(connection, work, tables, self._patience, readers=readers)
        except InUseError as error:
            raise InUseError(f"cannot make {statement}: {error}") from error
        except psycopg.errors.UniqueViolation as error:
            name = statement.makes.name if statement.makes else statement.phase
            message = f"{name} of table {statement.table} is not unique"
            raise DuplicateKey(message, statement.table, statement.unique) from error
        except psycopg.errors.ForeignKeyViolation as error:
            raise orphan_key(statement) from error
        except psycopg.Error as error:
            raise failure(f"cannot make {statement}", error) from error

    def cancel(self) -> None:
        """Have the server give up what runs: it would go on, and we would wait for it."""
        self._cancelled.set()
        for connection in self._all:
            # Over a network that is silent this cannot be, and the statement ends with the network.
            with suppress(psycopg.OperationalError):
                connection.cancel_safe(timeout=_SECONDS_TO_CANCEL)


def _run(connection: psycopg.Connection, statement: Statement) -> None:
    # Within a larger transaction a failure must leave it usable, to ask for the cause. Else ANALYZE
    # is to have none, see `loading.run`.
    alone = connection.info.transaction_status == TransactionStatus.IDLE
    with nullcontext() if alone and statement.phase == "analyze" else connection.transaction():
        if statement.schema:  # it writes rows, long after the tables were looked at
            keep_foreign_code_out(connection, statement.schema, [statement.table])
        statements.run(connection, statement.sql, statement.schema)
