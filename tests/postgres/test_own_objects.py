"""What goes with tables: found without a look at what nobody replaces."""

from __future__ import annotations

from contextlib import closing
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from specprod_copy.postgres.connection import connect
from specprod_copy.postgres.own_objects import gone_with
from specprod_copy.postgres.schema import Schema, Table
from specprod_copy.postgres.schema_from_server import read_schema

NAMES = [f"t{n}" for n in range(9)]
"""So many that PostgreSQL may read whole catalogs rather than look for each in their indexes."""
OWN = """
CREATE FUNCTION mine.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER first BEFORE INSERT ON mine.t0 FOR EACH ROW EXECUTE FUNCTION mine.f();
CREATE RULE second AS ON DELETE TO mine.t0 DO INSTEAD NOTHING;
ALTER TABLE mine.t0 ENABLE ROW LEVEL SECURITY;
CREATE POLICY third ON mine.t0 USING (id > 0) WITH CHECK (id > 1);
CREATE POLICY without ON mine.t0;
CREATE STATISTICS mine.fourth ON id, name FROM mine.t0;
CREATE PUBLICATION fifth FOR TABLE mine.t0;
"""
TABLES = """
CREATE TABLE mine.t{n} (id int, name text);
CREATE TABLE other.t{n} (id int);
CREATE VIEW other.v{n} AS SELECT id FROM other.t{n};
CREATE RULE r{n} AS ON DELETE TO other.t{n} DO INSTEAD SELECT * FROM other.v{n};
CREATE POLICY p{n} ON other.t{n} USING (id > 0);
"""


def gone(conninfo: str, *names: str) -> list[str]:
    with connect(conninfo) as connection:
        connection.execute("SET lock_timeout = '5s'")
        found = read_schema(connection, "mine")
        return gone_with(connection, found, found, names or NAMES)


@pytest.fixture
def tables(database):
    with psycopg.connect(database) as connection:
        connection.execute("CREATE SCHEMA mine; CREATE SCHEMA other")
        connection.execute("".join(TABLES.format(n=n) for n in range(9)))
    return database


def test_each_is_named_with_its_definition(tables):
    with psycopg.connect(tables) as connection:
        connection.execute(OWN)
    assert gone(tables) == [
        "policy third of table t0, USING ((id > 0)) WITH CHECK ((id > 1))",
        "policy without of table t0",
        "publication fifth of table t0",
        "row-level security of table t0",
        "rule second of table t0, CREATE RULE second AS ON DELETE TO mine.t0 DO INSTEAD NOTHING;",
        "statistics fourth of table t0, CREATE STATISTICS mine.fourth ON id, name FROM mine.t0",
        "trigger first of table t0, "
        "CREATE TRIGGER first BEFORE INSERT ON mine.t0 FOR EACH ROW EXECUTE FUNCTION mine.f()",
    ]


def test_tables_and_views_of_other_schemas_are_not_locked(tables):
    """Not even those that other views read, or other rules and policies."""
    with closing(psycopg.connect(tables)) as holder:
        holder.execute("LOCK TABLE other.t0, other.t8 IN ACCESS EXCLUSIVE MODE")
        assert gone(tables) == []


PARTITIONED = """
CREATE TABLE mine.p (id int NOT NULL, name text, PRIMARY KEY (id), CHECK (id > 0))
    PARTITION BY HASH (id);
CREATE TABLE mine.p_p0 PARTITION OF mine.p FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE mine.p_p1 PARTITION OF mine.p FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE INDEX ON mine.p (name);
CREATE TABLE mine.r (id int REFERENCES mine.p);
ALTER TABLE mine.p ADD FOREIGN KEY (id) REFERENCES mine.p;
CREATE FUNCTION mine.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER all_of AFTER INSERT ON mine.p FOR EACH ROW EXECUTE FUNCTION mine.f();
"""
OF_A_PARTITION = """
CREATE TRIGGER first BEFORE INSERT ON mine.p_p1 FOR EACH ROW EXECUTE FUNCTION mine.f();
CREATE RULE second AS ON DELETE TO mine.p_p1 DO INSTEAD NOTHING;
CREATE POLICY third ON mine.p_p1 USING (id > 0);
CREATE STATISTICS mine.fourth ON id, name FROM mine.p_p1;
CREATE INDEX fifth ON mine.p_p1 (id, name);
ALTER TABLE mine.p_p1 ADD CONSTRAINT sixth CHECK (id > 1);
ALTER TABLE mine.p_p1 ADD CONSTRAINT seventh UNIQUE (id, name);
ALTER TABLE mine.p_p1 ADD CONSTRAINT eighth FOREIGN KEY (id) REFERENCES mine.p;
ALTER TABLE mine.p_p1 ADD CONSTRAINT ninth EXCLUDE USING btree (id WITH =);
"""


def test_those_of_single_partitions(tables):
    """And not what a partition has because its table has it."""
    with psycopg.connect(tables) as connection:
        connection.execute(PARTITIONED)
    all_of = (
        "trigger all_of of table p, CREATE TRIGGER all_of AFTER INSERT ON mine.p FOR EACH ROW "
        "EXECUTE FUNCTION mine.f()"
    )
    assert gone(tables, "p") == [all_of]
    with psycopg.connect(tables) as connection:
        connection.execute(OF_A_PARTITION)
    assert gone(tables, "p") == [
        all_of,
        "constraint eighth of table p_p1, FOREIGN KEY (id) REFERENCES mine.p(id)",
        "constraint ninth of table p_p1, EXCLUDE USING btree (id WITH =)",
        "constraint seventh of table p_p1, UNIQUE (id, name)",
        "constraint sixth of table p_p1, CHECK ((id > 1))",
        "index fifth of table p_p1, CREATE INDEX fifth ON mine.p_p1 USING btree (id, name)",
        "policy third of table p_p1, USING ((id > 0))",
        "rule second of table p_p1, "
        "CREATE RULE second AS ON DELETE TO mine.p_p1 DO INSTEAD NOTHING;",
        "statistics fourth of table p_p1, CREATE STATISTICS mine.fourth ON id, name FROM mine.p_p1",
        "trigger first of table p_p1, "
        "CREATE TRIGGER first BEFORE INSERT ON mine.p_p1 FOR EACH ROW EXECUTE FUNCTION mine.f()",
    ]


SETTINGS = """
ALTER TABLE mine.t0 SET (fillfactor = 70, autovacuum_enabled = off,
                         toast.autovacuum_enabled = off);
ALTER TABLE mine.t0 REPLICA IDENTITY FULL;
ALTER TABLE mine.t1 ALTER id SET NOT NULL;
CREATE UNIQUE INDEX "An index" ON mine.t1 (id);
ALTER TABLE mine.t1 REPLICA IDENTITY USING INDEX "An index";
ALTER TABLE mine.t2 REPLICA IDENTITY NOTHING;
ALTER TABLE mine.t3 OWNER TO pg_monitor;
ALTER TABLE mine.t4 ALTER id SET STATISTICS 500, ALTER name SET STORAGE EXTERNAL,
                    ALTER name SET COMPRESSION pglz,
                    ALTER id SET (n_distinct = -0.5, n_distinct_inherited = 9);
ALTER TABLE mine.t5 SET UNLOGGED;
"""


def test_settings_and_owners(tables):
    with psycopg.connect(tables) as connection:
        connection.execute(SETTINGS)
    assert gone(tables) == [
        "replica identity of table t0, FULL",
        "storage parameters of table t0, fillfactor=70, autovacuum_enabled=off, "
        "toast.autovacuum_enabled=off",
        'replica identity of table t1, USING INDEX "An index"',
        "replica identity of table t2, NOTHING",
        "owner pg_monitor of table t3",
        "settings of column id of table t4, STATISTICS 500, n_distinct=-0.5, "
        "n_distinct_inherited=9",
        "settings of column name of table t4, STORAGE EXTERNAL, COMPRESSION pglz",
        "setting UNLOGGED of table t5",
    ]


def test_tablespaces(tables):
    space = f"fast {uuid4().hex}"
    with psycopg.connect(tables, autocommit=True) as connection:
        with_its_name = sql.Identifier(space)
        connection.execute("SET allow_in_place_tablespaces = on")
        connection.execute(sql.SQL("CREATE TABLESPACE {} LOCATION ''").format(with_its_name))
        move = sql.SQL("ALTER TABLE mine.t0 SET TABLESPACE {}").format(with_its_name)
        connection.execute(move)
        assert gone(tables) == [f"tablespace {space} of table t0"]
        connection.execute("DROP TABLE mine.t0")
        connection.execute(sql.SQL("DROP TABLESPACE {}").format(with_its_name))


def test_defaults_that_are_not_of_the_definition(tables):
    with connect(tables) as connection:
        connection.execute("ALTER TABLE mine.t0 ALTER id SET DEFAULT 3")
        before = read_schema(connection, "mine")
        connection.execute(
            "ALTER TABLE mine.t0 ALTER name SET DEFAULT 'it''s'; "
            "ALTER TABLE mine.t1 ALTER id SET DEFAULT 1 + 2"
        )
        found = read_schema(connection, "mine")
        empty = Schema("mine", {name: Table(name, ()) for name in NAMES})
        assert gone_with(connection, empty, found, NAMES, before) == [
            "default of column name of table t0, 'it''s'",
            "default of column id of table t1, 1 + 2",
        ]


def test_comments_that_are_not_of_the_definition(tables):
    with psycopg.connect(tables) as connection:
        for column in ("id", "name"):
            connection.execute(f"COMMENT ON COLUMN mine.t0.{column} IS 'As defined'")
        connection.execute("COMMENT ON TABLE mine.t1 IS 'Of an earlier definition'")
    with connect(tables) as connection:
        before = read_schema(connection, "mine")
        connection.execute(
            "COMMENT ON COLUMN mine.t0.name IS 'My\nname [nm]'; COMMENT ON TABLE mine.t0 IS 'Mine';"
            "COMMENT ON COLUMN mine.t0.id IS NULL; COMMENT ON COLUMN mine.t2.id IS 'My id'"
        )
        found = read_schema(connection, "mine")
        empty = Schema("mine", {name: Table(name, ()) for name in NAMES})
        assert gone_with(connection, empty, found, NAMES, before) == [
            "comments of table t0, Mine; name: My name [nm]",
            "comments of table t2, id: My id",
        ]
