"""Resource descriptors for DaCHS, and its database, where TAP_SCHEMA is its own."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from xml.etree import ElementTree

import psycopg
import pytest
from click.testing import CliRunner

from specprod_copy.cli import cli
from specprod_copy.postgres import statements
from specprod_copy.tables import specprod_catalogue
from specprod_copy.tap import documents, tap_schema
from specprod_copy.tap.published import publish

DEFINED = specprod_catalogue().definition
TABLES = ("photometry", "tile", "target", "ztile")

# What `dachs init` makes, as far as it matters.
OF_DACHS = """
    CREATE SCHEMA tap_schema;
    CREATE TABLE tap_schema.schemas (schema_name text PRIMARY KEY, description text, utype text,
                                     schema_index integer);
    CREATE TABLE tap_schema.tables (schema_name text, table_name text PRIMARY KEY, table_type text,
                                    description text, utype text, table_index integer,
                                    sourcerd text, nrows bigint);
    INSERT INTO tap_schema.schemas VALUES ('tap_schema')"""


@pytest.fixture(scope="module")
def connection(module_database):
    """Return a connection to a database of DaCHS, with a schema and tables of users in it."""
    with closing(psycopg.connect(module_database, autocommit=True)) as opened:
        statements.make(opened, DEFINED, ["schema"], ["table"], schema="fuji")
        phases = ("table", "keys", "indexes", "foreign_keys", "comments")
        statements.make(opened, DEFINED, TABLES, phases, schema="fuji")
        opened.execute(
            """CREATE TABLE fuji.mine ("size" int PRIMARY KEY, few int2[] NOT NULL, "A b" text);
               CREATE TABLE fuji."Mine" (a integer REFERENCES fuji.mine)"""
        )
        opened.execute(OF_DACHS)
        yield opened


@pytest.fixture(scope="module")
def written(connection, tmp_path_factory):
    """Return the descriptor that the command writes, as XML, and what it says."""
    path = tmp_path_factory.mktemp("dachs") / "q.rd"
    arguments = ["tap-schema", "-s", "fuji", "--dachs", path, "--dsn", connection.info.dsn]
    result = CliRunner().invoke(cli, list(map(str, arguments)), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return ElementTree.parse(path).getroot(), result.output


@pytest.fixture(scope="module")
def tables(written):
    """Return the tables of the descriptor by name."""
    return {table.get("id"): table for table in written[0].iter("table")}


def columns(table):
    return {column.get("name"): column for column in table.iter("column")}


def test_tap_schema_of_dachs_is_left_alone(connection, written):
    """DaCHS writes there itself, and has triggers in it."""
    assert "TAP_SCHEMA is that of DaCHS, and as it was" in written[1]
    assert "keys; ids as text: target_text, ztile_text" in written[1]
    connection.execute("SELECT id FROM fuji.ztile_text")
    found = connection.execute("SELECT schema_name FROM tap_schema.schemas").fetchall()
    assert found == [("tap_schema",)]
    assert connection.execute("SELECT to_regclass('tap_schema.columns')").fetchone() == (None,)


def test_columns(tables):
    """Every column with its type; up to a verbLevel of 20 DaCHS takes it for a principal one."""
    found = columns(tables["ztile_text"])
    defined = {column.name: column.description for column in DEFINED.tables["ztile"].columns}
    assert {name: column.get("description") for name, column in found.items()} == defined
    assert found["id"].get("type") == "text"
    assert (found["z"].get("type"), found["z"].get("verbLevel")) == ("double precision", "1")
    assert int(found["chi2"].get("verbLevel")) > 20
    assert found["zwarn"].get("required") == "True"


def test_nothing_is_dropped_or_made(written):
    """By ``dachs imp`` without -m, which empties the tables of other descriptors."""
    [data] = written[0].iter("data")
    assert (data.get("updating"), data.get("auto")) == ("True", "False")
    made = [*written[0].iter("index"), *written[0].iter("foreignKey")]
    assert {element.get("metaOnly") for element in made} == {"True"}


def test_indexes_and_keys(tables):
    """DaCHS takes a primary key for an index, and text has none."""
    assert tables["photometry"].get("primary") == "targetid"
    assert tables["ztile_text"].get("primary") is None
    indexed = {index.get("columns") for index in tables["ztile_text"].iter("index")}
    assert {"targetid", "desiname", "z"} <= indexed
    assert "id" not in indexed
    keys = {
        tuple(key.get(word) for word in ("source", "inTable", "dest"))
        for key in tables["ztile_text"].iter("foreignKey")
    }
    assert ("targetphotid", "target_text", "id") in keys
    assert ("targetid", "photometry", "targetid") in keys


def test_cones_use_q3c(connection):
    """Only where an index of this kind is told does DaCHS ask for it."""
    shown = publish(tap_schema.published(connection, "fuji"))
    assert shown.tables[0].position is None
    for position, wanted in {("ra", "dec"): ["ra, dec"], ("Ra", "dec"): []}.items():
        at = replace(shown.tables[0], position=position)
        root = ElementTree.fromstring(documents.dachs(replace(shown, tables=(at,), keys=())))
        found = [index for index in root.iter("index") if index.get("kind") == "q3c"]
        assert [index.get("columns") for index in found] == wanted
        assert [index.text for index in found] == [f"q3c_ang2ipix({names})" for names in wanted]


def test_tables_of_users(written, tables):
    """DaCHS has no names in quotes for tables and keys, and needs a number for NULL in an array."""
    assert "q.rd is without table Mine: DaCHS has no name for it" in written[1]
    assert "Mine" not in tables
    found = columns(tables["mine"])
    assert [*found] == ["quoted/size", "few", "quoted/A b"]
    assert tables["mine"].get("primary") is None
    assert [index.get("columns") for index in tables["mine"].iter("index")] == ["size"]
    assert found["few"].find("values").get("nullLiteral") == "-32768"
