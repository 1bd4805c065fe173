"""The SQL that makes a schema like another one: run by psql, nothing is left to change."""

from __future__ import annotations

import subprocess
from dataclasses import replace

import psycopg
import pytest
from click.testing import CliRunner
from psycopg import sql
from support.schemas import CHANGES, build

from specprod_copy.cli import cli
from specprod_copy.postgres import rights
from specprod_copy.postgres.connection import connect
from specprod_copy.postgres.schema_changes import Changes
from specprod_copy.postgres.schema_from_server import read_schema
from specprod_copy.tables import specprod_catalogue

NAME = 'Wei"rd %s'
SQL_NAME = sql.Identifier(NAME).as_string()
Q3C = 'The "sky"'
MORE = {
    "half made": "ALTER TABLE {s}.zpix DROP CONSTRAINT zpix_pkey; "
    "CREATE UNIQUE INDEX zpix_pkey ON {s}.zpix (id)",
    "a key that is referred to": "ALTER TABLE {s}.photometry DROP CONSTRAINT photometry_pkey "
    "CASCADE, ADD CONSTRAINT photometry_pkey PRIMARY KEY (targetid, ls_id)",
    "another key that is referred to": "ALTER TABLE {s}.tile "
    "ADD CONSTRAINT more UNIQUE (tileid, nexp);"
    "ALTER TABLE {s}.frame ADD nexp bigint, ADD CONSTRAINT mine FOREIGN KEY (night, nexp) "
    "REFERENCES {s}.tile (tileid, nexp)",
    "a rule of a foreign key": "ALTER TABLE {s}.exposure DROP CONSTRAINT exposure_tileid_fkey, "
    "ADD CONSTRAINT exposure_tileid_fkey FOREIGN KEY (tileid) REFERENCES {s}.tile "
    "ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED",
    "NOT NULL": "ALTER TABLE {s}.frame ADD myclass text NOT NULL, "
    "ADD \"Some thing\" int[] DEFAULT '{1}'",
    "numeric": "ALTER TABLE {s}.target ALTER id TYPE numeric(20)",
    "a table's comment": "COMMENT ON TABLE {s}.zpix IS 'It''s \\ :mine'",
}


@pytest.fixture(scope="module")
def server(module_database):
    with connect(module_database) as connection:
        build(connection, NAME, q3c=Q3C)
        connection.execute('CREATE ROLE "Mrs. X"')
        yield connection
        connection.execute('DROP OWNED BY "Mrs. X"; DROP ROLE "Mrs. X"')


def psql(connection: psycopg.Connection, script: str) -> None:
    info = connection.info
    where = ["-h", info.host, "-p", str(info.port), "-U", info.user, "-d", info.dbname]
    done = subprocess.run(
        ["psql", "-X", "-q", *where], input=script, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, ""), script


def against_definition(connection: psycopg.Connection) -> Changes:
    found = read_schema(connection, NAME)
    return Changes(specprod_catalogue().definition, found, Q3C, drop=True)


@pytest.mark.parametrize("change", [*CHANGES, *MORE])
def test_each_difference_is_undone(server, change):
    text = MORE[change] if change in MORE else CHANGES[change][0]
    server.execute("SET allow_system_table_mods = on")
    assert against_definition(server).script() == ""
    server.execute(text.replace("{s}", SQL_NAME).encode())
    changes = against_definition(server)
    script = changes.script()
    assert script
    psql(server, script)
    assert against_definition(server).script() == ""


def test_nothing_of_users_is_dropped_unasked(server):
    server.execute(f'CREATE TABLE {SQL_NAME}.mine ("x\ny" int)'.encode())
    server.execute(f'ALTER TABLE {SQL_NAME}.frame ADD "my\nclass" text'.encode())
    script = replace(against_definition(server), drop=False).script()
    assert script.count("-- with --drop: ") == 2
    psql(server, script)
    assert replace(against_definition(server), drop=False).script() == script
    psql(server, against_definition(server).script())
    assert against_definition(server).script() == ""


OTHERS = """
CREATE SCHEMA one;
CREATE TABLE one.kinds (kind varchar(3) PRIMARY KEY, n bigserial, "Up" char(2)[] NOT NULL);
CREATE TABLE one.stars (id int GENERATED ALWAYS AS IDENTITY, a int, b int, kind varchar(3),
    ratio int GENERATED ALWAYS AS (a::int8 / 2) STORED, at timestamptz DEFAULT now(),
    CONSTRAINT odd CHECK (a::text LIKE '1%' OR b > 3), UNIQUE (a, b),
    FOREIGN KEY (kind) REFERENCES one.kinds NOT VALID);
CREATE INDEX ix_some ON one.stars USING btree (lower(kind) DESC, b) INCLUDE (a) WHERE a::text > '1';
COMMENT ON TABLE one.stars IS 'Stars'; COMMENT ON COLUMN one.kinds."Up" IS 'Up [mag] (UCD a.b)';
CREATE SCHEMA two;
CREATE TABLE two.stars (id text, b smallint DEFAULT 4, at int);
CREATE TABLE two.gone (x int PRIMARY KEY);
CREATE TABLE two.gone_too (x int REFERENCES two.gone);
GRANT USAGE ON SCHEMA one TO "Mrs. X"; GRANT SELECT ON one.stars TO "Mrs. X";
GRANT SELECT ON two.stars TO public;
"""


def between(connection: psycopg.Connection) -> Changes:
    one, two = (read_schema(connection, name) for name in ("one", "two"))
    rights_of = [rights.readers(connection, name) for name in ("one", "two")]
    return Changes(one, two, None, True, *rights_of)


def test_two_schemas(server):
    server.execute(OTHERS.encode())
    script = between(server).script()
    assert (
        "-- How a column is computed cannot be changed: ALTER TABLE two.stars ALTER COLUMN id"
        in (script)
    )
    assert "-- at int4 cannot become at timestamptz: replace the table" in script
    assert 'GRANT SELECT ON two.stars TO "Mrs. X";' in script
    server.execute("ALTER TABLE two.stars DROP id, DROP at")
    psql(server, between(server).script())
    assert between(server).script() == ""
    assert read_schema(server, "one").tables["kinds"] == read_schema(server, "two").tables["kinds"]


ELSEWHERE = """
CREATE SCHEMA far; CREATE TABLE far.stars (id int PRIMARY KEY);
CREATE SCHEMA near; CREATE TABLE near.mine (id int, other int,
    CONSTRAINT mine_fk FOREIGN KEY (id) REFERENCES far.stars);
CREATE SCHEMA like_near; CREATE TABLE like_near.mine (id int, other int,
    CONSTRAINT mine_fk FOREIGN KEY (other) REFERENCES far.stars);
"""


RULES = [
    "MATCH FULL ON UPDATE RESTRICT ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED",
    "ON UPDATE SET NULL ON DELETE SET DEFAULT",
    "ON DELETE RESTRICT DEFERRABLE",
    'ON DELETE SET NULL ("A b")',
]


@pytest.mark.parametrize("rules", RULES)
def test_rules_of_foreign_keys_of_users(server, rules):
    """Another schema gets them as they are."""
    if "(" in rules and server.info.server_version < 150000:
        pytest.skip("before PostgreSQL 15 a foreign key names no columns to set")
    with server.transaction(force_rollback=True):
        server.execute(
            f"""CREATE SCHEMA here; CREATE SCHEMA there;
                CREATE TABLE here.a (x int, y int, PRIMARY KEY (x, y)); CREATE TABLE here.b
                (y int, "A b" int, CONSTRAINT f FOREIGN KEY ("A b", y) REFERENCES here.a {rules})"""
        )
        changes = Changes(read_schema(server, "here"), read_schema(server, "there"), None)
        server.execute("".join(changes.statements()).encode())
        query = "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'f' ORDER BY 1"
        first, second = (text for (text,) in server.execute(query))
        assert rules in first
        assert second == first.replace("here.a", "there.a")


def test_a_foreign_key_to_a_table_that_is_not_named(server):
    """It cannot be made again: it stays."""
    with server.transaction(force_rollback=True):
        server.execute(MORE["a rule of a foreign key"].replace("{s}", SQL_NAME).encode())
        changes = against_definition(server)
        wanted = replace(changes.wanted, tables={"exposure": changes.wanted.tables["exposure"]})
        found = replace(changes.found, tables={"exposure": changes.found.tables["exposure"]})
        script = replace(changes, wanted=wanted, found=found).script()
        assert "DROP" not in script
        assert "-- Foreign key exposure_tileid_fkey waits for table tile." in script


def test_a_foreign_key_to_another_schema(server):
    """It is made again where it is another one."""
    server.execute(ELSEWHERE.encode())
    wanted = read_schema(server, "near")
    script = Changes(wanted, read_schema(server, "like_near")).script()
    psql(server, script)
    assert Changes(wanted, read_schema(server, "like_near")).script() == ""
    assert read_schema(server, "like_near").tables["mine"].references[0].columns == ("id",)


def command(connection: psycopg.Connection, *arguments: str):
    info = connection.info
    dsn = f"host={info.host} port={info.port} user={info.user} dbname={info.dbname}"
    return CliRunner().invoke(cli, ["diff", "--dsn", dsn, *arguments])


def test_the_command(server):
    build(server, "plain", q3c=Q3C)
    mistaken = command(server, "--schema", "plain", "zpx")
    assert mistaken.exit_code == 2
    assert "no table is called zpx; did you mean zpix" in mistaken.output
    where = ("--schema", "plain", "--role", "Mrs. X", "--error-on-change")
    granting = command(server, *where)
    assert granting.exit_code == 1
    assert 'GRANT USAGE ON SCHEMA plain TO "Mrs. X";' in granting.stdout
    psql(server, granting.stdout)
    same = command(server, *where)
    assert (same.exit_code, same.stdout) == (0, "")
    assert "Schema plain: no differences" in same.stderr
    server.execute("ALTER TABLE plain.zpix ALTER z TYPE real; CREATE TABLE plain.mine (x int)")
    assert command(server, *where, "ztile").exit_code == 0
    found = command(server, *where, "zpix", "ztile")
    assert found.exit_code == 1
    assert "ALTER TABLE plain.zpix ALTER COLUMN z TYPE float8;" in found.stdout
    assert "mine" not in command(server, *where).stdout
    assert command(server, *where[:-1]).exit_code == 0
    assert command(server, "--schema", "nothing").exit_code != 0
    assert command(server, *where, "nothing").exit_code == 2
    like = command(server, "--schema", "plain", "--like", NAME, "--drop")
    assert "DROP TABLE plain.mine;" in like.stdout
    psql(server, like.stdout)
    assert command(server, "--schema", "plain", "--like", NAME).stdout == ""
