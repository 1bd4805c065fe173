"""Merge: staged rows against those of a table, by their key; equal ones are not touched.

Rows are staged in tables of a waiting room, which last no longer than the transaction. Nothing here
blocks a reader: rows are inserted, updated and deleted, tables are not altered.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import psycopg
from psycopg import sql

from specprod_copy.errors import DatabaseError
from specprod_copy.postgres import ddl, statements
from specprod_copy.postgres.columns import Column
from specprod_copy.postgres.copy import ServerTable
from specprod_copy.postgres.names import listed
from specprod_copy.postgres.waiting_room import WaitingRoom


class Written(NamedTuple):
    """Rows of a table that a merge has changed and added."""

    changed: int
    new: int


@dataclass(frozen=True)
class Merge:
    """The way of rows into one table.

    Rows of the same key differ if a single bit does: 0.0 and -0.0 are two values.
    """

    room: WaitingRoom
    schema: str
    table: str

    columns: Sequence[Column]
    """Columns of the table, but for those of its users."""

    key: tuple[str, ...]
    """Columns by which a row is found again."""

    @property
    def connection(self) -> psycopg.Connection:
        """The connection."""
        return self.room.connection

    @property
    def staged(self) -> str:
        """Name of the table for rows that wait."""
        return f"staged_{self.table}"

    @property
    def kept(self) -> str:
        """Name of the table for keys of rows that stay as they are."""
        return f"kept_{self.table}"

    @property
    def staging(self) -> ServerTable:
        """Destination of rows."""
        return ServerTable(self.connection, self.room.schema, self.staged)

    @property
    def keeping(self) -> ServerTable:
        """Destination of keys of rows that stay as they are."""
        return ServerTable(self.connection, self.room.schema, self.kept)

    def make(self, *, kept: bool = False) -> None:
        """Make the table for rows that wait, and that for keys if it is wanted."""
        columns = [column.name for column in self.columns]
        for name, own in [(self.staged, columns), *([(self.kept, self.key)] if kept else [])]:
            self.room.make(name, self.schema, self.table, own)

    def analyze(self, *joined: str, kept: bool = False) -> None:
        """Tell the planner how many rows are staged: or it reads whole tables to join them.

        Parameters
        ----------
        *joined : str
            Columns that are compared, beside those of the key.
        kept : bool
            Whether there are keys of rows that stay.
        """
        if not self.room.temporary:
            return  # Citus analyzes no distributed tables within a transaction.
        known = {column.name for column in self.columns}
        columns = [*dict.fromkeys((*self.key, *(name for name in joined if name in known)))]
        for table, names in [(self.staged, columns), *([(self.kept, self.key)] if kept else [])]:
            place = sql.Identifier(self.room.schema, table)
            self.connection.execute(sql.SQL("ANALYZE {} ({})").format(place, listed(names)))

    def refuse_twice(self) -> None:
        """Check that no two staged rows have the same key.

        Raises
        ------
        DatabaseError
        """
        query = self._render("twice")
        for values in statements.rows(self.connection, query):
            raise DatabaseError(
                f"several rows for table {self.table} have the same {', '.join(self.key)}: "
                f"{', '.join(map(str, values))}"
            )

    def write(self, unwritten: Collection[str] = ()) -> Written:
        """Bring staged rows into the table.

        Parameters
        ----------
        unwritten : collection of str
            Columns that a row keeps if it is in the table.
        """
        names = [column.name for column in self.columns]
        values = [name for name in names if name not in (*self.key, *unwritten)]
        return Written(*self._run("write", columns=names, values=values))

    def remove(self, *but: str, among: str | None = None, shared: Sequence[str] = ()) -> int:
        """Remove rows from the table; return how many.

        Parameters
        ----------
        *but : str
            Waiting tables with keys of rows that stay.
        among : str, optional
            Waiting table: only rows that have the same values in `shared` columns as one of its
            rows go.
        shared : sequence of str
        """
        scope: dict[str, ddl.Names] = {} if among is None else {"among": among, "shared": shared}
        [removed] = self._run("remove", but=but, **scope)
        return removed

    def _render(self, template: str, **names: ddl.Names) -> str:
        own = {"schema": self.schema, "table": self.table, "key": self.key}
        own |= {"room": self.room.schema}
        own |= {"staged": self.staged, "kept": self.kept}
        return ddl.render_template(f"merge/{template}", **own, **names)

    def _run(self, template: str, **names: ddl.Names) -> list[int]:
        return statements.run(self.connection, self._render(template, **names), self.schema)
