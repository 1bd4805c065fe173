"""Tables as Citus distributes them, without Citus: no statement has a form that it refuses.

That the same statements work on real distributed tables is not shown here.
"""

from __future__ import annotations

import re
from collections import defaultdict

import psycopg
import pytest
from click.testing import CliRunner
from psycopg.conninfo import conninfo_to_dict
from support.reference import TABLES, assert_equal, expected_rows, read_table

from specprod_copy.cli import cli
from specprod_copy.errors import DatabaseError

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
    "temporary tables": r"\bTEMP(ORARY)? TABLE|pg_temp\.staged",
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


def test_nothing_that_citus_refuses(cluster, database, shared):
    """Load, status and verify into tables of render-ddl --citus, but for their distribution."""
    root = shared / "reference" / "iron"
    script = run("render-ddl", "--schema", "iron", "--citus", "--no-q3c")
    assert script.count("SELECT create_distributed_table(") == 6
    assert script.count("SELECT create_reference_table(") == 4
    plain = "\n".join(line for line in script.splitlines() if "SELECT create_" not in line)
    name = conninfo_to_dict(database)["dbname"]
    options = ["--specprod", "iron", "--root", str(root), "--dsn", database]
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(plain.encode())
        connection.execute(f"ALTER DATABASE {name} SET log_statement = 'all'".encode())
        run("load", "all", "-q", "-j", "1", *options)
        run("status", *options)
        run("verify", "-j", "1", *options)
        connection.execute(f"ALTER DATABASE {name} RESET log_statement".encode())
        for table in TABLES:
            found = read_table(connection, "iron", table)
            assert_equal(found, expected_rows(shared, "iron", table))
        for command in (
            ["load", "redshift", "--overwrite", "-y"],
            ["load", "redshift", "-y", "--replace", str(next(root.rglob("zall-pix-*.fits")))],
            ["adopt", "all"],
        ):
            with pytest.raises(DatabaseError, match="keys of distributed ones"):
                run(*command, *options)
        connection.execute("DROP TABLE iron.fiberassign")
        connection.execute("DELETE FROM iron.load_ledger WHERE table_name = 'fiberassign'")
        with pytest.raises(DatabaseError, match="lacks fiberassign: make these by"):
            run("load", "fiberassign", *options)
    sent = statements((cluster.directory / "log" / "server.log").read_text(), name)
    every = [text for texts in sent.values() for text in texts]
    for begin in ('COPY "iron"', "COPY (SELECT", "ANALYZE", "BEGIN"):
        assert any(text.startswith(begin) for text in every), begin
    for texts in sent.values():
        inside = False
        for text in texts:
            for what, form in REFUSED.items():
                assert not re.search(form, text), f"{what}: {text}"
            inside = (inside or text.startswith("BEGIN")) and text not in ("COMMIT", "ROLLBACK")
            assert not (inside and text.startswith("ANALYZE")), text
