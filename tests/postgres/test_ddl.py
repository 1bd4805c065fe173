"""The rendered DDL: what it holds, and what a real server makes of it."""

from __future__ import annotations

import json
import subprocess

import psycopg
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from support.reference import data_tables

from specprod_copy.cli import cli
from specprod_copy.errors import ConfigurationError
from specprod_copy.postgres import ddl
from specprod_copy.postgres.identifiers import quote_identifier
from specprod_copy.server.cluster import Cluster
from specprod_copy.tables import specprod_catalogue

WEIRD = 'we"ird; drop'


def psql(cluster: Cluster, conninfo: str, script: str) -> str:
    """Run a script through the real psql."""
    binary = cluster.psql_command()[0]
    command = [binary, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", conninfo]
    done = subprocess.run(command, input=script, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def columns(connection: psycopg.Connection, schema: str) -> dict[str, list[tuple]]:
    query = """
        SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
               col_description(c.oid, a.attnum)
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
        JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = %s AND c.relkind = 'r' AND a.attnum > 0
        ORDER BY c.relname, a.attnum"""
    found: dict[str, list[tuple]] = {}
    for table, *rest in connection.execute(query, (schema,)):
        found.setdefault(table, []).append(tuple(rest))
    return found


def names(connection: psycopg.Connection, schema: str) -> set[tuple[str, str]]:
    """Return (table, name) of every index and constraint."""
    query = """
        SELECT tablename, indexname FROM pg_indexes WHERE schemaname = %(schema)s
        UNION SELECT table_name, constraint_name FROM information_schema.table_constraints
        WHERE table_schema = %(schema)s AND constraint_type <> 'CHECK'"""
    return set(connection.execute(query, {"schema": schema}).fetchall())


@pytest.mark.parametrize("schema", ["fuji", WEIRD, "select", "Été", "{{ schema }}", "%s"])
def test_rendered_script_builds_all_tables(cluster, database, schema):
    done = CliRunner().invoke(cli, ["render-ddl", "--schema", schema, "--role", "postgres_reader"])
    assert done.exit_code == 0, done.output
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS postgres_reader")
        connection.execute("CREATE ROLE postgres_reader")
        script = done.output
        if connection.execute(
            "SELECT count(*) FROM pg_available_extensions WHERE name = 'q3c'"
        ).fetchone() == (0,):
            script = CliRunner().invoke(cli, ["render-ddl", "-s", schema, "--no-q3c"]).output
        psql(cluster, database, script)
        assert set(columns(connection, schema)) == set(data_tables())
        connection.execute(f"DROP SCHEMA {quote_identifier(schema)} CASCADE")
        connection.execute("DROP ROLE postgres_reader")


@pytest.mark.usefixtures("q3c")
def test_tables_equal_the_data_model(cluster, database, shared):
    """Columns, order, types, keys, foreign keys and index names are those of the data model.

    Wanted are two differences: eight characters of PROGRAM, for bright1b, and 32 bits of MASKBITS.
    """
    model = json.loads((shared / "datamodel" / "tables.json").read_text())["tables"]
    psql(cluster, database, ddl.render_script(specprod_catalogue().definition, schema="fuji"))
    with psycopg.connect(database) as connection:
        found, found_names = columns(connection, "fuji"), names(connection, "fuji")
        foreign = connection.execute(
            """SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)
               FROM pg_constraint WHERE contype = 'f'"""
        ).fetchall()
    expected_names = set()
    for table in model:
        name = table["name"]
        types = []
        for column in table["columns"]:
            kind = column["postgresql_data_type"]
            length = column.get("max_length")
            if column["name"] == "program" and length == 6:
                length = 8
            if kind == "numeric":
                kind = "numeric(39,0)"
            if column["name"] == "maskbits":
                kind = "integer"
            types.append((column["name"], f"{kind}({length})" if length else kind, True))
            comment = next(c for c in found[name] if c[0] == column["name"])[3]
            assert comment.startswith(column["description"].rstrip("."))
            if column["unit"]:
                assert f"[{column['unit']}]" in comment
            if column.get("ucd_guess"):
                assert f"(UCD {column['ucd_guess']})" in comment
        assert [c[:3] for c in found[name]] == types
        expected_names.add((name, table["primary_key"]["postgresql_name"]))
        expected_names |= {(name, i["name"]) for i in table["indexes"]}
        expected_names |= {(name, f["postgresql_name"]) for f in table["foreign_keys"]}
        expected_names |= {(name, u["postgresql_name"]) for u in table["unique_constraints"]}
        if table["q3c_index"]:
            expected_names.add((name, table["q3c_index"]["name"]))
        for key in table["foreign_keys"]:
            target = key["references"]
            assert (
                f"fuji.{name}",
                key["postgresql_name"],
                f"FOREIGN KEY ({key['column']}) REFERENCES fuji.{target['table']}"
                f"({target['column']})",
            ) in foreign
    assert found_names == expected_names


@pytest.mark.usefixtures("q3c")
def test_ids_are_stored_unpacked(cluster, database):
    """So are their indexes, which take the kind of storage from the table."""
    psql(cluster, database, ddl.render_script(specprod_catalogue().definition, schema="fuji"))
    with psycopg.connect(database) as connection:
        found = connection.execute(
            """SELECT attrelid::regclass::text, attname, attstorage::text FROM pg_attribute
               JOIN pg_class ON pg_class.oid = attrelid
               WHERE relnamespace = 'fuji'::regnamespace AND atttypid = 'numeric'::regtype"""
        ).fetchall()
    ids = {"target", "zpix", "ztile", "fiberassign", "potential", "zpixpatch", "ztilepatch"}
    assert {storage for *_, storage in found} == {"p"}
    assert {(f"fuji.{t}", "id") for t in ids} < {(table, column) for table, column, _ in found}
    assert {(f"fuji.{t}_pkey", "id") for t in ids} < {(i, column) for i, column, _ in found}


def test_script_can_run_in_phases_with_rows_between(cluster, database):
    render = CliRunner()
    for phase in ("table", "keys"):
        done = render.invoke(cli, ["render-ddl", "tile", "-s", "a", "--phase", phase])
        assert done.exit_code == 0
        psql(cluster, database, done.output)
    with psycopg.connect(database) as connection:
        assert names(connection, "a") == {("tile", "tile_pkey")}


def test_no_q3c_and_grant_public():
    script = (
        CliRunner()
        .invoke(cli, ["render-ddl", "-s", "f", "--no-q3c", "--role", "desi", "--grant-public"])
        .output
    )
    assert "q3c" not in script.replace("-- q3c", "")
    assert "GRANT SELECT ON f.zpix TO desi;\nGRANT SELECT ON f.zpix TO desi_public;" in script
    assert "desi_public" not in CliRunner().invoke(cli, ["render-ddl", "-s", "f"]).output


def test_output_file(tmp_path):
    path = tmp_path / "tile.sql"
    done = CliRunner().invoke(cli, ["render-ddl", "tile", "-s", "f", "-o", str(path)])
    assert done.output == ""
    assert path.read_text() == ddl.render_script(
        specprod_catalogue().definition, ["tile"], schema="f"
    )


def test_unknown_table():
    done = CliRunner().invoke(cli, ["render-ddl", "tiles", "-s", "f"])
    assert done.exit_code == 2
    meant = "no table is called 'tiles'; did you mean tile or ztile? known: photometry tile"
    assert meant in done.stderr


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1))
def test_statements_do_not_depend_on_the_schema_name(name):
    """Whatever a schema is called, no part of the name becomes SQL."""
    if len(name.encode()) > 63:
        return
    plain = list(
        ddl.statements(
            specprod_catalogue().definition, ["tile"], ddl.PHASES, schema="s", roles=["r"]
        )
    )
    odd = list(
        ddl.statements(
            specprod_catalogue().definition, ["tile"], ddl.PHASES, schema=name, roles=["r"]
        )
    )
    quoted = quote_identifier(name)
    assert [s.makes for s in odd] == [s.makes for s in plain]
    assert [s.sql for s in odd] == [s.sql.replace(" s.", f" {quoted}.") for s in plain]


@pytest.mark.parametrize("name", ["", "a\0b", "x" * 64, "é" * 32])
def test_impossible_names(name):
    with pytest.raises(ConfigurationError, match="cannot be a name in PostgreSQL"):
        quote_identifier(name)
