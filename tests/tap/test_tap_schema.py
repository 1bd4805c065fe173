"""What TAP services publish: TAP_SCHEMA, views whose ids are text, felis, DaCHS."""

from __future__ import annotations

import doctest
import shutil
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from astropy.units import Unit
from psycopg import sql
from support.clusters import fresh_database
from support.outcome import outcome

from specprod_copy.metadata import principal
from specprod_copy.postgres import statements
from specprod_copy.postgres.locks import hold_schema_lock
from specprod_copy.tables import specprod_catalogue
from specprod_copy.tap import words

ODD = 'Iron; "x"'
DEFINED = specprod_catalogue().definition
TABLES = [name for name in DEFINED.tables if not name.endswith("patch")]
PHASES = ("table", "keys", "indexes", "foreign_keys", "comments")

IDS = ("fiberassign", "potential", "target", "zpix", "ztile")
"""Tables with 128-bit ids."""


@pytest.fixture(scope="module")
def dsn(module_database):
    """Return a database with two productions: one as it is made, one with things of users."""
    with psycopg.connect(module_database, autocommit=True) as connection:
        for schema in ("fuji", ODD):
            statements.make(connection, DEFINED, ["schema"], ["table"], schema=schema)
            statements.make(connection, DEFINED, TABLES, PHASES, schema=schema)
        mine = sql.Identifier(ODD, "mine").as_string()
        connection.execute(f'CREATE TABLE {mine} ("Two words" text, "size" jsonb, day date)')
        connection.execute(f"INSERT INTO {mine} VALUES ('é', '{{\"a\": 1}}', NULL)")
    return module_database


@pytest.fixture
def connection(dsn):
    with psycopg.connect(dsn, autocommit=True) as opened:
        yield opened


def run(dsn, *arguments):
    return outcome("tap-schema", "--dsn", dsn, *arguments)


@pytest.fixture
def filled(dsn):
    assert run(dsn, "-s", "fuji", "-s", ODD)[0] == 0


NAMES = ("schemas", "tables", "columns", "keys", "key_columns")


def content(connection):
    return {
        name: connection.execute(f"SELECT t::text FROM tap_schema.{name} t ORDER BY 1").fetchall()
        for name in NAMES
    }


def test_what_is_said(dsn, connection):
    code, output = run(dsn, "-s", "fuji")
    assert code == 0
    columns = sum(len(DEFINED.tables[name].columns) for name in TABLES if name != "load_ledger")
    keys = sum(len(DEFINED.tables[name].references) for name in TABLES)
    assert output.splitlines()[-1] == (
        f"schema fuji: {len(TABLES) - 1} tables, {columns} columns, {keys} keys in TAP_SCHEMA; "
        f"ids as text: {', '.join(f'{n}_text' for n in TABLES if n in IDS)}"
    )


def test_tables_and_columns_are_those_of_the_server(filled, connection):
    """An independent question to the server: information_schema."""
    wanted = connection.execute(
        """SELECT table_name, column_name, ordinal_position FROM information_schema.columns c
           WHERE table_schema = 'fuji' AND table_name <> 'load_ledger' AND NOT EXISTS (
               SELECT FROM information_schema.views v
               WHERE v.table_schema = 'fuji' AND v.table_name = c.table_name || '_text')
           ORDER BY 1, 3"""
    ).fetchall()
    found = connection.execute(
        """SELECT split_part(table_name, '.', 2), trim(column_name, '"'), column_index
           FROM tap_schema.columns WHERE table_name LIKE 'fuji.%' ORDER BY 1, 3"""
    ).fetchall()
    assert found == wanted
    assert {name for name, *_ in found if name.endswith("_text")} == {f"{n}_text" for n in IDS}


def test_columns(filled, connection):
    query = """SELECT datatype, arraysize, xtype, unit, ucd, indexed, principal, std, description
               FROM tap_schema.columns WHERE table_name = %s AND column_name = %s"""

    def row(table, column):
        return connection.execute(query, (table, column)).fetchone()

    def comment(table, column):
        return next(c for c in DEFINED.tables[table].columns if c.name == column).description

    assert row("fuji.zpix_text", "id") == (
        *("char", "*", None, None, "meta.record", 0, 1, 0),
        comment("zpix", "id"),
    )
    assert row("fuji.zpix_text", "targetid")[:2] == ("long", None)
    assert row("fuji.zpix_text", "targetid")[5] == 1
    assert row("fuji.zpix_text", "coeff_3")[6] == 0
    assert row("fuji.zpix_text", "survey")[:2] == ("char", "7*")
    assert row("fuji.exposure", "date_obs")[:3] == ("char", "*", "timestamp")
    pm = row("fuji.photometry", "pmra_ivar")
    assert Unit(pm[3], format="vounit") == Unit("yr2 mas-2")
    assert row("tap_schema.columns", '"size"')[7] == 1
    odd = '"Iron; ""x"""'
    assert row(f"{odd}.mine_text", '"size"')[:2] == ("char", "*")
    assert row(f"{odd}.mine_text", '"Two words"')[8] is None
    assert row(f"{odd}.mine_text", '"day"')[2] == "timestamp"


def test_keys_join_what_is_published(filled, connection):
    keys = connection.execute(
        """SELECT from_table, from_column, target_table, target_column
           FROM tap_schema.keys JOIN tap_schema.key_columns USING (key_id)"""
    ).fetchall()
    assert ("fuji.ztile_text", "targetphotid", "fuji.target_text", "id") in keys
    assert ("tap_schema.columns", "table_name", "tap_schema.tables", "table_name") in keys
    for table, column, target, other in keys:
        join = f"SELECT FROM {table} a JOIN {target} b ON a.{column} = b.{other}"
        connection.execute(join)


def test_a_key_to_another_schema_is_none_to_a_table_of_the_same_name(dsn, connection):
    connection.execute("CREATE SCHEMA own")
    connection.execute("CREATE TABLE own.photometry (objid integer PRIMARY KEY)")
    connection.execute("CREATE TABLE own.t (targetid bigint REFERENCES fuji.photometry (targetid))")
    try:
        assert run(dsn, "-s", "own")[0] == 0
        query = "SELECT target_table FROM tap_schema.keys WHERE from_table LIKE 'own.%'"
        assert connection.execute(query).fetchall() == []
    finally:
        run(dsn, "--remove", "own")
        connection.execute("DROP TABLE own.t, own.photometry; DROP SCHEMA own")


def test_every_published_column_can_be_queried(filled, connection):
    """By its name as it stands in TAP_SCHEMA, and with no number that tools would round."""
    tables = connection.execute("SELECT table_name FROM tap_schema.tables").fetchall()
    assert len(tables) == 2 * (len(TABLES) - 1) + 1 + len(NAMES)
    for (table,) in tables:
        names = connection.execute(
            "SELECT column_name FROM tap_schema.columns WHERE table_name = %s", (table,)
        ).fetchall()
        result = connection.execute(f"SELECT {', '.join(n for (n,) in names)} FROM {table}")
        assert not [c.name for c in result.description if c.type_display.startswith("numeric")]


def test_ids_are_exact(filled, connection):
    mine = sql.Identifier(ODD, "mine_text").as_string()
    found = connection.execute(f'SELECT "Two words", "size" FROM {mine}')
    assert found.fetchall() == [("é", '{"a": 1}')]
    with connection.transaction(force_rollback=True):
        connection.execute("SET LOCAL session_replication_role = replica")  # no foreign keys
        row = (2**126 + 1, 1, 2, 3, 4)
        connection.execute("INSERT INTO fuji.potential VALUES (%s, %s, %s, %s, %s)", row)
        found = connection.execute("SELECT id FROM fuji.potential_text").fetchall()
    assert found == [(str(2**126 + 1),)]


def test_again_and_side_by_side(dsn, connection, filled):
    before = content(connection)
    for schemas in ((ODD,), ("fuji",), (ODD, "fuji")):
        assert run(dsn, *(word for name in schemas for word in ("-s", name)))[0] == 0
        assert content(connection) == before


def test_at_the_same_time(dsn, connection, filled):
    before = content(connection)
    with hold_schema_lock(connection, "tap_schema", shared=False):
        code, output = run(dsn, "-s", "fuji")
        assert (code, content(connection)) == (1, before)
    assert "at work on schema tap_schema" in output and "run this again" in output


def test_after_a_change(dsn, connection, filled):
    """A column more, one renamed; grants and comments stay."""
    role = "reader_of_tap"
    connection.execute(f"CREATE ROLE {role}")
    try:
        assert run(dsn, "-s", "fuji", "--role", role)[0] == 0
        connection.execute("ALTER TABLE fuji.zpix ADD mine real")
        connection.execute("COMMENT ON COLUMN fuji.zpix.mine IS 'Mine [deg] (UCD pos)'")
        assert run(dsn, "-s", "fuji", "--role", "nobody_here")[0] == 0
        with connection.transaction(force_rollback=True):
            connection.execute(f"SET LOCAL ROLE {role}")
            connection.execute("SELECT mine FROM fuji.zpix_text")
            found = connection.execute(
                "SELECT unit, description FROM tap_schema.columns WHERE column_name = 'mine'"
            ).fetchall()
            assert found == [("deg", "Mine")]
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute("SELECT id FROM fuji.zpix")
        connection.execute("ALTER TABLE fuji.zpix RENAME mine TO yours")
        assert run(dsn, "-s", "fuji")[0] == 0
        connection.execute("SELECT yours FROM fuji.zpix_text")
    finally:
        connection.execute("DROP VIEW fuji.zpix_text")
        connection.execute("ALTER TABLE fuji.zpix DROP COLUMN IF EXISTS yours")
        connection.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")


def test_after_a_table_took_the_place_of_another(dsn, connection):
    """Of the same columns: here, or from another schema."""
    ids = "SELECT id FROM s1.t_text"
    connection.execute("CREATE SCHEMA s1 CREATE TABLE t (id numeric(39)); CREATE SCHEMA s2")
    connection.execute("INSERT INTO s1.t VALUES (1)")
    try:
        assert run(dsn, "-s", "s1")[0] == 0
        connection.execute("COMMENT ON TABLE s1.t IS 'Mine'; GRANT SELECT ON s1.t_text TO public")
        for number, move in enumerate(("RENAME TO old", "SET SCHEMA s2"), 2):
            connection.execute(f"ALTER TABLE s1.t {move}; CREATE TABLE s1.t (id numeric(39))")
            connection.execute(f"INSERT INTO s1.t VALUES ({number})")
            assert run(dsn, "-s", "s1")[0] == 0
            assert connection.execute(ids).fetchall() == [(str(number),)]
        place = "SELECT oid, xmin, relacl::text FROM pg_class WHERE oid = 's1.t_text'::regclass"
        before = connection.execute(place).fetchall()
        assert "=r/" in before[0][2]
        assert run(dsn, "-s", "s1")[0] == 0
        assert connection.execute(place).fetchall() == before
    finally:
        run(dsn, "--remove", "s1")
        connection.execute("DROP SCHEMA s1, s2 CASCADE")


def test_taken_out(dsn, connection, filled):
    before = content(connection)
    connection.execute("CREATE SCHEMA gone")
    connection.execute("CREATE TABLE gone.t (id numeric(39))")
    assert run(dsn, "-s", "gone")[0] == 0
    connection.execute("ALTER SCHEMA gone RENAME TO away")
    code, output = run(dsn, "-s", "fuji")
    assert code == 0
    assert (
        "TAP_SCHEMA has schema gone, which the database does not: --remove takes it out" in output
    )
    assert run(dsn, "--remove", "gone")[0] == 0
    assert content(connection) == before
    assert run(dsn, "-s", "away")[0] == 0
    assert run(dsn, "--remove", "away")[0] == 0
    assert content(connection) == before
    assert connection.execute("SELECT to_regclass('away.t_text')").fetchone() == (None,)
    connection.execute("DROP TABLE away.t; DROP SCHEMA away")


def test_what_cannot_be(dsn, connection, filled, tmp_path):
    before = content(connection)
    same = tmp_path / "same"
    connection.execute("CREATE SCHEMA empty")
    connection.execute("CREATE SCHEMA theirs")
    connection.execute("CREATE TABLE theirs.t (id numeric(39))")
    connection.execute("CREATE TABLE theirs.t_text (id text)")
    long = "é" * 29 + "x"
    connection.execute(f"CREATE SCHEMA long; CREATE TABLE long.{long} (id numeric(39))")
    for arguments, message in {
        ("-s", "jura"): "there is no schema jura",
        ("-s", "empty"): "schema empty has no tables",
        ("-s", "fuji", "-s", "theirs"): "theirs.t_text was made by somebody else and stays",
        ("-s", "fuji", "-s", "long"): f"by a view {long}_text: that name is longer than 63 bytes",
        ("-s", "tap_schema"): "tap_schema describes itself",
        ("-s", "fuji", "--remove", "fuji"): "schema fuji: either described or taken out",
        (): "name a schema",
        ("-s", "fuji", "-s", ODD, "--felis", "felis.yaml"): "name one --schema",
        ("-s", ODD, "--dachs", "q.rd"): f"DaCHS has no name for schema {ODD}",
        ("-s", "fuji", "--felis", tmp_path): "is a directory",
        ("-s", "fuji", "--felis", same, "--dachs", same): "same: two outputs would go there",
    }.items():
        code, output = run(dsn, *arguments)
        assert code in (1, 2)
        assert message in output
        assert content(connection) == before
    connection.execute("DROP TABLE theirs.t, theirs.t_text; DROP SCHEMA theirs, empty")
    connection.execute("DROP SCHEMA long CASCADE")


def test_a_tap_schema_of_somebody_else(cluster):
    """One that another program has made is filled; one that is something else is left alone."""
    with fresh_database(cluster) as dsn, psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA fuji")
        connection.execute("CREATE TABLE fuji.t (a integer)")
        connection.execute("CREATE SCHEMA tap_schema")
        connection.execute("CREATE TABLE tap_schema.keys (key_id text)")
        code, output = run(dsn, "-s", "fuji")
        assert code == 1
        assert "tap_schema.keys lacks from_table, target_table, description, utype" in output
        assert connection.execute("SELECT to_regclass('tap_schema.schemas')").fetchone() == (None,)
        connection.execute("DROP TABLE tap_schema.keys")
        connection.execute("CREATE TABLE tap_schema.schemas (schema_name varchar(64) PRIMARY KEY)")
        connection.execute(
            """ALTER TABLE tap_schema.schemas ADD utype text, ADD description text,
               ADD schema_index integer, ADD own text DEFAULT 'x'"""
        )
        connection.execute("INSERT INTO tap_schema.schemas VALUES ('public')")
        assert run(dsn, "-s", "fuji")[0] == 0
        found = connection.execute("SELECT schema_name, own FROM tap_schema.schemas ORDER BY 1")
        assert found.fetchall() == [("fuji", "x"), ("public", "x"), ("tap_schema", "x")]


FELIS = shutil.which("felis", path=Path(sys.executable).parent)


@pytest.mark.skipif(FELIS is None, reason="needs felis, of PyPI's lsst-felis")
def test_felis(dsn, filled, tmp_path):
    path = tmp_path / "felis.yaml"
    assert run(dsn, "-s", "fuji", "--felis", path)[0] == 0
    judged = subprocess.run(
        [FELIS, "validate", "--check-description", "--check-tap-principal", path],
        capture_output=True,
        text=True,
    )
    assert judged.returncode == 0, judged.stderr


@pytest.mark.skipif(FELIS is None, reason="needs felis, of PyPI's lsst-felis")
def test_felis_of_what_nobody_has_described(dsn, connection, tmp_path):
    path = tmp_path / "felis.yaml"
    connection.execute("CREATE SCHEMA bare CREATE TABLE t (id bigint PRIMARY KEY, size int)")
    connection.execute("COMMENT ON COLUMN bare.t.size IS '[km]'")
    assert run(dsn, "-s", "bare", "--felis", path)[0] == 0
    connection.execute("DROP SCHEMA bare CASCADE")
    judged = subprocess.run([FELIS, "validate", path], capture_output=True, text=True)
    assert judged.returncode == 0, judged.stderr


@pytest.mark.skipif(FELIS is None, reason="needs felis, of PyPI's lsst-felis")
def test_felis_of_names_that_several_things_have(dsn, connection, tmp_path):
    """Schema and table, two keys of tables, a key and a column."""
    path = tmp_path / "felis.yaml"
    connection.execute("CREATE SCHEMA twin CREATE TABLE twin (id bigint PRIMARY KEY)")
    for name in ("a", "b"):
        connection.execute(
            f"""CREATE TABLE twin.{name} (id bigint PRIMARY KEY, key bigint,
                    CONSTRAINT key FOREIGN KEY (key) REFERENCES twin.twin)"""
        )
    assert run(dsn, "-s", "twin", "--felis", path)[0] == 0
    assert run(dsn, "--remove", "twin")[0] == 0
    connection.execute("DROP SCHEMA twin CASCADE")
    judged = subprocess.run([FELIS, "validate", path], capture_output=True, text=True)
    assert judged.returncode == 0, judged.stderr


def test_names(dsn):
    assert doctest.testmod(words).failed == 0
    for table, columns in principal.PRINCIPAL.items():
        assert {*columns} <= {column.name for column in DEFINED.tables[table].columns}
