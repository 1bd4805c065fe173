"""Tables as Citus distributes them, without Citus: no statement has a form that it refuses.

That the same statements work on real distributed tables is not shown here.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner
from psycopg.conninfo import conninfo_to_dict
from support.reference import TABLES, assert_equal, expected_rows, read_table

from specprod_copy.cli import cli
from specprod_copy.errors import DatabaseError
from specprod_copy.tiles.read import TABLES as TILE_TABLES

LOG = re.compile(
    r"^[-\d]+ \S+ \S+ \[(?P<session>\d+)\] \S+@(?P<database>\S+) "
    r"LOG:  (?:statement|execute [^:]*): ",
    re.MULTILINE,
)
"""How a log of the embedded server says what it was sent."""

REFUSED = {
    "a subquery without columns": r"SELECT\s+FROM",
    "a key of an index": r"USING INDEX",
    "a constraint that is not valid": r"NOT VALID|VALIDATE CONSTRAINT",
    "an index made beside": r"CONCURRENTLY",
    "frozen rows": r"FREEZE true",
    "temporary tables": r"\bTEMP(ORARY)? TABLE|pg_temp\.",
    "rows cast to records": r"\*<>",
    "a table moved": r"SET SCHEMA",
}


def run(*arguments: str, code: int = 0) -> str:
    done = CliRunner().invoke(cli, [*arguments])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == code, done.output
    return done.stdout


def statements(log: str, database: str) -> dict[str, list[str]]:
    """Return what the server was sent in a database, by session."""
    found = defaultdict(list)
    places = [*LOG.finditer(log)]
    for place, end in zip(places, [p.start() for p in places[1:]] + [len(log)], strict=True):
        if place["database"] == database:
            found[place["session"]].append(log[place.end() : end].strip())
    return found


@contextmanager
def logged(cluster, conninfo: str, *begins: str) -> Iterator[None]:
    """Check what the server is sent meanwhile, among it statements that begin like that."""
    name = conninfo_to_dict(conninfo)["dbname"]
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} SET log_statement = 'all'".encode())
        yield
        connection.execute(f"ALTER DATABASE {name} RESET log_statement".encode())
    sent = statements((cluster.directory / "log" / "server.log").read_text(), name)
    every = [text for texts in sent.values() for text in texts]
    for begin in begins:
        assert any(text.startswith(begin) for text in every), begin
    for texts in sent.values():
        inside = False
        for text in texts:
            for what, form in REFUSED.items():
                assert not re.search(form, text), f"{what}: {text}"
            inside = (inside or text.startswith("BEGIN")) and text not in ("COMMIT", "ROLLBACK")
            assert not (inside and text.startswith("ANALYZE")), text


def make_tables(conninfo: str, *arguments: str) -> None:
    """Make the tables of render-ddl --citus, and leave out that they are distributed."""
    script = run("render-ddl", "--citus", "--no-q3c", *arguments)
    assert script.count("SELECT create_distributed_table(") == 6
    assert script.count("SELECT create_reference_table(") == 4
    plain = "\n".join(line for line in script.splitlines() if "SELECT create_" not in line)
    with psycopg.connect(conninfo) as connection:
        connection.execute(plain.encode())


def assert_reference(conninfo: str, shared: Path, name: str, schema: str, tables) -> None:
    """Compare with the reference, bit for bit; nothing waits any more."""
    with psycopg.connect(conninfo) as connection:
        for table in tables:
            found = read_table(connection, schema, table)
            assert_equal(found, expected_rows(shared, name, table))
        query = "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'specprod%'"
        assert connection.execute(query).fetchall() == []


def test_whole_files(cluster, database, shared):
    root = shared / "reference" / "iron"
    options = ["--specprod", "iron", "--root", str(root), "--dsn", database]
    pixels = str(next(root.rglob("zall-pix-*.fits")))
    make_tables(database, "--schema", "iron")
    begins = ('COPY "iron"', "COPY (SELECT", "ANALYZE", "CREATE SCHEMA", "BEGIN")
    with (
        psycopg.connect(database, autocommit=True) as connection,
        logged(cluster, database, *begins),
    ):
        run("load", "all", "-q", "-j", "1", *options)
        run("status", *options)
        connection.execute("UPDATE iron.zpix SET z = -z")
        run("load", "all", "-q", "-y", "-j", "1", "--replace", pixels, *options)
        run("verify", "-j", "1", *options)
        connection.execute("DELETE FROM iron.load_ledger")
        run("adopt", "all", *options)
    assert_reference(database, shared, "iron", "iron", TABLES)
    with psycopg.connect(database, autocommit=True) as connection:
        with pytest.raises(DatabaseError, match="keys of distributed ones"):
            run("load", "redshift", "--overwrite", "-y", *options)
        connection.execute("DROP TABLE iron.fiberassign")
        connection.execute("DELETE FROM iron.load_ledger WHERE table_name = 'fiberassign'")
        with pytest.raises(DatabaseError, match="lacks fiberassign: make these by"):
            run("load", "fiberassign", *options)


def test_single_tiles(cluster, database, shared):
    first, second = (shared / "reference" / name for name in ("daily", "daily-night2"))
    options = ["--specprod", "daily", "--dsn", database]
    make_tables(database, "--schema", "daily", "--specprod", "daily", "--root", str(first))
    with logged(cluster, database, "COPY ", "CREATE SCHEMA", "BEGIN", "DROP SCHEMA"):
        run("sync", *options, "--root", str(first), "-j", "2")
        run("sync", *options, "--root", str(second), "-j", "1")
        run("verify", "-j", "1", *options, "--root", str(second))
    assert_reference(database, shared, "daily-night2", "daily", TILE_TABLES)
    run("sync", *options, "--root", str(first), "-j", "1", "--delete", "--primary")
    assert_reference(database, shared, "daily", "daily", TILE_TABLES)
