"""Run the scripts of ``scripts/`` through the real psql, on tables made by the project's DDL."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import psycopg
from psycopg import sql

from specprod_copy.postgres import ddl
from specprod_copy.server.cluster import Cluster
from specprod_copy.tables import specprod_catalogue

FOLDER = Path(__file__).parents[2] / "scripts"
BARE = ("table", "keys")
Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Psql:
    """The server's own psql on one database, and a connection to look at what it did."""

    command: list[str]
    connection: psycopg.Connection

    @classmethod
    @contextmanager
    def opened(cls, cluster: Cluster, conninfo: str) -> Iterator[Psql]:
        """Connect to a database, and drop at the end all its schemas but public."""
        schemas = """SELECT nspname FROM pg_namespace
                     WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'public')"""
        with psycopg.connect(conninfo, autocommit=True) as connection:
            yield cls([cluster.psql_command()[0], "-X", "-d", conninfo], connection)
            for (schema,) in connection.execute(schemas).fetchall():
                drop = sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(schema))
                connection.execute(drop)

    def run(self, script: str, *options: str, **variables: str) -> tuple[int, str, str]:
        """Run one of the scripts; return exit status, output, errors."""
        given = [part for item in variables.items() for part in ("-v", "=".join(item))]
        command = [*self.command, *given, *options, "-f", str(FOLDER / f"{script}.sql")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout, done.stderr

    def ok(self, script: str, *options: str, **variables: str) -> str:
        """Run a script that must succeed without a word on stderr; return its output."""
        status, output, errors = self.run(script, *options, **variables)
        assert (status, errors) == (0, "")
        return output

    def error(self, script: str, **variables: str) -> str:
        """Run a script that must fail; return its first line of error."""
        status, _, errors = self.run(script, **variables)
        assert status == 3
        return errors.splitlines()[0].partition("ERROR:  ")[2]

    def build(self, schema: str, tables: Iterable[str], phases: Iterable[str] = BARE) -> None:
        """Make tables by the project's own DDL."""
        script = ddl.render_script(
            specprod_catalogue().definition, list(tables), list(phases), schema=schema
        )
        command = [*self.command, "-q", "-v", "ON_ERROR_STOP=1"]
        subprocess.run(command, input=script, text=True, check=True)

    def execute(self, query: str | sql.Composed, *parameters: object) -> psycopg.Cursor:
        """Run a statement of the test's own."""
        return self.connection.execute(query, parameters or None)

    def scalar(self, query: str, *parameters: object) -> Any:
        """Return the first value of the first row."""
        row = self.execute(query, *parameters).fetchone()
        assert row is not None
        return row[0]

    def insert(self, table: str, rows: Rows, schema: str = "s") -> None:
        """Insert rows; columns that they do not name become 0, false, or ''."""
        query = """SELECT attname, atttypid::regtype::text FROM pg_attribute
                   WHERE attrelid = %s::regclass AND attnum > 0 ORDER BY attnum"""
        name = sql.Identifier(schema, table)
        blank = {
            column: {"character varying": "", "boolean": False}.get(kind, 0)
            for column, kind in self.execute(query, name.as_string())
        }
        copy_in = sql.SQL("COPY {} FROM STDIN").format(name)
        with self.connection.cursor() as cursor, cursor.copy(copy_in) as copy:
            for row in rows:
                assert row.keys() <= blank.keys()
                copy.write_row(list((blank | row).values()))

    def insert_file(self, path: Path) -> pl.DataFrame:
        """Insert the rows of a Parquet file that is called like its table, and return them."""
        frame = pl.read_parquet(path)
        self.insert(path.stem, frame.to_dicts())
        return frame

    def read(self, table: str, columns: Iterable[str]) -> pl.DataFrame:
        """Return columns of a table of schema s, its id (as text) first, ordered by that."""
        columns = list(columns)
        query = sql.SQL('SELECT id::text, {} FROM {} ORDER BY id::text COLLATE "C"').format(
            sql.SQL(", ").join(map(sql.Identifier, columns)), sql.Identifier("s", table)
        )
        rows = self.execute(query).fetchall()
        return pl.DataFrame(rows, ["id", *columns], orient="row")

    def names(self, schema: str) -> set[str]:
        """Return the names of all relations and constraints of a schema."""
        query = """SELECT relname FROM pg_class
                   WHERE relnamespace = quote_ident(%s)::regnamespace
                   UNION SELECT conname FROM pg_constraint
                   WHERE connamespace = quote_ident(%s)::regnamespace"""
        return {name for (name,) in self.execute(query, schema, schema)}
