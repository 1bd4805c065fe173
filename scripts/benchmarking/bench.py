"""The place of a comparison: one server, one schema, the tables that every contender fills."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import click
import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from benchmarking import processes
from benchmarking.productions import warm
from specprod_copy.desi.production import ProductionFiles
from specprod_copy.plan.known_tiles import with_tiles
from specprod_copy.plan.ledger import TABLE as LEDGER
from specprod_copy.plan.ledger import Ledger
from specprod_copy.plan.looks import Looks
from specprod_copy.plan.planning import Planner
from specprod_copy.postgres import catalog, statements
from specprod_copy.postgres.columns import Column
from specprod_copy.postgres.schema_from_server import read_schema
from specprod_copy.rows.units import Unit
from specprod_copy.server.cluster import Cluster
from specprod_copy.tables import Inputs, specprod_catalogue

SCHEMA = "specprod_benchmark"

BEFORE = {
    "zpix": ("exposures", "photometry", "targetphot"),
    "ztile": ("exposures", "photometry", "targetphot", "target"),
    "target": ("exposures", "photometry", "targetphot"),
    "potential": ("exposures", "photometry", "targetphot"),
}
"""Tables to measure, and the stages that their foreign keys and files want loaded before."""


@contextmanager
def server(work: Path, dsn: str | None) -> Iterator[str]:
    """Yield the connection string of a private server, or of the one that was asked for.

    The private one is deleted afterwards; of another one only our schema.
    """
    if dsn is not None:
        parts = conninfo_to_dict(dsn)
        if password := parts.pop("password", None):
            os.environ["PGPASSWORD"] = str(password)  # nobody sees it among the arguments
        dsn = make_conninfo("", **{name: str(value) for name, value in parts.items()})
        with psycopg.connect(dsn, autocommit=True) as connection:
            if read_schema(connection, SCHEMA).exists:
                raise click.ClickException(f"schema {SCHEMA} exists on this server; drop it first")
            try:
                yield dsn
            finally:
                drop = sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE")
                connection.execute(drop.format(sql.Identifier(SCHEMA)))
        return
    # Its own name, lest another benchmark in the same folder finds it and stops it.
    cluster = Cluster(work / f"pg-{os.getpid()}")
    try:
        cluster.start()
        yield cluster.conninfo()
    finally:
        cluster.stop("immediate")
        shutil.rmtree(cluster.directory, ignore_errors=True)


@dataclass(frozen=True)
class Bench:
    """Where contenders run.

    Parameters
    ----------
    connection : psycopg.Connection
        With the settings of the loader's own sessions.
    conninfo : str
        The same server.
    files : ProductionFiles
        What is loaded.
    stages : tuple of str
        What ``specprod-copy load`` is asked for.
    work : pathlib.Path
        Folder for large files, on a machine where server and contenders see them.
    """

    connection: psycopg.Connection
    conninfo: str
    files: ProductionFiles
    stages: tuple[str, ...]
    work: Path

    @property
    def tables(self) -> tuple[str, ...]:
        """Names of the tables that are filled."""
        return tuple(
            dict.fromkeys(source.table for source in specprod_catalogue().select(self.stages))
        )

    def tileids(self) -> tuple[int, ...]:
        """Return the tiles that are loaded."""
        return catalog.integers(self.connection, SCHEMA, "tile", "tileid")

    def loader(self, stages: Sequence[str], *options: str) -> list[str]:
        """Return the command line that loads stages here."""
        return self.command("load", stages, *options)

    def command(self, name: str, stages: Sequence[str], *options: str) -> list[str]:
        """Return the command line of a command about stages here."""
        production = ["--specprod", self.files.production.name, "--root", str(self.files.root)]
        where = ["--schema", SCHEMA, "--dsn", self.conninfo]
        return processes.loader_command(name, *stages, *production, *where, "--quiet", *options)

    def prepare(self, stages: Sequence[str]) -> None:
        """Load stages that come before."""
        if stages:
            click.echo(f"loading {', '.join(stages)}", err=True)
            processes.run(self.loader(stages))

    def plan(self) -> tuple[list[Unit], dict[str, list[Column]]]:
        """Return the units that fill the tables, and the columns of each table."""
        self.make_tables()
        found = read_schema(self.connection, SCHEMA)
        columns = {t: found.columns_of(t) for t in self.tables}
        sources = specprod_catalogue().select(self.stages)
        inputs = with_tiles(Inputs(self.files), sources, self.connection, found, Looks())
        ledger = Ledger(self.connection, SCHEMA)
        sources = [source for source in sources if source.applies(inputs)]
        return Planner(inputs).plan(sources, columns, ledger).units, columns

    def make_tables(self) -> None:
        """Make the tables again, without keys and indexes."""
        self.drop_tables()
        wanted = ["schema", LEDGER, *self.tables]
        statements.make(
            self.connection, specprod_catalogue().definition, wanted, ["table"], schema=SCHEMA
        )

    def drop_tables(self) -> None:
        """Drop the tables and forget that they were loaded."""
        names = sql.SQL(", ").join(sql.Identifier(SCHEMA, table) for table in self.tables)
        self.connection.execute(sql.SQL("DROP TABLE IF EXISTS {} CASCADE").format(names))
        if LEDGER in read_schema(self.connection, SCHEMA).tables:
            delete = sql.SQL("DELETE FROM {} WHERE table_name = ANY(%s)")
            ledger = sql.Identifier(SCHEMA, LEDGER)
            self.connection.execute(delete.format(ledger), (list(self.tables),))

    def settle(self, files: Sequence[Path]) -> None:
        """Write out what others have left to be written, and have the input files in memory."""
        # A server that is not ours may not let us.
        with suppress(psycopg.errors.InsufficientPrivilege):
            self.connection.execute("CHECKPOINT")
        os.sync()
        for path in files:
            warm(path)
