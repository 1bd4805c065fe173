"""What the tables of a walk must hold: a model, and the steps that change both."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from specprod_copy.tables import specprod_catalogue
from support.changing import TABLES, Case, edit

Rows = dict[object, tuple[object, ...]]
Edits = dict[object, float]
"""Key of a row to the value that a file has for it, where that is not the first one."""


@dataclass
class File:
    """A file that changes."""

    path: Path
    table: str
    column: str
    """What is changed, in file and table."""
    rows: Mapping[object, int]
    """Key of a row of the table to its row in the file."""
    hdu: int = 1
    others: tuple[str, ...] = ()
    """Other tables that are made of it."""
    edits: Edits = field(default_factory=dict)

    @property
    def aside(self) -> Path:
        return self.path.with_name(f"aside-{self.path.name}")

    @property
    def is_there(self) -> bool:
        return self.path.exists()

    def change(self, key: object, value: float) -> None:
        edit(self.path, self.hdu, values={(self.rows[key], self.column.upper()): value})
        self.edits = {**self.edits, key: value}

    def touch(self, number: int) -> None:
        os.utime(self.path, (1_700_000_000 + number, 1_700_000_000 + number))

    def put_aside(self) -> None:
        self.path.rename(self.aside)

    def put_back(self) -> None:
        self.aside.rename(self.path)


@dataclass
class Table:
    """A table and what the ledger says of it."""

    rows: Rows | None
    """None: it does not exist."""
    recorded: int
    """Rows by the ledger."""
    loaded: dict[Path, Edits]
    """What was in the files that change when they were loaded."""

    @property
    def is_lost(self) -> bool:
        return self.rows is None or len(self.rows) < self.recorded


class Model:
    """The tables as they must be.

    Parameters
    ----------
    case : Case
        All of it is loaded.
    files : iterable of File
        Those that change.
    """

    def __init__(self, case: Case, files: Iterable[File]) -> None:
        self.case, self.files = case, [*files]
        self.definition = specprod_catalogue().definition
        self.keys = {table: self.definition.tables[table].primary_key[0] for table in TABLES}
        self.columns = {
            table: [column.name for column in self.definition.tables[table].columns]
            for table in TABLES
        }
        self.first = {table: self.read(table) for table in TABLES}
        self.tables: dict[str, Table] = {}
        for table in TABLES:
            self.load(table)

    def read(self, table: str) -> Rows:
        """Return the rows that a table has."""
        names = ", ".join(self.columns[table])
        key = self.columns[table].index(self.keys[table])
        return {row[key]: row for row in self.case.query(f"SELECT {names} FROM iron.{table}")}

    def of_files(self, table: str) -> Rows:
        """Return the rows that the files give now."""
        rows = dict(self.first[table])
        for file in self.of(table):
            column = self.columns[table].index(file.column)
            for key, value in file.edits.items():
                rows[key] = (*rows[key][:column], value, *rows[key][column + 1 :])
        return rows

    def of(self, table: str) -> list[File]:
        return [file for file in self.files if file.table == table]

    def load(self, table: str) -> None:
        """Have a table loaded from the files as they are."""
        rows = self.of_files(table)
        loaded = {file.path: file.edits for file in self.of(table)}
        self.tables[table] = Table(rows, len(rows), loaded)

    def lost(self, table: str) -> list[str]:
        """Return how a load of a table that is lost is refused."""
        return [rf"table iron\.{table} .*since it was loaded"]

    def no_files(self, tables: Iterable[str]) -> list[str]:
        """Return how a load of tables is refused whose files are not there."""
        wanted = {*tables}
        gone = [file for file in self.files if not file.is_there]
        reasons = [f.path.stem for f in gone if wanted.intersection((f.table, *f.others))]
        if wanted & {"fiberassign", "potential"} and "tile" not in wanted:
            # Which of their files are wanted is in that table.
            known = self.tables["tile"].rows
            reasons += [] if known else ["the tiles of the production are not known"]
        return reasons

    def references(self) -> list[tuple[str, str]]:
        """Return which tables refer to which, by the foreign keys that there are."""
        query = """SELECT c.relname, f.relname FROM pg_constraint
                   JOIN pg_class c ON c.oid = conrelid JOIN pg_class f ON f.oid = confrelid
                   WHERE contype = 'f' AND connamespace = 'iron'::regnamespace"""
        return [(one, other) for one, other in self.case.query(query)]

    def referring(self, table: str) -> set[str]:
        """Return a table and those that refer to it, directly or not."""
        found, references = {table}, self.references()
        while more := {one for one, other in references if other in found} - found:
            found |= more
        return found

    def not_replaced(self, tables: Collection[str]) -> list[str]:
        """Return the reasons for which tables cannot be replaced: others refer to them."""
        replaced = {*tables}
        bound = [to for of, to in self.references() if to in replaced and of not in replaced]
        reasons = [rf"depends on table iron\.{to}" for to in bound]
        return [*self.no_files(replaced), *reasons, *self.emptied(replaced)]

    def emptied(self, tables: Collection[str]) -> list[str]:
        """Return the reasons that are in tables which others refer to."""
        referred = {key.table for t in tables for key in self.definition.tables[t].references}
        others = [self.tables[name] for name in referred.difference(tables)]
        return ["since it was loaded" for t in others if t.rows is not None and t.is_lost]

    def why_not(self, tables: Collection[str], *, replaced: File | None = None) -> list[str]:
        """Return the reasons for which a load of tables is refused, as patterns."""
        reasons = [*self.no_files(tables), *self.emptied(tables)]
        for name in tables:
            table = self.tables[name]
            reasons += self.lost(name) if table.is_lost else []
            reasons += [
                "the file changed since its rows were loaded"
                for file in self.of(name)
                if file.edits != table.loaded[file.path] and file is not replaced
            ]
        return reasons

    def is_clean(self) -> bool:
        """Say whether all tables are what the files give now."""
        return not self.why_not(self.tables)

    def differences(self) -> list[str]:
        """Return the tables that are not as they must be."""
        wrong = []
        for name, table in self.tables.items():
            exists = self.case.exists(name)
            if exists != (table.rows is not None):
                wrong.append(f"{name}: exists: {exists}")
            elif table.rows is not None:
                found = self.read(name)
                if found != table.rows:
                    odd = dict(found.items() ^ table.rows.items())
                    wrong.append(f"{name}: {len(odd)} rows: {[*odd][:3]}")
        return wrong
