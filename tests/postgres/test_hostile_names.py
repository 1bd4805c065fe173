"""Names that mean something to SQL, templates, shells or terminals are names and nothing else."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from psycopg import sql
from psycopg.conninfo import make_conninfo
from support.roles import passing_role

from specprod_copy.cli import cli
from specprod_copy.demo import write_production
from specprod_copy.desi.production import ProductionFiles, find_production
from specprod_copy.errors import SpecprodCopyError
from specprod_copy.loading.api import load
from specprod_copy.loading.options import LoadOptions
from specprod_copy.tables import Inputs

EVIL = "we\"ird'; DROP SCHEMA public; --\n%s {{ x }} {% y %} $1 \\ é🔭"
assert len(EVIL.encode()) <= 63


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    """Return the root of a production, in a folder of an evil name."""
    root = tmp_path_factory.mktemp("hostile") / EVIL.replace("/", " ")
    write_production(root, "iron", tiles=3, targets=40)
    return root


def query(conninfo: str, text: str, *values: object) -> list[tuple]:
    with psycopg.connect(conninfo) as connection:
        return connection.execute(text, values or None).fetchall()


def schemas(conninfo: str) -> set[str]:
    found = query(conninfo, "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_(toast|temp)'")
    return {name for (name,) in found}


def run(*arguments: str) -> str:
    done = CliRunner().invoke(cli, [*arguments])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.output


def test_schema_in_all_commands(root, database):
    files = ["-p", "iron", "-r", str(root), "-s", EVIL, "--dsn", database]
    before = schemas(database)
    run("load", "all", *files, "--dry-run")
    assert schemas(database) == before
    run("load", "all", *files, "-j", "1")
    run("status", *files)
    assert "checks passed" in run("verify", *files, "-j", "1", "-v")
    run("load", "all", *files, "--overwrite", "--yes", "-j", "1", "--cluster")
    run("grant", "-s", EVIL, "--role", "pg_monitor", "--dsn", database)
    run("primary", "-s", EVIL, "--dsn", database)
    assert schemas(database) == before | {EVIL}


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=70)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(name=NAMES)
@example(name="x" * 63)
@example(name="x" * 64)
@example(name="é" * 31)
@example(name="é" * 32)
@example(name="pg_mine")
@example(name="a\0b")
@example(name='"')
@example(name="%")
@example(name="{{ schema }}")
def test_any_schema(root, module_database, name):
    """It is made and loaded under just this name, or refused and nothing is made."""
    before = schemas(module_database)
    inputs = Inputs(ProductionFiles(find_production("iron"), root))
    try:
        load(module_database, inputs, LoadOptions(("tile",), name))
    except SpecprodCopyError as error:
        assert "\n" not in str(error)
        assert schemas(module_database) == before
        assert name.startswith("pg_") or "\0" in name or len(name.encode()) > 63
        return
    assert schemas(module_database) == before | {name}
    with psycopg.connect(module_database, autocommit=True) as connection:
        count = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(name, "tile"))
        assert connection.execute(count).fetchone() == (3,)
        connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(name)))


@pytest.fixture
def evil_role(database) -> Iterator[str]:
    role = f"{EVIL[:-9]}{uuid.uuid4().hex[:6]}"
    with passing_role(database, role):
        yield role


def test_role(root, database, evil_role):
    """As the one who reads, and as the one who loads."""
    files = ["-p", "iron", "-r", str(root)]
    run("load", "exposures", *files, "--role", evil_role, "--dsn", database)
    may = "SELECT has_table_privilege(%s, 'iron.tile', 'SELECT')"
    assert query(database, may, evil_role) == [(True,)]
    own = make_conninfo(database, user=evil_role)
    with pytest.raises(SpecprodCopyError) as caught:
        run("load", "exposures", *files, "-s", EVIL, "--dsn", own)
    statement = str(caught.value).partition("administrator run ")[2].replace("\\n", "\n")
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(statement)
    run("load", "exposures", *files, "-s", EVIL, "--dsn", own)
    owner = "SELECT tableowner FROM pg_tables WHERE schemaname = %s AND tablename = 'tile'"
    assert query(database, owner, EVIL) == [(evil_role,)]
    missing = run("grant", "-s", "iron", "--role", f"{EVIL}!", "--dsn", database)
    assert "does not exist: nothing granted to it" in missing


def test_database(root, cluster):
    name = sql.Identifier(EVIL)
    with psycopg.connect(cluster.conninfo("postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(name))
        try:
            conninfo = cluster.conninfo(EVIL)
            files = ["-p", "iron", "-r", str(root), "--dsn", conninfo]
            run("load", "exposures", *files)
            run("verify", "exposures", *files, "-j", "1")
            assert query(conninfo, "SELECT count(*) FROM iron.tile") == [(3,)]
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


def test_file(root, database, tmp_path):
    """It is in the ledger and in errors as it is, on one line."""
    evil = tmp_path / f"{EVIL}.csv"
    production = ProductionFiles(find_production("iron"), root)
    shutil.copyfile(production.tiles().with_suffix(".csv"), evil)
    files = ["-p", "iron", "-r", str(root), "--tiles-file", str(evil), "--dsn", database]
    run("load", "tile", *files)
    run("verify", "tile", *files, "-j", "1")
    assert query(database, "SELECT entry FROM iron.load_ledger") == [(str(evil),)]
    evil.write_text("TILEID\n1\n")
    with pytest.raises(SpecprodCopyError) as caught:
        run("load", "tile", *files, "-s", "other")
    assert str(caught.value).startswith(str(evil).replace("\n", "\\n"))


@pytest.mark.parametrize("where", ["file", "schema"])
def test_bytes_that_are_no_text(root, database, tmp_path, where):
    """Shells and file systems take them; a database does not."""
    evil = os.fsencode(tmp_path) + b"/tiles-\xff.csv"
    tiles = ProductionFiles(find_production("iron"), root).tiles().with_suffix(".csv")
    shutil.copyfile(os.fsencode(tiles), evil)
    given = {"file": ["--tiles-file", evil], "schema": ["--schema", b"iron-\xff"]}[where]
    command = [sys.executable, "-m", "specprod_copy", "load", "tile", "-p", "iron", "-r", root]
    done = subprocess.run(
        [*command, *given, "--dsn", database], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    line = done.stderr.splitlines()[-1]
    shown = {"file": r"tiles-\udcff.csv", "schema": r"'iron-\udcff"}[where]
    assert line.startswith("Error: ")
    assert line.endswith(f"{shown}' is no UTF-8; a database has no such names")
    assert "Traceback" not in done.stderr
    assert not {name for name in schemas(database) if name.startswith("iron")}


def test_production(root, database, tmp_path):
    """Of a configuration file: it stands in file names and is the name of the schema."""
    config = tmp_path / "config.toml"
    name = "we'ird {{ x }} %s; --"
    config.write_text(
        f'["{name}"]\nrelease = "dr1"\nphotometry = "v1.0"\nredshift = "zcat/v1"\ntiles = "1.0"\n'
    )
    files = ["-p", name, "-r", str(root), "-c", str(config), "--dsn", database]
    with pytest.raises(SpecprodCopyError) as caught:
        run("load", "exposures", *files)
    assert "\n" not in str(caught.value)
    assert schemas(database) == {"information_schema", "pg_catalog", "public"}
