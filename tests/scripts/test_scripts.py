"""The post-processing scripts: what all of them promise, and those that change no value."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from support.reference import data_tables
from support.script_runner import BARE, FOLDER, Psql

from specprod_copy.postgres import ddl
from specprod_copy.tables import specprod_catalogue

SCRIPTS = sorted(path.stem for path in FOLDER.glob("*.sql"))
HOSTILE = (
    'x"; DROP TABLE other.canary; --',
    "x'; DROP TABLE other.canary; --",
    "DR1 :'schema' %I $$",
    "a\\b`touch canary`",
)


@pytest.fixture
def psql(cluster, module_database) -> Iterator[Psql]:
    with Psql.opened(cluster, module_database) as opened:
        yield opened


# ------------------------------------------------------------------------------- every script


@pytest.mark.parametrize("script", SCRIPTS)
def test_head_and_index(script):
    text = (FOLDER / f"{script}.sql").read_text()
    head = text.partition("\n\n")[0]
    assert all(line.startswith("--") for line in head.splitlines())
    for part in ("psql -v schema=fuji ", "Variables: schema", "Locks: ", "Time: "):
        assert part in head
    assert "\n\n\\set ON_ERROR_STOP on\n\\set AUTOCOMMIT on\n" in text
    assert f"\n| `{script}.sql` | " in (FOLDER / "README.md").read_text()


@pytest.mark.parametrize("script", SCRIPTS)
def test_missing_variables(psql, script):
    more = " -v new_schema=desi_edr" if script == "rename_schema" else ""
    usage = f"psql -v schema=fuji{more} -f scripts/{script}.sql"
    assert psql.error(script) == f"which schema? {usage}"
    if more:
        assert psql.error(script, schema="fuji") == f"which new_schema? {usage}"


@pytest.mark.parametrize("script", SCRIPTS)
def test_schema_that_does_not_exist(cluster, psql, script):
    if script == "cluster_q3c" and not cluster.binaries().q3c:
        pytest.skip("this PostgreSQL has no q3c")
    message = psql.error(script, schema="nope", new_schema="new")
    assert message in ('schema "nope" does not exist', 'relation "nope.zpix" does not exist')


@pytest.mark.parametrize("schema", HOSTILE)
def test_hostile_schema_names(cluster, psql, schema):
    """Each script runs, and runs again; nothing in the name is taken for SQL."""
    psql.build(
        schema,
        data_tables(),
        [*BARE, "indexes", "foreign_keys"],
    )
    psql.execute("CREATE SCHEMA other CREATE TABLE canary ()")
    psql.execute(
        sql.SQL("CREATE VIEW public.redshifts AS SELECT targetid, z FROM {}").format(
            sql.Identifier(schema, "zpix")
        )
    )
    before = psql.names(schema)
    for script in sorted(SCRIPTS, key="rename_schema".__eq__):
        if script == "cluster_q3c" and not cluster.binaries().q3c:
            continue
        for _ in range(2):
            assert psql.run(script, schema=schema, new_schema=f"{schema} 2")[0] == 0
    after = psql.names(f"{schema} 2")
    assert {name for name in after if "q3c" not in name} == before
    assert psql.scalar("SELECT count(*) FROM public.redshifts") == 0
    assert psql.scalar("SELECT to_regclass('other.canary') IS NOT NULL")
    assert not Path("canary").exists()


# -------------------------------------------------------------------------------- cluster_q3c

SKY_TABLES = {
    "tile": ("tilera", "tiledec", "tileid"),
    "exposure": ("tilera", "tiledec", "expid"),
    "photometry": ("ra", "dec", "targetid"),
    "fiberassign": ("target_ra", "target_dec", "id"),
}


def fill_sky(psql: Psql) -> None:
    for table, (ra, dec, key) in SKY_TABLES.items():
        draw = random.Random(table)
        rows = [{ra: draw.uniform(0, 360), dec: draw.uniform(-30, 90), key: n} for n in range(500)]
        if table == "exposure":
            rows = [row | {"date_obs": "2021-05-14T03:22:33Z"} for row in rows]
        psql.insert(table, rows)


@pytest.fixture
def own(cluster, database) -> Iterator[Psql]:
    """Return a database of one's own, to change its extensions."""
    with Psql.opened(cluster, database) as opened:
        yield opened


def test_cluster_orders_the_rows_on_the_sky(cluster, own):
    if not cluster.binaries().q3c:
        pytest.skip("this PostgreSQL has no q3c")
    own.build("s", SKY_TABLES)
    fill_sky(own)
    own.execute("CREATE SCHEMA extensions")
    own.execute("ALTER EXTENSION q3c SET SCHEMA extensions")
    own.execute("CREATE VIEW public.bright AS SELECT * FROM s.photometry")
    files = "SELECT array_agg(relfilenode ORDER BY oid) FROM pg_class WHERE relkind IN ('r', 'i')"
    assert own.ok("cluster_q3c", schema="s").count("to be clustered") == 4
    first = own.scalar(files)
    for table, (ra, dec, _) in SKY_TABLES.items():
        place = f"extensions.q3c_ang2ipix({ra}, {dec})"
        order = [n for (n,) in own.execute(f"SELECT {place} FROM s.{table} ORDER BY ctid")]
        assert order == sorted(order)
        assert len(order) == 500
        index = f"s.ix_{table}_q3c_ang2ipix"
        query = "SELECT indisclustered FROM pg_index WHERE indexrelid = %s::regclass"
        assert own.scalar(query, index)
    assert own.ok("cluster_q3c", schema="s").count("in order already") == 4
    assert own.scalar(files) == first
    own.insert("tile", [{"tilera": 1.0, "tiledec": -5.0, "tileid": 500}])
    assert own.ok("cluster_q3c", schema="s").count("to be clustered") == 1
    assert own.scalar(files) != first
    assert own.scalar("SELECT count(*) FROM public.bright") == 500


def test_cluster_indexes_are_those_of_the_ddl():
    script = (FOLDER / "cluster_q3c.sql").read_text()
    names = {"schema": "the_schema", "q3c": "the_q3c"}
    blocks = [
        ddl.render_phase(specprod_catalogue().definition, table, "q3c", **names)
        for table in data_tables()
    ]
    quoted = [b.replace("the_schema.", ':"schema".').replace("the_q3c.", ':"q3c".') for b in blocks]
    assert all(block in script for block in quoted)
    assert sum(map(bool, blocks)) == len(SKY_TABLES)


def test_cluster_without_q3c(own):
    own.execute("DROP EXTENSION IF EXISTS q3c CASCADE")
    message = own.error("cluster_q3c", schema="s")
    assert message == "this database has no extension q3c: nothing done"


# -------------------------------------------------------------------------- vacuum, row counts


def test_vacuum_analyze(psql):
    psql.build("s", ["tile", "frame"])
    psql.execute("ALTER TABLE s.tile SET (autovacuum_enabled = false)")
    psql.insert("tile", [{"tileid": n} for n in range(2000)])
    psql.execute("DELETE FROM s.tile WHERE tileid >= 100")
    state = "SELECT reltuples, relpages, relallvisible, relfilenode FROM pg_class WHERE oid = %s"
    oid = psql.scalar("SELECT 's.tile'::regclass::oid")
    before = psql.execute(state, oid).fetchone()
    psql.ok("vacuum_analyze", schema="s")
    plain = psql.execute(state, oid).fetchone()
    assert plain[0] == 100
    assert plain[1] == plain[2] > 0
    assert plain[3] == before[3]
    psql.execute("UPDATE s.tile SET nexp = 1 WHERE tileid = 99")
    assert psql.ok("vacuum_analyze", schema="s", full="1").startswith("VACUUM (FULL, ANALYZE)\n")
    full = psql.execute(state, oid).fetchone()
    assert full[0] == 100
    assert full[3] != plain[3]


def test_row_counts(psql):
    psql.build("s", ["tile", "frame", "version"])
    for table in ("tile", "version"):
        psql.execute(f"ALTER TABLE s.{table} SET (autovacuum_enabled = false)")
    psql.insert("tile", [{"tileid": n} for n in range(1234)])
    psql.execute("ANALYZE s.tile, s.frame")
    psql.execute("DELETE FROM s.tile WHERE tileid < 4")

    def counts(**variables: str) -> list[list[str]]:
        lines = psql.ok("row_counts", "-At", schema="s", **variables).splitlines()
        return [line.split("|")[:2] for line in lines]

    assert counts() == [["frame", "0"], ["tile", "1230"], ["version", "0"]]
    unknown = "" if psql.connection.info.server_version >= 140000 else "0"
    estimates = [["frame", "0"], ["tile", "1234"], ["version", unknown]]
    assert counts(estimate="1") == estimates
    sizes = psql.ok("row_counts", "-At", schema="s").splitlines()[1].split("|")[2:]
    for size, function in zip(sizes, ("table", "indexes", "total_relation"), strict=True):
        query = f"SELECT pg_size_pretty(pg_{function}_size('s.tile'))"
        assert size == psql.scalar(query)


def test_partitions_are_counted_with_their_table(psql):
    psql.execute("CREATE SCHEMA s")
    psql.execute("CREATE TABLE s.potential (id bigint PRIMARY KEY) PARTITION BY HASH (id)")
    for n in range(2):
        psql.execute(
            f"""CREATE TABLE s.potential_p{n} PARTITION OF s.potential
                FOR VALUES WITH (MODULUS 2, REMAINDER {n}) WITH (autovacuum_enabled = false)"""
        )
    psql.execute("INSERT INTO s.potential SELECT * FROM generate_series(1, 1000)")
    psql.execute("ANALYZE s.potential_p0")

    def counts(**variables: str) -> list[list[str]]:
        found = psql.ok("row_counts", "-At", schema="s", **variables)
        return [line.split("|") for line in found.splitlines()]

    sizes = [
        psql.scalar(
            f"""SELECT pg_size_pretty(sum(pg_{function}_size(relid)))
                FROM pg_partition_tree('s.potential')"""
        )
        for function in ("table", "indexes", "total_relation")
    ]
    assert counts() == [["potential", "1000", *sizes]]
    assert counts(estimate="1") == [["potential", "", *sizes]]  # of one partition nothing is known
    psql.execute("ANALYZE s.potential_p1")
    assert counts(estimate="1") == [["potential", "1000", *sizes]]


# ------------------------------------------------------------------------------------- grants


@pytest.fixture
def role(psql) -> Iterator[str]:
    name = 'Odd "reader"; \''
    psql.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(name)))
    yield name
    for command in ("RESET ROLE", "DROP OWNED BY {}", "DROP ROLE {}"):
        psql.execute(sql.SQL(command).format(sql.Identifier(name)))


def test_grants(psql, role):
    psql.build("s", ["tile", "zpix"])
    psql.execute("CREATE VIEW s.redshifts AS SELECT z FROM s.zpix")
    options = {"schema": "s", "role": role, "public_role": "nobody here"}
    access = "SELECT nspacl::text FROM pg_namespace WHERE nspname = 's'"
    for _ in range(2):
        assert psql.ok("grants", "-At", **options) == f"{role}|t|3|3\n"
    first = psql.scalar(access)
    status, output, errors = psql.run("grants", "-At", **options, public="1")
    assert (status, output) == (0, f"{role}|t|3|3\n")
    assert "NOTICE:  role nobody here does not exist: nothing granted to it\n" in errors
    assert psql.scalar(access) == first
    psql.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(role)))
    assert psql.scalar("SELECT count(*) FROM s.redshifts") == 0
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        psql.execute("DELETE FROM s.zpix")


def test_grants_name_two_roles_unless_told_otherwise(psql):
    psql.build("s", ["tile"])
    known = {name for (name,) in psql.execute("SELECT rolname FROM pg_roles")}
    for variables, roles in (({}, {"desi"}), ({"public": "1"}, {"desi", "desi_public"})):
        status, output, errors = psql.run("grants", "-At", schema="s", **variables)
        assert status == 0
        assert {line.partition("|")[0] for line in output.splitlines()} == roles & known
        assert errors.count("does not exist: nothing granted") == len(roles - known)
