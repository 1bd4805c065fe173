"""The schema in which new tables are loaded, until they take the place of the old ones."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b

import psycopg
from psycopg import sql

from specprod_copy.errors import DatabaseError, InUseError
from specprod_copy.loading import old_tables
from specprod_copy.loading.old_tables import drop_tables
from specprod_copy.loading.prepare import make_tables
from specprod_copy.plan import ledger, lost_tables
from specprod_copy.postgres import catalog, counted, own_views, statements
from specprod_copy.postgres.connection import one_line, translated_errors
from specprod_copy.postgres.names import parametrized
from specprod_copy.postgres.patience import Patience, attempt, with_patience
from specprod_copy.postgres.schema_from_server import read_schema
from specprod_copy.progress import ProgressListener
from specprod_copy.tables import Catalogue, as_made

_PREFIX = "specprod_copy_new_"
_FILLING = "specprod-copy: tables on their way to another schema"
_REJECTED = "specprod-copy: tables that failed their verification"
"""Comments of the schema: its state, for the next process."""


def name_beside(schema: str) -> str:
    """Return the name of the schema in which new tables of another one are loaded."""
    return f"{_PREFIX}{blake2b(schema.encode(), digest_size=8).hexdigest()}"


def is_beside(schema: str) -> bool:
    """Say whether a schema is one for new tables."""
    return schema.startswith(_PREFIX)


@dataclass(frozen=True)
class Beside:
    """The schema for new tables. It outlives a process that is interrupted, in one of these states.

    absent
        `prepare` makes it.
    filling
        Tables are loaded, verified, or wait for the lock of the old ones; the next process
        continues with what the ledger there says. `swap` and `tidy` lead back to absent.
    rejected
        The tables failed their verification (`reject`) and can be looked at; the next `prepare`
        drops them.
    """

    connection: psycopg.Connection
    catalogue: Catalogue
    schema: str
    """Where the tables belong."""
    tables: Sequence[str]

    @property
    def name(self) -> str:
        """Name of the schema."""
        return name_beside(self.schema)

    def prepare(self) -> None:
        """Make the schema, or take the one that an interrupted load left.

        Tables of other stages are dropped: foreign keys must not refer to what does not come along.

        Raises
        ------
        DatabaseError
            If we may not make a schema, or one of that name is somebody else's.
        """
        found = read_schema(self.connection, self.name)
        if not found.exists:
            self._make()
        elif found.comment not in (_FILLING, _REJECTED):
            raise DatabaseError(f"schema {self.name} exists and is not ours; rename it")
        elif found.comment == _REJECTED:
            with self.connection.transaction():
                drop_tables(self.connection, self.name, sorted(found.tables))
                self._mark(_FILLING)
        elif others := {*found.tables}.difference(self.tables, self.catalogue.house):
            self._forget(sorted(others))

    def reject(self) -> None:
        """Remember that the tables failed their verification."""
        self._mark(_REJECTED)

    def forget(self) -> None:
        """Drop what an earlier load left, and what the ledger there says of it."""
        self._forget(self.tables)

    def tidy(self) -> None:
        """Drop the schema if nothing is in it, after an error."""
        # The error may be that the server is gone: then there is nothing to tidy.
        with suppress(psycopg.OperationalError):
            if not read_schema(self.connection, self.name).tables:
                drop = sql.SQL("DROP SCHEMA IF EXISTS {}").format(sql.Identifier(self.name))
                self.connection.execute(drop)

    def swap(self, patience: Patience) -> list[str]:
        """Put the tables into the place of the old ones, in one transaction, and drop the schema.

        Their indexes, constraints and sequences, what the ledger says of them, what table ``vac``
        says of their catalogue, and the views that are part of the schema come along. Who could
        read the old tables, or columns of them, can read these.
        Nobody waits behind this while others use the old tables.

        Parameters
        ----------
        patience : Patience
            How to wait for those who use the old tables.

        Returns
        -------
        list of str
            What went with the old tables, in words.

        Raises
        ------
        DatabaseError
            If other objects depend on the old tables, users have added columns to them, or others
            use them all the time; or if the new tables are not what was loaded any more. Then
            nothing is changed.
        """
        doing = f"cannot put new tables into schema {self.schema}"
        locked = [(name, table) for name in (self.schema, self.name) for table in self.tables]
        with translated_errors(doing):
            try:
                return with_patience(self.connection, self._swap, locked, patience)
            except InUseError as error:
                raise DatabaseError(
                    f"{doing}: {error}; the old tables are as they were. The new ones are kept, in "
                    f"schema {self.name}: the same command takes them from there"
                ) from error

    def check_replaceable(self, listener: ProgressListener) -> None:
        """Find out now, rather than after hours, whether the old tables can be replaced.

        While others use them this cannot be seen, and nobody is to wait for it.

        Raises
        ------
        DatabaseError
            If other objects depend on them, or they are not ours to drop.
        """

        def drop() -> None:
            with self.connection.transaction(force_rollback=True):
                views = own_views.take_away(self.connection, self.schema, self.tables)
                own_views.make_again(self.connection, views)
                own_views.take_away(self.connection, self.schema, self.tables)
                drop_tables(self.connection, self.schema, self.tables)

        try:
            attempt(self.connection, drop)
        except psycopg.errors.LockNotAvailable:
            listener.info(
                "the old tables are in use: whether they can be replaced is seen at the end"
            )

    def _make(self) -> None:
        try:
            with self.connection.transaction():
                defined = self.catalogue.definition
                statements.make(self.connection, defined, ["schema"], ["table"], schema=self.name)
                self._mark(_FILLING)
        except psycopg.errors.InsufficientPrivilege as error:
            raise DatabaseError(
                f"new tables are loaded into a schema of their own before they replace the old "
                f"ones: {one_line(error)}. Let an administrator run GRANT CREATE ON "
                "DATABASE for this role"
            ) from error

    def _mark(self, mark: str) -> None:
        comment = sql.SQL("COMMENT ON SCHEMA {} IS {}")
        self.connection.execute(comment.format(sql.Identifier(self.name), sql.Literal(mark)))

    def _forget(self, tables: Sequence[str]) -> None:
        """Drop tables; foreign keys of others to them go, and are made again after the swap."""
        with self.connection.transaction():
            found = read_schema(self.connection, self.name)
            for other, reference in (pair for table in tables for pair in found.referring(table)):
                if other.name not in tables:
                    names = sql.Identifier(self.name, other.name), sql.Identifier(reference.name)
                    drop = sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(*names)
                    self.connection.execute(drop)
            drop_tables(self.connection, self.name, tables)
            condition, values = "table_name = ANY(%s)", (list(tables),)
            counted.delete(self.connection, self.name, ledger.TABLE, condition, values)

    def _check_new(self) -> None:
        """Check that the new tables are still what was loaded, however long others were waited for.

        Nobody can change or drop them any more until the transaction ends.
        """
        there = catalog.table_ids(self.connection, self.name)
        old_tables.lock(self.connection, self.name, [t for t in self.tables if t in there])
        lost_tables.check_tables(self.connection, self.name, self.tables)

    def _swap(self) -> list[str]:
        connection, schema, new = self.connection, self.schema, self.name
        defined, house = self.catalogue.definition, self.catalogue.house
        with connection.transaction():
            # What says which rows these are is there as soon as they are, whatever comes then.
            make_tables(connection, defined, schema, house)
            if self.catalogue.record is not None:
                self.catalogue.record(connection, schema, True)
            self._check_new()
            old = old_tables.drop(connection, defined, schema, self.tables, as_made)
            for table in catalog.with_partitions(connection, new, self.tables):
                move = sql.SQL("ALTER TABLE {} SET SCHEMA {}")
                connection.execute(move.format(sql.Identifier(new, table), sql.Identifier(schema)))
            condition, values = "table_name = ANY(%s)", (list(self.tables),)
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
            gone = old.hand_on(connection, self.tables)
            drop_tables(connection, new, house)
            connection.execute(sql.SQL("DROP SCHEMA {}").format(sql.Identifier(new)))
        return gone
